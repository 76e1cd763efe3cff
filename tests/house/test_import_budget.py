"""What starting may load: lists of modules, because times are not for tests (benchmarks/startup.py has them)."""

import ast
import json
import os
import subprocess
import sys

import pytest

from loopback.origin import Origin
from source_tree import modules

PACKAGES = {"anyio", "backports", "brotli", "certifi", "h11", "httpcore", "idna", "platformdirs", "publicsuffixlist"}
LOOPS = {"asyncio", "trio", "uvloop", "sniffio"}
COSTLY = {"dataclasses", "email", "html", "http.client", "http.cookiejar", "http.cookies", "inspect", "sqlite3", "ssl"}
COSTLY |= {"urllib.request"}

PLAIN_CALL = """
import smartclient
with smartclient.Session() as session:
    for path in ("/bytes/1000", "/gzip", "/redirect/1", "/cookies/set?a=b", "/page/tea"):
        assert session.get(URL + path).status_code == 200
"""
MODULE_CALL = "import smartclient; assert smartclient.get(URL + '/bytes/10').content == b'0123456789'"
ASYNC_CALL = """
import asyncio, smartclient
async def main():
    async with smartclient.AsyncSession() as session:
        assert (await session.get(URL + "/bytes/1000")).status_code == 200
asyncio.run(main())
"""


def loaded_by(code: str, url: str = "") -> set[str]:
    """Modules that `code` loads in a fresh interpreter, beyond those of the bare one."""
    program = (
        f"import sys\nbefore = set(sys.modules)\nURL = {url!r}\n{code}\n"
        "after = sorted(set(sys.modules) - before)\nimport json\nprint(json.dumps(after))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def among(loaded: set[str], unwanted: set[str]) -> set[str]:
    """Those of `unwanted` that were loaded, themselves or by a submodule."""
    return {name for name in unwanted if any(f"{each}.".startswith(f"{name}.") for each in loaded)}


@pytest.mark.parametrize(
    "code",
    ["import smartclient", "import smartclient; smartclient.Session()", "import smartclient.exceptions"],
)
def test_starting_is_cheap(code: str) -> None:
    assert among(loaded_by(code), PACKAGES | LOOPS | COSTLY) == set()


@pytest.mark.parametrize("code", [PLAIN_CALL, MODULE_CALL], ids=["session", "module"])
def test_plain_call_loads_no_package_and_no_loop(origin: Origin, code: str) -> None:
    assert among(loaded_by(code, origin.url), PACKAGES | LOOPS | COSTLY | {"encodings.idna", "json"}) == set()


def test_asyncio_call_loads_no_package(origin: Origin) -> None:
    assert among(loaded_by(ASYNC_CALL, origin.url), PACKAGES | LOOPS - {"asyncio"}) == set()


def test_named_tuples_are_the_cheap_ones() -> None:
    """Those of `typing` cost as much as five of `_model.declared`, and there are 70."""
    costly = [
        str(module)
        for module in modules()
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and node.module == "typing" and "NamedTuple" in {e.name for e in node.names}
    ]
    assert costly == ["_model/declared.py"]

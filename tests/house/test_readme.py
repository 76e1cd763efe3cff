"""The examples of README run as they stand, with a local origin in place of the host they name."""

import re
from pathlib import Path

import pytest

from loopback.origin import Origin
from smartclient import api as verbs

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_readme_has_examples() -> None:
    assert len(EXAMPLES) >= 5
    assert all("https://api.example/" in example for example in EXAMPLES)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_readme_example(
    number: int,
    origin: Origin,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    code = EXAMPLES[number].replace("https://api.example", origin.url)
    try:
        exec(compile(code, f"README example {number + 1}", "exec"), {"__name__": "__main__"})
    finally:
        verbs._session().close()  # other tests count the sockets of this process
    assert capsys.readouterr().out
    assert origin.seen.requests

"""respx mocks our calls as it mocks httpcore's: both its decorator and its router, in all three modes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from respx.mocks import HTTPCoreMocker

import smartclient
import smartclient_pytest
from loopback.clients import Client
from loopback.origin import Origin
from smartclient import exceptions
from smartclient.testing import install_respx
from source_tree import PACKAGE, ROOT

URL = "https://api.example/items"


@pytest.fixture
def mocked() -> Iterator[respx.MockRouter]:
    """A router that takes our calls, whether or not the plugin is installed."""
    before = set(HTTPCoreMocker.targets)
    install_respx()
    with respx.mock(assert_all_called=False) as router:
        yield router
    HTTPCoreMocker.remove_targets(*set(HTTPCoreMocker.targets) - before)


def test_answer(client: Client, mocked: respx.MockRouter) -> None:
    route = mocked.get(URL, params={"a": "1"}).respond(json={"tea": "green"}, headers={"X-A": "b"}, status_code=203)
    response = client.get(URL, params={"a": "1"}, headers={"X-B": "c"})
    assert (response.status_code, response.json(), response.headers["x-a"]) == (203, {"tea": "green"}, "b")
    assert response.url == URL + "?a=1"
    request = route.calls.last.request
    assert (request.headers["x-b"], request.headers["host"]) == ("c", "api.example")
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        pytest.param({"data": b"bytes"}, b"bytes", id="bytes"),
        pytest.param({"data": {"a": "b c"}}, b"a=b+c", id="form"),
        pytest.param({"json": {"a": 1}}, b'{"a":1}', id="json"),
        pytest.param({"data": [b"one", b"two"]}, b"onetwo", id="pieces"),
        pytest.param({}, b"", id="nothing"),
    ],
)
def test_body(client: Client, mocked: respx.MockRouter, options: Any, sent: bytes) -> None:
    route = mocked.post(URL).mock(side_effect=lambda request: httpx.Response(201, content=request.content[::-1]))
    if isinstance(options.get("data"), list):
        options = {"data": iter(options["data"])}
    response = client.post(URL, **options)
    assert (response.status_code, response.content) == (201, sent[::-1])
    assert route.calls.last.request.content == sent


def test_coded_and_streamed(client: Client, mocked: respx.MockRouter) -> None:
    import gzip

    mocked.get(URL).respond(content=gzip.compress(b"text" * 1000), headers={"Content-Encoding": "gzip"})
    with client.stream("GET", URL) as response:
        assert b"".join(response.iter_content(500)) == b"text" * 1000


def test_redirect_and_cookies(client: Client, mocked: respx.MockRouter) -> None:
    mocked.get(URL).respond(302, headers={"Location": "/next", "Set-Cookie": "tea=green; Secure"})
    following = mocked.get("https://api.example/next").respond(text="there")
    response = client.get(URL)
    assert (response.text, [each.status_code for each in response.history]) == ("there", [302])
    assert following.calls.last.request.headers["cookie"] == "tea=green"


def test_retry_after_a_failure(client: Client, mocked: respx.MockRouter) -> None:
    route = mocked.get(URL).mock(side_effect=[httpx.ConnectError("refused"), httpx.Response(200, text="at last")])
    response = client.get(URL)
    assert (response.text, route.call_count) == ("at last", 2)


def test_retry_after_503(client: Client, mocked: respx.MockRouter) -> None:
    busy = httpx.Response(503, headers={"Retry-After": "0"}, text="busy")
    route = mocked.get(URL).mock(side_effect=[busy, httpx.Response(200, text="at last")])
    response = client.get(URL)
    assert (response.text, route.call_count) == ("at last", 2)
    assert [(each.status, each.reason) for each in response.attempts] == [(503, "status 503, Retry-After"), (200, "")]


@pytest.mark.parametrize(
    ("failure", "ours"),
    [
        (httpx.ConnectTimeout, exceptions.ConnectTimeout),
        (httpx.ReadTimeout, exceptions.ReadTimeout),
        (httpx.RemoteProtocolError, exceptions.RemoteProtocolError),
    ],
)
def test_failure(client: Client, mocked: respx.MockRouter, failure: Any, ours: type[Exception]) -> None:
    mocked.get(URL).mock(side_effect=failure)
    with pytest.raises(ours) as caught:
        client.get(URL, retries=0)
    assert type(caught.value) is ours


def test_unmocked_is_told(client: Client, mocked: respx.MockRouter) -> None:
    with pytest.raises(AssertionError, match="not mocked"):
        client.get(URL)


def test_pass_through(client: Client, mocked: respx.MockRouter, origin: Origin) -> None:
    mocked.route(host="127.0.0.1").pass_through()
    mocked.get(URL).respond(text="mocked")
    assert client.get(origin.url + "/bytes/3").content == b"012"
    echo = client.post(origin.url + "/echo?a", data=iter([b"read", b" once"]), auth=("u", "p")).json()
    assert (echo["method"], echo["target"], echo["body"]) == ("POST", "/echo?a", "cmVhZCBvbmNl")
    assert client.get(URL).text == "mocked"
    assert origin.seen.connections == 1


def test_implied_cache_is_bypassed(client: Client, mocked: respx.MockRouter, origin: Origin) -> None:
    fresh = {"Cache-Control": "max-age=60"}
    route = mocked.get(URL).respond(text="first", headers=fresh)
    implied, explicit = client.session(), client.session(cache=True)
    for session in (implied, explicit):
        assert [session.get(URL).text for _ in range(2)] == ["first"] * 2
    assert route.call_count == 3
    route.respond(text="second", headers=fresh)
    assert [implied.get(URL).text, explicit.get(URL).text] == ["second", "first"]
    assert implied.get(URL, cache="default").text == "second"
    route.respond(text="third")
    assert implied.get(URL, cache="default").text == "second"


def test_afterwards_nothing_is_mocked(client: Client, origin: Origin) -> None:
    install_respx()
    with respx.mock:
        respx.get(origin.url + "/bytes/4").respond(text="mocked")
        assert client.get(origin.url + "/bytes/4").text == "mocked"
    assert client.get(origin.url + "/bytes/4").content == b"0123"
    HTTPCoreMocker.remove_targets(*smartclient_pytest.TARGETS)


PROJECT = """
import asyncio, httpx, respx, smartclient

@respx.mock
def test_function():
    respx.get("https://api.example/").respond(json=[1])
    assert smartclient.get("https://api.example/").json() == [1]

def test_async(respx_mock):
    respx_mock.get("https://api.example/").mock(side_effect=[httpx.ConnectError("no"), httpx.Response(204)])
    async def call():
        async with smartclient.AsyncSession() as session:
            return await session.get("https://api.example/")
    assert asyncio.run(call()).status_code == 204
"""


def run_project(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest, with the plugins it finds by itself, in a project that knows nothing of us but the import."""
    import tomllib

    (folder / "test_project.py").write_text(PROJECT)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # What an installation would leave behind, so that the plugin is found where the sources alone are on the path.
    metadata = folder / "site" / f"smartclient-{smartclient.__version__}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: smartclient\nVersion: {smartclient.__version__}\n"
    )
    lines = [f"{name} = {module}" for name, module in project["entry-points"]["pytest11"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *arguments]
    environment = {
        "PATH": "",
        "PYTHONPATH": f"{folder / 'site'}:{PACKAGE.parent}",
        "http_proxy": "http://127.0.0.1:1",  # so that a call that nobody mocks fails at once
        "https_proxy": "http://127.0.0.1:1",
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_project_that_has_only_us_and_respx(tmp_path: Path) -> None:
    done = run_project(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_control_without_the_plugin_fails(tmp_path: Path) -> None:
    done = run_project(tmp_path, "-p", "no:smartclient")
    assert done.returncode == 1
    assert "2 failed" in done.stdout
    assert "ProxyError" in done.stdout


def test_plugin_loads_nothing_of_the_package(tmp_path: Path) -> None:
    code = "import sys, smartclient_pytest as plugin\nplugin.pytest_configure()\nassert 'respx' not in sys.modules\n"
    code += "assert not [name for name in sys.modules if name.split('.')[0] == 'smartclient']"
    environment = {"PYTHONPATH": str(PACKAGE.parent)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=60)

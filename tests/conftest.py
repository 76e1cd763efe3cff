"""Servers that every room's tests may ask for: started once, on loopback, on ephemeral ports."""

import gc
import os
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from loopback.authority import Authority
from loopback.nginx import MISSING, Nginx, find_nginx
from loopback.origin import Origin
from loopback.pages import nginx_with_pages
from loopback.scripted import Script, ScriptedServer

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "NETRC")

# Examples of hypothesis: the same in every run, and few. `--hypothesis-profile=thorough` draws many and new ones.
settings.register_profile(
    "few",
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # a machine that is busy is no fault of the test
)
settings.register_profile("thorough", settings.get_profile("few"), max_examples=2000, derandomize=False)
settings.load_profile("few")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Names of tests say no addresses, so that all workers collect the same ones."""
    for item in items:
        if " at 0x" in item.name and item.parent is not None:
            item._id = item.parent.id.child(re.sub(r" at 0x[0-9a-f]+", "", item.name))  # type: ignore[attr-defined]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """What is collected stays: the garbage collector, which some tests call, need not look at it ever again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _environment_says_nothing() -> None:
    """What the machine trusts is no matter of the tests, nor of the processes that they start."""
    for name in VARIABLES:
        os.environ.pop(name, None)


@pytest.fixture(scope="session", autouse=True)
def _no_proxies() -> Iterator[None]:
    """The servers of the tests are on this machine, whatever proxies the environment names."""
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD")
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        yield


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The certificate authority of this run; `verify=str(authority.ca_file)` trusts it."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def nginx_process(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Nginx]:
    if find_nginx() is None:
        if os.environ.get("SMARTCLIENT_REQUIRE_SERVERS") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with nginx_with_pages(tmp_path_factory.mktemp("nginx"), authority) as nginx:
        yield nginx


@pytest.fixture
def nginx(nginx_process: Nginx) -> str:
    """URL of nginx without the last slash; its pages are listed in `loopback.pages`."""
    return f"http://127.0.0.1:{nginx_process.ports[0]}"


@pytest.fixture
def nginx_tls(nginx_process: Nginx) -> str:
    """URL of the same pages over TLS, with a certificate of `authority`."""
    return f"https://localhost:{nginx_process.ports[1]}"


@pytest.fixture(scope="session")
def _origins(authority: Authority) -> Iterator[dict[str, Origin]]:
    origins = {"first": Origin(), "second": Origin(), "tls": Origin(authority.server_context())}
    yield origins
    for each in origins.values():
        each.close()


def _fresh(origin: Origin) -> Iterator[Origin]:
    origin.forget()
    yield origin
    origin.gate.set()


@pytest.fixture
def origin(_origins: dict[str, Origin]) -> Iterator[Origin]:
    """The origin of Python pages, with nothing seen yet."""
    yield from _fresh(_origins["first"])


@pytest.fixture
def other_origin(_origins: dict[str, Origin]) -> Iterator[Origin]:
    """A second origin: another port."""
    yield from _fresh(_origins["second"])


@pytest.fixture
def silent() -> Iterator[str]:
    """URL of a server that takes connections and nothing else: what times out there is seen by no later test."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def tls_origin(_origins: dict[str, Origin]) -> Iterator[Origin]:
    """An origin over TLS, with a certificate of `authority`."""
    yield from _fresh(_origins["tls"])


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedServer]]:
    """`scripted([step, ...], ..., context=None)`: a raw server with one script for each connection."""
    servers: list[ScriptedServer] = []

    def start(*scripts: Script, **options: Any) -> ScriptedServer:
        servers.append(ScriptedServer(*scripts, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()

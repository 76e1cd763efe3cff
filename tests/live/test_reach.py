"""Racing addresses, names that the caller resolves, Unix sockets and local addresses: real sockets, three modes."""

import contextlib
import functools
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin
from loopback.scripted import ScriptedServer
from loopback.ways import (
    CANCELLED,
    LOOPS,
    WAYS,
    new_session,
    open_sockets,
    outcome,
    run,
    settled,
    sockets_become,
    usage,
)
from smartclient.exceptions import ConnectionError, ConnectTimeout, InvalidOption, ResolveError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs all of 127.0.0.0/8, and counts in /proc")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Scripted = Callable[..., ScriptedServer]
SILENT, GOOD, REFUSING = "127.0.0.1", "127.0.0.2", "127.0.0.3"
ALL_SILENT = (SILENT, "127.0.0.4", "127.0.0.5")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that on `ALL_SILENT` has a full queue, so that the system drops what comes."""
    port = 0
    with contextlib.ExitStack() as stack:
        for address in ALL_SILENT:
            listener = stack.enter_context(socket.create_server((address, port), backlog=0))
            port = listener.getsockname()[1]
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
        yield port


@pytest.fixture
def race(silent_port: int, scripted: Scripted) -> ScriptedServer:
    """A server at `GOOD`; the same port swallows packets at `ALL_SILENT`, and at `REFUSING` there is nothing."""
    return scripted([OK], listener=socket.create_server((GOOD, silent_port)))


def test_silent_address_costs_little_of_the_limit(client: Client, race: ScriptedServer) -> None:
    session = client.session(resolve={"race.test": [SILENT, GOOD]})
    response = session.get(f"http://race.test:{race.port}/", timeout=smartclient.Timeout(20, connect=5))
    assert (response.content, response.address) == (b"ok", (GOOD, race.port))


@pytest.mark.parametrize("way", WAYS)
def test_losers_are_closed(way: str, race: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smartclient._net.race.ATTEMPT_DELAY", 0.01)

    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way, resolve={"race.test": [*ALL_SILENT, REFUSING, GOOD]})
        response = await settled(session.get(f"http://race.test:{race.port}/"))
        assert response.content == b"ok"
        await settled(session.close())
        race.connection(0).over.wait(20)
        await sockets_become(way, before)

    run(way, scenario)


@pytest.mark.parametrize("way", LOOPS)
def test_cancelled_race_leaves_no_socket(way: str, race: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smartclient._net.race.ATTEMPT_DELAY", 0.01)

    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way, resolve={"race.test": ALL_SILENT, "good.test": GOOD})
        assert (await session.get(f"http://good.test:{race.port}/")).content == b"ok"
        runtime = session._pool.runtime
        begin, begun = type(runtime).begin, []
        cancels: list[Callable[[], Any]] = []

        def counted(self: Any, address: Any) -> Any:
            begun.append(address)
            if len(begun) == 2:  # which is heard of where the race waits next
                runtime.call_threadsafe(cancels[0])
            return begin(self, address)

        monkeypatch.setattr(type(runtime), "begin", counted)
        call = functools.partial(session.get, f"http://race.test:{race.port}/", timeout=20)
        assert await outcome(way, call, cancels.append) is CANCELLED
        assert len(begun) == 2
        assert usage(session) == (0, 0)
        await settled(session.close())
        await sockets_become(way, before)

    run(way, scenario)


def test_refused_then_good(client: Client, race: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal starts the next attempt at once."""
    monkeypatch.setattr("smartclient._net.race.ATTEMPT_DELAY", 60.0)
    session = client.session(resolve={"race.test": [REFUSING, GOOD]})
    response = session.get(f"http://race.test:{race.port}/", timeout=20)
    assert response.address == (GOOD, race.port)


def test_all_refused(client: Client, race: ScriptedServer) -> None:
    session = client.session(resolve={"race.test": [REFUSING, "127.0.0.6"]})
    with pytest.raises(ConnectionError) as caught:
        session.get(f"http://race.test:{race.port}/", retries=0)
    assert type(caught.value) is ConnectionError
    assert ": Connection refused (2 addresses tried) (nothing sent)" in str(caught.value)


def test_silence_and_refusal(client: Client, race: ScriptedServer) -> None:
    session = client.session(resolve={"race.test": [REFUSING, SILENT]})
    with pytest.raises(ConnectTimeout, match=r"timed out, Connection refused \(2 addresses tried\)"):
        session.get(f"http://race.test:{race.port}/", timeout=smartclient.Timeout(20, connect=0.5))


# Names that the caller resolves.


def test_name_stays_in_host_and_certificate(client: Client, scripted: Scripted, authority: Authority) -> None:
    seen: list[str | None] = []
    context = authority.server_context("name.test")
    context.sni_callback = lambda _, name, __: seen.append(name)
    server = scripted([OK], context=context)
    session = client.session(resolve={f"name.test:{server.port}": "127.0.0.1"}, verify=str(authority.ca_file))
    assert session.get(f"https://name.test:{server.port}/").content == b"ok"
    assert seen == ["name.test"]
    assert f"host: name.test:{server.port}".encode() in server.requests[0].lower()


def test_port_counts_before_host(client: Client, origin: Origin) -> None:
    session = client.session(resolve={"name.test": REFUSING, f"name.test:{origin.port}": "127.0.0.1"})
    assert session.get(f"http://name.test:{origin.port}/bytes/3").content == b"012"


def test_other_names_are_asked_of_the_system(client: Client, origin: Origin) -> None:
    session = client.session(resolve={"name.test": REFUSING})
    assert session.get(f"http://localhost:{origin.port}/bytes/3").content == b"012"


CALLER: ContextVar[str] = ContextVar("caller", default="nobody")


def test_function(client: Client, origin: Origin) -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Any:
        asked.append((host, port))
        return ["127.0.0.1"] if host == "name.test" else None

    session = client.session(resolve=resolve)
    for host in ("name.test", "localhost", "127.0.0.1"):
        assert session.get(f"http://{host}:{origin.port}/bytes/3").content == b"012"
    assert asked == [("name.test", origin.port), ("localhost", origin.port)]  # an address needs no look-up


def test_function_sees_the_context_of_the_call(origin: Origin) -> None:
    seen: list[str] = []
    CALLER.set("tea")
    with smartclient.Session(resolve=lambda host, port: seen.append(CALLER.get()) or "127.0.0.1") as session:
        assert session.get(f"http://name.test:{origin.port}/bytes/3").content == b"012"
    assert seen == ["tea"]


def test_async_function(loop_client: Client, origin: Origin) -> None:
    import anyio

    async def resolve(host: str, port: int) -> str:
        await anyio.sleep(0)
        return "127.0.0.1"

    session = loop_client.session(resolve=resolve)
    assert session.get(f"http://name.test:{origin.port}/bytes/3").content == b"012"


def test_async_function_that_takes_too_long(loop_client: Client) -> None:
    import anyio

    async def resolve(host: str, port: int) -> str:
        await anyio.sleep(20)
        return "127.0.0.1"

    session = loop_client.session(resolve=resolve)
    with pytest.raises(ConnectTimeout, match=r"look-up of name\.test by resolve= timed out"):
        session.get("http://name.test", timeout=smartclient.Timeout(20, connect=0.1))


def test_function_that_takes_too_long(client: Client) -> None:
    go_on = threading.Event()
    session = client.session(resolve=lambda host, port: go_on.wait(20))
    with pytest.raises(ConnectTimeout):
        session.get("http://name.test", timeout=smartclient.Timeout(20, connect=0.1))
    go_on.set()


def _fails(error: Exception) -> Any:
    def resolve(host: str, port: int) -> Any:
        raise error

    return resolve


async def _coroutine() -> str:
    return "127.0.0.1"


@pytest.mark.parametrize(
    ("resolve", "kind"),
    [
        pytest.param(lambda host, port: [], ResolveError, id="nothing"),
        pytest.param(_fails(OSError("no such name")), ResolveError, id="OSError"),
        pytest.param(_fails(KeyError("name")), KeyError, id="the caller's own error"),
        pytest.param(lambda host, port: "other.test", InvalidOption, id="a name"),
        pytest.param(lambda host, port: 7, InvalidOption, id="a number"),
        pytest.param(lambda host, port: _coroutine(), InvalidOption, id="a coroutine"),
    ],
)
def test_function_that_gives_no_address(client: Client, resolve: Any, kind: type[Exception]) -> None:
    session = client.session(resolve=resolve)
    with pytest.raises(kind) as caught:
        session.get("http://name.test", retries=0)
    assert type(caught.value) is kind
    assert session._pool._state.active == 0


STALLED = """
import sys, threading
import smartclient
def resolve(host, port):
    threading.Event().wait(60)
async def acall():
    async with smartclient.AsyncSession(resolve=resolve) as session:
        await session.get("http://name.test", timeout=(0.05, 5))
try:
    if sys.argv[1] == "blocking":
        smartclient.Session(resolve=resolve).get("http://name.test", timeout=(0.05, 5))
    else:
        import asyncio
        asyncio.run(acall())
except smartclient.exceptions.ConnectTimeout:
    print("timed out")
"""


@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
def test_stalled_function_does_not_hold_the_process(mode: str) -> None:
    command = [sys.executable, "-W", "error", "-c", STALLED, mode]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("timed out\n", "", 0)


@pytest.mark.parametrize("host", ["a" * 63, "x_y"], ids=["longest", "underscore"])
def test_odd_names_are_no_foreign_errors(client: Client, scripted: Scripted, authority: Authority, host: str) -> None:
    server = scripted([OK], context=authority.server_context())
    session = client.session(resolve={host: "127.0.0.1"}, verify=str(authority.ca_file))
    with pytest.raises(smartclient.exceptions.SSLError):
        session.get(f"https://{host}:{server.port}")


# Unix sockets.


def unix_server(scripted: Scripted, path: str, **options: Any) -> ScriptedServer:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    return scripted([OK, OK], listener=listener, **options)


@pytest.mark.parametrize("way", WAYS)
def test_unix_socket(way: str, scripted: Scripted, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    server = unix_server(scripted, path)

    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way, unix_socket=Path(path))
        for _ in range(2):
            response = await settled(session.get("http://name.test/path"))
            assert (response.content, response.address) == (b"ok", path)
        await settled(session.close())
        server.connection(0).over.wait(20)
        await sockets_become(way, before)

    run(way, scenario)
    assert len(server.connections) == 1
    assert b"host: name.test\r\n" in server.requests[0].lower()


def test_tls_over_a_unix_socket(client: Client, scripted: Scripted, authority: Authority, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    unix_server(scripted, path, context=authority.server_context("name.test"))
    session = client.session(unix_socket=path, verify=str(authority.ca_file))
    assert session.get("https://name.test/").tls.certificate.names == ("name.test",)


@pytest.mark.parametrize(
    ("path", "text"),
    [("nothing", "No such file or directory"), ("x" * 200, "too long")],
    ids=["nothing there", "too long"],
)
def test_unix_socket_that_cannot_be_reached(client: Client, tmp_path: Path, path: str, text: str) -> None:
    session = client.session(unix_socket=tmp_path / path)
    with pytest.raises(ConnectionError, match=text) as caught:
        session.get("http://name.test", retries=0)
    assert caught.value.sent == "nothing"


def test_unix_socket_whose_queue_is_full(client: Client, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        listener.bind(path)
        listener.listen(0)
        filler = stack.enter_context(socket.socket(socket.AF_UNIX))
        filler.connect(path)
        with pytest.raises(ConnectionError, match="temporarily unavailable"):
            client.session(unix_socket=path).get("http://name.test", retries=0, timeout=20)


# Local addresses.


def test_local_address(client: Client, scripted: Scripted) -> None:
    server = scripted([OK])
    session = client.session(local_address="127.0.0.9")
    assert session.get(server.url).content == b"ok"
    assert server.connection(0).socket is not None


def test_local_address_is_what_the_server_sees(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as free:
        free.bind(("127.0.0.9", 0))
        port = free.getsockname()[1]
        free.close()
        seen: list[Any] = []

        def serve() -> None:
            accepted, peer = listener.accept()
            seen.append(peer)
            with accepted:
                accepted.recv(1000)
                accepted.sendall(OK)

        thread = threading.Thread(target=serve)
        thread.start()
        session = client.session(local_address=("127.0.0.9", port))
        assert session.get(f"http://127.0.0.1:{listener.getsockname()[1]}").content == b"ok"
        thread.join()
        assert seen == [("127.0.0.9", port)]


def test_local_address_of_another_family(client: Client, origin: Origin) -> None:
    with pytest.raises(ConnectionError, match="no address of the family of local_address ::1"):
        client.session(local_address="::1").get(origin.url, retries=0)


def test_local_address_that_is_not_here(client: Client, origin: Origin) -> None:
    with pytest.raises(ConnectionError, match="Cannot assign requested address"):
        client.session(local_address="192.0.2.77").get(origin.url, retries=0)

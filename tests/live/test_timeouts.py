"""Each limit of `timeout=` ends its wait with its own error. Times are checked only against a hang."""

import contextlib
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.scripted import CUT, HOLD, READ_HEAD, Connection, ScriptedServer, Send, Step
from loopback.ways import usage
from smartclient.exceptions import (
    BodyReadTimeout,
    ConnectTimeout,
    DeadlineExceeded,
    PoolTimeout,
    ReadTimeout,
    RequestException,
    WriteTimeout,
)

SHORT = 0.05  # seconds; the limit under test
ANSWERED = 0.5  # seconds; the limit under test where the peer must have answered something within it
HANG = 20.0  # seconds; far below every other limit, far above what a busy machine needs
Scripted = Callable[..., ScriptedServer]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


class Drip(Step):
    """Sends `data` again and again, a byte every hundredth of a second, until the peer has gone."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def play(self, connection: Connection) -> None:
        while True:
            for byte in self.data:
                connection.socket.sendall(bytes((byte,)))
                if select.select([connection.socket], [], [], 0.01)[0]:
                    return


@contextlib.contextmanager
def ends_with(kind: type[RequestException]) -> Iterator[Any]:
    """The block raises exactly `kind`, and does not hang."""
    started = time.monotonic()
    with pytest.raises(RequestException) as caught:
        yield caught
    assert time.monotonic() - started < HANG
    assert type(caught.value) is kind, caught.value


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full, so that the system answers no further connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def stalled_look_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Look-ups of names that begin with "stalled" wait for this event."""
    go_on = threading.Event()
    look_up = socket.getaddrinfo

    def stalled(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).startswith("stalled"):
            go_on.wait(60)
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", stalled)
    yield go_on
    go_on.set()


def limits(**given: Any) -> smartclient.Timeout:
    return smartclient.Timeout(60, **given)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse what does not fit in the queue")
def test_connect(client: Client, full_port: int) -> None:
    with ends_with(ConnectTimeout) as caught:
        client.get(f"http://127.0.0.1:{full_port}", timeout=limits(connect=SHORT))
    assert caught.value.sent == "nothing"
    assert "timed out (1 address tried)" in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse what does not fit in the queue")
def test_total_while_connecting(client: Client, full_port: int) -> None:
    with ends_with(DeadlineExceeded) as caught:
        client.get(f"http://127.0.0.1:{full_port}", timeout=limits(total=SHORT))
    assert caught.value.sent == "nothing"


def test_connect_covers_the_tls_handshake(client: Client, scripted: Scripted, authority: Authority) -> None:
    server = scripted([HOLD])
    url, trusted = f"https://127.0.0.1:{server.port}", str(authority.ca_file)
    with ends_with(ConnectTimeout):
        client.get(url, timeout=limits(connect=10 * SHORT), verify=trusted)  # the trust store is read within it too
    assert server.connection(0).over.wait(HANG)


@pytest.mark.parametrize("kind", ["connect", "total"])
def test_stalled_look_up(client: Client, stalled_look_up: threading.Event, kind: str) -> None:
    url = f"http://stalled-{client.mode}-{kind}.test"  # a name of its own: look-ups are shared
    with ends_with(ConnectTimeout if kind == "connect" else DeadlineExceeded):
        client.get(url, timeout=limits(**{kind: SHORT}))
    # Another caller joins the look-up that is under way, under its own limit.
    with ends_with(ConnectTimeout):
        client.get(url, timeout=limits(connect=SHORT))


STALLED_AT_EXIT = """
import socket, sys, time
real = socket.getaddrinfo
def stalled(host, *args, **options):
    if host == "stalled.test":
        time.sleep(60)
    return real(host, *args, **options)
socket.getaddrinfo = stalled
import smartclient
def call(session):
    return session.get("http://stalled.test", timeout=(0.05, 5))
async def acall():
    async with smartclient.AsyncSession() as session:
        await call(session)
try:
    if sys.argv[1] == "blocking":
        with smartclient.Session() as session:
            call(session)
    elif sys.argv[1] == "trio":
        import trio
        trio.run(acall)
    else:
        import asyncio
        asyncio.run(acall())
except smartclient.exceptions.ConnectTimeout:
    print("timed out")
"""


@pytest.mark.parametrize("mode", ["blocking", "asyncio", "trio"])
def test_stalled_look_up_does_not_hold_the_process(mode: str) -> None:
    command = [sys.executable, "-W", "error", "-c", STALLED_AT_EXIT, mode]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("timed out\n", "", 0)


def test_read(client: Client, scripted: Scripted) -> None:
    server = scripted([READ_HEAD, HOLD])
    with ends_with(ReadTimeout) as caught:
        client.get(server.url, timeout=limits(read=SHORT))
    assert caught.value.sent == "wholly"
    assert server.connection(0).over.wait(HANG)
    assert len(server.connections) == 1  # a limit of the caller's is not tripled


def test_read_in_the_body(client: Client, scripted: Scripted) -> None:
    server = scripted([HEAD + b"some", HOLD])
    with ends_with(BodyReadTimeout):
        client.get(server.url, timeout=limits(read=ANSWERED))
    assert server.connection(0).over.wait(HANG)


def test_read_in_a_streamed_body(client: Client, scripted: Scripted) -> None:
    server = scripted([HEAD + b"some", HOLD])
    with client.stream("GET", server.url, timeout=limits(read=ANSWERED)) as response, ends_with(BodyReadTimeout):
        list(response.iter_content(None))
    assert server.connection(0).over.wait(HANG)


@pytest.mark.parametrize("context", [False, True], ids=["plain", "tls"])
def test_write(client: Client, scripted: Scripted, authority: Authority, context: bool) -> None:
    tls = {"context": authority.server_context()} if context else {}
    server = scripted([READ_HEAD, _Rest(), CUT], **tls)
    session = client.session(verify=str(authority.ca_file))
    with ends_with(WriteTimeout) as caught:
        session.put(server.url, data=b"x" * 30_000_000, timeout=limits(write=SHORT))
    assert caught.value.sent == "partly"
    assert usage(session) == (0, 0)


class _Rest(Step):
    """Neither reads nor closes, until the test is over."""

    def play(self, connection: Connection) -> None:
        poller = select.poll()
        poller.register(connection.socket, 0)
        poller.poll(60_000)


def test_pool(client: Client, scripted: Scripted) -> None:
    server = scripted([HEAD, HOLD])
    session = client.session(limits=smartclient.Limits(max_connections=1))
    with session.stream("GET", server.url):
        with ends_with(PoolTimeout) as caught:
            session.get(server.url, timeout=limits(pool=SHORT))
        assert caught.value.sent == "nothing"
        with ends_with(DeadlineExceeded):
            session.get(server.url, timeout=limits(total=SHORT))
        assert usage(session) == (1, 0)


@pytest.mark.parametrize(
    "script",
    [
        [READ_HEAD, Drip(b"HTTP/1.1 200 OK\r\n" + b"X-Drip: drip\r\n" * 1000)],
        [HEAD, Drip(b"x")],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Drip(b"1\r\nx\r\n")],
        [READ_HEAD, Drip(b"HTTP/1.1 103 Early Hints\r\n\r\n")],
    ],
    ids=["head", "body", "chunks", "interim"],
)
def test_total_against_a_dripping_server(client: Client, scripted: Scripted, script: list[Step | bytes]) -> None:
    server = scripted(script)
    with ends_with(DeadlineExceeded):
        client.get(server.url, timeout=limits(total=0.15))


def test_total_against_endless_redirects(client: Client, scripted: Scripted) -> None:
    answer = Send(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
    server = scripted([step for _ in range(1000) for step in (READ_HEAD, _Pause(), answer)])
    session = client.session(max_redirects=10_000)
    with ends_with(DeadlineExceeded):
        session.get(server.url, timeout=limits(total=0.15))


def test_total_against_endless_retries(client: Client, scripted: Scripted) -> None:
    answer = Send(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")
    server = scripted([step for _ in range(1000) for step in (READ_HEAD, _Pause(), answer)])
    policy = smartclient.RetryPolicy(10_000, budget=None)
    with contextlib.suppress(DeadlineExceeded):  # or the last answer, when no time was left for a further one
        response = client.get(server.url, timeout=limits(total=ANSWERED), retries=policy)
        assert response.status_code == 503
    assert 1 < len(server.requests) < 1000


class _Pause(Step):
    """Makes an answer take a hundredth of a second."""

    def play(self, connection: Connection) -> None:
        select.select([connection.socket], [], [], 0.01)


def test_explicit_total_covers_a_streamed_body(client: Client, scripted: Scripted) -> None:
    server = scripted([HEAD, Drip(b"x")])
    with (
        client.stream("GET", server.url, timeout=limits(total=ANSWERED)) as response,
        ends_with(DeadlineExceeded),
    ):
        list(response.iter_content(None))


def test_total_covers_an_upload_that_nobody_reads(client: Client, scripted: Scripted) -> None:
    server = scripted([READ_HEAD, _Rest(), CUT])
    with ends_with(DeadlineExceeded):
        client.put(server.url, data=b"x" * 30_000_000, timeout=limits(total=0.15))


def test_a_passed_limit_costs_nothing_but_its_connection(client: Client, scripted: Scripted) -> None:
    server = scripted([READ_HEAD, HOLD], [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
    session = client.session(limits=smartclient.Limits(max_connections=1))
    with ends_with(ReadTimeout):
        session.get(server.url, timeout=limits(read=SHORT))
    assert session.get(server.url, timeout=HANG).content == b"ok"

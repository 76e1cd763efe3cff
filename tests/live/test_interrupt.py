"""Ctrl-C ends every blocking wait at once, and costs at most the connection that was waited for."""

import contextlib
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.scripted import CUT, HOLD, READ_HEAD, ScriptedServer
from loopback.swarm import Swarm, body_of
from loopback.ways import open_sockets, usage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fills a listener's queue, counts sockets in /proc")

AT_ONCE = 15.0  # seconds; it takes a thousandth of that, and every limit is longer
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
Scripted = Callable[..., ScriptedServer]


@contextlib.contextmanager
def interrupted(server: ScriptedServer | None = None) -> Iterator[None]:
    """SIGINT comes to the library, at most a twentieth of a second after `server` is reached; it ends the block."""
    sent: list[float] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not sent and in_library(frame) and (server is None or server.connections):
            sent.append(time.monotonic())
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - sent[0] < AT_ONCE


def in_library(frame: FrameType | None) -> bool:
    """Whether what runs there was called by a module of ours."""
    while frame is not None and not str(frame.f_globals.get("__name__")).startswith("smartclient."):
        frame = frame.f_back
    return frame is not None


@pytest.fixture
def session(swarm: Swarm, authority: Authority) -> Iterator[Any]:
    """A session of one connection, none of whose limits is near; it must be as new after the test."""
    before = open_sockets()
    limits = smartclient.Limits(max_connections=1)
    with smartclient.Session(limits=limits, timeout=20, verify=str(authority.ca_file)) as session:
        session.get(f"{swarm.other}/n/key/10/1")
        yield session
        assert usage(session) == (0, 0)
        assert session.get(f"{swarm.plain}/n/key/10/1", timeout=20).content == body_of("key", 10)
    del session
    assert open_sockets() == before


def test_while_waiting_for_a_slot(session: Any, swarm: Swarm) -> None:
    with session.stream("GET", f"{swarm.plain}/n/key/300000/9") as held:
        with interrupted():
            session.get(f"{swarm.plain}/n/key/10/1")
        assert usage(session) == (1, 0)
        assert b"".join(held.iter_content(1000)) == body_of("key", 300_000)


def test_while_looking_up(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def stalled(*args: Any, **options: Any) -> Any:
        go_on.wait(20)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", stalled)
        with interrupted():
            session.get("http://stalled.test")
        go_on.set()


def test_while_connecting(session: Any) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        with interrupted():
            session.get(f"http://127.0.0.1:{listener.getsockname()[1]}")


class TestWithScripts:
    """Waits for a peer that says nothing; its sockets are gone before sockets are counted."""

    @pytest.fixture
    def quiet(self, session: Any) -> Iterator[Scripted]:
        with contextlib.ExitStack() as stack:
            yield lambda *script, **options: stack.enter_context(ScriptedServer(script, **options))

    def test_while_handshaking(self, session: Any, quiet: Scripted) -> None:
        server = quiet(HOLD)
        with interrupted(server):
            session.get(f"https://localhost:{server.port}")
        assert server.connection(0).over.wait(20)

    @pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
    def test_while_reading_the_head(self, session: Any, quiet: Scripted, authority: Authority, tls: bool) -> None:
        server = quiet(READ_HEAD, HOLD, CUT, context=authority.server_context() if tls else None)
        with interrupted(server):
            session.get(server.url)
        assert server.connection(0).over.wait(20)

    @pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
    def test_while_reading_the_body(self, session: Any, quiet: Scripted, authority: Authority, tls: bool) -> None:
        server = quiet(HEAD + b"some", HOLD, CUT, context=authority.server_context() if tls else None)
        with interrupted(server):
            session.get(server.url)
        assert server.connection(0).over.wait(20)

    def test_while_reading_a_streamed_body(self, session: Any, quiet: Scripted) -> None:
        server = quiet(HEAD + b"some", HOLD)
        response = session.get(server.url, stream=True)
        with interrupted(server):
            list(response.iter_content(10))
        assert usage(session) == (0, 0)
        assert server.connection(0).over.wait(20)

    def test_while_sending(self, session: Any) -> None:
        body = b"x" * 30_000_000
        with socket.create_server(("127.0.0.1", 0)) as listener, interrupted():
            session.put(f"http://127.0.0.1:{listener.getsockname()[1]}", data=body)

    def test_while_backing_off(self, session: Any, quiet: Scripted) -> None:
        with interrupted():
            session.get("http://127.0.0.1:1/", retries=smartclient.RetryPolicy(base=20.0, cap=20.0))


def test_of_the_main_thread_leaves_the_others_alone(swarm: Swarm) -> None:
    limits = smartclient.Limits(max_connections=2)
    with smartclient.Session(limits=limits, cache=None, timeout=20) as session, ScriptedServer([HOLD]) as silent:
        stop = threading.Event()
        failures: list[BaseException] = []
        served = threading.Event()

        def work() -> None:
            try:
                for n in range(10**6):
                    if stop.is_set():
                        return
                    assert session.get(f"{swarm.plain}/n/{n}/100/1").content == body_of(str(n), 100)
                    served.set()
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        with interrupted():
            session.get(silent.url)
        served.clear()
        assert served.wait(20)
        stop.set()
        thread.join()
        assert failures == []
        assert usage(session) == (0, 0)

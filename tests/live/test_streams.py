"""What a runtime's stream says of itself: all sent or not, something to read or not, orderly end or not."""

import errno
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.scripted import HOLD, READ_HEAD, Connection, ScriptedServer, Send, Step
from loopback.swarm import Swarm, body_of, receipt
from loopback.ways import WAYS, new_session, run, settled, usage
from smartclient.exceptions import ReadError, ResolveError, WriteError

ONE = smartclient.Limits(max_connections=1)
Scripted = Callable[..., ScriptedServer]


def stream_over(way: str, sock: Any) -> Any:
    """A stream of the ways whose streams are sockets."""
    if way == "blocking":
        from smartclient._runtime.blocking import BlockingStream

        return BlockingStream(sock)
    from smartclient._runtime.trio_ import TrioStream

    return TrioStream(sock)


class FakeSocket:
    """A real socket that takes a thousand bytes at a time, or fails."""

    def __init__(self, inner: socket.socket, failure: OSError | None = None) -> None:
        self._inner = inner
        self._failure = failure

    def send(self, data: Any) -> int:
        if self._failure is not None:
            raise self._failure
        return self._inner.send(bytes(data[:1000]))

    def recv(self, size: int) -> bytes:
        if self._failure is not None:
            raise self._failure
        return self._inner.recv(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("way", ["blocking", "trio"])
def test_write_tells_how_much_was_taken(way: str, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.setblocking(way == "blocking")

    async def scenario() -> None:
        stream = stream_over(way, FakeSocket(ours))
        await stream.write(b"a" * 2500, None)
        assert theirs.recv(10_000) == b"a" * 2500
        theirs.sendall(b"enough")
        assert await stream.write_some(b"b" * 2500, None) == 1000
        assert theirs.recv(10_000) == b"b" * 1000
        assert await stream.read(100, None) == b"enough"

    run(way, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_session_tickets_are_no_early_answer(way: str, swarm: Swarm, authority: Authority) -> None:
    """TLS 1.3 servers send them right behind the handshake, so the socket is readable while a body is sent."""

    async def scenario() -> None:
        body = body_of("key", 2_000_000)
        for _ in range(10):
            session = new_session(way, verify=str(authority.ca_file), retries=0, timeout=20)
            response = await settled(session.post(f"{swarm.tls}/up/key", data=body))
            assert response.content == receipt("key", body)
            assert session._pool._state.idle == 1
            await settled(session.close())

    run(way, scenario)


class Drain(Step):
    """Reads what the peer has still to send, until there is nothing for a tenth of a second."""

    def play(self, connection: Connection) -> None:
        while select.select([connection.socket], [], [], 0.1)[0] and connection.receive():
            pass


class Full(Step):
    """Reads nothing until the peer cannot send any more."""

    def play(self, connection: Connection) -> None:
        before, unread = -1, 0
        while unread != before:
            select.select([], [], [], 0.05)
            before, unread = unread, len(connection.socket.recv(2**26, socket.MSG_PEEK))


@pytest.mark.parametrize("way", WAYS)
def test_pipe_that_drains_while_the_answer_is_read(way: str, scripted: Scripted) -> None:
    """The news that writing may go on is no news for who reads."""
    begun = b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nn"
    server = scripted([READ_HEAD, Full(), Send(begun), Drain(), Send(b"o"), HOLD])

    async def scenario() -> None:
        session = new_session(way, limits=ONE, retries=0, timeout=20)
        response = await settled(session.post(server.url, data=b"x" * 20_000_000))
        assert (response.status_code, response.content) == (413, b"no")
        assert (session._pool._state.idle, usage(session)) == (0, (0, 0))
        await settled(session.close())

    run(way, scenario)


@pytest.mark.parametrize("way", ["blocking", "trio"])
def test_time_out_of_the_system(way: str, pair: tuple[socket.socket, socket.socket]) -> None:
    """ETIMEDOUT is a TimeoutError too, but no limit of the caller's."""

    async def scenario() -> None:
        pair[0].setblocking(way == "blocking")
        stream = stream_over(way, FakeSocket(pair[0], TimeoutError(errno.ETIMEDOUT, "Connection timed out")))
        with pytest.raises(ReadError, match=r"^Connection timed out$"):
            await stream.read(10, None)
        with pytest.raises(WriteError, match=r"^Connection timed out$"):
            await stream.write(b"x", None)

    run(way, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_no_thread_for_a_look_up(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from smartclient._runtime.threads import DAEMON_THREADS

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scenario() -> None:
        session = new_session(way, limits=ONE, retries=0, timeout=20)
        for _ in range(2):  # the second does not wait for the first
            with monkeypatch.context() as patch:
                DAEMON_THREADS.forget()
                patch.setattr(threading.Thread, "start", refuse)
                with pytest.raises(ResolveError):
                    await settled(session.get("http://no-thread.test"))
        assert usage(session) == (0, 0)
        await settled(session.close())

    run(way, scenario)

"""WebSockets: conversations with a server of another make, and openings that fail."""

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.sync.server import Server, serve

import smartclient
from loopback.authority import Authority
from loopback.relay import Relay
from loopback.scripted import HOLD, READ, Send, Step
from loopback.ways import new_session, run, settled

WAYS = ("blocking", "asyncio", "uvloop", "trio")
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def converse(socket: Any) -> None:
    """Echoes; a few words have a meaning."""
    for message in socket:
        if message == "bye":
            socket.close(4001, "see you")
        elif message == "cut":
            socket.socket.close()
        elif message == "who":
            socket.send(f"{socket.request.headers.get('Cookie')} {socket.request.headers.get('Authorization')}")
        else:
            socket.send(message)


@pytest.fixture(scope="module", params=["ws", "wss"])
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[tuple[str, Server]]:
    context = authority.server_context("localhost") if request.param == "wss" else None
    with serve(converse, "127.0.0.1", 0, ssl=context, subprotocols=None) as started:
        thread = threading.Thread(target=started.serve_forever)
        thread.start()
        yield f"{request.param}://localhost:{started.socket.getsockname()[1]}/chat", started
        started.shutdown()
        thread.join()


@pytest.mark.parametrize("way", WAYS)
def test_a_conversation(way: str, server: tuple[str, Server], authority: Authority) -> None:
    async def scenario() -> None:
        options = {"verify": str(authority.ca_file), "auth": ("me", "x"), "cookies": {"a": "1"}}
        session = new_session(way, **options)
        socket = await settled(session.websocket(server[0], timeout=10))
        assert socket.is_compressed
        for message in ("hello ü", b"bytes", "", "x" * 300_000):
            await settled(socket.send(message))
            assert await settled(socket.receive(10)) == message
        await settled(socket.send("who"))
        assert await settled(socket.receive(10)) == "a=1 Basic bWU6eA=="
        await settled(socket.ping(b"there?"))
        with pytest.raises(smartclient.exceptions.ReadTimeout):
            await settled(socket.receive(0.01))
        await settled(socket.send("bye"))
        with pytest.raises(smartclient.exceptions.WebSocketError) as caught:
            await settled(socket.receive(10))
        assert (caught.value.code, caught.value.reason, socket.close_code) == (4001, "see you", 4001)
        with pytest.raises(smartclient.exceptions.WebSocketError):
            await settled(socket.send("late"))
        assert session.stats()[:2] == (0, 0)
        await settled(session.close())

    run(way, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_through_a_proxy_under_tls(way: str, server: tuple[str, Server], authority: Authority) -> None:
    """Read by one while another writes, also where there is TLS inside TLS."""
    proxy = Relay("https", authority.server_context())

    async def scenario() -> None:
        proxies = {"http": proxy.url, "https": proxy.url}
        session = new_session(way, verify=str(authority.ca_file), proxies=proxies)
        socket = await settled(session.websocket(server[0], timeout=10))
        for message in ("hello", "x" * 1_000_000, ""):
            await settled(socket.send(message))
            assert await settled(socket.receive(10)) == message
        with pytest.raises(smartclient.exceptions.ReadTimeout):
            await settled(socket.receive(0.01))
        await settled(socket.send("after"))
        assert await settled(socket.receive(10)) == "after"
        await settled(socket.close())
        await settled(session.close())

    try:
        run(way, scenario)
    finally:
        proxy.close()
    assert len(proxy.ways) == 1


@pytest.mark.parametrize("way", WAYS)
def test_closing_from_here(way: str, server: tuple[str, Server], authority: Authority) -> None:
    async def scenario() -> None:
        session = new_session(way, verify=str(authority.ca_file))
        socket = await settled(session.websocket(server[0], compress=False))
        assert not socket.is_compressed
        await settled(socket.close(3000, "enough"))
        assert socket.close_code == 3000
        await settled(socket.close())
        assert session.stats()[:2] == (0, 0)
        await settled(session.close())

    run(way, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_is_cut(way: str, server: tuple[str, Server], authority: Authority) -> None:
    async def scenario() -> None:
        session = new_session(way, verify=str(authority.ca_file))
        socket = await settled(session.websocket(server[0]))
        await settled(socket.send("cut"))
        with pytest.raises(smartclient.exceptions.WebSocketError) as caught:
            await settled(socket.receive(10))
        assert caught.value.code == 1006
        await settled(session.close())

    run(way, scenario)


def test_iterating_and_with(server: tuple[str, Server], authority: Authority) -> None:
    with (
        smartclient.Session(verify=str(authority.ca_file)) as session,
        session.websocket(server[0]) as socket,
    ):
        for word in ("one", "two"):
            socket.send(word)
        assert [next(socket), next(socket)] == ["one", "two"]
    assert repr(socket) == "<WebSocket closed 1000>"


def test_many_threads_send(server: tuple[str, Server], authority: Authority) -> None:
    with (
        smartclient.Session(verify=str(authority.ca_file)) as session,
        session.websocket(server[0]) as socket,
    ):
        words = [str(n) for n in range(200)]
        threads = [
            threading.Thread(target=lambda part=part: [socket.send(word) for word in part])
            for part in (words[:50], words[50:100], words[100:150], words[150:])
        ]
        for thread in threads:
            thread.start()
        got = [socket.receive(10) for _ in words]
        for thread in threads:
            thread.join()
        assert sorted(got) == sorted(words)


def test_in_async_with(server: tuple[str, Server], authority: Authority) -> None:
    async def scenario() -> None:
        async with (
            smartclient.AsyncSession(verify=str(authority.ca_file)) as session,
            session.websocket(server[0]) as socket,
        ):
            await socket.send("one")
            await socket.send("bye")
            assert await anext(socket) == "one"
            with pytest.raises(smartclient.exceptions.WebSocketError):
                await anext(socket)

    run("asyncio", scenario)


class Opens(Step):
    """Awaits the request and answers with 101, some lines changed, and what comes after it."""

    def __init__(self, change: Callable[[bytes], bytes], after: bytes = b"") -> None:
        self.change = change
        self.after = after

    def play(self, connection: Any) -> None:
        connection.read_request()
        head = connection.requests[-1]
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        connection.socket.sendall(self.change(answer) + self.after)


def adding(line: bytes) -> Callable[[bytes], bytes]:
    return lambda answer: answer[:-2] + line + b"\r\n\r\n"


REFUSALS = {
    "404": ([READ, Send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")], "answered 404"),
    "200": ([READ, Send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")], "answered 200"),
    "accept": ([Opens(lambda answer: answer.replace(b"Accept: ", b"Accept: x"))], "Accept does not fit"),
    "upgrade": ([Opens(lambda answer: answer.replace(b"WebSocket\r\n", b"h2c\r\n"))], "another protocol"),
    "connection": ([Opens(lambda answer: answer.replace(b", Upgrade", b""))], "another protocol"),
    "subprotocol": ([Opens(adding(b"Sec-WebSocket-Protocol: other"))], "not offered: 'other'"),
    "extension": ([Opens(adding(b"Sec-WebSocket-Extensions: x-own"))], "not offered: 'x-own'"),
    "parameter": (
        [Opens(adding(b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99"))],
        "makes no sense",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", REFUSALS)
def test_openings_that_fail(way: str, scripted: Any, case: str) -> None:
    script, told = REFUSALS[case]
    server = scripted([*script, HOLD])

    async def scenario() -> None:
        session = new_session(way)
        with pytest.raises(smartclient.exceptions.WebSocketError, match=told) as caught:
            await settled(session.websocket(server.url, subprotocols=["chat"]))
        assert caught.value.response is not None
        assert session.stats().active == 0
        await settled(session.close())

    run(way, scenario)


def test_frames_that_come_with_the_answer(scripted: Any) -> None:
    server = scripted([Opens(lambda answer: answer, b"\x81\x02hi\x88\x02\x03\xe8"), HOLD])
    with smartclient.Session() as session, session.websocket(server.url) as socket:
        assert list(socket) == ["hi"]


def test_a_101_unasked_is_still_an_error(scripted: Any) -> None:
    server = scripted([Opens(lambda answer: answer), HOLD])
    with smartclient.Session(retries=0) as session, pytest.raises(smartclient.exceptions.RemoteProtocolError):
        session.get(server.url, headers={"Sec-WebSocket-Key": "x"})


@pytest.mark.parametrize(
    "call",
    [
        lambda session: session.websocket("ws://h/", subprotocols="chat"),
        lambda session: session.websocket("ws://h/", subprotocols=5),
        lambda session: session.websocket("ws://h/", subprotocols=["a b"]),
        lambda session: session.websocket("ws://h/", max_message=0),
    ],
    ids=["subprotocols-text", "subprotocols-number", "no-token", "max-message"],
)
def test_wrong_options(call: Callable[[Any], Any]) -> None:
    with smartclient.Session() as session, pytest.raises(smartclient.exceptions.InvalidOption):
        call(session)


def test_unknown_keyword() -> None:
    with smartclient.Session() as session, pytest.raises(TypeError, match="did you mean 'headers'"):
        session.websocket("ws://h/", heders={})

"""Every wait of a call is made to fail, to time out and to be cancelled, one at a time: nothing is ever lost."""

import functools
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.faults import Operation, watch
from loopback.swarm import Swarm, body_of, receipt
from loopback.ways import (
    CANCELLED,
    LOOPS,
    WAYS,
    first_piece,
    new_session,
    open_sockets,
    outcome,
    pieces_of,
    run,
    settled,
    sockets_become,
    tick,
    usage,
)
from smartclient.exceptions import (
    ConnectionError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    SSLError,
    Timeout,
    WriteError,
    WriteTimeout,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")

Shape = Callable[[Any, Swarm, "Injector"], Coroutine[Any, Any, None]]
Failure = type[Exception]
BROKEN: dict[str, Failure] = {"connect": ConnectionError, "start_tls": SSLError, "read": ReadError, "write": WriteError}
TOO_LATE: dict[str, Failure] = {
    "connect": ConnectTimeout,
    "start_tls": ConnectTimeout,
    "read": ReadTimeout,
    "write": WriteTimeout,
}
# A kept connection that died, a body that nobody needs, a failure that is repeated.
RECOVERING = {"kept", "queued_for_a_connection", "redirected", "retried"}


class Injector:
    """Lets the waits of a call happen, but for the `at`-th, to which `fault` comes. Idle before `begin`.

    Attributes:
        at_queue: what happens to the held slot just before the call waits for it; None when no slot is held.
        refused: connections that fail whatever else is asked for.
        cancel: cancels the call.
    """

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.at = -1
        self.fault = ""
        self.active = False
        self.refused = 0
        self.at_queue: Callable[[], Awaitable[None]] | None = None
        self.cancel: Callable[[], Any] = lambda: None

    def begin(self, at: int, fault: str) -> None:
        self.kinds, self.at, self.fault, self.active = [], at, fault, True
        self.refused, self.at_queue = 0, None

    def end(self) -> str | None:
        """The kind of the wait that went wrong; None when the call was through before."""
        self.active = False
        return self.kinds[self.at] if len(self.kinds) > self.at else None

    async def __call__(self, kind: str, operation: Operation, stream: Any) -> Any:
        if not self.active:
            return await operation()
        self.kinds.append(kind)
        hit = len(self.kinds) - 1 == self.at
        if kind == "wait" and self.at_queue is not None:
            self.active = False
            await self.at_queue()
            self.active = True
        if hit and self.fault == "cancelled":
            self.cancel()
        elif hit:
            return await self._go_wrong(kind, operation, stream)
        elif kind == "connect" and self.refused > 0:
            self.refused -= 1
            raise ConnectionError("refused")
        return await operation()

    async def _go_wrong(self, kind: str, operation: Operation, stream: Any) -> Any:
        if self.fault == "interrupted after" and kind not in ("connect", "start_tls"):
            await operation()  # what a signal between the system's answer and Python's next step looks like
        if kind == "start_tls":
            stream.abort()  # as the runtime does
        if self.fault.startswith("interrupted"):
            raise KeyboardInterrupt
        if kind == "wait" and self.fault == "broken" and self.at_queue is None:
            return OSError("no such name")  # how the look-up tells
        if kind == "sleep":
            return None
        raise (BROKEN if self.fault == "broken" else TOO_LATE).get(kind, TimeoutError)("injected")


async def _get(session: Any, url: str, size: int, **options: Any) -> None:
    response = await settled(session.get(f"{url}/n/key/{size}/{options.pop('pieces', 1)}", **options))
    assert response.content == body_of("key", size)


async def plain(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _get(session, swarm.named, 1000)


async def in_pieces(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _get(session, swarm.plain, 900_000, pieces=5)


async def over_tls(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _get(session, swarm.tls, 50_000, pieces=2)


async def kept(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _get(session, swarm.plain, 10)
    await _get(session, swarm.plain, 1000)


async def evicting(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _get(session, swarm.other, 10)
    await _get(session, swarm.tls, 1000)


async def redirected(session: Any, swarm: Swarm, injector: Injector) -> None:
    response = await settled(session.get(f"{swarm.tls}/hop/key/1000/{swarm.ports[1]}"))
    assert response.content == body_of("key", 1000)


async def streamed(session: Any, swarm: Swarm, injector: Injector) -> None:
    response = await settled(session.get(f"{swarm.tls}/n/key/300000/4", stream=True))
    assert b"".join(await pieces_of(response)) == body_of("key", 300_000)


async def abandoned(session: Any, swarm: Swarm, injector: Injector) -> None:
    response = await settled(session.get(f"{swarm.plain}/n/key/300000/4", stream=True))
    assert await first_piece(response)
    response.close()


async def forwarded(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _get(session, swarm.plain, 1000, proxies={"http": swarm.relays["http"]})


async def tunnelled(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _get(session, swarm.tls, 1000, proxies={"https": swarm.relays["http"]})


async def tls_in_tls(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _get(session, swarm.tls, 50_000, pieces=2, proxies={"https": swarm.relays["https"]})


async def over_socks(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _get(session, swarm.plain, 1000, proxies={"http": swarm.relays["socks5h"]})


async def uploaded(session: Any, swarm: Swarm, injector: Injector) -> None:
    body = body_of("key", 700_000)
    response = await settled(session.put(swarm.plain + "/up/key", data=body))
    assert response.content == receipt("key", body)


async def uploaded_over_tls(session: Any, swarm: Swarm, injector: Injector) -> None:
    body = body_of("key", 700_000)
    response = await settled(session.put(swarm.tls + "/up/key", data=body))
    assert response.content == receipt("key", body)


async def uploaded_form(session: Any, swarm: Swarm, injector: Injector) -> None:
    files = {"key": Path(__file__), "other": body_of("key", 300_000)}
    response = await settled(session.put(swarm.plain + "/up/key", files=files))
    assert int(response.content.split()[1]) > 300_000


async def queued(session: Any, swarm: Swarm, injector: Injector) -> None:
    """The slot is granted just before it is waited for, so that a fault finds the grant on its way."""
    response = await settled(session.get(f"{swarm.plain}/n/key/300000/4", stream=True))

    async def give_up() -> None:
        response.close()

    injector.at_queue = give_up
    await _get(session, swarm.other, 1000)


async def queued_for_a_connection(session: Any, swarm: Swarm, injector: Injector) -> None:
    """The same, but the grant is a connection that can be used again."""
    response = await settled(session.get(f"{swarm.plain}/n/key/300000/4", stream=True))
    injector.at_queue = functools.partial(_read_to_end, response)
    await _get(session, swarm.plain, 1000)


async def _read_to_end(response: Any) -> None:
    assert b"".join(await pieces_of(response)) == body_of("key", 300_000)


async def retried(session: Any, swarm: Swarm, injector: Injector) -> None:
    injector.refused = 1
    response = await settled(session.get(swarm.plain + "/n/key/1000/1", retries=1))
    assert response.content == body_of("key", 1000)


SHAPES: list[Shape] = [
    plain,
    in_pieces,
    over_tls,
    kept,
    evicting,
    redirected,
    streamed,
    abandoned,
    forwarded,
    tunnelled,
    tls_in_tls,
    over_socks,
    uploaded,
    uploaded_over_tls,
    uploaded_form,
    queued,
    queued_for_a_connection,
    retried,
]


@pytest.fixture
def injector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Injector]:
    """The waits of every session, and one address for localhost, so that each failure counts."""
    look_up = socket.getaddrinfo

    def first_only(host: Any, *args: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if host == "localhost" else host, *args, **options)[:1]

    monkeypatch.setattr(socket, "getaddrinfo", first_only)
    injector = Injector()
    watch(monkeypatch, injector)
    return injector


async def _each_wait(
    way: str, shape: Shape, fault: str, swarm: Swarm, authority: Authority, injector: Injector
) -> list[tuple[str, Any]]:
    """(kind of the wait, what became of the call) for every wait of the call; nothing may be lost after any."""
    results: list[tuple[str, Any]] = []
    before = open_sockets()
    limits = smartclient.Limits(max_connections=1)
    while True:
        session = new_session(way, limits=limits, verify=str(authority.ca_file), cache=None, retries=0, timeout=20)
        injector.begin(len(results), fault)
        call = functools.partial(shape, session, swarm, injector)
        result = await outcome(way, call, lambda cancel: setattr(injector, "cancel", cancel))
        kind = injector.end()
        if isinstance(result, Exception):
            result.__traceback__ = None  # its frames would keep a streamed response alive
        await tick(way)
        assert usage(session) == (0, 0), (kind, result)
        await sockets_become(way, before + session._pool._state.idle)
        await _get(session, swarm.plain, 10, timeout=5)
        await settled(session.close())
        await sockets_become(way, before)
        if kind is None:
            assert result is None
            return results
        results.append((kind, result))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("fault", ["broken", "timed out"])
def test_every_wait_fails(
    way: str, shape: Shape, fault: str, swarm: Swarm, authority: Authority, injector: Injector
) -> None:
    results = run(way, _each_wait, way, shape, fault, swarm, authority, injector)
    assert results
    ours = Timeout if fault == "timed out" else (ConnectionError, Timeout)
    recovering = shape.__name__ in RECOVERING
    strange = [each for each in results if not isinstance(each[1], ours) and not (recovering and each[1] is None)]
    assert strange == []


@pytest.mark.parametrize("way", LOOPS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_wait_is_cancelled(
    way: str, shape: Shape, swarm: Swarm, authority: Authority, injector: Injector
) -> None:
    results = run(way, _each_wait, way, shape, "cancelled", swarm, authority, injector)
    # A call that does not have to suspend any more is through before it hears of its cancellation.
    assert {result for _, result in results} - {None} == {CANCELLED}
    assert [kind for kind, result in results if result is None and kind not in ("read", "write")] == []


@pytest.mark.parametrize("fault", ["interrupted before", "interrupted after"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_wait_is_interrupted(
    shape: Shape, fault: str, swarm: Swarm, authority: Authority, injector: Injector
) -> None:
    results = run("blocking", _each_wait, "blocking", shape, fault, swarm, authority, injector)
    assert {result for _, result in results} == {CANCELLED}


def test_the_injector_sees_every_kind(swarm: Swarm, authority: Authority, injector: Injector) -> None:
    seen: set[str] = set()
    for shape in (uploaded_over_tls, queued, retried):
        results = run("asyncio", _each_wait, "asyncio", shape, "cancelled", swarm, authority, injector)
        seen.update(kind for kind, _ in results)
    assert seen == {"wait", "connect", "start_tls", "write", "read", "sleep"}

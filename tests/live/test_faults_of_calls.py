"""Every wait goes wrong once, also where calls are stored, validated, shared, kept in files, or go on for long.

The same for HTTP/2 and WebSockets. The first half of this is `test_faults`.
"""

import contextlib
import functools
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loopback.authority import Authority
from loopback.injector import Injector, Shape, each_wait, get
from loopback.phases import spelled
from loopback.swarm import Swarm, body_of, receipt
from loopback.swarm2 import Swarm2
from loopback.ways import CANCELLED, Beside, first_piece, pieces_of, run, settled
from smartclient import Cache
from smartclient._rules import resume
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient.stores import MemoryStore, SQLiteStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")

PATHS = itertools.count()
LOOPS = ("asyncio", "trio")  # of what lies above the streams uvloop sees nothing else
WAYS = ("blocking", *LOOPS)


class Places:
    """The servers of the shapes, and a folder for what they keep."""

    def __init__(self, swarm: Swarm, swarm2: Swarm2, folder: Path) -> None:
        self.plain = swarm.plain
        self.http2 = swarm2.url
        self.narrow = swarm2.narrow
        self.chat = swarm2.chat
        self.folder = folder
        self.stores: list[SQLiteStore] = []

    def options(self, shape: Shape) -> dict[str, Any]:
        """What a session needs for `shape`."""
        name = shape.__name__
        if "disk" in name:
            self.stores.append(SQLiteStore(self.folder / f"cache{next(PATHS)}"))
            return {"cache": Cache(store=self.stores[-1])}
        if "stored" in name or "validated" in name:
            return {"cache": Cache(store=MemoryStore())}
        return {"http2": True} if "http2" in name else {}


async def _cached(session: Any, url: str, size: int) -> str:
    response = await settled(session.get(url))
    assert response.content == body_of("key", size)
    return str(response.cache.status)


async def stored(session: Any, places: Places, injector: Injector) -> None:
    injector.looks_up = False
    url = places.plain + "/fresh/key/300000/4"

    async def whole() -> None:
        await _cached(session, url, 300_000)
        assert await _cached(session, url, 300_000) == "hit"

    injector.after = whole
    await _cached(session, url, 300_000)


async def stored_on_disk(session: Any, places: Places, injector: Injector) -> None:
    await stored(session, places, injector)


async def stored_together(session: Any, places: Places, injector: Injector) -> None:
    injector.looks_up = False
    await _cached(session, places.plain + "/fresh/key/300000/4", 300_000)


async def stored_from_a_stream(session: Any, places: Places, injector: Injector) -> None:
    injector.looks_up = False
    url = places.plain + "/fresh/key/300000/4"
    injector.after = functools.partial(_ignored, _cached, session, url, 300_000)
    response = await settled(session.get(url, stream=True))
    assert b"".join(await pieces_of(response)) == body_of("key", 300_000)


async def _ignored(call: Any, *args: Any) -> None:
    await call(*args)


async def validated(session: Any, places: Places, injector: Injector) -> None:
    injector.looks_up = False
    url = places.plain + "/stale/key/3000/1"
    injector.active = False
    await _cached(session, url, 3000)
    injector.active = True
    injector.after = functools.partial(_ignored, _cached, session, url, 3000)
    assert await _cached(session, url, 3000) in ("revalidated", "miss")  # the latter where the disk failed


async def validated_on_disk(session: Any, places: Places, injector: Injector) -> None:
    await validated(session, places, injector)


async def downloaded(session: Any, places: Places, injector: Injector) -> None:
    injector.looks_up = False
    path = places.folder / f"file{next(PATHS)}"

    async def whole_or_nothing() -> None:
        assert not path.exists() or path.read_bytes() == body_of("key", 300_000)

    injector.after = whole_or_nothing
    await settled(session.download(places.plain + "/n/key/300000/1", path))
    assert path.exists()


async def event_stream(session: Any, places: Places, injector: Injector) -> None:
    async with contextlib.AsyncExitStack() as stack:
        events = session.sse(places.plain + "/events/key/3")
        if hasattr(events, "__aenter__"):
            await stack.enter_async_context(events)
            seen = [event.data async for event in events]
        else:
            stack.enter_context(events)
            seen = [event.data for event in events]
    assert seen == ["key 0", "key 1", "key 2"]


async def http2_kept(session: Any, places: Places, injector: Injector) -> None:
    await get(session, places.http2, 10)
    await get(session, places.http2, 200_000)


async def http2_streamed(session: Any, places: Places, injector: Injector) -> None:
    response = await settled(session.get(places.http2 + "/n/key/200000/1", stream=True))
    assert b"".join(await pieces_of(response)) == body_of("key", 200_000)


async def http2_abandoned(session: Any, places: Places, injector: Injector) -> None:
    response = await settled(session.get(places.http2 + "/n/key/300000/1", stream=True))
    assert await first_piece(response)
    response.close()
    await get(session, places.http2, 10)


async def http2_uploaded(session: Any, places: Places, injector: Injector) -> None:
    body = body_of("key", 150_000)
    response = await settled(session.put(places.http2 + "/up/key", data=body))
    assert response.content == receipt("key", body)


async def http2_uploaded_slowly(session: Any, places: Places, injector: Injector) -> None:
    """With waits for room to send in, of which the server has told by then how little there is."""
    await get(session, places.narrow, 10)
    body = body_of("key", 20_000)
    response = await settled(session.put(places.narrow + "/up/key", data=body))
    assert response.content == receipt("key", body)


async def websocket(session: Any, places: Places, injector: Injector) -> None:
    socket = await settled(session.websocket(places.chat))
    try:
        await settled(socket.send("x" * 100_000))
        await settled(socket.ping())
        assert await settled(socket.receive(20)) == "x" * 100_000
        await settled(socket.close())
        assert socket.close_code in (1000, 1006)  # closing never fails; it tells what came of it
    finally:
        socket.abort()


# The waits of each call, as phases; see `test_faults`.
_FRAMES = "lookup connect tls (send|resend|rest|frame|credit|window|answer|early|head|body|reread|again)+"
WAITS: dict[Shape, str] = {
    stored: "connect send head body+",
    stored_on_disk: "(store|connect|send|head|body)+",
    stored_from_a_stream: "connect send head body+",
    validated: "resend head",
    validated_on_disk: "(store|resend|head)+",
    downloaded: "begin? (connect|send|head|reread|file)+",
    event_stream: "connect send head (pause|again|reread)+",
    http2_kept: _FRAMES,
    http2_streamed: _FRAMES,
    http2_abandoned: _FRAMES,
    http2_uploaded: _FRAMES,
    http2_uploaded_slowly: _FRAMES,
    websocket: "lookup connect tls send head send send (listen|again|reread)+",
}
SHAPES = list(WAITS)
SHARING: list[Shape] = [stored_together, http2_kept, http2_uploaded_slowly]


@pytest.fixture
def places(
    swarm: Swarm, swarm2: Swarm2, tmp_path: Path, injector: Injector, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Places]:
    monkeypatch.setattr(resume, "delay_before_retry", lambda *_: 0.001)
    places = Places(swarm, swarm2, tmp_path)
    yield places
    for store in places.stores:
        run_blocking(store.close(BlockingRuntime()))


@pytest.fixture
def go_wrong(
    places: Places, swarm: Swarm, authority: Authority, injector: Injector
) -> Callable[[str, Shape, str], list[tuple[str, Any]]]:
    def go_wrong(way: str, shape: Shape, fault: str) -> list[tuple[str, Any]]:
        special = functools.partial(places.options, shape)
        call = functools.partial(each_wait, server=places, options=special)
        results: list[tuple[str, Any]] = run(way, call, way, shape, fault, swarm, authority, injector)
        return results

    return go_wrong


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("fault", ["broken", "timed out"])
def test_every_wait_fails(way: str, shape: Shape, fault: str, go_wrong: Any) -> None:
    spelled(go_wrong(way, shape, fault), fault, WAITS[shape])


@pytest.mark.parametrize("way", LOOPS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_wait_is_cancelled(way: str, shape: Shape, go_wrong: Any) -> None:
    results = go_wrong(way, shape, "cancelled")
    # A call that does not have to suspend any more is through before it hears of its cancellation.
    assert {result for _, result in results} - {None} == {CANCELLED}
    assert [kind for kind, result in results if result is None and kind not in ("read", "write", "wait")] == []


@pytest.mark.parametrize("fault", ["interrupted before", "interrupted after"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_wait_is_interrupted(shape: Shape, fault: str, go_wrong: Any) -> None:
    results = go_wrong("blocking", shape, fault)
    assert {result for _, result in results} == {CANCELLED}


@pytest.mark.parametrize("way", LOOPS)
@pytest.mark.parametrize("shape", SHARING, ids=lambda shape: shape.__name__)
def test_a_cancelled_call_costs_its_neighbour_nothing(way: str, shape: Shape, go_wrong: Any) -> None:
    """Two calls share a fetch, or a connection; wherever one of them is cancelled, the other has its answer."""

    async def two(session: Any, places: Places, injector: Injector) -> None:
        async def at_its_end() -> None:
            assert await neighbour.result() is None

        neighbour = Beside(way, functools.partial(shape, session, places, injector))
        injector.after = at_its_end
        await shape(session, places, injector)

    two.__name__ = shape.__name__
    results = go_wrong(way, two, "cancelled")
    assert {result for _, result in results} - {None} == {CANCELLED}

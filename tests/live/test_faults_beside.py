"""Every wait goes wrong once, also where calls depend on one another: those that wait for a fetch, parts of one file,
validations behind a caller's back, credentials that are fetched. The first halves of this are `test_faults` and
`test_faults_of_calls`.
"""

import functools
import itertools
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from loopback.authority import Authority
from loopback.injector import Injector, Shape, each_wait
from loopback.phases import spelled
from loopback.swarm import Swarm, body_of
from loopback.waiting import PATIENCE, until
from loopback.ways import CANCELLED, Beside, run, settled
from smartclient import Cache, Limits
from smartclient._api import transfer
from smartclient._rules import download, resume
from smartclient.auth import BearerAuth, HTTPDigestAuth
from smartclient.exceptions import ConnectionError
from smartclient.stores import MemoryStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")

PATHS = itertools.count()
LOOPS = ("asyncio", "trio")  # of what lies above the streams uvloop sees nothing else
WAYS = ("blocking", *LOOPS)
SIZE = 300_000


class Places:
    """The way, the server, a folder, and what is made of a session."""

    def __init__(self, way: str, url: str, folder: Path) -> None:
        self.way = way
        self.url = url
        self.folder = folder

    def options(self, shape: Shape) -> dict[str, Any]:
        if shape in (led, behind):
            return {"cache": Cache(store=MemoryStore())}
        return {"limits": Limits(max_connections=4)} if shape is in_parts else {}


class BesideThread:
    """A call in a thread, with the names of `Beside`."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._result: Any = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            run("blocking", self._call)
        except Exception as error:
            self._result = error

    async def result(self) -> Any:
        self._thread.join()
        return self._result


async def become(way: str, condition: Callable[[], bool]) -> None:
    """Waits for what others do."""
    if way == "blocking":
        until(condition)
        return
    with anyio.fail_after(PATIENCE):
        while not condition():
            await anyio.sleep(0.001)


async def led(session: Any, places: Places, injector: Injector) -> None:
    """A call that another one waits for, which has its answer whatever becomes of the first."""
    injector.looks_up = False

    async def get() -> None:
        response = await settled(session.get(f"{places.url}/fresh/key/{SIZE}/4"))
        assert response.content == body_of("key", SIZE)

    async def join() -> None:
        neighbour: Any = BesideThread(get) if places.way == "blocking" else Beside(places.way, get)
        beside.append(neighbour)
        await become(places.way, lambda: "wait" in injector.kinds)

    async def at_its_end() -> None:
        for neighbour in beside:
            failure = await neighbour.result()
            refused = injector.kinds[injector.at :][:1] == ["connect"] and injector.fault != "cancelled"
            # That nobody can be reached is told to all who wait; anything else is the first one's own misfortune.
            assert isinstance(failure, ConnectionError) if refused else failure is None

    beside: list[Any] = []
    injector.at_first, injector.after = join, at_its_end
    await get()


async def behind(session: Any, places: Places, injector: Injector) -> None:
    """A validation in the background: the caller has its stale answer, and nothing of the failure."""
    injector.looks_up = False
    url = f"{places.url}/swr/key/3000/1"
    if places.way != "blocking":
        await session.__aenter__()
    injector.active = False
    await settled(session.get(url))
    injector.active = True
    response = await settled(session.get(url))
    assert (response.cache.status, response.content) == ("stale", body_of("key", 3000))
    background = session._shared.background
    await become(places.way, lambda: repr(background) == "<Background 0 running, 0 waiting>")


async def in_parts(session: Any, places: Places, injector: Injector) -> None:
    """A file over three connections."""
    injector.looks_up = False
    path = places.folder / f"file{next(PATHS)}"

    async def whole_or_nothing() -> None:
        assert not path.exists() or path.read_bytes() == body_of("key", SIZE)
        await settled(session.download(f"{places.url}/ranged/key/{SIZE}", path))
        assert path.read_bytes() == body_of("key", SIZE)
        assert list(places.folder.glob("*.part*")) == []  # whoever failed has let go of it

    injector.after = whole_or_nothing
    await settled(session.download(f"{places.url}/ranged/key/{SIZE}", path, parallel=3))


async def fetched_token(session: Any, places: Places, injector: Injector) -> None:
    """A token that the session itself asks for; the next call must be able to ask again."""

    def token() -> str:
        return str(session.get(places.url + "/n/token/5/1").text)

    async def awaited() -> str:
        return str((await session.get(places.url + "/n/token/5/1")).text)

    auth = BearerAuth(token if places.way == "blocking" else awaited)

    async def get() -> None:
        response = await settled(session.get(places.url + "/n/key/10/1", auth=auth))
        assert response.content == body_of("key", 10)

    injector.after = get
    await get()


async def challenged(session: Any, places: Places, injector: Injector) -> None:
    auth = HTTPDigestAuth("user", "password")

    async def get() -> None:
        response = await settled(session.get(places.url + "/digest/key", auth=auth))
        assert response.content == b"key"

    injector.after = get
    await get()


async def values(session: Any, places: Places, injector: Injector) -> None:
    response = await settled(session.get(places.url + "/lines/key/3", stream=True))
    lines = response.iter_json_lines()
    seen = [value async for value in lines] if hasattr(lines, "__aiter__") else list(lines)
    assert seen == [{"n": number} for number in range(3)]


WAITS: dict[Shape, str] = {
    led: "(connect|send|head|body|store)+",
    behind: "(resend|head|reread|again|drain)*",
    in_parts: "begin? (connect|send|head|reconnect|reread|file|again)+",
    fetched_token: "connect send head resend head",
    challenged: "connect send head resend head",
    values: "connect send head body*",
}


@pytest.fixture
def go_wrong(
    swarm: Swarm, authority: Authority, injector: Injector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Shape, str], list[tuple[str, Any]]]:
    monkeypatch.setattr(resume, "delay_before_retry", lambda *_: 0.001)
    monkeypatch.setattr(transfer, "PARALLEL_LEAST", 1000)
    monkeypatch.setattr(download, "PIECE_LEAST", SIZE // 3)

    def go_wrong(way: str, shape: Shape, fault: str) -> list[tuple[str, Any]]:
        places = Places(way, swarm.plain, tmp_path)
        call = functools.partial(each_wait, server=places, options=functools.partial(places.options, shape))
        results: list[tuple[str, Any]] = run(way, call, way, shape, fault, swarm, authority, injector)
        return results

    return go_wrong


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", WAITS, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("fault", ["broken", "timed out"])
def test_every_wait_fails(way: str, shape: Shape, fault: str, go_wrong: Any) -> None:
    spelled(go_wrong(way, shape, fault), fault, WAITS[shape])


@pytest.mark.parametrize("way", LOOPS)
@pytest.mark.parametrize("shape", [each for each in WAITS if each is not behind], ids=lambda shape: shape.__name__)
def test_every_wait_is_cancelled(way: str, shape: Shape, go_wrong: Any) -> None:
    results = go_wrong(way, shape, "cancelled")
    assert {result for _, result in results} - {None} == {CANCELLED}


@pytest.mark.parametrize("fault", ["interrupted before", "interrupted after"])
@pytest.mark.parametrize("shape", [fetched_token, challenged, values], ids=lambda shape: shape.__name__)
def test_every_wait_is_interrupted(shape: Shape, fault: str, go_wrong: Any) -> None:
    assert {result for _, result in go_wrong("blocking", shape, fault)} == {CANCELLED}

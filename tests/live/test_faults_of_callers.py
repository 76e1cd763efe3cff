"""What a caller's own functions raise reaches the caller as it is, from each of their calls, and costs nothing else."""

import io
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loopback.swarm import Swarm, body_of
from loopback.ways import first_piece, new_session, open_sockets, run, settled, sockets_become, tick, usage
from smartclient import Cache, Limits
from smartclient.auth import BearerAuth
from smartclient.exceptions import (
    ConnectTimeout,
    InvalidJSONError,
    JSONDecodeError,
    ReadError,
    ResolveError,
    UnexpectedContent,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")


class Trap:
    """A function that raises `error` when it is called for the `at`-th time."""

    def __init__(self, at: int, error: BaseException) -> None:
        self.at = at
        self.error = error
        self.calls = 0

    def __call__(self, *args: Any, **options: Any) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise self.error

    def before(self, result: Callable[..., Any]) -> Callable[..., Any]:
        """`result`, which is called after the trap."""

        def called(*args: Any) -> Any:
            self()
            return result(*args)

        return called


class Place:
    """Where a case runs: a way, a server, a folder, and the one session that the case makes."""

    def __init__(self, way: str, url: str, folder: Path) -> None:
        self.way = way
        self.url = url
        self.folder = folder

    def session(self, **options: Any) -> Any:
        self.made = new_session(self.way, **{"limits": Limits(max_connections=1), "timeout": 20, **options})
        return self.made

    async def get(self, path: str = "/fresh/key/300000/4", **options: Any) -> Any:
        """A GET in a session of its own."""
        return await settled(self.session().get(self.url + path, **options))

    async def put(self, **options: Any) -> Any:
        """A PUT in a session of its own; the server reads bodies of a known length only."""
        return await settled(self.session().put(self.url + "/up/key", **options))


Case = Callable[[Place, Trap], Coroutine[Any, Any, Any]]
LENGTH = {"Content-Length": "300000"}
THIRD = body_of("key", 100_000)


async def auth_function(place: Place, trap: Trap) -> None:
    await place.get(auth=trap.before(lambda request: request))


async def auth_flow(place: Place, trap: Trap) -> None:
    def flow(request: Any) -> Iterator[Any]:
        trap()
        response = yield request
        trap()
        assert response.status_code == 200

    await place.get(auth=flow)


async def awaited_auth(place: Place, trap: Trap) -> None:
    async def auth(request: Any) -> Any:
        trap()
        return request

    await place.get(auth=auth)


async def token(place: Place, trap: Trap) -> None:
    await place.get(auth=BearerAuth(trap.before(lambda: "token")))


async def hook(place: Place, trap: Trap) -> None:
    port = place.url.rpartition(":")[2]
    await place.get(f"/hop/key/10/{port}", hooks={"response": trap})


async def hook_of_a_stream(place: Place, trap: Trap) -> None:
    (await place.get(hooks={"response": trap}, stream=True)).close()


async def stage(place: Place, trap: Trap) -> None:
    def plain(request: Any, following: Any) -> Any:
        trap()
        response = following(request)
        trap()
        return response

    async def awaited(request: Any, following: Any) -> Any:
        trap()
        response = await following(request)
        trap()
        return response

    session = place.session(stages=[plain if place.way == "blocking" else awaited])
    (await settled(session.get(place.url + "/n/key/300000/4", stream=True))).close()


async def progress(place: Place, trap: Trap) -> None:
    await place.put(data=body_of("key", 300_000), progress=trap)


async def pieces(place: Place, trap: Trap) -> None:
    await place.put(data=map(trap.before(lambda piece: piece), [THIRD] * 3), headers=LENGTH)


async def awaited_pieces(place: Place, trap: Trap) -> None:
    async def each() -> AsyncIterator[bytes]:
        for _ in range(3):
            await tick(place.way)
            trap()
            yield THIRD

    await place.put(data=each(), headers=LENGTH)


class _File(io.BytesIO):
    def __init__(self, trap: Trap) -> None:
        super().__init__(THIRD * 3)
        self._trap = trap

    def read(self, size: int | None = -1) -> bytes:
        if size:
            self._trap()
        return super().read(size)


async def file(place: Place, trap: Trap) -> None:
    await place.put(data=_File(trap))


async def file_in_a_form(place: Place, trap: Trap) -> None:
    await place.put(files={"name": _File(trap)})


async def json_writer(place: Place, trap: Trap) -> None:
    session = place.session(json_lib=SimpleNamespace(dumps=trap.before(lambda value: "{}"), loads=None.__eq__))
    await settled(session.put(place.url + "/up/key", json={}))


async def json_reader(place: Place, trap: Trap) -> None:
    session = place.session(json_lib=SimpleNamespace(dumps=str, loads=trap.before(lambda text: {})))
    values = (await settled(session.get(place.url + "/lines/key/3", stream=True))).iter_json_lines()
    seen = [value async for value in values] if hasattr(values, "__aiter__") else list(values)
    assert seen == [{}] * 3


async def codec(place: Place, trap: Trap) -> None:
    own = (trap.before(lambda value: b"own"), trap.before(lambda content: None))
    session = place.session(codecs={"text/x-own": own})
    response = await settled(session.put(place.url + "/up/key", data=[1], headers={"Content-Type": "text/x-own"}))
    response.headers["Content-Type"] = "text/x-own"
    response.parse(Any)


async def parsed(place: Place, trap: Trap) -> None:
    @dataclass
    class Own:
        n: int

        def __post_init__(self) -> None:
            trap()

    assert (await place.get("/lines/key/1")).parse(Own) == Own(0)


async def look_up(place: Place, trap: Trap) -> None:
    session = place.session(resolve=trap.before(lambda host, port: "127.0.0.1"))
    await settled(session.get(place.url.replace("127.0.0.1", "name.test") + "/n/key/10/1"))


async def policy_of_cookies(place: Place, trap: Trap) -> None:
    class Policy(DefaultCookiePolicy):
        def set_ok(self, cookie: Any, request: Any) -> bool:
            trap()
            return True

        def return_ok(self, cookie: Any, request: Any) -> bool:
            trap()
            return True

    session = place.session(cookies=CookieJar(Policy()))
    for _ in range(2):
        (await settled(session.get(place.url + "/cookie/key/300000/4", stream=True))).close()


async def partition(place: Place, trap: Trap) -> None:
    session = place.session(cache=Cache(partition=trap.before(lambda request: "own")))
    await settled(session.get(place.url + "/fresh/key/300000/4"))


async def download(place: Place, trap: Trap) -> None:
    path = place.folder / "file"
    path.write_text("old")
    try:
        await settled(place.session().download(place.url + "/n/key/300000/1", path, progress=trap))
    finally:
        assert path.read_bytes() in (b"old", body_of("key", 300_000))


async def block(place: Place, trap: Trap) -> None:
    stream = place.session().stream("GET", place.url + "/fresh/key/300000/4")
    if place.way == "blocking":
        with stream as response:
            trap()
            next(response.iter_content(1000))
            trap()
    else:
        async with stream as response:
            trap()
            await first_piece(response)
            trap()


async def conversation(place: Place, trap: Trap) -> None:
    """Events, whose reader is left by an exception."""
    events = place.session().sse(place.url + "/events/key/3")
    if place.way == "blocking":
        with events:
            for _ in events:
                trap()
    else:
        async with events:
            async for _ in events:
                trap()


# What reads and writes formats is said to have refused the value, and what looks up to have found nothing; what it
# raised is the cause then.
CASES: dict[Case, tuple[type[Exception], ...]] = {
    auth_function: (),
    auth_flow: (),
    awaited_auth: (),
    token: (),
    hook: (),
    hook_of_a_stream: (),
    stage: (),
    progress: (),
    pieces: (),
    awaited_pieces: (),
    file: (),
    file_in_a_form: (),
    parsed: (),
    look_up: (ResolveError, ConnectTimeout),
    policy_of_cookies: (),
    partition: (),
    download: (),
    block: (),
    conversation: (),
    json_writer: (InvalidJSONError,),
    json_reader: (JSONDecodeError,),
    codec: (InvalidJSONError, UnexpectedContent),
}
STRANGE, LATE, OURS = LookupError("the caller's"), TimeoutError("the caller's"), ReadError("of another call")
# The latter two would be told as limits of the call, or be tried again, if they were its own.
RUNS = [("blocking", STRANGE), ("blocking", OURS), ("asyncio", LATE), ("asyncio", OURS), ("trio", STRANGE)]


async def each_call(way: str, case: Case, url: str, folder: Path, error: Exception) -> list[Exception]:
    """What came of each call of a case's function that raised `error`; nothing may be lost or half stored after any."""
    raised: list[Exception] = []
    before = open_sockets()
    while True:
        place, trap = Place(way, url, folder), Trap(len(raised) + 1, error)
        try:
            await case(place, trap)
        except Exception as failure:
            raised.append(failure)
        session, ended = place.made, trap.calls < trap.at
        assert ended == (len(raised) < trap.at), (trap.calls, raised)
        for _ in range(3):
            await tick(way)
        if session._pool is not None:
            assert usage(session) == (0, 0), raised
            await sockets_become(way, before + session._pool._state.idle)
        trap.at = 0
        response = await settled(session.get(url + "/fresh/key/300000/4", timeout=5))
        assert response.content == body_of("key", 300_000)
        await settled(session.close())
        await sockets_become(way, before)
        if ended:
            return raised


@pytest.mark.parametrize(
    ("way", "error"), RUNS, ids=lambda each: each if isinstance(each, str) else type(each).__name__
)
def test_what_they_raise(way: str, error: Exception, swarm: Swarm, tmp_path: Path) -> None:
    for case, refusals in CASES.items():
        if way == "blocking" and case.__name__.startswith("awaited"):
            continue
        raised = run(way, each_call, way, case, swarm.plain, tmp_path, error)
        strange = [
            each for each in raised if each is not error and not (isinstance(each, refusals) and _is_from(each, error))
        ]
        assert raised, case.__name__
        assert strange == [], (case.__name__, raised)


def _is_from(failure: BaseException | None, error: Exception) -> bool:
    while failure is not None and failure is not error:
        failure = failure.__cause__
    return failure is error

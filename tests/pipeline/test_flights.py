"""Flights under the stage, over real runtimes: what a leader's end, of any kind, means for those who wait."""

import random
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import pytest

from smartclient._model.body import BytesReader
from smartclient._model.errors import ConnectTimeout, IncompleteBody, ReadTimeout, RequestException
from smartclient._model.headers import NO_FIELDS, Fields
from smartclient._model.message import Head, Reply
from smartclient._model.options import Options, Timeout
from smartclient._model.request import Request
from smartclient._model.scope import EVERYTHING
from smartclient._model.url import URL
from smartclient._pipeline import flights
from smartclient._pipeline.cache import CacheStage
from smartclient._pipeline.caching import Caching
from smartclient._pipeline.together import Together
from smartclient._runtime.asyncio_ import AsyncioRuntime
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient._runtime.trio_ import TrioRuntime
from smartclient._store.memory import MemoryStore

URI = "https://h.example/a"
LENGTH = 3000
PATIENCE = 20.0
IDLE = "<Flights 0 under way, 0 waiting>"


@pytest.fixture(autouse=True)
def _nobody_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A waiter that is forgotten is to wait for longer than its test."""
    monkeypatch.setattr(flights, "WAIT_SECONDS", 3 * PATIENCE)


class Pieces:
    """A body in pieces, each of which is waited for; it may break."""

    def __init__(self, pause: Callable[[], Awaitable[None]], failure: BaseException | None = None) -> None:
        self.left = 3
        self.pause = pause
        self.failure = failure
        self.trailers = NO_FIELDS

    async def read(self) -> bytes:
        await self.pause()
        if self.left == 1 and self.failure is not None:
            raise self.failure
        self.left -= 1
        return b"x" * (LENGTH // 3) if self.left >= 0 else b""

    async def discard(self) -> None:
        self.left = 0

    def abort(self) -> None:
        self.left = 0


class Broken(BaseException):
    """Ends a thread's call where a task would be cancelled."""


class Site:
    """A stage over an origin whose answers and pauses are a matter of luck."""

    def __init__(self, runtime: Any, pause: Callable[[], Awaitable[None]], dice: random.Random) -> None:
        self.caching = Caching(MemoryStore())
        self.together = Together(runtime)
        self.stage = CacheStage(self.caching, time.time, self.origin, self.together)
        self.pause = pause
        self.dice = dice
        self.fetched = 0

    @property
    def flights(self) -> str:
        return repr(self.together.flights_of(self.caching))

    async def origin(self, request: Request) -> Reply:
        self.fetched += 1
        for _ in range(self.dice.randrange(4)):
            await self.pause()
        luck = self.dice.random()
        if luck < 0.1:
            raise ReadTimeout("silence", sent="wholly")
        if luck < 0.2:
            raise ConnectTimeout("nobody there")
        if luck < 0.25 and self.together.runtime.name == "blocking":
            raise Broken
        lines = [("Content-Length", str(LENGTH))]
        if luck < 0.8:
            lines.append(("Cache-Control", self.dice.choice(("max-age=60", "no-store", "no-cache", "max-age=0"))))
        if self.dice.random() < 0.3:
            lines.append(("Vary", "X"))
        lines.append(("ETag", '"1"'))
        failure = IncompleteBody("cut") if self.dice.random() < 0.2 else None
        small = self.dice.random() < 0.3
        body: Any = BytesReader(b"x" * LENGTH) if small else Pieces(self.pause, failure)
        return Reply(Head(200, Fields(lines)), body, request)

    async def call(self, number: int) -> int:
        """The length of the content of one call."""
        fields = Fields([("X", str(number % 2))] if self.dice.random() < 0.3 else [])
        options = Options(stream=self.dice.random() < 0.2)
        method = "HEAD" if self.dice.random() < 0.1 else "GET"
        reply = await self.stage(Request(method, URL.parse(f"{URI}{self.dice.randrange(3)}"), fields, options=options))
        length = 0
        try:
            while piece := await reply.body.read():
                length += len(piece)
                if options.stream and self.dice.random() < 0.2:
                    reply.raw.abort()
                    return LENGTH
        except BaseException:
            reply.raw.abort()
            raise
        return LENGTH if method == "HEAD" else length

    async def forget(self) -> None:
        """Empties the store, so that calls miss again."""
        await self.caching.store.invalidate(self.together.runtime, [EVERYTHING], 0.0)


RUNTIMES: dict[str, Any] = {"asyncio": AsyncioRuntime, "trio": TrioRuntime}


@pytest.mark.parametrize("backend", RUNTIMES)
@pytest.mark.parametrize("seed", range(3))
def test_no_task_is_forgotten_whoever_is_cancelled_when(backend: str, seed: int) -> None:
    outcomes: Counter[Any] = Counter()

    async def one(site: Site, number: int) -> None:
        scope = anyio.CancelScope()
        async with anyio.create_task_group() as group:
            if site.dice.random() < 0.4:
                group.start_soon(cancel_after, site.dice.randrange(12), scope)
            with scope:
                try:
                    outcomes[await site.call(number)] += 1
                except RequestException as error:
                    outcomes[type(error).__name__] += 1
            outcomes["cancelled"] += scope.cancelled_caught

    async def cancel_after(steps: int, scope: anyio.CancelScope) -> None:
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        scope.cancel()

    async def storm() -> str:
        site = Site(RUNTIMES[backend](), anyio.lowlevel.checkpoint, random.Random(seed))
        with anyio.fail_after(PATIENCE):
            for _ in range(8):
                async with anyio.create_task_group() as group:
                    for number in range(40):
                        group.start_soon(one, site, number)
                assert site.flights == IDLE
                await site.forget()
        return site.flights

    assert anyio.run(storm, backend=backend) == IDLE
    assert set(outcomes) == {LENGTH, "cancelled", "ReadTimeout", "ConnectTimeout", "IncompleteBody"}
    assert sum(outcomes.values()) == 320


@pytest.mark.parametrize("seed", range(2))
def test_no_thread_is_forgotten_whatever_ends_the_leader(seed: int) -> None:
    async def pause() -> None:
        time.sleep(0)

    outcomes: Counter[Any] = Counter()
    site = Site(BlockingRuntime(), pause, random.Random(seed))

    def work(number: int) -> None:
        for step in range(20):
            try:
                outcomes[run_blocking(site.call(number + step))] += 1
            except (RequestException, Broken) as error:
                outcomes[type(error).__name__] += 1
            if number == 0:
                run_blocking(site.forget())

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    assert site.flights == IDLE
    assert set(outcomes) == {LENGTH, "Broken", "ReadTimeout", "ConnectTimeout", "IncompleteBody"}


class Told:
    """A stage over an origin that does what it is told, for scenarios on an event loop."""

    def __init__(self, runtime: Any) -> None:
        self.caching = Caching(MemoryStore())
        self.together = Together(runtime)
        self.stage = CacheStage(self.caching, time.time, self.origin, self.together)
        self.answers: list[Any] = []
        self.asked = 0
        self.results: dict[str, Any] = {}

    async def origin(self, request: Request) -> Reply:
        answer = self.answers[self.asked]
        self.asked += 1
        await until(answer.gate)
        if answer.failure is not None:
            raise answer.failure
        return Reply(Head(200, Fields(answer.lines)), answer.body or BytesReader(b"tea"), request)

    @property
    def waiting(self) -> int:
        return int(repr(self.together.flights_of(self.caching)).split()[-2])

    async def call(self, name: str, *lines: tuple[str, str], method: str = "GET", **options: Any) -> None:
        request = Request(method, URL.parse(URI), Fields(lines), options=Options(**options))
        try:
            reply = await self.stage(request)
            if not options.get("stream"):
                while await reply.body.read():
                    pass
            self.results[name] = reply.cache.status + (" collapsed" if reply.cache.collapsed else "")
        except RequestException as error:
            self.results[name] = error


class Answer:
    """What the origin is to say once its gate is opened."""

    def __init__(self, *lines: tuple[str, str], failure: Exception | None = None, body: Any = None) -> None:
        self.lines = lines
        self.failure = failure
        self.body = body
        self.gate = anyio.Event()


async def until(gate: Any) -> None:
    if isinstance(gate, anyio.Event):
        await gate.wait()
        return
    for _ in range(10_000):
        if gate():
            return
        await anyio.lowlevel.checkpoint()
    raise AssertionError("it did not come to that")


FRESH = ("Cache-Control", "max-age=60")


@pytest.fixture(params=RUNTIMES)
def play(request: pytest.FixtureRequest) -> Callable[..., Told]:
    """`play(scenario, answer, ...)`: runs `await scenario(told, group)` to its end and gives what came of it."""

    def run(scenario: Any, *answers: Callable[[], Answer]) -> Told:
        async def start() -> Told:
            told = Told(RUNTIMES[request.param]())
            told.answers = [answer() for answer in answers]
            with anyio.fail_after(PATIENCE):
                async with anyio.create_task_group() as group:
                    await scenario(told, group)
            assert repr(told.together.flights_of(told.caching)) == IDLE
            return told

        return anyio.run(start, backend=request.param)  # type: ignore[return-value]

    return run


async def led(told: Told, group: Any, *names: str, **options: Any) -> None:
    """The first of `names` asks, the others wait for it."""
    group.start_soon(partial(told.call, names[0], **options))
    await until(lambda: told.asked == 1)
    for name in names[1:]:
        group.start_soon(told.call, name)
    await until(lambda: told.waiting == len(names) - 1)


def test_what_is_nobody_elses_is_fetched_by_all_at_once(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "a", "b", "c")
        told.answers[0].gate.set()
        await until(lambda: told.asked == 3)  # both at once, though neither is answered yet
        group.start_soon(told.call, "d")
        await until(lambda: told.asked == 4)  # and for two minutes nobody waits
        assert told.waiting == 0
        for answer in told.answers:
            answer.gate.set()

    private = lambda: Answer(("Cache-Control", "no-store"))  # noqa: E731
    assert play(scenario, *[private] * 4).results == dict.fromkeys("abcd", "miss")


def test_what_its_caller_does_not_read_is_not_waited_for(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        async def asks() -> None:
            reply = await told.stage(Request("GET", URL.parse(URI)))
            await reply.raw.discard()  # as the body of a redirect

        group.start_soon(asks)
        await until(lambda: told.asked == 1)
        group.start_soon(told.call, "b")
        group.start_soon(told.call, "c")
        await until(lambda: told.waiting == 2)
        told.answers[0].gate.set()
        await until(lambda: told.asked == 3)
        for answer in told.answers:
            answer.gate.set()

    never = anyio.Event()
    told = play(scenario, lambda: Answer(FRESH, body=Pieces(never.wait)), *[lambda: Answer(FRESH)] * 2)
    assert told.results == {"b": "miss", "c": "miss"}


def test_server_errors_are_not_remembered(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "a")
        told.answers[0].gate.set()
        await until(lambda: "a" in told.results)
        group.start_soon(told.call, "b")
        await until(lambda: told.asked == 2)
        group.start_soon(told.call, "c")
        await until(lambda: told.waiting == 1)
        told.answers[1].gate.set()

    told = play(scenario, lambda: Answer(failure=ReadTimeout("silence")), lambda: Answer(FRESH))
    assert (told.results["b"], told.results["c"]) == ("miss", "hit collapsed")


def test_another_variant_is_not_waited_for(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        group.start_soon(told.call, "tea", ("X", "tea"))
        await until(lambda: told.asked == 1)
        group.start_soon(told.call, "more tea", ("X", "tea"))
        group.start_soon(told.call, "coffee", ("X", "coffee"))
        await until(lambda: told.waiting == 2)
        told.answers[0].gate.set()
        await until(lambda: told.asked == 2)  # at the head: the body is still on its way
        assert told.waiting == 1
        group.start_soon(told.call, "late coffee", ("X", "coffee"))
        await until(lambda: told.asked == 3)
        gate.set()
        for answer in told.answers:
            answer.gate.set()

    gate = anyio.Event()
    varying = lambda: Answer(FRESH, ("Vary", "X"), body=Pieces(gate.wait))  # noqa: E731
    told = play(scenario, varying, varying, varying)
    assert told.results == {"tea": "miss", "more tea": "hit collapsed", "coffee": "miss", "late coffee": "miss"}


def test_of_those_who_wait_for_a_failure_one_asks_again(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "a", "b", "c", "d")
        told.answers[0].gate.set()
        await until(lambda: told.asked == 2)
        assert told.waiting == 2
        told.answers[1].gate.set()

    failure = ReadTimeout("silence", sent="wholly")
    told = play(scenario, lambda: Answer(failure=failure), lambda: Answer(FRESH))
    assert told.asked == 2
    assert told.results.pop("a") is failure
    assert sorted(told.results.values()) == ["hit collapsed", "hit collapsed", "miss"]


def test_of_those_who_wait_for_a_cancelled_call_one_asks_again(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        async def doomed() -> None:
            with scope:
                await told.call("a")

        scope = anyio.CancelScope()
        group.start_soon(doomed)
        await until(lambda: told.asked == 1)
        group.start_soon(told.call, "b")
        await until(lambda: told.waiting == 1)
        group.start_soon(told.call, "c")
        await until(lambda: told.waiting == 2)
        scope.cancel()
        await until(lambda: told.asked == 2)
        assert told.waiting == 1
        told.answers[1].gate.set()

    told = play(scenario, lambda: Answer(FRESH), lambda: Answer(FRESH))
    assert told.results == {"b": "miss", "c": "hit collapsed"}


def test_who_cannot_connect_speaks_for_all_who_would_try_alike(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "a", "b")
        group.start_soon(partial(told.call, "patient", timeout=Timeout(connect=60)))
        await until(lambda: told.waiting == 2)
        told.answers[0].gate.set()
        await until(lambda: told.asked == 2)
        told.answers[1].gate.set()

    failure = ConnectTimeout("nobody there")
    told = play(scenario, lambda: Answer(failure=failure), lambda: Answer(FRESH))
    shared = told.results["b"]
    assert (told.results["a"], told.results["patient"]) == (failure, "miss")
    assert (type(shared), shared.args, shared.sent) == (ConnectTimeout, failure.args, "nothing")
    assert shared is not failure


def test_a_streamed_call_is_not_waited_for_once_its_head_is_there(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "streams", "b", "c", stream=True)
        told.answers[0].gate.set()
        await until(lambda: told.asked == 2)
        assert (told.waiting, told.results) == (1, {"streams": "miss"})
        told.answers[1].gate.set()

    never = anyio.Event()
    told = play(scenario, lambda: Answer(FRESH, body=Pieces(never.wait)), lambda: Answer(FRESH))
    assert told.results.pop("streams") == "miss"
    assert sorted(told.results.values()) == ["hit collapsed", "miss"]


def test_what_each_has_to_validate_is_fetched_once_and_waited_for_once(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "a", "b", "c")
        told.answers[0].gate.set()
        await until(lambda: told.asked == 3)
        for answer in told.answers:
            answer.gate.set()

    checked = lambda: Answer(("Cache-Control", "no-cache"), ("ETag", '"1"'))  # noqa: E731
    told = play(scenario, checked, checked, checked)
    assert told.results == dict.fromkeys("abc", "miss")


def test_head_is_answered_by_the_get_that_is_under_way(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "get")
        group.start_soon(partial(told.call, "head", method="HEAD"))
        await until(lambda: told.waiting == 1)
        told.answers[0].gate.set()

    assert play(scenario, lambda: Answer(FRESH)).results == {"get": "miss", "head": "hit collapsed"}


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([("Cache-Control", "no-store")], id="no-store"),
        pytest.param([("Cache-Control", "no-cache")], id="no-cache"),
        pytest.param([("Pragma", "no-cache")], id="Pragma"),
        pytest.param([("Range", "bytes=0-1")], id="Range"),
        pytest.param([("If-None-Match", '"1"')], id="conditions"),
        pytest.param([("Accept", "text/Event-Stream")], id="events"),
    ],
)
def test_who_asks_for_something_of_its_own_waits_for_nobody(play: Callable[..., Told], lines: Any) -> None:
    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "a")
        group.start_soon(told.call, "b", *lines)
        await until(lambda: told.asked == 2)
        for answer in told.answers:
            answer.gate.set()

    assert play(scenario, lambda: Answer(FRESH), lambda: Answer(FRESH)).asked == 2


@pytest.mark.parametrize("mode", ["refresh", "reload"])
def test_modes_that_wait_for_nobody(play: Callable[..., Told], mode: str) -> None:
    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "a")
        group.start_soon(partial(told.call, "b", cache=mode))
        await until(lambda: told.asked == 2)
        for answer in told.answers:
            answer.gate.set()

    assert play(scenario, lambda: Answer(FRESH), lambda: Answer(FRESH)).asked == 2


def test_nobody_waits_for_himself(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        told.answers[0].gate.set()
        told.answers[1].gate.set()
        original = told.origin

        async def nested(request: Request) -> Reply:
            if not told.asked:
                told.stage.next = original
                await told.call("inner")
            return await original(request)

        told.stage.next = nested
        await told.call("outer")

    told = play(scenario, lambda: Answer(FRESH), lambda: Answer(FRESH))
    assert told.results == {"inner": "miss", "outer": "miss"}


def test_who_has_waited_long_enough_goes_alone(play: Callable[..., Told], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "WAIT_SECONDS", 0.01)

    async def scenario(told: Told, group: Any) -> None:
        await led(told, group, "a")
        group.start_soon(told.call, "b")
        await until_asked(told, 2)
        for answer in told.answers:
            answer.gate.set()

    assert play(scenario, lambda: Answer(FRESH), lambda: Answer(FRESH)).asked == 2


async def until_asked(told: Told, count: int) -> None:
    while told.asked < count:
        await anyio.sleep(0.005)


def test_without_collapsing_nobody_waits(play: Callable[..., Told]) -> None:
    async def scenario(told: Told, group: Any) -> None:
        caching = Caching(MemoryStore(), collapse=False)
        told.stage = CacheStage(caching, time.time, told.origin, told.together)
        for name in "ab":
            group.start_soon(told.call, name)
        await until(lambda: told.asked == 2)
        for answer in told.answers:
            answer.gate.set()

    assert play(scenario, lambda: Answer(FRESH), lambda: Answer(FRESH)).asked == 2

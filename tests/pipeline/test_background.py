"""Jobs that nobody waits for: how many, how often, and their end, over each runtime."""

import threading
from typing import Any

import anyio
import pytest

from loopback.waiting import until
from smartclient._model.errors import ReadTimeout
from smartclient._pipeline import background
from smartclient._pipeline.background import MAX_WAITING, TASKS, THREADS, Background
from smartclient._runtime.asyncio_ import AsyncioRuntime
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient._runtime.trio_ import TrioRuntime

IDLE = "<Background 0 running, 0 waiting>"
LOOPS: dict[str, Any] = {"asyncio": AsyncioRuntime, "trio": TrioRuntime}


class Held:
    """Jobs in threads that run until they are let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun: list[int] = []

    def job(self, number: int) -> Any:
        async def work(leash: Any) -> None:
            self.begun.append(number)
            self.gate.wait(20)

        return work


def test_two_threads_take_all_in_order() -> None:
    held, jobs = Held(), Background(BlockingRuntime())
    assert all(jobs.start(number, held.job(number)) for number in range(10))
    until(lambda: len(held.begun) == THREADS)
    assert repr(jobs) == f"<Background {THREADS} running, {10 - THREADS} waiting>"
    held.gate.set()
    until(lambda: repr(jobs) == IDLE)
    assert sorted(held.begun) == list(range(10))


def test_one_for_each_key_and_so_many_in_all() -> None:
    held, jobs = Held(), Background(BlockingRuntime())
    for number in range(THREADS):
        assert jobs.start(number, held.job(number))
    until(lambda: len(held.begun) == THREADS)
    assert all(jobs.start(number, held.job(-1)) for number in range(THREADS))
    assert all(jobs.start(100 + number, held.job(0)) for number in range(MAX_WAITING))
    assert jobs.start(100, held.job(-1))
    assert not jobs.start("one too many", held.job(-1))
    held.gate.set()
    until(lambda: repr(jobs) == IDLE)
    assert len(held.begun) == THREADS + MAX_WAITING
    assert -1 not in held.begun
    assert jobs.start(0, held.job(0))
    run_blocking(jobs.close())


def test_what_fails_is_told_to_the_log_only(caplog: pytest.LogCaptureFixture) -> None:
    async def late(leash: Any) -> None:
        raise ReadTimeout("https://secret.example/")

    async def wrong(leash: Any) -> None:
        raise ValueError("https://secret.example/")

    jobs = Background(BlockingRuntime())
    with caplog.at_level("INFO", "smartclient"):
        jobs.start("late", late)
        jobs.start("wrong", wrong)
        until(lambda: repr(jobs) == IDLE)
        run_blocking(jobs.close())
    assert sorted((each.levelname, each.getMessage().rpartition(" ")[2]) for each in caplog.records) == [
        ("ERROR", "ValueError"),
        ("INFO", "ReadTimeout"),
    ]
    assert "secret" not in caplog.text


def test_closing_drops_what_has_not_begun_and_waits_for_the_rest() -> None:
    held, jobs = Held(), Background(BlockingRuntime())
    for number in range(5):
        jobs.start(number, held.job(number))
    until(lambda: len(held.begun) == THREADS)
    closing = threading.Thread(target=lambda: run_blocking(jobs.close()))
    closing.start()
    until(lambda: not jobs.open)
    held.gate.set()
    closing.join(20)
    assert not closing.is_alive()
    assert (repr(jobs), len(held.begun)) == (IDLE, THREADS)
    assert not jobs.start("after", held.job(9))


def test_closing_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "GRACE", 0.01)
    monkeypatch.setattr(background, "_LETTING_GO", 0.01)
    held, jobs = Held(), Background(BlockingRuntime())
    jobs.start(0, held.job(0))
    until(lambda: held.begun)
    run_blocking(jobs.close())
    assert repr(jobs) == "<Background 1 running, 0 waiting>"
    held.gate.set()
    until(lambda: repr(jobs) == IDLE)


def test_where_there_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: Any) -> None:
        raise RuntimeError("can't start new thread")

    held, jobs = Held(), Background(BlockingRuntime())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert not jobs.start(0, held.job(0))
    assert repr(jobs) == IDLE
    run_blocking(jobs.close())


@pytest.mark.parametrize("backend", LOOPS)
def test_tasks_are_cancelled_in_the_end(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "GRACE", 0.01)
    ends: list[str] = []

    async def scenario() -> None:
        async def work(leash: Any) -> None:
            begun.append(1)
            try:
                await anyio.sleep_forever()
            finally:
                ends.append("cancelled")

        begun: list[int] = []
        jobs = Background(LOOPS[backend]())
        for number in range(TASKS + 3):
            assert jobs.start(number, work)
        while len(begun) < TASKS:
            await anyio.lowlevel.checkpoint()
        await jobs.close()
        assert repr(jobs) == IDLE

    anyio.run(scenario, backend=backend)
    assert ends == ["cancelled"] * TASKS


@pytest.mark.parametrize("backend", LOOPS)
def test_closing_that_is_cancelled_cancels_too(backend: str) -> None:
    async def scenario() -> str:
        async def work(leash: Any) -> None:
            begun.set()
            await anyio.sleep_forever()

        begun = anyio.Event()
        jobs = Background(LOOPS[backend]())
        jobs.start(0, work)
        await begun.wait()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await jobs.close()
        for _ in range(100):
            await anyio.lowlevel.checkpoint()
        return repr(jobs)

    assert anyio.run(scenario, backend=backend) == IDLE


def test_in_a_child_there_are_no_workers() -> None:
    held, jobs = Held(), Background(BlockingRuntime())
    jobs.start(0, held.job(0))
    until(lambda: held.begun)
    jobs.forget()
    assert repr(jobs) == IDLE
    run_blocking(jobs.close())
    held.gate.set()

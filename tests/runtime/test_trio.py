"""What only the trio runtime does: its futures under cancellation, streams that are closed under a waiting task."""

import pytest

from smartclient._model.errors import ReadError

trio = pytest.importorskip("trio")
testing = pytest.importorskip("trio.testing")


@pytest.fixture
def run(run_on):
    return run_on["trio"]


def test_cancelled_wait_marks_the_future_done(run):
    """So that no value is handed to somebody who has left."""

    async def scenario(runtime):
        future = runtime.new_future()
        with trio.CancelScope() as scope:
            scope.cancel()
            await runtime.wait(future, None)
        return scope.cancelled_caught, future.done()

    assert run(scenario) == (True, True)


def test_value_and_limit_at_once(run):
    """Whichever comes first counts; the future is done in either case."""

    async def scenario(runtime):
        future = runtime.new_future()
        with pytest.raises(TimeoutError):
            await runtime.wait(future, 0.0)
        assert future.done()
        other = runtime.new_future()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_give, other)
            return await runtime.wait(other, 5.0)

    async def _give(future):
        future.set_result("value")

    assert run(scenario) == "value"


def test_abort_wakes_whoever_reads(run, peer):
    async def scenario(runtime):
        stream, _ = await peer.meet(runtime)

        async def read():
            with pytest.raises(ReadError, match="closed"):
                await stream.read(10, 5.0)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await testing.wait_all_tasks_blocked()
            stream.abort()

    run(scenario)


def test_reads_and_writes_are_checkpoints(run, peer):
    """A cancelled task does not go on, also where nothing has to be waited for."""

    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        accepted.sendall(b"x")
        caught = []
        for call in (lambda: stream.read(10, 5.0), lambda: stream.write(b"x", 5.0)):
            with trio.CancelScope() as scope:
                scope.cancel()
                await call()
            caught.append(scope.cancelled_caught)
        stream.abort()
        return caught

    assert run(scenario) == [True, True]


def test_a_run_that_is_over_is_told_nothing(run):
    async def scenario(runtime):
        return runtime

    runtime = run(scenario)
    assert runtime.call_threadsafe(print) is None

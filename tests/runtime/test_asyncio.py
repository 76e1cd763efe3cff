"""What only the asyncio runtime does: cancellation of its waits, back-pressure, a loop that is gone."""

import asyncio

import pytest

from smartclient._runtime.asyncio_ import AsyncioRuntime


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request, run_on):
    return run_on[request.param]


async def cancelled(coroutine):
    """Cancels a wait once it has begun."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_cancelled_wait_marks_the_future_done(run):
    """So that no value is handed to somebody who has left."""

    async def scenario(runtime):
        for timeout in (None, 5.0):
            future = runtime.new_future()
            await cancelled(runtime.wait(future, timeout))
            assert future.done()

    run(scenario)


def test_cancelled_read_leaves_nothing_behind(run, peer):
    async def scenario(runtime):
        stream, _ = await peer.meet(runtime)
        await cancelled(stream.read(10, 5.0))
        assert stream._waiter is None
        stream.abort()
        await runtime.settle([stream])
        return stream.closed

    assert run(scenario)


def test_a_peer_that_sends_much_is_held_back(run, peer):
    """At most a few buffers wait to be read; all of it arrives all the same."""
    size = 2**23

    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        accepted.setblocking(False)
        sent = received = 0
        while sent < size and not (sent and stream._paused_reading):
            try:
                sent += accepted.send(b"x" * 2**16)
            except BlockingIOError:
                await runtime.sleep(0)
        held = stream._size
        accepted.close()
        while data := await stream.read(2**20, 5.0):
            received += len(data)
        stream.abort()
        return sent, received, held

    sent, received, held = run(scenario)
    assert received == sent
    assert held <= 2**20


def test_a_loop_that_is_closed_is_told_nothing(run):
    async def scenario(runtime):
        return runtime

    runtime = run(scenario)
    assert runtime.call_threadsafe(print) is None


def test_belongs_to_a_running_loop():
    with pytest.raises(RuntimeError):
        AsyncioRuntime()

"""What only the blocking runtime does: its futures, and failures of the system that look like time-outs."""

import errno
import socket
import threading

import pytest

from smartclient._model.errors import ReadError, WriteError
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingFuture, BlockingRuntime, BlockingStream


class GivenUp(socket.socket):
    """A socket whose peer the system has given up (TCP_USER_TIMEOUT, keep-alive): ETIMEDOUT is a TimeoutError too."""

    def recv(self, *args):
        raise OSError(errno.ETIMEDOUT, "Connection timed out")

    send = recv


@pytest.fixture
def given_up():
    near, far = socket.socketpair()
    sock = GivenUp(near.family, near.type, fileno=near.detach())
    yield BlockingStream(sock)
    sock.close()
    far.close()


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_a_peer_that_the_system_gave_up_is_no_limit_of_ours(given_up, timeout):
    with pytest.raises(ReadError, match="timed out"):
        run_blocking(given_up.read(10, timeout))
    with pytest.raises(WriteError, match="timed out"):
        run_blocking(given_up.write(b"x", timeout))


def test_the_longest_limit_is_taken_by_the_system(peer):
    """`Timeout` saturates there: one second more would be an OverflowError."""
    runtime = BlockingRuntime()
    stream, accepted = run_blocking(peer.meet(runtime))
    accepted.sendall(b"x")
    assert run_blocking(stream.read(10, float(2**31 // 1000))) == b"x"
    run_blocking(stream.write(b"y", float(2**31 // 1000)))
    assert run_blocking(stream.write_some(b"z", float(2**31 // 1000))) == 1
    assert accepted.recv(2, socket.MSG_WAITALL) == b"yz"
    stream.abort()


def test_future_is_given_by_one_thread_and_awaited_by_another():
    futures = [BlockingFuture() for _ in range(50)]
    threading.Thread(target=lambda: [future.set_result(n) for n, future in enumerate(futures)]).start()
    assert [future.wait(20) for future in futures] == list(range(50))


def test_a_value_may_come_after_the_limit():
    future = BlockingFuture()
    with pytest.raises(TimeoutError):
        future.wait(0.0)
    assert not future.done()
    future.set_result("late")
    assert future.done()


def test_any_limit_is_taken():
    future = BlockingFuture()
    future.set_result(1)
    assert future.wait(1e300) == 1


def test_calls_are_made_at_once():
    seen = []
    BlockingRuntime().call_threadsafe(seen.append, 1)
    assert seen == [1]

"""What every runtime keeps of the protocols in `base`: one contract, run for all of them; and `run_blocking`."""

import contextlib
import socket
import ssl
import struct
import threading

import pytest

from smartclient._model import errors
from smartclient._model.errors import (
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    SessionMisuse,
    SSLError,
    WriteError,
    WriteTimeout,
)
from smartclient._net.tcp import open_first
from smartclient._runtime.base import PIECE, Address, run_blocking

SOON = 0.02  # seconds of a limit that is meant to pass


class Suspends:
    def __await__(self):
        yield "something to wait for"


async def readable(runtime, stream):
    """Gives an event loop its turns until the stream has noticed what the peer did."""
    for _ in range(1000):
        if stream.is_readable():
            return True
        await runtime.sleep(0)
    return False


def reset(accepted):
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    accepted.close()


# run_blocking


def test_result_of_what_never_suspends():
    async def add(first, second):
        return first + second

    assert run_blocking(add(1, 2)) == 3


def test_failure_of_what_never_suspends():
    async def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_blocking(fail())


def test_whatever_suspends_is_closed_and_refused():
    cleaned = []

    async def wait():
        try:
            await Suspends()
        finally:
            cleaned.append(True)

    with pytest.raises(SessionMisuse, match="event loop"):
        run_blocking(wait())
    assert cleaned == [True]


def test_a_call_inside_a_call():
    async def outer():
        async def inner():
            return 1

        return run_blocking(inner())

    assert run_blocking(outer()) == 1


# Connecting


def test_connected_stream(run, peer):
    async def scenario(runtime):
        stream, _ = await peer.meet(runtime)
        assert stream.get_extra_info("peername")[:2] == peer.address[:2]
        assert stream.get_extra_info("ssl_object") is None
        assert stream.get_extra_info("anything else") is None
        assert not stream.is_readable()
        stream.abort()

    run(scenario)


def test_refused(run):
    closed = socket.create_server(("127.0.0.1", 0))
    address = closed.getsockname()
    closed.close()

    async def scenario(runtime):
        await open_first(runtime, [Address(socket.AF_INET, address)], 5.0)

    with pytest.raises(errors.ConnectionError) as caught:
        run(scenario)
    assert type(caught.value) is errors.ConnectionError


@pytest.mark.parametrize("timeout", [0.0, -1.0])
def test_no_time_to_connect(run, timeout):
    async def scenario(runtime):
        await open_first(runtime, [Address(socket.AF_INET, ("192.0.2.1", 9))], timeout)

    with pytest.raises(ConnectTimeout):
        run(scenario)


# Reading


def test_at_most_as_much_as_asked(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        accepted.sendall(b"0123456789")
        pieces = [await stream.read(4, 5.0) for _ in range(3)]
        stream.abort()
        return pieces

    assert run(scenario) == [b"0123", b"4567", b"89"]


def test_without_a_limit(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        accepted.sendall(b"x")
        data = await stream.read(10, None)
        stream.abort()
        return data

    assert run(scenario) == b"x"


@pytest.mark.parametrize("timeout", [SOON, 0.0, -1.0])
def test_nothing_comes(run, peer, timeout):
    async def scenario(runtime):
        stream, _ = await peer.meet(runtime)
        try:
            await stream.read(10, timeout)
        finally:
            stream.abort()

    with pytest.raises(ReadTimeout, match="no bytes for"):
        run(scenario)


def test_each_wait_has_its_own_limit(run, peer):
    """A timer that was set for an earlier read does not end a later one."""

    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        accepted.sendall(b"a")
        await stream.read(1, SOON)
        await runtime.sleep(2 * SOON)
        accepted.sendall(b"b")
        data = await stream.read(1, 5.0)
        stream.abort()
        return data

    assert run(scenario) == b"b"


def test_orderly_end_is_told_again_and_again(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        accepted.sendall(b"last")
        accepted.close()
        data = [await stream.read(10, 5.0) for _ in range(3)]
        stream.abort()
        return data

    assert run(scenario) == [b"last", b"", b""]


def test_reset_is_an_error(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        reset(accepted)
        try:
            await stream.read(10, 5.0)
        finally:
            stream.abort()

    with pytest.raises(ReadError, match=r"(?i)reset"):
        run(scenario)


# Writing


def test_written_whole(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        await stream.write(b"ab", 5.0)
        taken = [await stream.write_some(b"cd", None), await stream.write_some(memoryview(b"ef"), 5.0)]
        data = b""
        while len(data) < 6:
            data += accepted.recv(10)
        stream.abort()
        return taken, data

    assert run(scenario) == ([2, 2], b"abcdef")


@pytest.mark.parametrize("some", [False, True], ids=["whole", "some"])
def test_peer_that_takes_nothing(run, peer, some):
    async def scenario(runtime):
        stream, _ = await peer.meet(runtime)
        write = stream.write_some if some else stream.write
        try:
            for _ in range(1000):
                await write(b"x" * 2**20, SOON)
        finally:
            stream.abort()

    with pytest.raises(WriteTimeout, match="the peer took no bytes"):
        run(scenario)


def test_peer_that_answers_while_the_pipe_is_full(run, peer):
    """The write ends, however long its limit is, and tells that nothing more was taken."""

    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        accepted.sendall(b"too much")
        assert await readable(runtime, stream)
        while taken := await stream.write_some(b"x" * 2**26, None):
            assert taken <= PIECE
        answer = await stream.read(100, 5.0)
        stream.abort()
        return answer

    assert run(scenario) == b"too much"


def test_peer_that_answers_a_write_that_waits(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        threading.Timer(0.05, accepted.sendall, [b"too much"]).start()
        while await stream.write_some(b"x" * 2**20, None):
            pass
        answer = await stream.read(100, 5.0)
        stream.abort()
        return answer

    assert run(scenario) == b"too much"


def test_peer_that_is_gone(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        reset(accepted)
        try:
            for _ in range(100):
                await stream.write_some(b"x" * 1000, 5.0)
                await runtime.sleep(0)
        finally:
            stream.abort()

    with pytest.raises(WriteError):
        run(scenario)


# Looking and ending


@pytest.mark.parametrize("act", ["sends", "ends", "resets"])
def test_what_can_be_read_without_waiting(run, peer, act):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        before = stream.is_readable()
        {"sends": lambda: accepted.sendall(b"x"), "ends": accepted.close, "resets": lambda: reset(accepted)}[act]()
        after = await readable(runtime, stream)
        stream.abort()
        return before, after

    assert run(scenario) == (False, True)


def test_abort_any_number_of_times(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        for _ in range(3):
            stream.abort()
        await runtime.settle([stream])
        with pytest.raises((ReadError, WriteError)):
            await stream.read(10, 5.0)
        stream.abort()
        with contextlib.suppress(ConnectionResetError):
            assert accepted.recv(1) == b""

    run(scenario)


def test_settled_streams_have_let_go_of_their_sockets(run, peer):
    async def scenario(runtime):
        streams = [(await peer.meet(runtime))[0] for _ in range(3)]
        for stream in streams:
            stream.abort()
        await runtime.settle(streams)
        await runtime.settle([])
        return [stream.closed for stream in streams]

    assert run(scenario) == [True] * 3


# TLS


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_peer_that_speaks_no_tls(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await runtime.start_tls(stream, tls_context(), "h.example", 5.0)

    with pytest.raises(SSLError, match=r"TLS handshake with h\.example failed"):
        run(scenario)


def test_peer_that_goes_away_in_the_handshake(run, peer):
    async def scenario(runtime):
        stream, accepted = await peer.meet(runtime)
        accepted.shutdown(socket.SHUT_WR)
        await runtime.start_tls(stream, tls_context(), "h.example", 5.0)

    with pytest.raises(SSLError, match="TLS handshake with"):
        run(scenario)


@pytest.mark.parametrize("timeout", [SOON, 0.0])
def test_peer_that_is_silent_in_the_handshake(run, peer, timeout):
    async def scenario(runtime):
        stream, _ = await peer.meet(runtime)
        await runtime.start_tls(stream, tls_context(), "h.example", timeout)

    with pytest.raises(ConnectTimeout, match="TLS handshake timed out"):
        run(scenario)


# Waiting


def test_value_that_is_there_already(run):
    async def scenario(runtime):
        future = runtime.new_future()
        assert not future.done()
        future.set_result("value")
        assert future.done()
        return await runtime.wait(future, 5.0)

    assert run(scenario) == "value"


def test_value_from_another_thread(run):
    async def scenario(runtime):
        future = runtime.new_future()
        threading.Thread(target=runtime.call_threadsafe, args=(future.set_result, "value")).start()
        return await runtime.wait(future, None)

    assert run(scenario) == "value"


@pytest.mark.parametrize("timeout", [SOON, 0.0, -1.0])
def test_value_that_never_comes(run, timeout):
    async def scenario(runtime):
        await runtime.wait(runtime.new_future(), timeout)

    with pytest.raises(TimeoutError):
        run(scenario)


def test_clock_and_dice(run):
    async def scenario(runtime):
        before = runtime.now()
        await runtime.sleep(0.001)
        assert runtime.now() > before
        assert all(0.0 <= runtime.random() < 1.0 for _ in range(100))

    run(scenario)


def test_jobs_run_elsewhere(run):
    async def scenario(runtime):
        future = runtime.new_future()
        runtime.run_in_thread(lambda: runtime.call_threadsafe(future.set_result, threading.current_thread()))
        return await runtime.wait(future, 5.0)

    thread = run(scenario)
    assert thread.daemon
    assert thread is not threading.current_thread()

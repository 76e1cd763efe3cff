"""A forked child starts empty, and the parent's connections go on as if nothing had happened."""

import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.swarm import Swarm, body_of
from loopback.ways import LOOPS, new_session, open_sockets, run, usage
from smartclient._net import tls
from smartclient._net.resolve import RESOLVER
from smartclient._runtime.threads import DAEMON_THREADS

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc"),
    # Since Python 3.12 the system's own doubts about forking with threads are told as a warning.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def in_child(task: Callable[[], None]) -> None:
    """Runs `task` in a forked child; fails with what it raised, or when it hangs."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            warnings.simplefilter("ignore")
            task()
        except BaseException:
            os.write(writer, traceback.format_exc().encode()[-4000:])
        finally:
            os._exit(0)
    os.close(writer)
    guard = threading.Timer(60, os.kill, (child, 9))
    guard.start()
    try:
        with open(reader, "rb") as told:
            assert told.read().decode() == ""
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        guard.cancel()
        guard.join()


@pytest.fixture
def session(authority: Authority) -> Iterator[Any]:
    with smartclient.Session(cookies={"a": "b"}, retries=0, timeout=20, verify=str(authority.ca_file)) as session:
        yield session


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_idle_connection(session: Any, swarm: Swarm, kind: str) -> None:
    url = f"{getattr(swarm, kind)}/n/key/10/1"
    session.get(url)
    (connection,) = session._pool._open
    before = open_sockets()

    def child() -> None:
        assert open_sockets() == before - 1
        assert repr(session) == "<Session <Pool 0 active, 0 idle, 0 waiting>>"
        for _ in range(3):
            assert session.get(url).content == body_of("key", 10)
        session.close()

    in_child(child)
    assert session.get(url).content == body_of("key", 10)
    assert list(session._pool._open) == [connection]
    assert connection.served == 2


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_body_that_is_being_read(session: Any, swarm: Swarm, kind: str) -> None:
    with session.stream("GET", f"{getattr(swarm, kind)}/n/key/900000/9") as response:
        pieces = response.iter_content(10_000)
        start = next(pieces)

        def child() -> None:
            with pytest.raises(smartclient.exceptions.RequestException):
                list(pieces)
            response.close()
            assert usage(session) == (0, 0)
            assert session.get(f"{swarm.plain}/n/other/10/1").content == body_of("other", 10)

        in_child(child)
        assert start + b"".join(pieces) == body_of("key", 900_000)
    assert usage(session) == (0, 0)


@pytest.mark.parametrize("way", LOOPS)
def test_from_within_a_loop(way: str, swarm: Swarm) -> None:
    """The child makes a session of its own; what it inherited is not touched, not even to close it."""

    async def scenario() -> None:
        session = new_session(way, cache=None)
        response = await session.get(f"{swarm.plain}/n/key/900000/9", stream=True)
        pieces = response.iter_content()
        start = await anext(pieces)

        def child() -> None:
            assert usage(session) == (0, 0)
            with smartclient.Session() as own:
                assert own.get(f"{swarm.plain}/n/other/10/1").content == body_of("other", 10)

        in_child(child)
        rest = [piece async for piece in pieces]
        assert start + b"".join(rest) == body_of("key", 900_000)
        await session.close()

    run(way, scenario)


LOCKS: dict[str, Callable[[Any], Any]] = {
    "pool": lambda session: session._pool._lock,
    "session": lambda session: session._lock,
    "cookies": lambda session: session._jar._lock,
    "cache": lambda session: session._cache.caching.store._store._lock,
    "TLS contexts": lambda session: tls._lock,
    "look-ups": lambda session: RESOLVER._lock,
    "threads": lambda session: DAEMON_THREADS._condition,
}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_while_another_thread_holds_a_lock(
    session: Any, swarm: Swarm, authority: Authority, lock: Callable[[Any], Any], tmp_path: Any
) -> None:
    session.get(swarm.named + "/n/key/10/1")
    taken, go_on = threading.Event(), threading.Event()
    held = lock(session)

    def holder() -> None:
        with held:
            taken.set()
            go_on.wait(20)

    thread = threading.Thread(target=holder)
    thread.start()
    assert taken.wait(20)
    fresh_ca = tmp_path / "ca.pem"  # never seen, so that a context has to be made
    fresh_ca.write_bytes(authority.ca_file.read_bytes())

    def child() -> None:
        assert session.get(swarm.named + "/n/key/10/1").content == body_of("key", 10)
        session.close()
        assert session.get(swarm.tls + "/n/key/10/1", verify=str(fresh_ca)).content == body_of("key", 10)

    try:
        in_child(child)
    finally:
        go_on.set()
        thread.join()
    assert session.get(swarm.named + "/n/key/10/1").content == body_of("key", 10)


def test_while_others_are_busy(session: Any, swarm: Swarm) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            while not stop.is_set():
                assert session.get(f"{swarm.plain}/n/{number}/1000/1").content == body_of(str(number), 1000)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()

    def child() -> None:
        assert session.get(f"{swarm.plain}/n/child/1000/1").content == body_of("child", 1000)

    try:
        for _ in range(10):
            in_child(child)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert usage(session) == (0, 0)

"""A dropped stream frees its slot at once, without the garbage collector: in any thread, even inside the lock."""

import gc
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.swarm import Swarm, body_of
from loopback.ways import (
    WAYS,
    first_piece,
    new_session,
    open_sockets,
    pieces_of,
    run,
    settled,
    sockets_become,
    tick,
    usage,
)
from smartclient.auth import BearerAuth

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc"),
    pytest.mark.filterwarnings("ignore:a streamed response from:ResourceWarning"),
]
ONE = smartclient.Limits(max_connections=1)
ADVICE = "read it to its end, or close it"


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """Cyclic garbage stays, so that a slot kept by a cycle is seen."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def _unread(session: Any, base: str) -> Any:
    return await settled(session.get(f"{base}/n/key/300000/9", stream=True))


async def _begun(session: Any, base: str) -> Any:
    response = await _unread(session, base)
    assert await first_piece(response)
    return response


async def _iterator_only(session: Any, base: str) -> Any:
    response = await _unread(session, base)
    pieces = response.iter_content(1000)
    assert await (anext(pieces) if hasattr(pieces, "__anext__") else settled(next(pieces)))
    return pieces


async def _lines_only(session: Any, base: str) -> Any:
    return (await _unread(session, base)).iter_lines(decode_unicode=True)


async def _history(session: Any, base: str) -> Any:
    port = base.rpartition(":")[2]
    return await settled(session.get(f"{base}/hop/key/300000/{port}", stream=True))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["plain", "tls"])
@pytest.mark.parametrize("stream", [_unread, _begun, _iterator_only, _lines_only], ids=lambda each: each.__name__[1:])
def test_dropped_stream(way: str, kind: str, stream: Callable[..., Any], swarm: Swarm, authority: Authority) -> None:
    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way, limits=ONE, verify=str(authority.ca_file))
        held = await stream(session, getattr(swarm, kind))
        assert usage(session) == (1, 0)
        del held
        await sockets_become(way, before)
        assert usage(session) == (0, 0)
        response = await settled(session.get(f"{swarm.other}/n/key/10/1", timeout=20))
        assert response.content == body_of("key", 10)
        await settled(session.close())

    run(way, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_dropped_after_a_redirect(way: str, swarm: Swarm) -> None:
    async def scenario() -> None:
        session = new_session(way, limits=ONE)
        held = await _history(session, swarm.plain)
        assert usage(session) == (1, 0)
        del held
        await tick(way)
        await tick(way)
        assert usage(session) == (0, 0)
        await settled(session.close())

    run(way, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_dropped_in_another_thread(way: str, swarm: Swarm) -> None:
    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way, limits=ONE)
        for _ in range(20):
            held = [await _begun(session, swarm.plain)]
            thread = threading.Thread(target=held.clear)
            thread.start()
            thread.join()
            await sockets_become(way, before)
            assert usage(session) == (0, 0)
        await settled(session.close())

    run(way, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_dropped_inside_the_lock(way: str, swarm: Swarm) -> None:
    """As when the collector runs in the middle of the bookkeeping: whoever has the lock does it afterwards."""

    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way, limits=smartclient.Limits(max_connections=2))
        other = await _begun(session, swarm.other)
        held = [await _begun(session, swarm.plain)]
        with session._pool._lock:
            held.clear()
            await tick(way)
        assert usage(session) == (2, 0)
        other.close()  # the next to use the lock
        await sockets_become(way, before)
        assert usage(session) == (0, 0)
        await settled(session.close())

    run(way, scenario)


def test_dropped_at_the_last_use_of_the_lock(swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it nobody may come for a long time, so whoever had the lock looks once more."""
    with smartclient.Session(limits=ONE) as session:
        session.get(f"{swarm.other}/n/key/10/1")
        (idle,) = session._pool._open
        held = [session.get(f"{swarm.plain}/n/key/300000/9", stream=True)]
        state = session._pool._state
        state.doomed.append(idle)
        take_doomed = type(state).take_doomed

        def dropping(state: Any) -> Any:
            held.clear()
            return take_doomed(state)

        monkeypatch.setattr(type(state), "take_doomed", dropping)
        session._pool._tidy()
        assert usage(session) == (0, 0)


@pytest.mark.parametrize("way", WAYS)
def test_failed_calls_leave_nothing(way: str, swarm: Swarm) -> None:
    async def scenario() -> None:
        session = new_session(way, limits=ONE, retries=0)
        with pytest.raises(smartclient.exceptions.ConnectionError):
            await settled(session.get("http://127.0.0.1:1/"))
        response = await _begun(session, swarm.plain)
        with pytest.raises(smartclient.exceptions.InvalidOption):
            response.iter_content("ten")
        connection = weakref.ref(response._reply.connection)
        del response
        for _ in range(5):
            await tick(way)
        assert usage(session) == (0, 0)
        assert connection() is None or connection().stream.closed
        await settled(session.close())

    run(way, scenario)


class OwnError(Exception):
    pass


def _fail(*_: Any) -> Any:
    raise OwnError


@pytest.mark.parametrize("way", WAYS)
def test_failures_are_no_cycles(way: str, swarm: Swarm) -> None:
    """A frame of its traceback that names it would keep the request with its body until the collector runs."""

    async def failure_of(target: str, **options: Any) -> Callable[[], Any]:
        session = new_session(way, **{"retries": 0, **options})
        try:
            await settled(session.get(target))
        except (smartclient.exceptions.RequestException, OwnError) as error:
            failure = weakref.ref(error)
        await settled(session.close())
        return failure

    async def scenario() -> None:
        page = f"{swarm.plain}/n/key/9/1"
        failures = {
            "refused": await failure_of("http://127.0.0.1:1/"),
            "refused again": await failure_of("http://127.0.0.1:1/", retries=smartclient.RetryPolicy(1, base=0)),
            "status": await failure_of(f"{swarm.plain}/no", raise_for_status=True),
            "late": await failure_of(page, timeout=smartclient.Timeout(5, total=0.0)),
            "no address": await failure_of("http://[fe80::1%25no]/"),
            "resolve": await failure_of("http://nowhere.test/", resolve=_fail),
            "token": await failure_of(page, auth=BearerAuth(_fail)),
        }
        await tick(way)
        assert [kind for kind, failure in failures.items() if failure() is not None] == []

    run(way, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_dropping_warns_and_closing_does_not(way: str, swarm: Swarm) -> None:
    async def scenario() -> None:
        session = new_session(way)
        for ending in ("dropped", "closed", "read"):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                held = await _unread(session, swarm.plain)
                if ending == "closed":
                    held.close()
                elif ending == "read":
                    await pieces_of(held)
                del held
                await tick(way)
            assert [(each.category, str(each.message)) for each in caught] == (
                [(ResourceWarning, f"a streamed response from {swarm.plain} was dropped: {ADVICE}")]
                if ending == "dropped"
                else []
            )
        await settled(session.close())

    run(way, scenario)

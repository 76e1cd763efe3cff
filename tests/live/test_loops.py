"""An AsyncSession and its event loop: one at a time, afresh after its end, and what is left when either goes away."""

import asyncio
import gc
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import trio

import smartclient
from loopback.authority import Authority
from loopback.swarm import Swarm, body_of
from loopback.ways import LOOPS, WAYS, first_piece, new_session, open_sockets, run, settled, sockets_become, usage
from smartclient.exceptions import RequestException, SessionMisuse

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")
BODY = body_of("key", 1000)


@pytest.fixture
def page(swarm: Swarm) -> str:
    return f"{swarm.plain}/n/key/1000/1"


@pytest.fixture
def long_page(swarm: Swarm) -> str:
    return f"{swarm.plain}/n/key/300000/9"


@pytest.fixture
def forgetful() -> Iterator[None]:
    """For sessions that are left open with their loop: the sockets' own warnings are no concern of the test."""
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


async def _get(session: Any, url: str) -> bytes:
    response = await settled(session.get(url, cache=None, timeout=20))
    return bytes(response.content)


async def _get_and_close(session: Any, url: str) -> bytes:
    content = await _get(session, url)
    await session.close()
    return content


@pytest.mark.parametrize("inner", LOOPS)
@pytest.mark.parametrize("way", LOOPS)
def test_second_live_loop_is_refused(way: str, inner: str, page: str) -> None:
    async def outer() -> None:
        session = smartclient.AsyncSession()
        assert await _get(session, page) == BODY
        result: list[BaseException] = []

        def elsewhere() -> None:
            with pytest.raises(SessionMisuse) as caught:
                run(inner, _get, session, page)
            result.append(caught.value)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert "another event loop" in str(result[0])
        assert await _get(session, page) == BODY
        await session.close()

    run(way, outer)


@pytest.mark.parametrize("after", LOOPS)
@pytest.mark.parametrize("way", LOOPS)
def test_starts_afresh_after_its_loop_has_ended(way: str, after: str, page: str, forgetful: None) -> None:
    session = smartclient.AsyncSession()
    before = open_sockets()
    for each in (way, after):
        assert run(each, _get, session, page) == BODY
    assert run(after, _get_and_close, session, page) == BODY
    gc.collect()
    assert open_sockets() == before


def test_a_closed_session_moves_to_another_loop(page: str) -> None:
    session = smartclient.AsyncSession()
    for way in LOOPS:
        assert run(way, _get_and_close, session, page) == BODY


@pytest.mark.parametrize("way", LOOPS)
def test_a_stream_that_outlives_its_loop_can_be_closed(way: str, long_page: str, forgetful: None) -> None:
    async def leave_open() -> Any:
        session = smartclient.AsyncSession()
        return session, await session.get(long_page, stream=True)

    before = open_sockets()
    session, response = run(way, leave_open)
    response.close()
    assert usage(session) == (0, 0)
    del session, response
    gc.collect()
    assert open_sockets() == before


def test_without_a_loop() -> None:
    with pytest.raises(SessionMisuse):
        smartclient.AsyncSession().get("http://127.0.0.1:1").send(None)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_close_leaves_no_socket(way: str, kind: str, swarm: Swarm, authority: Authority) -> None:
    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way, verify=str(authority.ca_file))
        base = getattr(swarm, kind)
        assert await _get(session, f"{base}/n/key/1000/1") == BODY
        abandoned = await settled(session.get(f"{base}/n/key/300000/9", stream=True))
        assert open_sockets() > before
        abandoned.close()
        await settled(session.close())
        assert open_sockets() == before

    run(way, scenario)


@pytest.mark.parametrize("way", WAYS)
def test_close_while_a_body_is_read(way: str, long_page: str) -> None:
    """What is in use stays so until it comes back, and is not kept then."""

    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way)
        response = await settled(session.get(long_page, stream=True))
        assert await first_piece(response)
        await settled(session.close())
        assert open_sockets() == before + 1
        rest = response._reply.body
        while await rest.read():
            pass
        await sockets_become(way, before)
        assert await _get(session, long_page) == body_of("key", 300_000)
        await settled(session.close())
        assert open_sockets() == before

    run(way, scenario)


@pytest.mark.parametrize("way", LOOPS)
def test_unclosed_session_warns_once(way: str, page: str) -> None:
    async def scenario() -> list[warnings.WarningMessage]:
        session = smartclient.AsyncSession()
        assert await _get(session, page) == BODY
        streams = session._pool._open
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for each in list(streams):
                each.abort()  # the loop's own warning about the socket is not meant here
            await (trio.sleep(0) if way == "trio" else asyncio.sleep(0))
            del each, session
            gc.collect()
        return [each for each in caught if "AsyncSession" in str(each.message)]

    (warning,) = run(way, scenario)
    assert warning.category is ResourceWarning
    assert "unclosed <AsyncSession <Pool 0 active, 1 idle, 0 waiting>>" in str(warning.message)


@pytest.mark.parametrize("way", LOOPS)
def test_closed_session_does_not_warn(way: str, page: str) -> None:
    async def scenario() -> None:
        assert await _get_and_close(smartclient.AsyncSession(), page) == BODY
        unused = smartclient.AsyncSession()
        del unused
        gc.collect()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(way, scenario)


def test_forgotten_blocking_session_is_silent(page: str) -> None:
    """`with` is optional there."""
    before = open_sockets()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session = smartclient.Session()
        assert session.get(page).content == BODY
        del session
        gc.collect()
    assert [str(each.message) for each in caught] == []
    assert open_sockets() == before


def test_blocking_session_on_a_running_loop(page: str) -> None:
    async def scenario() -> bytes:
        with smartclient.Session() as session:
            return session.get(page).content

    assert asyncio.run(scenario()) == BODY
    assert trio.run(scenario) == BODY


@pytest.mark.parametrize("way", LOOPS)
def test_cancelled_close_is_a_close(way: str, page: str) -> None:
    async def scenario() -> None:
        before = open_sockets()
        session = smartclient.AsyncSession()
        assert await _get(session, page) == BODY
        if way == "trio":
            with trio.CancelScope() as scope:
                scope.cancel()
                await session.close()
        else:
            task = asyncio.ensure_future(session.close())
            asyncio.get_running_loop().call_soon(task.cancel)
            await asyncio.wait([task])
        await sockets_become(way, before)

    run(way, scenario)


@pytest.mark.parametrize("way", LOOPS)
def test_errors_after_the_server_is_gone(way: str, page: str) -> None:
    async def scenario() -> None:
        async with smartclient.AsyncSession(retries=0) as session:
            with pytest.raises(RequestException):
                await session.get("http://127.0.0.1:1")
            assert usage(session) == (0, 0)

    run(way, scenario)

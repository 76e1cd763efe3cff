"""Every wait of a call is made to fail, to time out and to be cancelled, one at a time: nothing is ever lost."""

import functools
import sys
from pathlib import Path
from typing import Any

import pytest

from loopback.authority import Authority
from loopback.injector import Injector, Shape, each_wait, get
from loopback.phases import spelled
from loopback.swarm import Swarm, body_of, receipt
from loopback.ways import (
    CANCELLED,
    LOOPS,
    WAYS,
    first_piece,
    pieces_of,
    run,
    settled,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")


async def plain(session: Any, swarm: Swarm, injector: Injector) -> None:
    await get(session, swarm.named, 1000)


async def in_pieces(session: Any, swarm: Swarm, injector: Injector) -> None:
    await get(session, swarm.plain, 900_000, pieces=5)


async def over_tls(session: Any, swarm: Swarm, injector: Injector) -> None:
    await get(session, swarm.tls, 50_000, pieces=2)


async def kept(session: Any, swarm: Swarm, injector: Injector) -> None:
    await get(session, swarm.plain, 10)
    await get(session, swarm.plain, 1000)


async def evicting(session: Any, swarm: Swarm, injector: Injector) -> None:
    await get(session, swarm.other, 10)
    await get(session, swarm.tls, 1000)


async def redirected(session: Any, swarm: Swarm, injector: Injector) -> None:
    response = await settled(session.get(f"{swarm.tls}/hop/key/1000/{swarm.ports[1]}"))
    assert response.content == body_of("key", 1000)


async def streamed(session: Any, swarm: Swarm, injector: Injector) -> None:
    response = await settled(session.get(f"{swarm.tls}/n/key/300000/4", stream=True))
    assert b"".join(await pieces_of(response)) == body_of("key", 300_000)


async def abandoned(session: Any, swarm: Swarm, injector: Injector) -> None:
    response = await settled(session.get(f"{swarm.plain}/n/key/300000/4", stream=True))
    assert await first_piece(response)
    response.close()


async def forwarded(session: Any, swarm: Swarm, injector: Injector) -> None:
    await get(session, swarm.plain, 1000, proxies={"http": swarm.relays["http"]})


async def tunnelled(session: Any, swarm: Swarm, injector: Injector) -> None:
    await get(session, swarm.tls, 1000, proxies={"https": swarm.relays["http"]})


async def tls_in_tls(session: Any, swarm: Swarm, injector: Injector) -> None:
    await get(session, swarm.tls, 50_000, pieces=2, proxies={"https": swarm.relays["https"]})


async def over_socks(session: Any, swarm: Swarm, injector: Injector) -> None:
    await get(session, swarm.plain, 1000, proxies={"http": swarm.relays["socks5h"]})


async def uploaded(session: Any, swarm: Swarm, injector: Injector) -> None:
    body = body_of("key", 700_000)
    response = await settled(session.put(swarm.plain + "/up/key", data=body))
    assert response.content == receipt("key", body)


async def uploaded_over_tls(session: Any, swarm: Swarm, injector: Injector) -> None:
    body = body_of("key", 700_000)
    response = await settled(session.put(swarm.tls + "/up/key", data=body))
    assert response.content == receipt("key", body)


async def uploaded_form(session: Any, swarm: Swarm, injector: Injector) -> None:
    files = {"key": Path(__file__), "other": body_of("key", 300_000)}
    response = await settled(session.put(swarm.plain + "/up/key", files=files))
    assert int(response.content.split()[1]) > 300_000


async def queued(session: Any, swarm: Swarm, injector: Injector) -> None:
    """The slot is granted just before it is waited for, so that a fault finds the grant on its way."""
    response = await settled(session.get(f"{swarm.plain}/n/key/300000/4", stream=True))

    async def give_up() -> None:
        response.close()

    injector.at_queue = give_up
    await get(session, swarm.other, 1000)


async def queued_for_a_connection(session: Any, swarm: Swarm, injector: Injector) -> None:
    """The same, but the grant is a connection that can be used again."""
    response = await settled(session.get(f"{swarm.plain}/n/key/300000/4", stream=True))
    injector.at_queue = functools.partial(_read_to_end, response)
    await get(session, swarm.plain, 1000)


async def _read_to_end(response: Any) -> None:
    assert b"".join(await pieces_of(response)) == body_of("key", 300_000)


async def retried(session: Any, swarm: Swarm, injector: Injector) -> None:
    injector.refused = 1
    response = await settled(session.get(swarm.plain + "/n/key/1000/1", retries=1))
    assert response.content == body_of("key", 1000)


# The waits of each call, as phases (`loopback.phases`). Where their number differs from run to run, the k-th is of the
# k-th run, so that what follows may come in any order.
WAITS: dict[Shape, str] = {
    plain: "lookup connect send head",
    in_pieces: "connect send head body+",
    over_tls: "lookup connect tls send head body*",
    kept: "connect send head resend head",
    evicting: "connect send head lookup connect tls send head",
    redirected: "lookup connect tls send head (drain|connect|send|head)+",
    streamed: "lookup connect tls send head body+",
    abandoned: "connect send head body?",
    forwarded: "proxy send head",
    tunnelled: "proxy ask hear tls send head",
    tls_in_tls: "proxy tls ask hear tls send head body+",
    over_socks: "proxy ask (hear|ask|send|head)+",
    uploaded: "connect send (rest|head)+",
    uploaded_over_tls: "lookup connect tls send (rest|head)+",
    uploaded_form: "connect send (rest|head)+",
    queued: "connect send head slot connect send head",
    queued_for_a_connection: "connect send head slot resend head",
    retried: "connect pause connect send head",
}
SHAPES = list(WAITS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("fault", ["broken", "timed out"])
def test_every_wait_fails(
    way: str, shape: Shape, fault: str, swarm: Swarm, authority: Authority, injector: Injector
) -> None:
    spelled(run(way, each_wait, way, shape, fault, swarm, authority, injector), fault, WAITS[shape])


@pytest.mark.parametrize("way", LOOPS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_wait_is_cancelled(
    way: str, shape: Shape, swarm: Swarm, authority: Authority, injector: Injector
) -> None:
    results = run(way, each_wait, way, shape, "cancelled", swarm, authority, injector)
    # A call that does not have to suspend any more is through before it hears of its cancellation.
    assert {result for _, result in results} - {None} == {CANCELLED}
    assert [kind for kind, result in results if result is None and kind not in ("read", "write")] == []


@pytest.mark.parametrize("fault", ["interrupted before", "interrupted after"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_wait_is_interrupted(
    shape: Shape, fault: str, swarm: Swarm, authority: Authority, injector: Injector
) -> None:
    results = run("blocking", each_wait, "blocking", shape, fault, swarm, authority, injector)
    assert {result for _, result in results} == {CANCELLED}


def test_the_injector_sees_every_kind(swarm: Swarm, authority: Authority, injector: Injector) -> None:
    seen: set[str] = set()
    for shape in (uploaded_over_tls, queued, retried):
        results = run("asyncio", each_wait, "asyncio", shape, "cancelled", swarm, authority, injector)
        seen.update(kind for kind, _ in results)
    assert seen == {"wait", "connect", "start_tls", "write", "read", "sleep"}

"""Calls that miss together: one of them asks the origin, and the others wait for what it leaves in the store.

Never whether a stored response answers them: each decides that for itself, by the rules.
"""

from functools import partial

from .._model.decision import Asking
from .._model.declared import Protocol
from .._model.errors import RequestException
from .._model.message import Reply
from .._model.request import Request
from .._model.stored import Key
from .._store.base import Lease
from .cache_bodies import TeeReader
from .cache_leases import Looks, lease_or_answer
from .caching import Caching
from .flight_state import LEAD, LOOK, Flight, Waiter
from .flights import Flights


class Asks(Looks, Protocol):
    """The cache stage, as seen from here."""

    @property
    def caching(self) -> Caching: ...

    async def ask(self, request: Request, plan: Asking, key: Key, sent_at: float) -> Reply:
        """The origin's answer, or what stands in for it."""

    async def stand_in(self, request: Request, plan: Asking, failure: RequestException) -> Reply:
        """What stands in for an origin that fails; else raises `failure`."""


async def take_place(
    stage: Asks,
    flights: Flights,
    place: Flight | Waiter,
    request: Request,
    keys: tuple[Key, ...],
    plan: Asking,
    asking: tuple[Asking, float] | None,
) -> Reply:
    """The answer to `request`, which leads a flight or waits for one.

    `plan` is what the store led to; with `asking`, plan and moment, it need not be looked into again.
    """
    if isinstance(place, Waiter):
        return await _follow(stage, flights, request, plan, keys, place)
    return await _lead(stage, flights, request, keys, place, plan, asking)


async def ask_for_nobody(stage: Asks, flights: Flights | None, request: Request, keys: tuple[Key, ...]) -> None:
    """Has the store learn what the origin says now, unless a call is about to."""
    place = None if flights is None else flights.join(keys[0], request)
    if flights is not None and isinstance(place, Waiter):
        flights.leave(place)
        return
    if flights is not None and isinstance(place, Flight):
        reply = await _lead(stage, flights, request, keys, place, None, None)
    else:
        found = await stage.look(request, keys)
        reply = found if isinstance(found, Reply) else await stage.ask(request, found[0], keys[0], found[1])
    body = reply.raw
    try:
        while isinstance(body, TeeReader) and body.copies:
            await body.read()
        await body.discard()
    except BaseException:
        body.abort()
        raise


async def _follow(
    stage: Asks, flights: Flights, request: Request, plan: Asking, keys: tuple[Key, ...], waiter: Waiter
) -> Reply:
    verdict = await flights.wait(waiter, request)
    if isinstance(verdict, RequestException):
        return await stage.stand_in(request, plan, verdict)
    if verdict is LEAD:
        return await _lead(stage, flights, request, keys, waiter.flight, plan, None, waited=True)
    found = await stage.look(request, keys)  # time has passed, whatever the verdict
    if isinstance(found, Reply):
        return _collapsed(found, plan) if verdict is LOOK else found
    return await stage.ask(request, found[0], keys[0], found[1])


async def _lead(
    stage: Asks,
    flights: Flights,
    request: Request,
    keys: tuple[Key, ...],
    flight: Flight,
    plan: Asking | None,
    asking: tuple[Asking, float] | None,
    waited: bool = False,
) -> Reply:
    """Asks the origin, by `asking` if the store need not be looked into again, and tells the others what came of it.

    `plan` is what the store led to at first, `waited` whether the call has been waiting for another one.
    """
    lease: Lease | None = None
    try:
        if stage.caching.collapse == "store":
            got, waited_for_lease = await lease_or_answer(stage, request, keys)
            waited = waited or waited_for_lease
            if isinstance(got, Reply):
                flights.land(flight, useful=True)
                return _collapsed(got, plan)
            lease, asking = got, None  # who had the lease until now may have left an answer
        if asking is None:
            found = await stage.look(request, keys)
            if isinstance(found, Reply):
                _release(lease)
                flights.land(flight, useful=True)
                return _collapsed(found, plan) if waited else found
            asking = found
        reply = await stage.ask(request, asking[0], keys[0], asking[1])
    except BaseException as error:
        _release(lease)
        flights.fail(flight, error)
        raise
    _publish(flights, flight, lease, request, reply)
    return reply


def _publish(flights: Flights, flight: Flight, lease: Lease | None, request: Request, reply: Reply) -> None:
    """Tells what the head, which is there now, means for those who wait."""
    decision = reply.cache
    body = reply.raw
    if isinstance(body, TeeReader) and body.copies and not request.options.stream:
        flights.announce(flight, body.record)
        body.told = partial(_tell, flights, flight, lease, bool(decision.fresh))
        return
    _release(lease)
    if isinstance(body, TeeReader) and body.copies:
        flights.hand_over(flight)
    elif decision is not None and (decision.stored or decision.status == "revalidated"):
        flights.land(flight, useful=bool(decision.fresh))
    else:
        flights.dissolve(flight, remember=reply.head.status < 500 and reply.provenance != "cache")


def _tell(flights: Flights, flight: Flight, lease: Lease | None, useful: bool, kept: bool | None) -> None:
    """Tells what became of the body that the leader reads; see `Told`."""
    _release(lease)
    if kept:
        flights.land(flight, useful=useful)
    elif kept is None:
        flights.fail(flight)
    else:
        flights.dissolve(flight)


def _release(lease: Lease | None) -> None:
    if lease is not None:
        lease.release()


def _collapsed(reply: Reply, plan: Asking | None) -> Reply:
    reply.cache = reply.cache._replace(collapsed=True, forward=None if plan is None else plan.why)
    return reply

"""Who fetches and who waits for it, as plain calls; never a wait, a lock or a clock.

The shell in `flights` calls it under one lock, and wakes the waiters that come back from it.
"""

from collections.abc import Callable
from typing import Final, Literal

from .._model.errors import RequestException
from .._model.request import Request
from .._model.stored import Key
from .._runtime.base import Future

UNSHARED_SECONDS = 120.0
UNSHARED_MAX = 4096

LOOK: Final = "look"
LEAD: Final = "lead"
ALONE: Final = "alone"
Verdict = Literal["look", "lead", "alone"] | RequestException
"""What a waiter does: look into the store again, fetch for all who wait, fetch for itself, or fail like the leader."""


class Flight:
    """One fetch that others may wait for.

    Attributes:
        key: what is fetched.
        request: the leader's.
        who: the thread or task that leads.
        suits: tells of a waiter's request whether what comes will answer it; None before the head is there.
        waiters: in the order of their arrival.
        over: nobody can join it any more, and nothing counts that its leader says.
    """

    __slots__ = ("key", "over", "request", "suits", "waiters", "who")

    def __init__(self, key: Key, who: object, request: Request) -> None:
        self.key = key
        self.who = who
        self.request = request
        self.suits: Callable[[Request], bool] | None = None
        self.waiters: dict[Waiter, None] = {}
        self.over = False


class Waiter:
    """A place in the queue of a flight.

    Attributes:
        flight: the one that is waited for, and after `LEAD` the one to lead.
        who: the thread or task that waits.
        request: what it asks.
        verdict: what it is to do, None before that is known.
        future: the shell's.
    """

    __slots__ = ("flight", "future", "request", "verdict", "who")

    def __init__(self, flight: Flight, who: object, request: Request) -> None:
        self.flight = flight
        self.who = who
        self.request = request
        self.verdict: Verdict | None = None
        self.future: Future | None = None

    @property
    def leads(self) -> bool:
        """Whether others could use what it fetches."""
        return self.request.method == "GET"

    @property
    def reads(self) -> bool:
        """Whether it will also read that to the end, so that nobody waits in vain."""
        return self.leads and not self.request.options.stream


class FlightState:
    """The flights of one cache in one session.

    Attributes:
        landed: how many flights have left something in the store. Who found nothing there, and is to lead when this
            has grown meanwhile, looks again.
    """

    __slots__ = ("_flights", "landed", "unshared")

    def __init__(self) -> None:
        self.landed = 0
        self._flights: dict[Key, Flight] = {}
        self.unshared: dict[Key, float] = {}  # until when, which is also their order

    def is_unshared(self, key: Key, now: float) -> bool:
        """Whether nobody waits for `key`, since what came of it before was of no use to others. Needs no lock."""
        return now < self.unshared.get(key, 0.0)

    def join(self, key: Key, who: object, request: Request, now: float) -> Flight | Waiter | None:
        """A flight to lead, a place to wait in, or None to go alone."""
        if self.is_unshared(key, now):
            return None
        flight = self._flights.get(key)
        if flight is None:
            if request.method != "GET":
                return None
            flight = self._flights[key] = Flight(key, who, request)
            return flight
        if flight.who == who or (flight.suits is not None and not flight.suits(request)):
            return None
        waiter = Waiter(flight, who, request)
        flight.waiters[waiter] = None
        return waiter

    def announce(self, flight: Flight, suits: Callable[[Request], bool]) -> list[Waiter]:
        """The head is there, and what follows it is stored: those whom it does not suit go."""
        if flight.over:
            return []
        flight.suits = suits
        return self._send([waiter for waiter in flight.waiters if not suits(waiter.request)], ALONE)

    def hand_over(self, flight: Flight) -> list[Waiter]:
        """The head is there, and what follows it may never be read: one that will read it leads, or all go."""
        if flight.over:
            return []
        heir = next((waiter for waiter in flight.waiters if waiter.reads), None)
        return self._end(flight, ALONE) if heir is None else self._promote(heir)

    def land(self, flight: Flight, unshared_at: float | None = None) -> list[Waiter]:
        """Something is in the store, and all look; for `unshared_at` see `dissolve`."""
        if flight.over:
            return []
        self.landed += 1
        self._leave_unshared(flight.key, unshared_at)
        return self._end(flight, LOOK)

    def dissolve(self, flight: Flight, unshared_at: float | None) -> list[Waiter]:
        """What came is nobody else's, and all go. From `unshared_at` on, unless None, nobody waits for this key."""
        if flight.over:
            return []
        self._leave_unshared(flight.key, unshared_at)
        return self._end(flight, ALONE)

    def fail(self, flight: Flight, error: RequestException | None = None) -> list[Waiter]:
        """Nothing came of it, and one waiter leads; or they all have the `error` that they all would meet."""
        if flight.over:
            return []
        if error is not None:
            return self._end(flight, error)
        heirs = [waiter for waiter in flight.waiters if waiter.leads]
        heir = next((waiter for waiter in heirs if waiter.reads), heirs[0] if heirs else None)
        return self._end(flight, ALONE) if heir is None else self._promote(heir)

    def withdraw(self, waiter: Waiter) -> list[Waiter]:
        """A waiter goes before it is told anything, or without doing what it is told."""
        if waiter.verdict is None:
            self._send([waiter], ALONE)
            return []
        return self.fail(waiter.flight) if waiter.verdict is LEAD else []

    def forget(self) -> None:
        """No flight counts any more."""
        for flight in self._flights.values():
            flight.over = True
        self._flights.clear()

    def _promote(self, waiter: Waiter) -> list[Waiter]:
        old = waiter.flight
        old.over = True
        del old.waiters[waiter]
        flight = self._flights[old.key] = Flight(old.key, waiter.who, waiter.request)
        flight.waiters = old.waiters
        for each in (waiter, *flight.waiters):
            each.flight = flight
        waiter.verdict = LEAD
        return [waiter]

    def _end(self, flight: Flight, verdict: Verdict) -> list[Waiter]:
        flight.over = True
        del self._flights[flight.key]
        return self._send(list(flight.waiters), verdict)

    def _send(self, waiters: list[Waiter], verdict: Verdict) -> list[Waiter]:
        for waiter in waiters:
            del waiter.flight.waiters[waiter]
            waiter.verdict = verdict
        return waiters

    def _leave_unshared(self, key: Key, since: float | None) -> None:
        if since is not None:
            self.unshared.pop(key, None)
            self.unshared[key] = since + UNSHARED_SECONDS
            if len(self.unshared) > UNSHARED_MAX:
                del self.unshared[next(iter(self.unshared))]

    def __repr__(self) -> str:
        waiting = sum([len(flight.waiters) for flight in self._flights.values()])
        return f"<Flights {len(self._flights)} under way, {waiting} waiting>"

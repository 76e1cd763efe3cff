"""The shell of `flight_state`: its lock, and the waits of those who wait for another's fetch; never what is fetched."""

import os
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from .._model.errors import ConnectionError, PoolTimeout, ReadError, RemoteProtocolError, RequestException, WriteError
from .._model.request import Request
from .._model.stored import Key, Stored
from .._rules.collapsing import suits
from .._rules.partition import NO_PARTITION
from .._runtime.base import Runtime, deliver, nearer, new_lock
from .flight_state import ALONE, Flight, FlightState, Verdict, Waiter

WAIT_SECONDS = 5.0  # longer than most answers take

_every: "WeakSet[Flights]" = WeakSet()


class Flights:
    """One flight per key, among the calls over one cache and one runtime.

    A leader says in one of `announce`, `hand_over`, `land`, `dissolve` and `fail` what came of it; after the last four,
    and for None in the place of a flight, that is nothing.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._now = runtime.now
        self._lock = new_lock()
        self._state = FlightState()
        _every.add(self)

    def forget(self) -> None:
        """In a forked child: the leaders are not here."""
        self._state.forget()

    @property
    def landed(self) -> int:
        """Grows whenever a flight has left something in the store."""
        return self._state.landed

    def is_unshared(self, uri: str) -> bool:
        """Whether nobody waits for what is at `uri`, as far as anonymous calls have shown. Needs no lock."""
        return self._state.unshared.get((uri, NO_PARTITION), 0.0) > self._now()

    def join(self, key: Key, request: Request) -> Flight | Waiter | None:
        """A flight to lead, a place to `wait` in, or None to go alone."""
        runtime = self._runtime
        now = runtime.now()
        if self._state.is_unshared(key, now):
            return None
        with self._lock:
            place = self._state.join(key, runtime.caller(), request, now)
            if type(place) is Waiter:
                place.future = runtime.new_future()
        return place

    async def wait(self, waiter: Waiter, request: Request) -> Verdict:
        """What the waiter is to do next; `LEAD` gives it `waiter.flight`. When cancelled, it passes that on."""
        runtime = self._runtime
        try:
            assert waiter.future is not None
            await runtime.wait(waiter.future, nearer(WAIT_SECONDS, request.deadline, runtime.now()))
        except TimeoutError:
            with self._lock:
                if waiter.verdict is None:
                    self._state.withdraw(waiter)
        except BaseException:
            self._settle(self._state.withdraw, waiter)
            raise
        verdict = waiter.verdict
        assert verdict is not None
        if isinstance(verdict, RequestException):
            return _for_another(verdict) if _tries_alike(waiter.flight.request, request) else ALONE
        return verdict

    def leave(self, waiter: Waiter) -> None:
        """Has a waiter that does not wait forgotten."""
        self._settle(self._state.withdraw, waiter)

    def announce(self, flight: Flight | None, record: Stored) -> None:
        """The head is there, and the body is on its way into the store: who asked for another variant goes."""
        if flight is not None:
            self._settle(self._state.announce, flight, lambda request: suits(record, request))

    def hand_over(self, flight: Flight | None) -> None:
        """The head is there, and its body may never be read."""
        if flight is not None:
            self._settle(self._state.hand_over, flight)

    def land(self, flight: Flight | None, *, useful: bool) -> None:
        """Something is in the store; `useful` to others without asking the origin, else nobody waits for more of it."""
        if flight is not None:
            self._settle(self._state.land, flight, None if useful else self._runtime.now())

    def dissolve(self, flight: Flight | None, *, remember: bool = True) -> None:
        """What came is nobody else's; `remember` that, so that nobody waits for this key in the next two minutes."""
        if flight is not None:
            self._settle(self._state.dissolve, flight, self._runtime.now() if remember else None)

    def fail(self, flight: Flight | None, error: BaseException | None = None) -> None:
        """Nothing came of it; an `error` that was met before anything was sent is that of all who wait."""
        if flight is not None:
            shared = error if isinstance(error, ConnectionError) and _is_of_connecting(error) else None
            self._settle(self._state.fail, flight, shared)

    def _settle(self, step: Callable[..., Sequence[Waiter]], *args: Any) -> None:
        with self._lock:
            told = [waiter.future for waiter in step(*args)]
        if told:
            self._runtime.call_threadsafe(_wake, told)

    def __repr__(self) -> str:
        return repr(self._state)


def _wake(futures: Sequence[Any]) -> None:
    for future in futures:
        deliver(future, None)


def _is_of_connecting(error: ConnectionError) -> bool:
    exchanged = ReadError | WriteError | RemoteProtocolError | PoolTimeout
    return error.sent == "nothing" and not isinstance(error, exchanged)


def _tries_alike(leader: Request, request: Request) -> bool:
    """Whether what one cannot reach is out of reach for the other too."""
    ours, theirs = request.options, leader.options
    return ours.timeout == theirs.timeout and ours.retries == theirs.retries


def _for_another(error: RequestException) -> RequestException:
    """The same failure for another caller, who adds to it whose it is."""
    from copy import copy

    again = copy(error)
    again.request = again.response = again.elapsed = None
    again.__cause__ = error.__cause__
    return again


def _forget_flights() -> None:
    for flights in list(_every):
        flights.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_flights)

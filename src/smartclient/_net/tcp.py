"""From a host to a connected stream: its addresses, and the race between them. No TLS and no proxy here."""

from collections.abc import Iterable, Sequence
from typing import Any

from .._model.errors import ConnectionError, ConnectTimeout
from .._model.options import Reach
from .._model.timings import Notes
from .._runtime.base import Address, Runtime, Stream
from .race import Race, interleaved
from .reach import addresses_of


async def open_tcp(
    runtime: Runtime, host: str, port: int, reach: Reach | None, timeout: float | None, notes: Notes | None = None
) -> Stream:
    """A stream to `host`, or to the Unix socket that stands for every host, within `timeout` seconds in all.

    `notes` takes down what the look-up took.

    Raises:
        ConnectTimeout, ResolveError, ConnectionError: with the number of addresses tried, and each kind of failure.
    """
    started = runtime.now()
    addresses = await addresses_of(runtime, host, port, reach, timeout)
    took = runtime.now() - started
    if notes is not None:
        notes.dns = took
    left = None if timeout is None else timeout - took
    return await open_first(runtime, interleaved(addresses) if len(addresses) > 1 else addresses, left)


async def open_first(runtime: Runtime, addresses: Sequence[Address], timeout: float | None) -> Stream:
    """The first stream that opens to one of `addresses` within `timeout` seconds; all other attempts are given up."""
    race = Race(len(addresses))
    running: list[Any] = []
    failures: dict[str, ConnectionError] = {}  # the last one of each kind

    def failed(error: ConnectionError) -> None:
        failures.pop(str(error), None)
        failures[str(error)] = error
        race.failed()

    started = runtime.now()
    try:
        while True:
            now = runtime.now() - started
            if timeout is not None and now >= timeout:
                raise ConnectTimeout(_told(["timed out", *failures], race.begun))
            place = race.begins(now)
            if place is not None:
                try:
                    running.append(runtime.begin(addresses[place]))
                except ConnectionError as error:
                    failed(error)
                continue
            if not running:
                raise _failure(failures, race.begun) from failures.popitem()[1]
            settled = await runtime.first(running, _nearer(race.until_next(now), timeout, now))
            if settled is None:
                continue
            try:
                stream = await runtime.finish(settled)
            except ConnectionError as error:
                running.remove(settled)
                settled.abort()
                failed(error)
            else:
                running.remove(settled)
                return stream
    finally:
        failures.clear()  # they know this frame
        for attempt in running:
            attempt.abort()


def _nearer(next_attempt: float | None, timeout: float | None, now: float) -> float | None:
    if timeout is None:
        return next_attempt
    return timeout - now if next_attempt is None else min(next_attempt, timeout - now)


def _failure(failures: dict[str, ConnectionError], tried: int) -> ConnectionError:
    """What to raise from the last of `failures`."""
    return type(next(reversed(failures.values())))(_told(failures, tried))


def _told(reasons: Iterable[str], tried: int) -> str:
    return f"{', '.join(reasons)} ({tried} address{'es' if tried != 1 else ''} tried)"

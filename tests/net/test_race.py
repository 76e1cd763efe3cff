"""The race between the addresses of a host (RFC 8305), against a clock and sockets that are made up."""

import socket
from collections.abc import Sequence
from typing import Any

import pytest

from loopback.ways import run
from smartclient._net.race import ATTEMPT_DELAY, MOST_ADDRESSES, Race, interleaved
from smartclient._net.tcp import open_first
from smartclient._runtime.base import Address
from smartclient.exceptions import ConnectionError, ConnectTimeout

NEVER = float("inf")
REFUSED = "Connection refused"


def four(number: int) -> Address:
    return Address(socket.AF_INET, (f"192.0.2.{number}", 80))


def six(number: int) -> Address:
    return Address(socket.AF_INET6, (f"2001:db8::{number}", 80, 0, 0))


@pytest.mark.parametrize(
    ("given", "order"),
    [
        pytest.param([four(1)], [four(1)], id="one"),
        pytest.param([six(1), six(2), four(1), four(2)], [six(1), four(1), six(2), four(2)], id="IPv6 first"),
        pytest.param([four(1), four(2), six(1), six(2)], [four(1), six(1), four(2), six(2)], id="IPv4 first"),
        pytest.param([six(1), six(2), six(3), four(1)], [six(1), four(1), six(2), six(3)], id="one of the other"),
        pytest.param([six(1), four(1), four(2), four(3)], [six(1), four(1), four(2), four(3)], id="many of the other"),
        pytest.param([four(1), four(1), six(1), four(1)], [four(1), six(1)], id="repeated"),
        pytest.param([four(n) for n in range(99)], [four(n) for n in range(MOST_ADDRESSES)], id="too many"),
    ],
)
def test_families_take_turns(given: list[Address], order: list[Address]) -> None:
    assert interleaved(given) == order


def test_schedule() -> None:
    race = Race(3)
    assert (race.begins(100.0), race.begins(100.0), race.begins(100.2)) == (0, None, None)
    assert race.until_next(100.2) == pytest.approx(0.05)
    assert race.begins(100.25) == 1
    race.failed()
    assert race.until_next(100.26) == 0.0
    assert (race.begins(100.26), race.begins(200.0)) == (2, None)
    race.failed()
    assert (race.begins(200.0), race.until_next(200.0), race.begun) == (None, None, 3)


class Attempt:
    """One that comes to its end at a moment of its own."""

    def __init__(self, address: Address, begun: float, ends: float, outcome: str) -> None:
        self.address = address
        self.begun = begun
        self.ends = ends
        self.outcome = outcome
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


class Network:
    """A runtime with a clock of its own, on which each address answers after so many seconds, or at once refuses.

    `answers` are (seconds, outcome): "" for a stream, a text for a failure.
    """

    def __init__(self, answers: Sequence[tuple[float, str]]) -> None:
        self.clock = 1000.0
        self.answers = dict(zip(map(four, range(len(answers))), answers, strict=True))
        self.attempts: list[Attempt] = []

    def now(self) -> float:
        return self.clock

    def begin(self, address: Address) -> Attempt:
        seconds, outcome = self.answers[address]
        if seconds < 0:
            raise ConnectionError(outcome)
        self.attempts.append(Attempt(address, self.clock - 1000.0, self.clock + seconds, outcome))
        return self.attempts[-1]

    async def first(self, attempts: Sequence[Attempt], timeout: float | None) -> Attempt | None:
        earliest = min(attempts, key=lambda attempt: attempt.ends)
        limit = NEVER if timeout is None else self.clock + timeout
        assert min(earliest.ends, limit) < NEVER, "a wait without end"
        self.clock = min(max(earliest.ends, self.clock), limit)
        return earliest if earliest.ends <= self.clock else None

    async def finish(self, attempt: Attempt) -> Attempt:
        if attempt.outcome:
            raise ConnectionError(attempt.outcome)
        return attempt

    def open(self, timeout: float | None) -> Any:
        return run("blocking", open_first, self, list(self.answers), timeout)


@pytest.mark.parametrize(
    ("answers", "winner", "begun"),
    [
        pytest.param([(0.1, "")], 0, [0.0], id="one"),
        pytest.param([(0.2, ""), (0.0, "")], 0, [0.0], id="the first in time"),
        pytest.param([(NEVER, ""), (0.01, "")], 1, [0.0, 0.25], id="the first is silent"),
        pytest.param([(NEVER, ""), (NEVER, ""), (0.1, "")], 2, [0.0, 0.25, 0.5], id="two are silent"),
        pytest.param([(0.01, REFUSED), (0.1, "")], 1, [0.0, 0.01], id="refused, then good"),
        pytest.param([(-1, "No route"), (0.1, "")], 1, [0.0], id="refused by the system at once"),
        pytest.param([(NEVER, ""), (0.05, REFUSED), (0.1, "")], 2, [0.0, 0.25, 0.3], id="silent, refused, good"),
        pytest.param([(0.3, ""), (0.2, "")], 0, [0.0, 0.25], id="the first is slow, and first all the same"),
        pytest.param([(0.6, ""), (0.2, "")], 1, [0.0, 0.25], id="the second overtakes"),
    ],
)
def test_first_stream_wins(answers: list[tuple[float, str]], winner: int, begun: list[float]) -> None:
    network = Network(answers)
    stream = network.open(5.0)
    assert stream.address == four(winner)
    assert [attempt.begun for attempt in network.attempts] == pytest.approx(begun)
    assert [attempt.address for attempt in network.attempts if not attempt.aborted] == [four(winner)]


@pytest.mark.parametrize(
    ("answers", "kind", "text"),
    [
        pytest.param([(0.1, REFUSED)], ConnectionError, "Connection refused (1 address tried)", id="one"),
        pytest.param(
            [(0.1, REFUSED), (-1, "No route"), (0.1, REFUSED)],
            ConnectionError,
            "No route, Connection refused (3 addresses tried)",
            id="each kind once",
        ),
        pytest.param([(NEVER, "")], ConnectTimeout, "timed out (1 address tried)", id="silence"),
        pytest.param(
            [(0.1, REFUSED), (NEVER, ""), (NEVER, "")],
            ConnectTimeout,
            "timed out, Connection refused (3 addresses tried)",
            id="refusal and silence",
        ),
    ],
)
def test_nobody_wins(answers: list[tuple[float, str]], kind: type[Exception], text: str) -> None:
    network = Network(answers)
    with pytest.raises(ConnectionError) as caught:
        network.open(1.0)
    assert (type(caught.value), str(caught.value)) == (kind, text)
    assert all(attempt.aborted for attempt in network.attempts)


def test_no_limit_waits_for_the_last() -> None:
    assert Network([(NEVER, ""), (400.0, "")]).open(None).address == four(1)


def test_attempt_that_is_not_finished_is_given_up() -> None:
    class Interrupted(Network):
        async def finish(self, attempt: Attempt) -> Attempt:
            raise KeyboardInterrupt

    network = Interrupted([(NEVER, ""), (0.1, "")])
    with pytest.raises(KeyboardInterrupt):
        network.open(5.0)
    assert [attempt.aborted for attempt in network.attempts] == [True, True]
    assert network.clock == pytest.approx(1000.0 + ATTEMPT_DELAY + 0.1)

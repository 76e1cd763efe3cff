"""Who fetches and who waits, as a table of moves."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.errors import ConnectTimeout
from smartclient._model.options import Options
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._pipeline.flight_state import (
    ALONE,
    LEAD,
    LOOK,
    UNSHARED_MAX,
    UNSHARED_SECONDS,
    Flight,
    FlightState,
    Waiter,
)

KEY = ("https://h.example/a", b"")
OTHER = ("https://h.example/a", b"ann")


def asks(method: str = "GET", **options: Any) -> Request:
    return Request(method, URL.parse(KEY[0]), options=Options(**options))


READS, STREAMS, HEAD = asks(), asks(stream=True), asks("HEAD")


def queue(state: FlightState, *requests: Request) -> tuple[Flight, list[Waiter]]:
    """A flight, led by somebody, and those who wait for it."""
    flight = state.join(KEY, "leader", READS, 0.0)
    assert isinstance(flight, Flight)
    waiters = [state.join(KEY, number, request, 0.0) for number, request in enumerate(requests)]
    assert all(isinstance(waiter, Waiter) for waiter in waiters)
    return flight, waiters  # type: ignore[return-value]


def verdicts(waiters: list[Waiter]) -> list[Any]:
    return [waiter.verdict for waiter in waiters]


@pytest.fixture
def state() -> FlightState:
    return FlightState()


def test_the_first_leads_and_the_others_wait(state: FlightState) -> None:
    flight, waiters = queue(state, READS, STREAMS, HEAD)
    assert verdicts(waiters) == [None] * 3
    assert [waiter.flight for waiter in waiters] == [flight] * 3
    assert repr(state) == "<Flights 1 under way, 3 waiting>"


def test_keys_have_nothing_to_do_with_each_other(state: FlightState) -> None:
    queue(state)
    assert isinstance(state.join(OTHER, "b", READS, 0.0), Flight)


def test_nobody_waits_for_himself(state: FlightState) -> None:
    queue(state)
    assert state.join(KEY, "leader", READS, 0.0) is None


def test_head_never_leads(state: FlightState) -> None:
    assert state.join(KEY, "a", HEAD, 0.0) is None
    assert isinstance(state.join(KEY, "a", READS, 0.0), Flight)


def test_all_look_when_something_is_stored(state: FlightState) -> None:
    flight, waiters = queue(state, READS, STREAMS, HEAD)
    assert state.land(flight) == waiters
    assert verdicts(waiters) == [LOOK] * 3
    assert state.landed == 1
    assert isinstance(state.join(KEY, "b", READS, 0.0), Flight)


def test_all_go_when_nothing_is_to_be_shared_and_none_waits_for_two_minutes(state: FlightState) -> None:
    flight, waiters = queue(state, READS, HEAD)
    assert state.dissolve(flight, 10.0) == waiters
    assert verdicts(waiters) == [ALONE] * 2
    assert [state.join(KEY, "b", READS, moment) for moment in (10.0, 9.9 + UNSHARED_SECONDS)] == [None, None]
    assert isinstance(state.join(KEY, "b", READS, 10.0 + UNSHARED_SECONDS), Flight)
    assert isinstance(state.join(KEY, "c", READS, 10.0 + UNSHARED_SECONDS), Waiter)
    assert state.landed == 0


def test_what_was_no_answer_is_not_remembered(state: FlightState) -> None:
    flight, _ = queue(state)
    state.dissolve(flight, None)
    assert isinstance(state.join(KEY, "b", READS, 0.0), Flight)


def test_what_each_must_validate_is_not_waited_for_again(state: FlightState) -> None:
    flight, waiters = queue(state, READS)
    state.land(flight, 0.0)
    assert verdicts(waiters) == [LOOK]
    assert state.join(KEY, "b", READS, 1.0) is None


def test_the_oldest_key_is_forgotten_first(state: FlightState) -> None:
    keys = [(f"https://h.example/{number}", b"") for number in range(UNSHARED_MAX)]
    for key in keys:
        flight = state.join(key, "a", READS, 0.0)
        assert isinstance(flight, Flight)
        state.dissolve(flight, 0.0)
    assert state.join(keys[0], "a", READS, 1.0) is None
    flight, _ = queue(state)
    state.dissolve(flight, 1.0)
    assert isinstance(state.join(keys[0], "a", READS, 1.0), Flight)
    assert state.join(keys[1], "a", READS, 1.0) is None


@pytest.mark.parametrize(
    ("end", "requests", "expected"),
    [
        pytest.param("fail", [READS, READS], [LEAD, None], id="failed: the first leads"),
        pytest.param("fail", [HEAD, STREAMS, READS], [None, None, LEAD], id="failed: one that reads leads"),
        pytest.param("fail", [HEAD, STREAMS, STREAMS], [None, LEAD, None], id="failed: else one that streams"),
        pytest.param("fail", [HEAD, HEAD], [ALONE, ALONE], id="failed: HEAD is of use to nobody"),
        pytest.param("fail", [], [], id="failed: nobody waits"),
        pytest.param("hand_over", [READS, READS], [LEAD, None], id="streamed: the first leads"),
        pytest.param("hand_over", [STREAMS, READS, HEAD], [None, LEAD, None], id="streamed: one that reads leads"),
        pytest.param("hand_over", [STREAMS, HEAD], [ALONE, ALONE], id="streamed: nobody reads"),
        pytest.param("hand_over", [], [], id="streamed: nobody waits"),
    ],
)
def test_who_follows(state: FlightState, end: str, requests: list[Request], expected: list[Any]) -> None:
    flight, waiters = queue(state, *requests)
    told = getattr(state, end)(flight)
    assert verdicts(waiters) == expected
    assert told == [waiter for waiter in waiters if waiter.verdict is not None]
    assert flight.over
    assert state.land(flight) == state.dissolve(flight, 0.0) == state.fail(flight) == state.hand_over(flight) == []
    assert verdicts(waiters) == expected


def test_the_heir_leads_those_who_wait_on(state: FlightState) -> None:
    flight, (heir, *others) = queue(state, READS, READS, READS)
    state.fail(flight)
    assert heir.flight is not flight
    assert [waiter.flight for waiter in others] == [heir.flight] * 2
    late = state.join(KEY, "late", READS, 0.0)
    assert isinstance(late, Waiter)
    assert state.land(heir.flight) == [*others, late]
    assert verdicts(others) == [LOOK, LOOK]


def test_a_failure_that_all_would_meet(state: FlightState) -> None:
    flight, waiters = queue(state, READS, HEAD)
    error = ConnectTimeout("no answer")
    assert state.fail(flight, error) == waiters
    assert verdicts(waiters) == [error, error]
    assert isinstance(state.join(KEY, "b", READS, 0.0), Flight)


def test_whom_the_head_does_not_suit_goes_at_once(state: FlightState) -> None:
    flight, waiters = queue(state, READS, STREAMS, READS)
    assert state.announce(flight, lambda request: request is not STREAMS) == [waiters[1]]
    assert verdicts(waiters) == [None, ALONE, None]
    assert state.join(KEY, "late", STREAMS, 0.0) is None
    assert isinstance(state.join(KEY, "late", READS, 0.0), Waiter)
    state.fail(flight)
    assert isinstance(state.join(KEY, "later", STREAMS, 0.0), Waiter)  # of the next answer nothing is known yet


def test_a_waiter_that_goes_is_missed_by_nobody(state: FlightState) -> None:
    flight, waiters = queue(state, READS, READS)
    assert state.withdraw(waiters[0]) == []
    assert state.fail(flight) == [waiters[1]]


@pytest.mark.parametrize("verdict", [LOOK, ALONE])
def test_going_after_the_verdict(state: FlightState, verdict: str) -> None:
    flight, (waiter,) = queue(state, READS)
    state.land(flight) if verdict is LOOK else state.dissolve(flight, None)
    assert state.withdraw(waiter) == []


def test_an_heir_that_goes_passes_it_on(state: FlightState) -> None:
    flight, waiters = queue(state, READS, READS)
    state.fail(flight)
    assert state.withdraw(waiters[0]) == [waiters[1]]
    assert waiters[1].verdict is LEAD
    assert state.withdraw(waiters[1]) == []
    assert isinstance(state.join(KEY, "b", READS, 0.0), Flight)


def test_in_a_child_nothing_is_under_way(state: FlightState) -> None:
    flight, _ = queue(state, READS)
    state.forget()
    assert isinstance(state.join(KEY, "b", READS, 0.0), Flight)
    assert state.land(flight) == []
    assert isinstance(state.join(KEY, "c", READS, 0.0), Waiter)


ENDS: dict[str, Callable[[FlightState, Flight], Any]] = {
    "land": FlightState.land,
    "dissolve": lambda state, flight: state.dissolve(flight, None),
    "fail": FlightState.fail,
    "share": lambda state, flight: state.fail(flight, ConnectTimeout("x")),
    "hand_over": FlightState.hand_over,
    "announce": lambda state, flight: state.announce(flight, lambda request: request is READS),
}
MOVES = st.lists(st.tuples(st.sampled_from(["join", "join", "join", "leave", *ENDS]), st.integers(0, 7)), max_size=60)


@given(MOVES)
def test_nobody_is_forgotten_and_nobody_leads_twice(moves: list[tuple[str, int]]) -> None:
    state = FlightState()
    flights: list[Flight] = []
    waiters: list[Waiter] = []
    kinds = (READS, STREAMS, HEAD)
    for place, (move, number) in enumerate(moves):
        if move == "join":
            found = state.join(KEY, place, kinds[number % 3], float(place))
            if isinstance(found, Flight):
                flights.append(found)
            elif found is not None:
                waiters.append(found)
        elif move == "leave" and waiters:
            waiter = waiters.pop(number % len(waiters))
            state.withdraw(waiter)
        elif flights:
            ENDS.get(move, lambda state, flight: None)(state, flights[number % len(flights)])
        for waiter in [waiter for waiter in waiters if waiter.verdict is LEAD]:
            waiters.remove(waiter)
            flights.append(waiter.flight)
        under_way = [flight for flight in flights if not flight.over]
        assert len(under_way) <= 1
        left = [waiter for waiter in waiters if waiter.verdict is None]
        assert not left or list(under_way[0].waiters) == left

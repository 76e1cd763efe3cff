"""Calls that miss together: one of them fetches, in threads and in tasks, whatever becomes of it."""

import threading
from collections.abc import Callable
from typing import Any

from loopback.clients import Client
from loopback.origin import Origin, Page, Seen
from smartclient._pipeline.flights import Flights

CALLS = 50
FRESH = (("Cache-Control", "max-age=60"), ("ETag", '"1"'))
PATIENCE = 10.0


def flights_of(session: Any) -> Flights:
    session = getattr(session, "inner", session)
    flights: Flights = session._shared.flights_of(session.cache.of.caching)
    return flights


def until(condition: Callable[[], bool]) -> None:
    """Waits for what another thread does; for the origin's threads."""
    never = threading.Event()
    for _ in range(int(PATIENCE / 0.002)):
        if condition():
            return
        never.wait(0.002)
    raise AssertionError("it did not come to that")


def waiting(session: Any) -> int:
    return int(repr(flights_of(session)).split()[-2])


class Held:
    """A page that is answered when `calls` wait for it; the requests after the first are answered at once."""

    def __init__(self, origin: Origin, page: Page, calls: int = CALLS - 1, *, path: str = "/held") -> None:
        self.session: Any = None
        self.page = page
        self.calls = calls
        self.url = origin.route(path, self.answer)
        self.seen = 0

    def answer(self, seen: Seen) -> Page:
        self.seen += 1
        if self.seen == 1:
            until(lambda: waiting(self.session) >= self.calls)
        return self.page


def pieces(count: int, gate: threading.Event) -> Any:
    for number in range(count):
        if number == count - 1:
            gate.wait(PATIENCE)
        yield b"x" * 1000


def test_fifty_calls_on_one_cold_url_are_one_fetch(client: Client, origin: Origin) -> None:
    held = Held(origin, Page(b"tea", headers=FRESH))
    held.session = session = client.session()
    responses = client.together([("GET", held.url, {})] * CALLS, session)
    assert [response.content for response in responses] == [b"tea"] * CALLS
    assert held.seen == 1
    decisions = [response.cache for response in responses]
    assert sorted(decision.status for decision in decisions) == ["hit"] * (CALLS - 1) + ["miss"]
    waited = [decision for decision in decisions if decision.collapsed]
    assert len(waited) == CALLS - 1
    assert str(waited[0]).startswith("smartclient; fwd=uri-miss; ttl=")
    assert str(waited[0]).endswith("; collapsed")


def test_a_body_in_pieces_is_waited_for_to_its_end(client: Client, origin: Origin) -> None:
    gate = threading.Event()
    session = client.session()
    held = Held(origin, Page(), 9)
    held.session = session

    def answer(seen: Seen) -> Page:
        held.answer(seen)
        gate.set()
        return Page(pieces(100, gate), headers=FRESH)

    url = origin.route("/pieces", answer)
    responses = client.together([("GET", url, {})] * 10, session)
    assert {len(response.content) for response in responses} == {100_000}
    assert held.seen == 1

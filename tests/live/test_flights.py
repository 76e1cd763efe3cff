"""Calls that miss together: one of them fetches, in threads and in tasks."""

import threading
from typing import Any

import pytest

from loopback.clients import Client
from loopback.origin import Origin, Page, Seen
from loopback.waiting import PATIENCE, until
from loopback.ways import WAYS, first_piece, new_session, run, settled
from smartclient import Cache
from smartclient._pipeline import cache_leases, flights
from smartclient._pipeline.flights import Flights
from smartclient.stores import SQLiteStore

CALLS = 50
FRESH = (("Cache-Control", "max-age=60"), ("ETag", '"1"'))


@pytest.fixture(autouse=True)
def _nobody_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits is to wait for longer than its test."""
    monkeypatch.setattr(flights, "WAIT_SECONDS", 3 * PATIENCE)
    monkeypatch.setattr(cache_leases, "WAIT_SECONDS", 3 * PATIENCE)


def flights_of(session: Any) -> Flights:
    session = getattr(session, "inner", session)
    flights: Flights = session._shared.flights_of(session.cache.of.caching)
    return flights


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


@pytest.mark.parametrize("way", WAYS)
def test_a_streamed_call_is_not_waited_for_by_its_own_thread_or_task(way: str, origin: Origin) -> None:
    gate = threading.Event()
    asked: list[Seen] = []

    def answer(seen: Seen) -> Page:
        asked.append(seen)
        if len(asked) > 1:
            gate.set()
        return Page(pieces(3, gate), headers=FRESH)

    url = origin.route("/streamed", answer)

    async def scenario() -> None:
        session = new_session(way)
        try:
            first = await settled(session.get(url, stream=True))
            second = await settled(session.get(url))  # would never end if it waited for the first
            assert len(second.content) == 3000
            assert await first_piece(first) == b"x" * 1000
            await settled(first.close())
        finally:
            await settled(session.close())

    run(way, scenario)
    assert len(asked) == 2


def test_two_users_are_two_fetches(client: Client, origin: Origin) -> None:
    def answer(seen: Seen) -> Page:
        name = seen.header("authorization") or ""
        asked.append(name)
        until(lambda: ready.is_set() or (len(asked) == 2 and waiting(session) == 8))
        ready.set()
        return Page(name.encode(), headers=FRESH)

    asked: list[str] = []
    ready = threading.Event()
    session = client.session()
    url = origin.route("/mine", answer)
    calls = [("GET", url, {"headers": {"Authorization": f"Bearer {name}"}}) for name in ("ann", "bob") * 5]
    responses = client.together(calls, session)
    assert [response.text for response in responses] == ["Bearer ann", "Bearer bob"] * 5
    assert sorted(asked) == ["Bearer ann", "Bearer bob"]


def test_sessions_over_one_store_make_one_fetch(client: Client, origin: Origin, tmp_path: Any) -> None:
    sessions = [client.session(cache=Cache(SQLiteStore(tmp_path), collapse="store")) for _ in range(3)]
    asked: list[Seen] = []
    refused: set[Any] = set()

    def answer(seen: Seen) -> Page:
        asked.append(seen)
        until(lambda: len(refused) == 2)
        return Page(b"tea", headers=FRESH)

    for session in sessions:
        store = getattr(session, "inner", session).cache.of.caching.store
        take = store.lease

        async def lease(*args: Any, take: Any = take) -> Any:
            got = await take(*args)
            if got is None:
                refused.add(take)
            return got

        store.lease = lease
    url = origin.route("/shared", answer)
    results: list[Any] = [None] * 3

    def ask(number: int) -> None:
        results[number] = sessions[number].get(url)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [response.text for response in results] == ["tea"] * 3
    assert len(asked) == 1
    assert sorted(response.cache.collapsed for response in results) == [False, True, True]

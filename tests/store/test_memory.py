"""The memory store: room, order, variants, marks."""

import threading
from typing import Any

import pytest

from smartclient._model.headers import Fields
from smartclient._model.scope import EVERYTHING, Scope
from smartclient._model.stored import Stored
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient._store.marks import MAX_MARKS
from smartclient._store.memory import MAX_VARIANTS, MemoryStore

RUNTIME = BlockingRuntime()
URI = "https://h.example/"


def stored(uri: str = URI, partition: bytes = b"", sent_at: float = 10.0, **changes: Any) -> Stored:
    return Stored(
        **{
            "key": (uri, partition),
            "status": 200,
            "reason": "OK",
            "fields": Fields([("A", "b")]),
            "body": b"",
            "vary": (),
            "sent_at": sent_at,
            "received_at": sent_at,
            "date": sent_at,
            "initial_age": 0.0,
            "fresh_until": 99.0,
            "must_revalidate": False,
            "immutable": False,
            "etag": None,
            "last_modified": None,
            **changes,
        }
    )


def put(store: MemoryStore, record: Stored, *pieces: bytes) -> bool:
    writer = run_blocking(store.writer(RUNTIME, record))
    for piece in pieces:
        run_blocking(writer.write(piece))
    return run_blocking(writer.commit())


def found(store: MemoryStore, uri: str = URI, *partitions: bytes) -> list[Stored]:
    return run_blocking(store.lookup(RUNTIME, [(uri, partition) for partition in partitions or (b"",)]))


def invalidate(store: MemoryStore, uris: list[str], moment: float) -> int:
    return run_blocking(store.invalidate(RUNTIME, [Scope("uri", uri) for uri in uris], moment))


def test_nothing_is_seen_before_commit() -> None:
    store, record = MemoryStore(), stored()
    writer = run_blocking(store.writer(RUNTIME, record))
    assert run_blocking(writer.write(b"con"))
    assert run_blocking(writer.write(b"tent"))
    assert found(store) == []
    assert run_blocking(writer.commit())
    assert found(store) == [record]
    assert record.body == b"content"
    assert not run_blocking(writer.commit())


def test_repr_shows_no_uri_and_no_field() -> None:
    assert repr(stored("https://h.example/?token=hunter2", body=b"x")) == "<Stored 200, 1 bytes>"


def test_discarded_is_never_seen() -> None:
    store = MemoryStore()
    writer = run_blocking(store.writer(RUNTIME, stored()))
    run_blocking(writer.write(b"x"))
    writer.discard()
    assert not run_blocking(writer.commit())
    assert run_blocking(store.stats(RUNTIME))[:3] == (0, 0, 0)


def test_what_answers_the_same_requests_is_replaced() -> None:
    store, second = MemoryStore(), stored()
    put(store, stored(), b"one")
    put(store, second, b"two")
    assert found(store) == [second]
    assert run_blocking(store.stats(RUNTIME))[:3] == (1, second.size, 0)


def test_lookup_gives_the_variants_of_the_first_key_first() -> None:
    store = MemoryStore()
    anonymous, own, variant = stored(), stored(partition=b"p"), stored(partition=b"p", vary=(("a", "1"),))
    for record in (anonymous, own, variant):
        put(store, record)
    assert found(store, URI, b"p", b"") == [own, variant, anonymous]
    assert found(store, URI, b"q") == []


def test_what_is_lacking_is_told_by_uri_for_all_partitions() -> None:
    store = MemoryStore()
    assert store.lacks(URI)
    put(store, stored(partition=b"p"))
    assert not store.lacks(URI)
    assert store.lacks(URI + "other")
    invalidate(store, [URI], 11.0)
    assert store.lacks(URI)


def test_the_least_recently_used_leave_first() -> None:
    size = stored("https://h.example/0").size
    store = MemoryStore(8 * size)
    records = [stored(f"https://h.example/{index}") for index in range(9)]
    for record in records[:8]:
        assert put(store, record)
    store.touch(records[0])
    assert put(store, records[8])
    assert run_blocking(store.iterate(RUNTIME))[0] == [*records[2:8], records[0], records[8]]
    assert run_blocking(store.stats(RUNTIME))[:3] == (8, 8 * size, 1)


@pytest.mark.parametrize("pieces", [1, 2, 50])
def test_an_item_of_more_than_an_eighth_is_let_go_as_soon_as_it_is(pieces: int) -> None:
    store = MemoryStore(8 * 4096)
    room = 4096 - stored().size
    writer = run_blocking(store.writer(RUNTIME, stored()))
    taken = [run_blocking(writer.write(b"x" * (room // pieces))) for _ in range(pieces)]
    assert all(taken)
    assert not run_blocking(writer.write(b"x" * pieces))
    assert writer._pieces == []
    assert not run_blocking(writer.commit())
    assert put(store, stored(), b"x" * room)


def test_at_most_so_many_variants_of_one_key() -> None:
    store = MemoryStore()
    variants = [stored(vary=(("a", str(index)),)) for index in range(MAX_VARIANTS + 1)]
    for record in variants[:-1]:
        put(store, record)
    store.touch(variants[0])
    put(store, variants[-1])
    assert found(store) == [variants[0], *variants[2:]]


def test_freshening_replaces_only_what_is_still_there() -> None:
    store, first, second = MemoryStore(), stored(), stored(sent_at=20.0, body=b"content")
    assert not run_blocking(store.freshen(RUNTIME, first, second))
    put(store, first)
    assert run_blocking(store.freshen(RUNTIME, first, second))
    assert found(store) == [second]
    assert not run_blocking(store.freshen(RUNTIME, first, stored()))
    assert run_blocking(store.stats(RUNTIME))[:3] == (1, second.size, 0)


def test_invalidation_takes_all_variants_and_partitions() -> None:
    store, other = MemoryStore(), stored("https://h.example/other")
    for record in (stored(), stored(vary=(("a", "1"),)), stored(partition=b"p"), other):
        put(store, record)
    assert invalidate(store, [URI, "https://h.example/none"], 11.0) == 3
    assert found(store, URI, b"", b"p") == []
    assert run_blocking(store.iterate(RUNTIME))[0] == [other]


@pytest.mark.parametrize(
    ("sent_at", "kept"),
    [
        pytest.param(19.9, False, id="sent before the mark"),
        pytest.param(20.0, False, id="sent at the mark"),
        pytest.param(20.1, True, id="sent after it"),
    ],
)
def test_a_slow_answer_does_not_bring_back_what_was_invalidated(sent_at: float, kept: bool) -> None:
    store, record = MemoryStore(), stored(sent_at=sent_at)
    writer = run_blocking(store.writer(RUNTIME, record))
    invalidate(store, [URI], 20.0)
    assert run_blocking(writer.commit()) is kept
    assert found(store) == ([record] if kept else [])
    assert put(store, stored("https://h.example/other", sent_at=sent_at))


def test_a_mark_never_moves_back() -> None:
    store = MemoryStore()
    invalidate(store, [URI], 20.0)
    invalidate(store, [URI], 5.0)
    assert not put(store, stored(sent_at=15.0))


def test_freshening_obeys_marks() -> None:
    store, first = MemoryStore(), stored(sent_at=30.0)
    invalidate(store, [URI], 20.0)
    put(store, first)
    assert not run_blocking(store.freshen(RUNTIME, first, stored(sent_at=15.0)))
    assert found(store) == [first]


def test_dropped_marks_count_for_every_uri() -> None:
    store = MemoryStore()
    invalidate(store, [URI], 20.0)
    invalidate(store, [f"https://h.example/{index}" for index in range(MAX_MARKS)], 15.0)
    assert not put(store, stored(sent_at=19.0))
    assert not put(store, stored("https://another.example/", sent_at=19.0))
    assert put(store, stored(sent_at=21.0))


def test_clear_takes_everything_and_what_is_on_its_way() -> None:
    store = MemoryStore()
    put(store, stored())
    put(store, stored("https://h.example/other"))
    assert run_blocking(store.invalidate(RUNTIME, [EVERYTHING], 20.0)) == 2
    assert run_blocking(store.stats(RUNTIME))[:3] == (0, 0, 0)
    assert not put(store, stored(sent_at=19.0))
    assert put(store, stored(sent_at=21.0))


def test_what_is_held_outlives_close() -> None:
    store, record = MemoryStore(), stored()
    put(store, record)
    run_blocking(store.close(RUNTIME))
    assert found(store) == [record]


def test_threads_leave_the_sizes_right() -> None:
    store = MemoryStore(40 * 1200)
    start = threading.Barrier(4)

    def work(seed: int) -> None:
        start.wait()
        for step in range(200):
            record = stored(f"https://h.example/{(seed + step) % 50}", sent_at=float(step))
            put(store, record, b"x" * (step % 7))
            store.touch(record)
            if step % 20 == 0:
                invalidate(store, [record.uri], float(step))

    threads = [threading.Thread(target=work, args=(seed * 13,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = run_blocking(store.iterate(RUNTIME))[0]
    assert run_blocking(store.stats(RUNTIME))[:2] == (len(held), sum(record.size for record in held))
    assert all(found(store, record.uri) == [record] for record in held)
    assert sum(record.size for record in held) <= store.max_bytes

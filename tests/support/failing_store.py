"""A life of a store in which one thing fails at a time, and what must hold of any store afterwards."""

from collections.abc import Callable
from typing import Any

from smartclient._model.errors import IncompleteBody
from smartclient._model.scope import Scope
from smartclient._runtime.base import run_blocking
from smartclient._store.guarded import GuardedStore
from stored_records import RUNTIME, URI, kept, record

BODIES = {"small": b"s" * 1000, "medium": b"m" * 100_000, "large": b"l" * 300_000}

Make = Callable[[], Exception]


class Faults:
    """Counts what is done; the `at`-th time `make()` is raised, before or `after` it was done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.at = -1
        self.after = False
        self.make: Make = OSError

    def begin(self, at: int, make: Make, after: bool) -> None:
        self.done, self.at, self.make, self.after = [], at, make, after

    def do(self, name: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self.done.append(name)
        hit = len(self.done) - 1 == self.at
        if hit and not self.after:
            raise self.make()
        result = function(*args, **options)
        if hit:
            raise self.make()
        return result


def put(store: Any, name: str, **changes: Any) -> bool:
    return kept(store, record(name, **changes), BODIES[name])


def look(store: Any) -> set[str]:
    """The names that are there; what is there must be right."""
    there = set()
    for name, content in BODIES.items():
        for stored in run_blocking(store.lookup(RUNTIME, [(URI + name, b"")])):
            body = run_blocking(store.open_body(RUNTIME, stored))
            if body is None:
                continue
            pieces = []
            try:
                while piece := run_blocking(body.read()):
                    pieces.append(piece)
            except IncompleteBody:  # the part that came is right
                assert content.startswith(b"".join(pieces))
                continue
            assert b"".join(pieces) == content
            there.add(name)
    return there


def life(store: GuardedStore) -> None:
    """Stores, finds, freshens, is asked for leases, marks uses, and drops."""
    for name in BODIES:
        put(store, name)
    put(store, "large", sent_at=1001.0)  # in the place of the first
    look(store)
    for stored in run_blocking(store.lookup(RUNTIME, [(URI + "medium", b"")])):
        newer = record("medium", fresh_until=2e10)
        newer.share_body(stored)
        run_blocking(store.freshen(RUNTIME, stored, newer))
        store.touch(stored)
    lease = run_blocking(store.lease(RUNTIME, (URI + "x", b""), 5.0))
    if lease is not None:
        lease.release()
    run_blocking(store.invalidate(RUNTIME, [Scope("uri", URI + "large")], 1500.0))
    run_blocking(store.stats(RUNTIME))


def check(store: GuardedStore) -> None:
    """It has nothing that is wrong or was dropped, and takes what is new."""
    assert look(store) <= {"small", "medium"}
    assert put(store, "large", sent_at=2000.0)
    assert "large" in look(store)


def every_fault(
    faults: Faults, kinds: list[tuple[Make, bool]], turn: int, lived: Callable[[int], Callable[[], None]]
) -> int:
    """How many faults there were: at each place the one of `kinds` whose turn it is, beginning with number `turn`.

    `lived` has a new store live a life, and gives what looks at it afterwards.
    """
    at = 0
    while True:
        make, after = kinds[(at + turn) % len(kinds)]
        faults.begin(at, make, after)
        look_after = lived(at)
        done = faults.done
        faults.begin(-1, make, after)
        try:
            look_after()
        except BaseException as error:
            error.add_note(f"{make()!r} {'after' if after else 'before'} {done[at:][:1]}, number {at}")
            raise
        if len(done) <= at:
            return at
        at += 1

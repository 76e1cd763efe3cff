"""The pool's bookkeeping: one table or test for each rule, a naive twin that must agree step by step, and the costs."""

import asyncio
import gc
import random
import sys
from collections import Counter, deque
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from smartclient._model.errors import InvalidOption
from smartclient._net.pool_state import MAX_PASSES, OPEN, PoolState, Waiter


class Connection:
    """What the state is told of a connection, and how often it asked."""

    def __init__(self, route: str, keep_alive_timeout: float | None = None) -> None:
        self.route = route
        self.keep_alive_timeout = keep_alive_timeout
        self.idle_since = -1.0
        self.alive = True
        self.asked = 0

    def is_alive(self) -> bool:
        self.asked += 1
        return self.alive

    def __repr__(self) -> str:
        return f"<{self.route} since {self.idle_since}>"


class Future:
    """As strict as asyncio's: a second result is an error."""

    def __init__(self) -> None:
        self.result: Any = None
        self.cancelled = False

    def done(self) -> bool:
        return self.cancelled or self.result is not None

    def set_result(self, result: Any, /) -> None:
        assert not self.done(), "granted twice, or granted to the dead"
        self.result = result


State = PoolState[Connection]


def opened(state: State, route: str, now: float = 0.0, keep_alive_timeout: float | None = None) -> Connection:
    """A connection in use, on a slot that must be there."""
    assert state.acquire(route, now, Future) is OPEN
    return Connection(route, keep_alive_timeout)


def rested(state: State, route: str, now: float = 0.0, keep_alive_timeout: float | None = None) -> Connection:
    """An idle connection, on a slot that must be there."""
    connection = opened(state, route, now, keep_alive_timeout)
    state.release(connection, now)
    return connection


def queued(state: State, route: str, now: float = 0.0) -> Any:
    """A waiter; it must not get anything at once."""
    waiter = state.acquire(route, now, Future)
    assert isinstance(waiter, Waiter)
    return waiter


def idle_of(state: State) -> list[Connection]:
    return [connection for share in state._shares.values() for connection in share.idle]


def lifetime_of(connection: Connection, keepalive_expiry: float) -> float:
    if connection.keep_alive_timeout is None:
        return keepalive_expiry
    return min(keepalive_expiry, connection.keep_alive_timeout - 1)


def check(state: State) -> None:
    """What holds between any two calls, whatever was called before."""
    shares = state._shares
    assert state._slots == sum(share.slots for share in shares.values()) <= state._max_connections
    listed = [connection for order in state._orders.values() for connection in order]
    assert len(listed) == len(set(listed)) == state.idle
    assert set(listed) == set(idle_of(state))
    assert state.active == state._slots - len(listed) >= 0
    assert state.waiting == sum(len(share.waiters) for share in shares.values())
    assert not set(listed) & set(state.doomed)
    in_line = Counter(id(share) for _, share in state._line)
    for route, share in shares.items():
        assert share.route == route
        assert share.slots or share.waiters, "an empty share is kept"
        assert len(share.idle) <= share.slots <= state._max_per_origin
        assert all(connection.route == route for connection in share.idle)
        assert all(connection in order for connection, order in share.idle.items())
        alive = [waiter for waiter in share.waiters if not waiter.future.done()]
        if alive:
            own_limit = share.slots == state._max_per_origin
            assert not share.idle
            assert own_limit or (state._slots == state._max_connections and not listed)
            assert own_limit or in_line[id(share)] == 1
    for order in state._orders.values():
        assert [c.idle_since for c in order] == sorted(c.idle_since for c in order)
    for connection in listed:
        assert state._next_expiry <= connection.idle_since + lifetime_of(connection, state._keepalive_expiry)


# Construction


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        pytest.param({"max_connections": 0}, "max_connections", id="no-slot"),
        pytest.param({"max_connections": -1}, "max_connections", id="negative-slots"),
        pytest.param({"max_per_origin": 0}, "max_per_origin", id="no-slot-per-origin"),
        pytest.param({"keepalive_expiry": -0.1}, "keepalive_expiry", id="negative-expiry"),
        pytest.param({"keepalive_expiry": nan}, "keepalive_expiry", id="nan-expiry"),
    ],
)
def test_limits_that_nothing_satisfies_are_refused(limits: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidOption, match=named):
        PoolState(**limits)


def test_repr_counts_what_there_is() -> None:
    state = State(max_connections=2)
    assert repr(state) == "<PoolState 0 active, 0 idle, 0 waiting>"
    first, _ = opened(state, "a"), opened(state, "b")
    queued(state, "c")
    assert repr(state) == "<PoolState 2 active, 0 idle, 1 waiting>"
    state.discard("b")
    state.release(first, 0.0)
    assert repr(state) == "<PoolState 1 active, 1 idle, 0 waiting>"
    assert repr(OPEN) == "OPEN"


# Limits, reuse, eviction


def test_reuse_is_last_in_first_out_per_route() -> None:
    state = State()
    a, b, c = opened(state, "a"), opened(state, "a"), opened(state, "a")
    other = rested(state, "other", 9.0)
    for now, connection in enumerate([b, c, a]):
        state.release(connection, float(now))
    assert [state.acquire("a", 9.0, Future) for _ in range(4)] == [a, c, b, OPEN]
    assert idle_of(state) == [other]


def test_release_writes_idle_since() -> None:
    assert rested(State(), "a", 42.0).idle_since == 42.0


def test_the_globally_oldest_idle_connection_makes_room() -> None:
    state = State(max_connections=3)
    a, b, c = rested(state, "a", 1.0), rested(state, "b", 2.0, keep_alive_timeout=50), rested(state, "c", 3.0)
    assert state.acquire("a", 4.0, Future) is a
    state.release(a, 4.0)  # now the youngest
    assert state.acquire("d", 5.0, Future) is OPEN
    assert state.take_doomed() == [b]
    assert state.acquire("e", 5.0, Future) is OPEN
    assert state.acquire("f", 5.0, Future) is OPEN
    assert state.take_doomed() == [c, a]
    assert state.take_doomed() == []
    queued(state, "g")
    check(state)


def test_nothing_is_evicted_below_the_total_limit() -> None:
    state = State(max_connections=2)
    rested(state, "a")
    assert state.acquire("b", 0.0, Future) is OPEN
    assert (state.active, state.idle, state.doomed) == (1, 1, [])


def test_a_route_at_its_own_limit_waits_and_evicts_nobody() -> None:
    state = State(max_connections=4, max_per_origin=1)
    connection = opened(state, "a")
    bystander = rested(state, "b")
    waiter = queued(state, "a")
    assert (state.idle, state.doomed) == (1, [])
    state.release(connection, 1.0)
    assert waiter.future.result is connection
    assert idle_of(state) == [bystander]


@pytest.mark.parametrize("per_origin", [None, 5, 100], ids=["none", "above-total", "far-above-total"])
def test_an_own_limit_at_or_above_the_total_changes_nothing(per_origin: int | None) -> None:
    state = State(max_connections=5, max_per_origin=per_origin)
    for _ in range(5):
        opened(state, "a")
    waiter = queued(state, "b")
    state.discard("a")
    assert waiter.future.result is OPEN
    check(state)


# Waiters


def test_waiters_of_a_route_are_served_first_in_first_out() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    waiters = [queued(state, "a") for _ in range(5)]
    served = []
    for now in range(5):
        state.release(connection, float(now))
        served.append([waiter.future.result for waiter in waiters].count(connection))
        assert waiters[now].grant is connection
    assert served == [1, 2, 3, 4, 5]
    assert (state.active, state.idle, state.waiting) == (1, 0, 0)


def test_a_discarded_slot_goes_to_the_oldest_waiter_of_all() -> None:
    state = State(max_connections=2)
    opened(state, "a"), opened(state, "a")
    waiters = [queued(state, route) for route in "bac"]
    state.discard("a")
    assert [waiter.future.result for waiter in waiters] == [OPEN, None, None]
    state.discard("b")
    assert [waiter.future.result for waiter in waiters] == [OPEN, OPEN, None]
    assert (state.active, state.waiting) == (2, 1)
    check(state)


def test_a_discarded_slot_passes_an_older_waiter_whose_own_limit_holds_it() -> None:
    state = State(max_connections=3, max_per_origin=2)
    opened(state, "a"), opened(state, "a"), opened(state, "b")
    held_by_own, held_by_total = queued(state, "a"), queued(state, "c")
    state.discard("b")
    assert (held_by_own.future.result, held_by_total.future.result) == (None, OPEN)
    state.discard("a")
    assert held_by_own.future.result is OPEN
    check(state)


def test_a_connection_that_only_another_route_waits_beside_is_closed_for_it() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    waiter = queued(state, "b")
    state.release(connection, 1.0)
    assert waiter.future.result is OPEN
    assert state.take_doomed() == [connection]
    assert (state.active, state.idle) == (1, 0)
    state.discard("b")
    assert state._shares == {}


def test_at_most_four_hand_overs_pass_the_same_older_waiter() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    older = queued(state, "b")
    younger = [queued(state, "a") for _ in range(6)]
    for turn in range(MAX_PASSES):
        state.release(connection, 0.0)
        assert younger[turn].grant is connection
        assert older.passed == turn + 1
    state.release(connection, 0.0)
    assert older.future.result is OPEN
    assert younger[4].grant is None
    assert state.take_doomed() == [connection]
    state.discard("b")
    assert younger[4].future.result is OPEN
    check(state)


def test_hand_overs_that_do_not_pass_an_older_waiter_are_not_counted() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    own = [queued(state, "a") for _ in range(6)]
    younger = queued(state, "b")
    for waiter in own:
        state.release(connection, 0.0)
        assert waiter.grant is connection
    assert younger.passed == 0
    assert state.doomed == []


def test_an_older_waiter_that_its_own_limit_holds_does_not_count() -> None:
    state = State(max_connections=2, max_per_origin=1)
    opened(state, "b")
    connection = opened(state, "a")
    older = queued(state, "b")
    for _ in range(3 * MAX_PASSES):
        waiter = queued(state, "a")
        state.release(connection, 0.0)
        assert waiter.grant is connection
    assert (older.passed, older.grant, state.doomed) == (0, None, [])


@pytest.mark.parametrize("seed", [None, 1, 2], ids=["in-turn", "random-1", "random-2"])
@pytest.mark.parametrize("size", [1, 2, 4, 20])
def test_two_saturated_routes_share_without_a_storm_and_without_starving(size: int, seed: int | None) -> None:
    """Each route always has 30 waiters; 3000 releases. Strictly oldest-first would reconnect every second time."""
    dice = random.Random(seed)
    state = State(max_connections=size)
    busy = deque(opened(state, "a") for _ in range(size))
    waiters = [queued(state, route) for _ in range(30) for route in "ab"]
    grants: Counter[str] = Counter()
    reconnects = 0
    for _ in range(3000):
        if seed is not None:
            busy.rotate(dice.randrange(size))
        state.release(busy.popleft(), 0.0)
        (served,) = (waiter for waiter in waiters if waiter.grant is not None)
        waiters.remove(served)
        waiters.append(queued(state, served.route))
        grants[served.route] += 1
        reconnects += served.grant is OPEN
        busy.append(Connection(served.route) if served.grant is OPEN else served.grant)
        assert served.passed <= MAX_PASSES
    check(state)
    # Released in turn, the connections settle at 4 : 1, as each older waiter is served just before its fifth pass.
    assert min(grants.values()) >= (0.19 if seed is None else 0.45) * 3000
    assert reconnects <= (0.12 if size == 1 else 0.04) * 3000
    assert len(state.take_doomed()) == reconnects


# Expiry and liveness


@pytest.mark.parametrize(
    ("expiry", "timeout", "lifetime"),
    [
        pytest.param(60.0, None, 60.0, id="ours"),
        pytest.param(60.0, 5, 4.0, id="the-server's-less-one-second"),
        pytest.param(60.0, 61, 60.0, id="the-server's-is-longer"),
        pytest.param(60.0, 10**400, 60.0, id="the-server's-is-absurd"),
        pytest.param(60.0, inf, 60.0, id="the-server's-is-infinite"),
        pytest.param(60.0, nan, 60.0, id="the-server's-is-nan"),
        pytest.param(60.0, 5.9, 4.0, id="the-server's-in-whole-seconds"),
        pytest.param(60.0, 1, 0.0, id="one-second"),
        pytest.param(0.0, None, 0.0, id="no-time-at-all"),
        pytest.param(0.5, 30, 0.5, id="ours-is-short"),
        pytest.param(inf, 30, 29.0, id="ours-is-never"),
        pytest.param(inf, 10**400, 1e9, id="ours-is-never-and-the-server's-absurd"),
    ],
)
def test_idle_for_longer_than_it_may_be(expiry: float, timeout: float | None, lifetime: float) -> None:
    for late in (False, True):
        state = State(keepalive_expiry=expiry)
        connection = rested(state, "a", 100.0, timeout)
        now = 100.0 + lifetime + (0.01 if late else 0.0)
        assert state.acquire("a", now, Future) is (OPEN if late else connection)
        assert state.take_doomed() == ([connection] if late else [])
        assert (state.active, state.idle) == (1, 0)


def test_never_expires() -> None:
    state = State(keepalive_expiry=inf)
    connection = rested(state, "a")
    state.expire(1e8)
    assert state.acquire("a", 1e8, Future) is connection


@pytest.mark.parametrize("timeout", [0, 0.9, -1, -inf], ids=str)
def test_a_connection_that_the_server_closes_at_once_is_not_kept(timeout: float) -> None:
    state = State()
    connection = rested(state, "a", 0.0, timeout)
    assert (state.active, state.idle) == (0, 0)
    assert state.take_doomed() == [connection]


def test_nor_handed_over() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a", 0.0, keep_alive_timeout=0)
    waiter = queued(state, "a")
    state.release(connection, 0.0)
    assert waiter.future.result is OPEN
    assert state.take_doomed() == [connection]


def test_every_call_expires_what_is_due_on_any_route_whatever_stands_before_it() -> None:
    for call in ("acquire", "release", "expire"):
        state = State()
        busy = opened(state, "busy")
        long = rested(state, "a", 0.0)
        short = rested(state, "b", 1.0, keep_alive_timeout=5)
        young = rested(state, "b", 5.5, keep_alive_timeout=5)
        if call == "acquire":
            assert state.acquire("c", 5.6, Future) is OPEN
        elif call == "release":
            state.release(busy, 5.6)
        else:
            state.expire(5.6)
        assert state.take_doomed() == [short], call
        assert {long, young} <= set(idle_of(state))
        check(state)


def test_after_an_expiry_the_next_one_is_known() -> None:
    state = State()
    short, middle, long = (rested(state, f"r{timeout}", 0.0, timeout) for timeout in (3, 10, None))
    due = []
    for now in (2.1, 9.1, 60.1):
        assert state.acquire("b", now, Future) is OPEN
        due.append((state.take_doomed(), state._next_expiry))
    assert due == [([short], 9.0), ([middle], 60.0), ([long], inf)]


def test_a_server_may_change_its_word() -> None:
    state = State()
    connection = rested(state, "a", 0.0)
    for now, timeout, due in [(1.0, 5, 5.0), (2.0, 30, 31.0), (3.0, 2, 4.0), (4.0, None, 64.0)]:
        assert state.acquire("a", now, Future) is connection
        connection.keep_alive_timeout = timeout
        state.release(connection, now)
        check(state)
        state.expire(due)
        assert idle_of(state) == [connection]
    state.expire(64.1)
    assert state.take_doomed() == [connection]


def test_the_dead_are_dropped_on_checkout_and_the_next_is_taken() -> None:
    state = State()
    a, b, c = opened(state, "a"), opened(state, "a"), opened(state, "a")
    for connection in (a, b, c):
        state.release(connection, 0.0)
    b.alive = c.alive = False
    assert state.acquire("a", 1.0, Future) is a
    assert state.take_doomed() == [c, b]
    assert (state.active, state.idle) == (1, 0)
    assert (a.asked, b.asked, c.asked) == (1, 1, 1)


def test_when_all_are_dead_a_slot_is_free_even_at_the_limit() -> None:
    state = State(max_connections=2)
    a, b = opened(state, "a"), opened(state, "a")
    for connection in (a, b):
        connection.alive = False
        state.release(connection, 0.0)
    assert state.acquire("a", 1.0, Future) is OPEN
    assert state.take_doomed() == [b, a]
    assert state.acquire("b", 1.0, Future) is OPEN


def test_a_connection_that_died_in_use_is_not_handed_over() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    connection.alive = False
    waiter = queued(state, "a")
    state.release(connection, 1.0)
    assert waiter.future.result is OPEN
    assert state.take_doomed() == [connection]


# Cancellation


def test_a_cancelled_waiter_gets_nothing_before_it_withdraws_or_after() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    cancelled, other, alive = queued(state, "a"), queued(state, "b"), queued(state, "a")
    cancelled.future.cancelled = other.future.cancelled = True
    state.release(connection, 1.0)
    assert alive.future.result is connection
    state.withdraw(cancelled, 1.0)
    state.withdraw(other, 1.0)
    state.withdraw(other, 1.0)
    assert (state.active, state.waiting, state.doomed) == (1, 0, [])
    check(state)


def test_when_every_waiter_is_dead_the_connection_rests() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    waiters = [queued(state, route) for route in "ab"]
    for waiter in waiters:
        waiter.future.cancelled = True
    state.release(connection, 1.0)
    assert repr(state) == "<PoolState 0 active, 1 idle, 0 waiting>"
    for waiter in waiters:
        state.withdraw(waiter, 1.0)
    assert state.acquire("a", 1.0, Future) is connection


def test_a_waiter_that_times_out_withdraws_with_its_future_undone() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    late, next_one = queued(state, "a"), queued(state, "a")
    state.withdraw(late, 1.0)
    assert state.waiting == 1
    state.release(connection, 1.0)
    assert (late.future.result, next_one.future.result) == (None, connection)


@pytest.mark.parametrize("someone_waits", [True, False], ids=["waiter", "nobody"])
def test_a_granted_connection_goes_on(someone_waits: bool) -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    gone = queued(state, "a")
    state.release(connection, 1.0)
    heir = queued(state, "a") if someone_waits else None
    state.withdraw(gone, 2.0)
    if heir is None:
        assert idle_of(state) == [connection]
        assert connection.idle_since == 2.0
    else:
        assert heir.grant is connection
    state.withdraw(gone, 3.0)  # nothing is left to give back
    assert state.active == int(someone_waits)
    check(state)


@pytest.mark.parametrize("someone_waits", [True, False], ids=["waiter", "nobody"])
def test_a_granted_slot_goes_on(someone_waits: bool) -> None:
    state = State(max_connections=1)
    opened(state, "a")
    gone = queued(state, "b")
    state.discard("a")
    assert gone.grant is OPEN
    heir = queued(state, "c") if someone_waits else None
    state.withdraw(gone, 1.0)
    assert heir is None or heir.grant is OPEN
    assert state.active == int(someone_waits)
    check(state)


@pytest.mark.parametrize("granted", [False, True], ids=["cancelled-before-the-grant", "cancelled-after-the-grant"])
def test_no_slot_is_lost_when_asyncio_cancels_around_a_grant(granted: bool) -> None:
    async def wait(state: State, waiters: list[Any]) -> None:
        waiter = state.acquire("a", 0.0, asyncio.get_running_loop().create_future)
        waiters.append(waiter)
        try:
            await waiter.future  # type: ignore[union-attr,misc]
        except asyncio.CancelledError:
            state.withdraw(waiter, 0.0)  # type: ignore[arg-type]
            raise

    async def main() -> None:
        state = State(max_connections=1)
        connection = opened(state, "a")
        waiters: list[Any] = []
        tasks = [asyncio.create_task(wait(state, waiters)) for _ in range(2)]
        await asyncio.sleep(0)
        steps: list[Callable[[], object]] = [tasks[0].cancel, lambda: state.release(connection, 0.0)]
        for step in reversed(steps) if granted else steps:
            step()
        # The handler of the first task has not run yet: the future alone tells whether it is dead.
        assert (waiters[0].grant, waiters[1].grant) == ((connection, None) if granted else (None, connection))
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [task.cancelled() for task in tasks] == [True, False]
        assert waiters[1].grant is connection
        assert repr(state) == "<PoolState 1 active, 0 idle, 0 waiting>"

    asyncio.run(main())


# Close


def test_close_gives_up_the_idle_and_dooms_what_comes_back() -> None:
    state = State(max_connections=3)
    busy, resting = opened(state, "a"), rested(state, "b", 1.0)
    dead = rested(state, "c", 1.0)
    dead.alive = False
    assert state.acquire("c", 1.0, Future) is OPEN
    assert set(state.close()) == {resting, dead}
    assert state.take_doomed() == []
    assert (state.active, state.idle) == (2, 0)
    state.release(busy, 2.0)
    state.discard("c")
    assert state.take_doomed() == [busy]
    assert state._shares == {}
    assert state.close() == []


def test_who_waits_at_close_gets_slots_but_no_used_connection() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    waiter = queued(state, "a")
    assert state.close() == []
    state.release(connection, 0.0)
    assert waiter.future.result is OPEN
    assert state.take_doomed() == [connection]


# Cost: counted in calls of Python and C functions, not in time


def calls(operation: Callable[[], object]) -> int:
    """How many functions `operation` enters."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    gc.disable()  # a collection in between would count its callbacks
    sys.setprofile(profile)
    try:
        operation()
    finally:
        sys.setprofile(before)
        gc.enable()
    return count


def idle_hit(n: int) -> Callable[[], object]:
    state = State(max_connections=n)
    for connection in [opened(state, "a") for _ in range(n)]:
        state.release(connection, 0.0)
    return lambda: state.release(state.acquire("a", 1.0, Future), 1.0)  # type: ignore[arg-type]


def idle_hit_among_routes(n: int) -> Callable[[], object]:
    state = State(max_connections=n)
    for number in range(n):
        rested(state, f"r{number}", 0.0, keep_alive_timeout=[None, 5, 30][number % 3])
    return lambda: state.release(state.acquire("r0", 1.0, Future), 1.0)  # type: ignore[arg-type]


def eviction(n: int) -> Callable[[], object]:
    state = State(max_connections=n)
    for number in range(n):
        rested(state, f"r{number}", float(number) / n)
    return lambda: state.acquire("new", 1.0, Future)


def hand_over(n: int) -> Callable[[], object]:
    state = State(max_connections=20)
    connection, *_ = [opened(state, "a") for _ in range(20)]
    for _ in range(n):
        queued(state, "a")
    return lambda: state.release(connection, 1.0)


def hand_over_past_others(n: int) -> Callable[[], object]:
    state = State(max_connections=1)
    connection = opened(state, "a")
    for number in range(n):
        queued(state, f"r{number}")
    queued(state, "a")
    return lambda: state.release(connection, 1.0)


def discard_past_own_limits(n: int) -> Callable[[], object]:
    """The only waiter that may have the slot is the youngest of all; the others' own limit is reached."""
    state = State(max_connections=2, max_per_origin=1)
    opened(state, "full")
    opened(state, "a")
    for _ in range(n):
        queued(state, "full")
    waiter = queued(state, "b")

    def discard() -> None:
        state.discard("a")
        assert waiter.grant is OPEN

    return discard


def waiting(n: int) -> Callable[[], object]:
    state = State(max_connections=1)
    opened(state, "a")
    for number in range(n):
        queued(state, f"r{number}")
    return lambda: queued(state, "a")


def withdrawal_from_the_middle(n: int) -> Callable[[], object]:
    state = State(max_connections=1)
    opened(state, "a")
    waiters = [queued(state, "a") for _ in range(n)]
    return lambda: state.withdraw(waiters[n // 2], 1.0)


def pass_on(n: int) -> Callable[[], object]:
    state = State(max_connections=1)
    connection = opened(state, "a")
    gone, *_ = [queued(state, "a") for _ in range(n)]
    state.release(connection, 0.0)
    return lambda: state.withdraw(gone, 1.0)


@pytest.mark.parametrize(
    "scene",
    [
        idle_hit,
        idle_hit_among_routes,
        eviction,
        hand_over,
        hand_over_past_others,
        discard_past_own_limits,
        waiting,
        withdrawal_from_the_middle,
        pass_on,
    ],
    ids=lambda scene: scene.__name__,
)
def test_many_cost_what_few_cost(scene: Callable[[int], Callable[[], object]]) -> None:
    assert calls(scene(1000)) == calls(scene(10)) < 60


def test_every_dead_waiter_is_looked_at_once() -> None:
    state = State(max_connections=1)
    connection = opened(state, "a")
    for number in range(1000):
        queued(state, f"r{number % 10}").future.cancelled = True
    first = calls(lambda: state.release(connection, 1.0))
    assert first < 10 * 1000
    assert calls(lambda: state.release(state.acquire("a", 1.0, Future), 1.0)) < 15  # type: ignore[arg-type]


def test_expiry_looks_again_only_when_something_is_due() -> None:
    state = State(max_connections=1000)
    for connection in [opened(state, "a") for _ in range(1000)]:
        state.release(connection, 0.0)
    steps = [calls(lambda now=now: state.acquire("b", now, Future)) for now in (59.0, 60.5, 60.6)]  # type: ignore[misc]
    assert steps[1] > 1000
    assert len(state.take_doomed()) == 1000
    assert max(steps[0], steps[2]) < 20


def test_requests_that_time_out_in_a_stuck_pool_leave_nothing_behind() -> None:
    state = State(max_connections=1)
    opened(state, "stuck")
    patient = queued(state, "patient")
    for number in range(5000):
        state.withdraw(queued(state, f"r{number}"), 1.0)
    assert len(state._line) < 50
    assert set(state._shares) == {"stuck", "patient"}
    state.discard("stuck")
    assert patient.grant is OPEN
    check(state)


@pytest.mark.parametrize("seed", range(3))
def test_tidying_up_keeps_everyone_in_order(seed: int) -> None:
    dice = random.Random(seed)
    state = State(max_connections=1)
    opened(state, "a")
    waiters = [queued(state, f"r{dice.randrange(200)}") for _ in range(400)]
    holder = "a"
    served: list[Any] = []
    while waiters:
        for waiter in dice.sample(waiters, len(waiters) // 20):
            waiters.remove(waiter)
            state.withdraw(waiter, 1.0)
        for _ in range(dice.randrange(30)):  # newcomers, of whom most give up again, make it tidy
            newcomer = queued(state, f"s{dice.random()}")
            if len(served) < 30 and dice.random() < 0.2:
                waiters.append(newcomer)
            else:
                state.withdraw(newcomer, 1.0)
        check(state)
        state.discard(holder)
        served.append(waiters.pop(0))
        assert served[-1].grant is OPEN
        holder = served[-1].route
    state.discard(holder)
    assert len(served) > 30
    assert state._shares == {}


def test_servers_with_ever_new_timeouts_leave_nothing_behind() -> None:
    state = State(max_connections=10, keepalive_expiry=inf)
    for number in range(5000):
        now = float(10 * number)
        connection = state.acquire("a", now, Future)
        if connection is OPEN:
            connection = Connection("a")
        assert isinstance(connection, Connection)
        connection.keep_alive_timeout = 2 + number
        state.release(connection, now)
    assert len(state._orders) <= 11


# The naive twin: every rule as literally as lists can say it


class Naive:
    """The same rules without a thought for cost: connections and waiters in lists, oldest first."""

    def __init__(self, total: int, per_origin: int | None, expiry: float) -> None:
        self.total, self.per_origin, self.expiry = total, per_origin or total, expiry
        self.idle: list[Connection] = []
        self.slots: Counter[str] = Counter()
        self.waiters: list[Any] = []
        self.passes: Counter[Any] = Counter()
        self.granted: dict[Any, Any] = {}
        self.doomed: list[Connection] = []

    def doom(self, connection: Connection) -> None:
        if connection in self.idle:
            self.idle.remove(connection)
        self.slots[connection.route] -= 1
        self.doomed.append(connection)

    def expire(self, now: float) -> None:
        for connection in list(self.idle):
            if now > connection.idle_since + lifetime_of(connection, self.expiry):
                self.doom(connection)

    def acquire(self, route: str, now: float, evicted: list[Connection]) -> Any:
        """`evicted` decides which of several equally old connections went."""
        self.expire(now)
        for connection in [c for c in reversed(self.idle) if c.route == route]:
            if connection.alive:
                self.idle.remove(connection)
                return connection
            self.doom(connection)
        if self.slots[route] >= self.per_origin:
            return None
        if self.slots.total() == self.total:
            if not self.idle:
                return None
            self.doom(next(c for c in self.idle if c.idle_since == self.idle[0].idle_since and c in evicted))
        self.slots[route] += 1
        return OPEN

    def grant(self, waiter: Any, value: Any) -> None:
        self.waiters.remove(waiter)
        self.granted[waiter] = value

    def live(self, counts: Callable[[Any], bool]) -> Any:
        return next((w for w in self.waiters if not w.future.cancelled and counts(w)), None)

    def blocked_by_total(self, waiter: Any) -> bool:
        return self.slots[waiter.route] < self.per_origin

    def discard(self, route: str) -> None:
        self.slots[route] -= 1
        oldest = self.live(self.blocked_by_total)
        if oldest:
            self.slots[oldest.route] += 1
            self.grant(oldest, OPEN)

    def release(self, connection: Connection, now: float) -> None:
        self.expire(now)
        kept = lifetime_of(connection, self.expiry) >= 0
        own = self.live(lambda waiter: waiter.route == connection.route)
        oldest = self.live(self.blocked_by_total)
        older = oldest if own and oldest and self.waiters.index(oldest) < self.waiters.index(own) else None
        if kept and own and connection.alive and self.passes[older] < MAX_PASSES:
            self.passes[older] += older is not None
            self.grant(own, connection)
        elif kept and not own and not oldest:
            self.idle.append(connection)
        else:
            self.doomed.append(connection)
            self.discard(connection.route)

    def withdraw(self, waiter: Any, now: float) -> None:
        grant = self.granted.pop(waiter, None)
        if waiter in self.waiters:
            self.waiters.remove(waiter)
        elif grant is OPEN:
            self.discard(waiter.route)
        elif grant is not None:
            self.release(grant, now)


ROUTES = st.sampled_from("abcd")
PICK = st.integers(0, 10**6)


class Machine(RuleBasedStateMachine):
    """Requests that connect, succeed, fail and are cancelled in any order."""

    @initialize(
        total=st.integers(1, 5),
        per_origin=st.none() | st.integers(1, 3),
        expiry=st.sampled_from([0.0, 3.0, 60.0]),
    )
    def start(self, total: int, per_origin: int | None, expiry: float) -> None:
        self.state = State(max_connections=total, max_per_origin=per_origin, keepalive_expiry=expiry)
        self.twin = Naive(total, per_origin, expiry)
        self.now = 1000.0
        self.connecting: list[str] = []
        self.held: list[Connection] = []
        self.waiters: list[Any] = []
        self.doomed: list[Connection] = []

    def take(self, grant: Any, route: str) -> None:
        if grant is OPEN:
            self.connecting.append(route)
        else:
            assert grant.route == route
            self.held.append(grant)

    @rule(route=ROUTES)
    def acquire(self, route: str) -> None:
        got = self.state.acquire(route, self.now, Future)
        expected = self.twin.acquire(route, self.now, self.state.doomed)
        if isinstance(got, Waiter):
            assert expected is None
            self.waiters.append(got)
            self.twin.waiters.append(got)
        else:
            assert got is expected
            self.take(got, route)

    @precondition(lambda self: self.connecting)
    @rule(pick=PICK, timeout=st.sampled_from([None, None, 0, 1, 2, 5, 30]))
    def connected(self, pick: int, timeout: float | None) -> None:
        route = self.connecting.pop(pick % len(self.connecting))
        self.held.append(Connection(route, timeout))

    @precondition(lambda self: self.connecting)
    @rule(pick=PICK)
    def connect_failed(self, pick: int) -> None:
        route = self.connecting.pop(pick % len(self.connecting))
        self.twin.discard(route)
        self.state.discard(route)

    @precondition(lambda self: self.held)
    @rule(pick=PICK, alive=st.sampled_from([True, True, True, False]))
    def release(self, pick: int, alive: bool) -> None:
        connection = self.held.pop(pick % len(self.held))
        connection.alive = alive
        self.twin.release(connection, self.now)
        self.state.release(connection, self.now)

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def broke(self, pick: int) -> None:
        route = self.held.pop(pick % len(self.held)).route
        self.twin.discard(route)
        self.state.discard(route)

    @precondition(lambda self: self.held)
    @rule(pick=PICK, timeout=st.sampled_from([None, 0, 2, 5]))
    def server_says(self, pick: int, timeout: float | None) -> None:
        self.held[pick % len(self.held)].keep_alive_timeout = timeout

    @precondition(lambda self: self.waiters)
    @rule(pick=PICK)
    def wake(self, pick: int) -> None:
        """The owner of a waiter runs: it takes its grant, or notices that it was cancelled before that."""
        waiter = self.waiters[pick % len(self.waiters)]
        if waiter.future.result is not None:
            self.take(waiter.future.result, waiter.route)
            self.twin.granted.pop(waiter)
        elif waiter.future.cancelled:
            self.withdraw(waiter)
        else:
            return
        self.waiters.remove(waiter)

    @precondition(lambda self: self.waiters)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        """As asyncio does it: the future first if it is not done, the handler at some later time."""
        waiter = self.waiters[pick % len(self.waiters)]
        if waiter.future.result is not None:
            self.waiters.remove(waiter)
            self.withdraw(waiter)
        waiter.future.cancelled = True

    @precondition(lambda self: self.waiters)
    @rule(pick=PICK)
    def time_out(self, pick: int) -> None:
        """As the blocking runtime does it: at once, with or without a grant."""
        self.withdraw(self.waiters.pop(pick % len(self.waiters)))

    def withdraw(self, waiter: Any) -> None:
        self.twin.withdraw(waiter, self.now)
        self.state.withdraw(waiter, self.now)

    @precondition(lambda self: self.twin.idle)
    @rule(pick=PICK)
    def peer_closes(self, pick: int) -> None:
        self.twin.idle[pick % len(self.twin.idle)].alive = False

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def expire(self) -> None:
        self.twin.expire(self.now)
        self.state.expire(self.now)

    @invariant()
    def books_balance(self) -> None:
        state, twin = self.state, self.twin
        check(state)
        grants = [waiter for waiter in self.waiters if waiter.future.result is not None]
        assert state.active == len(self.connecting) + len(self.held) + len(grants)
        in_use = [*self.held, *(waiter.grant for waiter in grants if waiter.grant is not OPEN)]
        assert len(set(in_use)) == len(in_use)
        assert not set(in_use) & set(idle_of(state))
        doomed = state.take_doomed()
        assert Counter(doomed) == Counter(twin.doomed)
        twin.doomed = []
        self.doomed += doomed
        assert len(set(self.doomed)) == len(self.doomed)
        assert not set(self.doomed) & {*in_use, *idle_of(state)}
        assert set(idle_of(state)) == set(twin.idle)
        assert {waiter: waiter.grant for waiter in grants} == twin.granted

    def teardown(self) -> None:
        if not hasattr(self, "state"):
            return
        while self.connecting or self.held or self.waiters:
            for waiter in [*self.waiters]:
                self.waiters.remove(waiter)
                self.withdraw(waiter)
            while self.connecting:
                self.connect_failed(pick=0)
            while self.held:
                self.release(pick=0, alive=True)
        self.books_balance()
        assert state_is_empty(self.state)


def state_is_empty(state: State) -> bool:
    """Whether nothing is reserved, and nothing is remembered once the idle connections are gone."""
    resting = idle_of(state)
    assert (state.active, state.waiting) == (0, 0)
    assert set(state.close()) == set(resting)
    return not (state._slots or state._shares or state.idle or state.take_doomed())


def test_any_sequence_of_events_agrees_with_the_naive_twin_and_loses_no_slot() -> None:
    run_state_machine_as_test(Machine, settings=settings(stateful_step_count=60))

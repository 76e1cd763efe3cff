"""How many retries an origin may have over all calls."""

import contextlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.url import URL
from smartclient._rules.budget import RetryBudget

HERE, THERE = URL.parse("http://a.example").origin, URL.parse("http://b.example").origin


@pytest.fixture
def budget() -> RetryBudget:
    return RetryBudget(contextlib.nullcontext())


def test_as_many_as_there_are_tokens(budget: RetryBudget) -> None:
    assert [budget.take(HERE, 3) for _ in range(5)] == [True, True, True, False, False]
    assert budget.take(THERE, 3)


def test_five_calls_pay_for_one_retry(budget: RetryBudget) -> None:
    assert budget.take(HERE, 1)
    for _ in range(4):
        budget.give(HERE)
        assert not budget.take(HERE, 1)
    budget.give(HERE)
    assert budget.owed == {}
    assert budget.take(HERE, 1)


def test_nothing_is_saved_beyond_the_tokens(budget: RetryBudget) -> None:
    for _ in range(100):
        budget.give(HERE)
    assert [budget.take(HERE, 2) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(("tokens", "taken"), [(0, False), (None, True)])
def test_no_tokens_and_no_bound(budget: RetryBudget, tokens: int | None, taken: bool) -> None:
    assert [budget.take(HERE, tokens) for _ in range(30)] == [taken] * 30
    assert budget.owed == {}


def test_origins_that_owe_are_bounded(budget: RetryBudget) -> None:
    for number in range(10_003):
        assert budget.take(URL.parse(f"http://h{number}.example").origin, 20)
    assert len(budget.owed) == 10_000
    assert URL.parse("http://h2.example").origin not in budget.owed


@given(st.lists(st.booleans(), max_size=300), st.integers(0, 5))
def test_in_the_long_run_one_call_in_five(turns: list[bool], tokens: int) -> None:
    """True is a call that wants a retry, False one that does not."""
    budget = RetryBudget(contextlib.nullcontext())
    taken = 0
    for wants in turns:
        budget.give(HERE)
        taken += wants and budget.take(HERE, tokens)
    assert taken <= tokens + len(turns) / 5


def test_threads_share_one_count() -> None:
    budget = RetryBudget(threading.Lock())
    taken: list[bool] = []
    barrier = threading.Barrier(8)

    def run() -> None:
        barrier.wait(20)
        taken.extend([budget.take(HERE, 100) for _ in range(200)])

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(taken) == 100

"""When the next request may go out: by a session's rate, and by what servers say of theirs."""

import contextlib
import math
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient import Rate
from smartclient._model.errors import InvalidOption
from smartclient._model.headers import Fields
from smartclient._model.url import URL
from smartclient._rules.rate import Quota, RateLimiter, quota_in

HERE, THERE = URL.parse("http://a.example").origin, URL.parse("http://b.example").origin


@pytest.fixture
def limiter() -> RateLimiter:
    return RateLimiter(contextlib.nullcontext())


def waits(limiter: RateLimiter, rate: Rate, count: int, now: float = 100.0) -> list[float | None]:
    return [limiter.reserve(HERE, rate, now, math.inf) for _ in range(count)]


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        pytest.param(Rate(2), [0, 0, 0.5, 1.0, 1.5], id="burst-is-the-count"),
        pytest.param(Rate(2, burst=1), [0, 0.5, 1.0], id="evenly"),
        pytest.param(Rate(1, per=10, burst=3), [0, 0, 0, 10, 20], id="burst-of-3"),
        pytest.param(Rate(0.5), [0, 2, 4], id="less-than-one-a-second"),
    ],
)
def test_waits(limiter: RateLimiter, rate: Rate, expected: list[float]) -> None:
    assert waits(limiter, rate, len(expected)) == pytest.approx(expected)
    assert limiter.reserve(THERE, rate, 100.0, math.inf) == 0.0


def test_rest_fills_the_bucket_and_no_more(limiter: RateLimiter) -> None:
    rate = Rate(2)
    waits(limiter, rate, 4)
    assert waits(limiter, rate, 3, now=1000.0) == [0, 0, 0.5]


def test_what_comes_too_late_is_not_reserved(limiter: RateLimiter) -> None:
    rate = Rate(1, burst=1)
    assert limiter.reserve(HERE, rate, 100.0, 5.0) == 0.0
    assert limiter.reserve(HERE, rate, 100.0, 1.0) is None
    assert limiter.reserve(HERE, rate, 100.0, 1.1) == 1.0


def test_a_server_that_has_had_enough(limiter: RateLimiter) -> None:
    rate = Rate(10)
    limiter.hear(HERE, rate, Quota(0, 7.0), 100.0)
    assert limiter.reserve(HERE, rate, 100.0, math.inf) == 7.0
    assert limiter.reserve(HERE, rate, 108.0, math.inf) == 0.0


def test_a_server_that_is_slower(limiter: RateLimiter) -> None:
    rate = Rate(10)
    limiter.hear(HERE, rate, Quota(4, 8.0), 100.0)
    assert waits(limiter, rate, 3) == [0, 2, 4]
    assert waits(limiter, rate, 2, now=200.0) == [0, 0]  # its time is over


def test_a_server_that_is_faster_changes_nothing(limiter: RateLimiter) -> None:
    limiter.hear(HERE, Rate(10), Quota(1000, 10.0), 100.0)
    assert waits(limiter, Rate(10), 10) == [0.0] * 10


def test_no_server_stops_us_for_long(limiter: RateLimiter) -> None:
    limiter.hear(HERE, Rate(10), Quota(0, 1e9), 100.0)
    assert limiter.reserve(HERE, Rate(10), 100.0, math.inf) == 60.0


def test_origins_are_bounded(limiter: RateLimiter) -> None:
    for number in range(10_010):
        limiter.reserve(URL.parse(f"http://h{number}.example").origin, Rate(1), float(number), math.inf)
    assert len(limiter._due) < 10_000


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 20), st.floats(0.1, 10), st.integers(1, 10))
def test_never_more_than_the_rate(gaps: list[float], count: int, per: float, burst: int) -> None:
    limiter, rate, now = RateLimiter(contextlib.nullcontext()), Rate(count, per, burst), 50.0
    moments = []
    for gap in gaps:
        now += gap
        wait = limiter.reserve(HERE, rate, now, math.inf)
        assert wait is not None
        moments.append(now + wait)
    assert moments == sorted(moments)
    for first in range(len(moments)):
        for last in range(first, len(moments)):
            assert last - first + 1 <= (moments[last] - moments[first]) * count / per + burst + 1e-6


def test_threads_do_not_get_one_turn_twice() -> None:
    limiter, rate = RateLimiter(threading.Lock()), Rate(10, burst=1)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.extend(waits(limiter, rate, 50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(found) == pytest.approx([number / 10 for number in range(200)])


FIELDS: list[Any] = [
    pytest.param([], None, id="nothing"),
    pytest.param([("RateLimit", '"default";r=50;t=30')], Quota(50, 30), id="newer"),
    pytest.param([("RateLimit", '"day";r=5;t=60'), ("RateLimit", '"hour";r=0;t=7')], Quota(0, 7), id="the-least"),
    pytest.param([("RateLimit", "limit=100, remaining=9, reset=10")], Quota(9, 10), id="older"),
    pytest.param([("RateLimit-Remaining", "0"), ("RateLimit-Reset", "3")], Quota(0, 3), id="oldest"),
    pytest.param([("RateLimit-Remaining", "0")], None, id="without-reset"),
    pytest.param([("RateLimit", '"a";r=50')], None, id="without-time"),
    pytest.param([("RateLimit", '"a";r=-1;t=3')], None, id="negative"),
    pytest.param([("RateLimit", '"a";r=1.5;t=3')], None, id="fraction"),
    pytest.param([("RateLimit", f'"a";r={"9" * 40};t=3')], None, id="too-many-digits"),
    pytest.param([("RateLimit", '"a";r=0;t=0')], Quota(0, 0), id="zero"),
]


@pytest.mark.parametrize(("lines", "quota"), FIELDS)
def test_quota_in(lines: list[tuple[str, str]], quota: Quota | None) -> None:
    assert quota_in(Fields(lines)) == quota


@given(st.text(st.characters(max_codepoint=255), max_size=80) | st.from_regex(r'"a";r=\d+;t=\d+', fullmatch=True))
def test_any_field_is_a_quota_or_none(text: str) -> None:
    quota = quota_in(Fields([("RateLimit", text), ("RateLimit-Reset", text), ("RateLimit-Remaining", text)]))
    assert quota is None or (quota.remaining >= 0 and quota.seconds >= 0)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"count": 0}, "count"),
        ({"count": "10"}, "count"),
        ({"count": True}, "count"),
        ({"count": 1, "per": -1}, "per"),
        ({"count": 1, "per": float("nan")}, "per"),
        ({"count": 1, "burst": 0}, "burst"),
        ({"count": 1, "burst": 1.5}, "burst"),
    ],
)
def test_what_makes_no_sense(arguments: Any, named: str) -> None:
    with pytest.raises(InvalidOption, match=named):
        Rate(**arguments)

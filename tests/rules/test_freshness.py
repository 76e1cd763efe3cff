"""Lifetimes and ages (RFC 9111 sections 4.2 and 5.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.fields import format_http_date, parse_cache_control
from smartclient._model.headers import Fields
from smartclient._model.stored import Stored
from smartclient._rules.freshness import (
    age_value,
    current_age,
    freshness_lifetime,
    generated_at,
    heuristic_lifetime,
    initial_age,
    is_dated,
    is_fresh,
)

NOW = 1_800_000_000.0
DATE = format_http_date(NOW)
IN_AN_HOUR = format_http_date(NOW + 3600)


def lifetime(*lines: tuple[str, str], received_at: float = NOW) -> float | None:
    fields = Fields(lines)
    directives = parse_cache_control(fields.get("cache-control", ""))
    return freshness_lifetime(fields, directives, generated_at(fields, received_at), received_at)


def stored(*, initial_age: float = 0.0, received_at: float = NOW, fresh_until: float = NOW + 60) -> Stored:
    return Stored(
        key=("https://h.example/", b""),
        status=200,
        reason="OK",
        fields=Fields(),
        body=b"",
        vary=(),
        sent_at=received_at,
        received_at=received_at,
        date=received_at,
        initial_age=initial_age,
        fresh_until=fresh_until,
        must_revalidate=False,
        immutable=False,
        etag=None,
        last_modified=None,
    )


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        pytest.param([], None, id="4.2.1 nothing said"),
        pytest.param([("Cache-Control", "max-age=60")], 60.0, id="5.2.2.1 max-age"),
        pytest.param([("Cache-Control", "MaX-AgE=60")], 60.0, id="5.2 names in any case"),
        pytest.param([("Cache-Control", 'max-age="60"')], 60.0, id="5.2 quoted form"),
        pytest.param([("Cache-Control", "max-age=003600")], 3600.0, id="1.2.2 leading zeros"),
        pytest.param([("Cache-Control", "max-age=99999999999")], 2.0**31, id="1.2.2 saturated"),
        pytest.param([("Cache-Control", "max-age=" + "9" * 5000)], 2.0**31, id="1.2.2 thousands of digits"),
        pytest.param([("Cache-Control", "max-age=-1")], 0.0, id="4.2.1 negative is stale"),
        pytest.param([("Cache-Control", "max-age=3600.0")], 0.0, id="4.2.1 decimal is stale"),
        pytest.param([("Cache-Control", "max-age='3600'")], 0.0, id="4.2.1 single quotes are stale"),
        pytest.param([("Cache-Control", "max-age")], 0.0, id="4.2.1 no argument is stale"),
        pytest.param([("Cache-Control", "max-age=\u0663")], 0.0, id="1.2.2 digits are ASCII"),
        pytest.param([("Cache-Control", "max-age=1, max-age=60")], 1.0, id="4.2.1 the first of two"),
        pytest.param([("Cache-Control", "max-age=1"), ("Cache-Control", "max-age=60")], 1.0, id="4.2.1 of two lines"),
        pytest.param([("Cache-Control", 'a="max-age=60", max-age=1')], 1.0, id="5.2 text in quotes is no directive"),
        pytest.param([("Cache-Control", "s-maxage=60")], None, id="5.2.2.10 s-maxage is for shared caches"),
        pytest.param([("Cache-Control", "s-maxage=60, max-age=5")], 5.0, id="5.2.2.10 max-age beside s-maxage"),
        pytest.param([("Cache-Control", "no-cache, max-age=60")], 0.0, id="5.2.2.4 no-cache beats max-age"),
        pytest.param([("Cache-Control", 'no-cache="A", max-age=60')], 60.0, id="5.2.2.4 qualified no-cache does not"),
        pytest.param([("Date", DATE), ("Expires", IN_AN_HOUR)], 3600.0, id="5.3 Expires - Date"),
        pytest.param([("Expires", IN_AN_HOUR)], 3600.0, id="5.3 receipt for a missing Date"),
        pytest.param([("Date", "x"), ("Expires", IN_AN_HOUR)], 3600.0, id="5.3 receipt for an invalid Date"),
        pytest.param([("Date", IN_AN_HOUR), ("Expires", DATE)], 0.0, id="5.3 past"),
        pytest.param([("Date", DATE), ("Expires", "0")], 0.0, id="5.3 invalid"),
        pytest.param([("Expires", IN_AN_HOUR), ("Expires", IN_AN_HOUR)], 0.0, id="5.3 doubled"),
        pytest.param([("Cache-Control", "max-age=9"), ("Expires", IN_AN_HOUR)], 9.0, id="5.3 max-age beats Expires"),
        pytest.param([("Cache-Control", "max-age=x"), ("Expires", IN_AN_HOUR)], 0.0, id="5.3 even an unreadable one"),
    ],
)
def test_lifetime(lines: list[tuple[str, str]], seconds: float | None) -> None:
    assert lifetime(*lines) == seconds


def test_lifetime_does_not_depend_on_the_receivers_clock() -> None:
    fields = [("Date", DATE), ("Expires", IN_AN_HOUR)]
    assert lifetime(*fields, received_at=NOW + 9999) == 3600.0


@pytest.mark.parametrize(
    ("lines", "age"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([("Age", "7")], 7, id="digits"),
        pytest.param([("Age", "7, 9")], 7, id="first member"),
        pytest.param([("Age", "7"), ("Age", "9")], 7, id="first line"),
        pytest.param([("Age", "old, 9")], 0, id="unreadable first member"),
        pytest.param([("Age", "old"), ("Age", "9")], 0, id="unreadable first line"),
        pytest.param([("Age", "-7")], 0, id="negative"),
        pytest.param([("Age", "7.5")], 0, id="decimal"),
        pytest.param([("Age", "7;x=1")], 0, id="parameter"),
        pytest.param([("Age", "9" * 400)], 2**31, id="saturated"),
    ],
)
def test_age_field(lines: list[tuple[str, str]], age: int) -> None:
    assert age_value(Fields(lines)) == age


@pytest.mark.parametrize(
    ("lines", "sent_at", "expected"),
    [
        pytest.param([], NOW, 0.0, id="4.2.3 new"),
        pytest.param([("Date", format_http_date(NOW - 30))], NOW, 30.0, id="4.2.3 apparent age"),
        pytest.param([("Date", IN_AN_HOUR)], NOW, 0.0, id="4.2.3 Date ahead"),
        pytest.param([("Age", "5")], NOW - 2, 7.0, id="4.2.3 Age + delay"),
        pytest.param([("Age", "5")], NOW + 99, 5.0, id="4.2.3 clock set back during the exchange"),
        pytest.param([("Date", format_http_date(NOW - 30)), ("Age", "5")], NOW, 30.0, id="4.2.3 the greater"),
    ],
)
def test_initial_age(lines: list[tuple[str, str]], sent_at: float, expected: float) -> None:
    fields = Fields(lines)
    assert initial_age(fields, generated_at(fields, NOW), sent_at, NOW) == expected


def test_current_age_counts_from_receipt_and_never_runs_back() -> None:
    response = stored(initial_age=10.5)
    assert [current_age(response, NOW + later) for later in (-100, 0, 0.4, 5)] == [10, 10, 10, 15]


@pytest.mark.parametrize(
    ("now", "fresh"),
    [
        pytest.param(NOW, True, id="at receipt"),
        pytest.param(NOW + 59.9, True, id="just before the end"),
        pytest.param(NOW + 60, False, id="4.2 lifetime must exceed age"),
        pytest.param(NOW - 60, True, id="clock slightly back"),
        pytest.param(NOW - 61, False, id="clock set back"),
    ],
)
def test_is_fresh(now: float, fresh: bool) -> None:
    assert is_fresh(stored(), now) is fresh


VALUES = st.text(st.characters(max_codepoint=255)) | st.from_regex(r'\A(max-age|no-cache)=?"?[0-9]*"?,?\Z')


@given(cache_control=VALUES, expires=VALUES, date=VALUES, age=VALUES)
def test_hostile_values_give_numbers(cache_control: str, expires: str, date: str, age: str) -> None:
    lines = [("Cache-Control", cache_control), ("Expires", expires), ("Date", date), ("Age", age)]
    seconds = lifetime(*lines)
    assert seconds is not None
    assert 0 <= seconds < 3e11
    fields = Fields(lines)
    assert initial_age(fields, generated_at(fields, NOW), NOW, NOW) >= 0


@pytest.mark.parametrize(
    ("control", "shared", "seconds"),
    [
        pytest.param("s-maxage=9, max-age=60", True, 9.0, id="5.2.2.10 a shared cache"),
        pytest.param("s-maxage=9, max-age=60", False, 60.0, id="5.2.2.10 a private cache"),
        pytest.param("s-maxage=9", False, None, id="5.2.2.10 says nothing to a private cache"),
        pytest.param("s-maxage=x, max-age=60", True, 0.0, id="4.2.1 unreadable is stale"),
    ],
)
def test_lifetime_in_a_shared_cache(control: str, shared: bool, seconds: float | None) -> None:
    fields = Fields([("Cache-Control", control)])
    assert freshness_lifetime(fields, parse_cache_control(control), NOW, NOW, shared) == seconds


@pytest.mark.parametrize(
    ("modified", "seconds"),
    [
        pytest.param(format_http_date(NOW - 1000), 100.0, id="4.2.2 a tenth"),
        pytest.param(format_http_date(NOW - 10**8), 86_400.0, id="a day at most"),
        pytest.param(format_http_date(NOW + 10), 0.0, id="modified after it was sent"),
        pytest.param("once", 0.0, id="no date"),
        pytest.param(None, 0.0, id="nothing to go by"),
    ],
)
def test_heuristic_lifetime(modified: str | None, seconds: float) -> None:
    fields = Fields([] if modified is None else [("Last-Modified", modified)])
    assert heuristic_lifetime(fields, NOW, NOW) == seconds


def test_a_clock_set_back_says_nothing_of_ages() -> None:
    assert [is_dated(stored(received_at=NOW + ahead), NOW) for ahead in (0, 60, 61)] == [True, True, False]

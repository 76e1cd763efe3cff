"""Gaps, records and pace of downloads."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._rules.download import (
    PIECE_LEAST,
    RECORD_SIZE,
    Gaps,
    Pace,
    Record,
    again,
    checked_parallel,
    checked_rate,
    divided,
    record_bytes,
    record_from,
)
from smartclient.exceptions import InvalidOption

MIB = 2**20
RECORD = Record("key", '"x"', 100, [(10, 50), (60, 100)], [(5, 100)], "boot")
RANGES = st.lists(st.tuples(st.integers(0, 400 * MIB), st.integers(1, 400 * MIB)), min_size=1, max_size=5)


def test_gaps_are_taken_once_and_counted_while_they_fill() -> None:
    gaps = Gaps([(0, 10), (20, 20), (30, None)])
    first = gaps.first()
    assert gaps.take() is first
    second = gaps.take()
    assert second is not None
    assert (second.at, second.stop) == (30, None)
    assert gaps.take() is None
    first.at = 4
    assert gaps.missing() == [(4, 10), (30, None)]
    first.at, second.at, second.stop = 10, 35, 35
    assert gaps.missing() == []


@given(RANGES, st.integers(2, 16))
def test_division_covers_all_and_leaves_no_crumbs(pairs: list[tuple[int, int]], parallel: int) -> None:
    missing, at = [], 0
    for skipped, size in pairs:
        missing.append((at + skipped, at + skipped + size))
        at += skipped + size + 1
    parts = divided(missing, parallel)
    assert {edge for part in parts for edge in part} >= {edge for each in missing for edge in each}
    assert sum(stop - start for start, stop in parts) == sum(stop - start for start, stop in missing)
    assert all(one[1] <= other[0] for one, other in pairwise(parts))
    assert all(stop - start >= PIECE_LEAST or (start, stop) in missing for start, stop in parts)


def test_division_in_numbers() -> None:
    assert len(divided([(0, 500 * MIB)], 4)) == 16
    assert divided([(0, 17 * MIB)], 16) == [(0, 8 * MIB), (8 * MIB, 17 * MIB)]


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        Record("key", None, None, [(5, None)], [(0, None)]),
        Record("key", "Sun, 01 Nov 2026 10:00:00 GMT", 100, [], []),
    ],
)
def test_record_is_read_as_it_was_written(record: Record) -> None:
    data = record_bytes(record)
    assert data is not None
    assert len(data) == RECORD_SIZE
    assert record_from(data) == record


def test_record_that_does_not_fit_is_not_written() -> None:
    assert record_bytes(RECORD._replace(validator="x" * RECORD_SIZE)) is None


def test_another_run_of_the_system_believes_only_what_the_disk_had() -> None:
    assert RECORD.after_boot("boot") == RECORD
    assert RECORD.after_boot("later") == RECORD._replace(missing=[(5, 100)], boot="later")


def changed(**parts: Any) -> bytes:
    return json.dumps({"v": 1, **RECORD._asdict(), **parts}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        changed(v=2),
        changed(key=5),
        changed(validator=5),
        changed(length=-1),
        changed(length=1.5),
        changed(length=True),
        changed(missing=5),
        changed(missing=[5]),
        changed(missing=[[1, 2, 3]]),
        changed(missing=[[50, 10]]),
        changed(durable=[[50, 10]]),
        changed(durable=None),
        changed(boot=5),
        changed(missing=[[10, 101]]),
        changed(missing=[[60, 100], [10, 50]]),
        changed(missing=[[None, 5]]),
        changed(missing=[[5, None]]),
        changed(length=None),
        changed(length=None, missing=[]),
        record_bytes(RECORD)[:40],  # type: ignore[index]
    ],
)
def test_damaged_record_is_none(data: bytes) -> None:
    assert record_from(data) is None


@given(
    st.binary()
    | st.recursive(st.none() | st.integers() | st.text(), lambda each: st.lists(each)).map(
        lambda value: changed(missing=value)
    )
)
def test_any_record_is_sound_or_none(data: bytes) -> None:
    record = record_from(data)
    assert record is None or record_bytes(record) is not None


@pytest.mark.parametrize(
    ("missing", "length", "asked"),
    [
        ([(5, 10)], 10, [(5, 10)]),
        ([], 10, [(9, 10)]),
        ([(5, None)], None, [(5, None)]),
        ([], 0, [(0, 0)]),
    ],
    ids=["part", "nothing-missing", "no-length", "empty-file"],
)
def test_what_is_asked_for_again(missing: Any, length: int | None, asked: Any) -> None:
    assert again(missing, length) == asked


def test_pace_limits_and_lets_a_stall_be_caught_up_for_a_second() -> None:
    pace = Pace(0.0, 100.0)
    assert pace.add(200, 0.0) == 2.0
    assert pace.add(100, 2.0) == pytest.approx(1.0)
    assert pace.add(100, 60.0) == 0.0
    assert pace.add(100, 60.0) == pytest.approx(1.0)
    assert Pace(0.0, None).add(10**9, 0.0) == 0.0


def test_pace_tells_ten_times_a_second_and_the_rate_of_the_last_five() -> None:
    pace = Pace(0.0, None)
    told = [moment for moment in range(100) if pace.is_due(moment / 100)]
    assert len(told) == 9
    for second in range(1, 20):
        pace.add(1000 if second < 10 else 3000, second)
        rate = pace.rate(float(second))
    assert rate == pytest.approx(3000)
    assert Pace(1.0, None).rate(1.0) == 0.0


@pytest.mark.parametrize("value", [0, 17, 1.0, True, "4", None])
def test_parallel_is_checked(value: Any) -> None:
    with pytest.raises(InvalidOption, match="parallel"):
        checked_parallel(value)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "4"])
def test_rate_is_checked(value: Any) -> None:
    with pytest.raises(InvalidOption, match="limit_rate"):
        checked_rate(value)

"""Ranges from stored bytes, and parts that become more (RFC 9111 section 3.4; RFC 9110 sections 13.1.5, 14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.decision import Piece, Span
from smartclient._model.fields import format_http_date
from smartclient._model.headers import Fields
from smartclient._model.policy import CachePolicy
from smartclient._model.stored import Part, Stored
from smartclient._rules.ranges import (
    Union,
    Wanted,
    completing_fields,
    if_range_holds,
    is_cheap,
    is_start,
    is_whole,
    span_of,
    total_if_kept_broken_off,
    union_of,
    wanted_range,
)
from stored_samples import NOW, part, stored


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("bytes=0-1", Wanted(0, 1), id="from to"),
        pytest.param("bytes=5-", Wanted(5, None), id="from"),
        pytest.param("bytes=-5", Wanted(suffix=5), id="suffix"),
        pytest.param("Bytes = 0-1", Wanted(0, 1), id="case and space"),
        pytest.param("bytes=0-1,3-4", None, id="several"),
        pytest.param("bytes=3-1", None, id="backwards"),
        pytest.param("bytes=-", None, id="nothing"),
        pytest.param("bytes=a-b", None, id="no numbers"),
        pytest.param("items=0-1", None, id="other unit"),
        pytest.param("bytes=\u0661-", None, id="other digits"),
        pytest.param(f"bytes={'9' * 30}-", None, id="beyond any file"),
        pytest.param("", None, id="empty"),
    ],
)
def test_wanted(text: str, wanted: Wanted | None) -> None:
    assert wanted_range(text) == wanted


WHOLE = stored()
MIDDLE, TAIL, OPEN = part(3, 6, 10), part(5, 9, 10), part(3, 6, None)
SHORT = stored(status=206, body=b"01234", part=(4, 9, 10))  # six bytes announced, five sent


@pytest.mark.parametrize(
    ("held", "wanted", "span"),
    [
        pytest.param(WHOLE, Wanted(0, 1), Span(0, 2, 0, 10), id="14.1.2 from to"),
        pytest.param(WHOLE, Wanted(1, None), Span(1, 10, 1, 10), id="14.1.2 from"),
        pytest.param(WHOLE, Wanted(8, 99), Span(8, 10, 8, 10), id="14.1.2 past the end"),
        pytest.param(WHOLE, Wanted(suffix=1), Span(9, 10, 9, 10), id="14.1.2 suffix"),
        pytest.param(WHOLE, Wanted(suffix=99), Span(0, 10, 0, 10), id="14.1.2 suffix longer than all"),
        pytest.param(WHOLE, Wanted(suffix=0), None, id="14.1.2 empty suffix"),
        pytest.param(WHOLE, Wanted(10, None), None, id="14.1.2 not satisfiable: the origin says so"),
        pytest.param(stored(body=b""), Wanted(0, None), None, id="nothing stored"),
        pytest.param(stored(body=b""), Wanted(suffix=1), None, id="nothing stored, suffix"),
        pytest.param(stored(lines=[("Content-Encoding", "gzip")]), Wanted(0, 1), None, id="coded content is not cut"),
        pytest.param(MIDDLE, Wanted(4, 5), Span(1, 3, 4, 10), id="3.4 inside a part"),
        pytest.param(MIDDLE, Wanted(3, 6), Span(0, 4, 3, 10), id="3.4 the part"),
        pytest.param(MIDDLE, Wanted(2, 4), None, id="3.4 begins before"),
        pytest.param(MIDDLE, Wanted(4, 7), None, id="3.4 ends after"),
        pytest.param(MIDDLE, Wanted(4, None), None, id="3.4 the end is not there"),
        pytest.param(MIDDLE, Wanted(suffix=1), None, id="3.4 suffix of what does not reach the end"),
        pytest.param(OPEN, Wanted(4, 5), Span(1, 3, 4, None), id="3.4 who knows how much"),
        pytest.param(OPEN, Wanted(4, None), None, id="3.4 who knows the end"),
        pytest.param(TAIL, Wanted(6, None), Span(1, 5, 6, 10), id="3.4 to the end"),
        pytest.param(TAIL, Wanted(6, 99), Span(1, 5, 6, 10), id="3.4 past the end"),
        pytest.param(TAIL, Wanted(suffix=5), Span(0, 5, 5, 10), id="3.4 suffix: the part"),
        pytest.param(TAIL, Wanted(suffix=2), Span(3, 5, 8, 10), id="3.4 suffix"),
        pytest.param(TAIL, Wanted(suffix=6), None, id="3.4 suffix longer than the part"),
        pytest.param(SHORT, Wanted(suffix=5), Span(0, 5, 5, 10), id="short part: what came, again"),
        pytest.param(SHORT, Wanted(6, 8), Span(2, 5, 6, 10), id="short part: inside"),
        pytest.param(SHORT, Wanted(9, 9), None, id="short part: what did not come"),
    ],
)
def test_span(held: Stored, wanted: Wanted, span: Span | None) -> None:
    assert span_of(held, wanted) == span


MODIFIED = format_http_date(NOW - 200)
DATED = stored(etag=None, last_modified=MODIFIED)


@pytest.mark.parametrize(
    ("value", "held", "holds"),
    [
        pytest.param(None, WHOLE, True, id="none"),
        pytest.param('"a"', WHOLE, True, id="same tag"),
        pytest.param('"b"', WHOLE, False, id="other tag"),
        pytest.param('W/"a"', stored(etag='W/"a"'), False, id="weak tags never"),
        pytest.param(MODIFIED, DATED, True, id="same date"),
        pytest.param(format_http_date(NOW - 199), DATED, False, id="later date"),
        pytest.param(MODIFIED, stored(last_modified=MODIFIED, date=NOW - 200), False, id="too coarse a date"),
        pytest.param("a", WHOLE, False, id="nonsense"),
    ],
)
def test_if_range(value: str | None, held: Stored, holds: bool) -> None:
    assert if_range_holds(Fields([] if value is None else [("If-Range", value)]), held) is holds


@pytest.mark.parametrize(
    ("held", "new", "etag", "joined", "around"),
    [
        pytest.param(MIDDLE, (7, 9, 10), '"a"', (3, 9, 10), ((0, 4), None), id="after"),
        pytest.param(MIDDLE, (0, 2, 10), '"a"', (0, 6, 10), (None, (0, 4)), id="before"),
        pytest.param(MIDDLE, (5, 8, 10), '"a"', (3, 8, 10), ((0, 2), None), id="over the end"),
        pytest.param(MIDDLE, (1, 4, 10), '"a"', (1, 6, 10), (None, (2, 4)), id="over the beginning"),
        pytest.param(MIDDLE, (4, 5, 10), '"a"', (3, 6, 10), ((0, 1), (3, 4)), id="inside"),
        pytest.param(MIDDLE, (0, 9, 10), '"a"', (0, 9, 10), (None, None), id="around"),
        pytest.param(OPEN, (7, 9, 10), '"a"', (3, 9, 10), ((0, 4), None), id="now the total is known"),
        pytest.param(MIDDLE, (7, 9, None), '"a"', (3, 9, 10), ((0, 4), None), id="the total was known"),
        pytest.param(MIDDLE, (8, 9, 10), '"a"', None, None, id="they do not touch"),
        pytest.param(MIDDLE, (0, 1, 10), '"a"', None, None, id="nor here"),
        pytest.param(MIDDLE, (7, 9, 11), '"a"', None, None, id="of another length"),
        pytest.param(OPEN, (0, 2, 5), '"a"', None, None, id="more than there is"),
        pytest.param(MIDDLE, (7, 9, 10), '"b"', None, None, id="another representation"),
        pytest.param(MIDDLE, (7, 9, 10), None, None, None, id="no tag"),
        pytest.param(part(3, 6, 10, etag='W/"a"'), (7, 9, 10), 'W/"a"', None, None, id="weak tag"),
        pytest.param(SHORT, (0, 3, 10), '"a"', None, None, id="a part shorter than it says"),
        pytest.param(WHOLE, (0, 3, 10), '"a"', None, None, id="a whole is no part"),
    ],
)
def test_union(held: Stored, new: Part, etag: str | None, joined: Part | None, around: object) -> None:
    union = union_of(held, new, etag)
    assert (None if union is None else union.part) == joined
    if union is not None:
        pieces = [None if each is None else each[1:] for each in (union.before, union.after)]
        assert tuple(pieces) == around
        assert all(
            each is None or (isinstance(each, Piece) and each.stored is held) for each in (union.before, union.after)
        )


@pytest.mark.parametrize(
    ("parted", "whole"), [((0, 9, 10), True), ((0, 8, 10), False), ((1, 9, 10), False), ((0, 9, None), False)]
)
def test_whole(parted: Part, whole: bool) -> None:
    assert is_whole(parted) is whole


MIB = 2**20


@pytest.mark.parametrize(
    ("before", "after", "size", "cheap"),
    [
        pytest.param(MIB, 0, 1, True, id="little"),
        pytest.param(MIB, 1, 1, False, id="much for a byte"),
        pytest.param(8 * MIB, 0, 2 * MIB, True, id="four times as much"),
        pytest.param(8 * MIB, 1, 2 * MIB, False, id="more than four times"),
        pytest.param(8 * MIB, 8 * MIB, 99 * MIB, True, id="what a head may wait for"),
        pytest.param(17 * MIB, 0, 99 * MIB, False, id="longer than a head may wait"),
    ],
)
def test_what_is_worth_copying(before: int, after: int, size: int, cheap: bool) -> None:
    union = Union((0, 0, None), Piece(WHOLE, 0, before) if before else None, Piece(WHOLE, 0, after) if after else None)
    assert is_cheap(union, (0, size - 1, None)) is cheap


@pytest.mark.parametrize(
    ("held", "start"),
    [
        (part(0, 4, 10), True),
        (part(0, 4, None), True),
        (MIDDLE, False),
        (WHOLE, False),
        (stored(body=b"012", part=(0, 4, 10)), False),
        (stored(body=b"", part=(0, 4, 10)), False),
    ],
)
def test_start(held: Stored, start: bool) -> None:
    assert is_start(held) is start


def test_what_asks_for_the_rest() -> None:
    assert completing_fields(part(0, 4, 10)) == (("Range", "bytes=5-"), ("If-Range", '"a"'))
    assert completing_fields(part(0, 4, 10, etag=None)) == (("Range", "bytes=5-"),)


@pytest.mark.parametrize(
    ("record", "total"),
    [
        pytest.param(stored(lines=[("Content-Length", "10")]), 10, id="strong tag and length"),
        pytest.param(stored(), None, id="no length"),
        pytest.param(stored(lines=[("Content-Length", "x")]), None, id="no number"),
        pytest.param(stored(lines=[("Content-Length", "9" * 30)]), None, id="beyond any file"),
        pytest.param(stored(lines=[("Content-Length", "10")], etag='W/"a"'), None, id="weak tag"),
        pytest.param(stored(lines=[("Content-Length", "10")], status=404), None, id="other status"),
        pytest.param(part(0, 4, 10, lines=[("Content-Length", "10")]), None, id="a part already"),
    ],
)
def test_what_is_kept_when_it_breaks_off(record: Stored, total: int | None) -> None:
    assert total_if_kept_broken_off(record, CachePolicy(complete_parts=True)) == total
    assert total_if_kept_broken_off(record, CachePolicy()) is None


POSITIONS = st.integers(0, 12)


@given(text=st.text(max_size=20) | st.from_regex(r"\Abytes=[0-9]{0,2}-[0-9]{0,2}\Z"), first=POSITIONS, size=POSITIONS)
def test_a_span_is_of_what_is_there_and_of_what_was_asked_for(text: str, first: int, size: int) -> None:
    wanted = wanted_range(text)
    total = first + size
    held = part(first, total - 1, total)
    span = None if wanted is None else span_of(held, wanted)
    if span is not None:
        assert 0 <= span.start < span.stop <= held.length
        asked = range(total)[_slice(wanted)]
        assert [span.first + index for index in range(span.stop - span.start)] == list(asked)


def _slice(wanted: Wanted | None) -> slice:
    assert wanted is not None
    if wanted.suffix is not None:
        return slice(-wanted.suffix, None)
    return slice(wanted.first, None if wanted.last is None else wanted.last + 1)

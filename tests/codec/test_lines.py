"""Lines out of pieces: the same whatever the split, in bounded memory and linear time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._codec.lines import LineSplitter
from smartclient._model.errors import BodyTooLarge, InvalidOption


def lines_of(pieces, delimiter=None, **limits):
    splitter = LineSplitter(delimiter, **limits)
    return [line for piece in pieces for line in splitter.feed(piece)] + splitter.finish()


LINES = [
    pytest.param(b"", [], id="nothing"),
    pytest.param(b"a", [b"a"], id="no-end"),
    pytest.param(b"a\nb\n", [b"a", b"b"], id="lf"),
    pytest.param(b"a\r\nb\r\n", [b"a", b"b"], id="crlf"),
    pytest.param(b"a\rb\r", [b"a", b"b"], id="cr"),
    pytest.param(b"a\r\n\rb\n\r\n", [b"a", b"", b"b", b""], id="mixed"),
    pytest.param(b"\n\n", [b"", b""], id="empty-lines"),
    pytest.param(b"a\x0b\x0c\x1c\x85b", [b"a\x0b\x0c\x1c\x85b"], id="other-separators-are-text"),
]


@pytest.mark.parametrize(("data", "expected"), LINES)
def test_lines(data, expected):
    assert lines_of([data]) == expected
    assert lines_of([data[i : i + 1] for i in range(len(data))]) == expected


DELIMITED = [
    pytest.param(b"a|b|", b"|", [b"a", b"b"], id="one-byte"),
    pytest.param(b"a\nb|c", b"|", [b"a\nb", b"c"], id="line-ends-are-text"),
    pytest.param(b"a||b|c||", b"||", [b"a", b"b|c"], id="two-bytes"),
    pytest.param(b"|||", b"||", [b"", b"|"], id="leftmost"),
    pytest.param(b"aabaaab", b"aab", [b"", b"a"], id="overlapping-itself"),
]


@pytest.mark.parametrize(("data", "delimiter", "expected"), DELIMITED)
def test_delimiter(data, delimiter, expected):
    assert lines_of([data], delimiter) == expected
    assert lines_of([data[i : i + 1] for i in range(len(data))], delimiter) == expected


def split(data, cuts):
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


TEXTS = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"ab", b"b", b"|", b"\xe2\x80\xa8"])).map(b"".join)
CUTS = st.lists(st.integers(0, 1000), max_size=8)


@given(TEXTS, CUTS)
def test_any_split_gives_the_same_lines(data, cuts):
    expected = data.splitlines()
    assert lines_of([data]) == expected
    assert lines_of(split(data, cuts)) == expected
    assert lines_of([piece for part in split(data, cuts) for piece in (b"", part, b"")]) == expected


@given(TEXTS, CUTS, st.sampled_from([b"\n", b"ab", b"a|", b"bab", b"\r\n"]))
def test_any_split_gives_the_same_delimited_parts(data, cuts, delimiter):
    expected = data.split(delimiter)
    if not expected[-1]:
        expected.pop()  # a line that is not there
    assert lines_of([data], delimiter) == expected
    assert lines_of(split(data, cuts), delimiter) == expected


@pytest.mark.parametrize("delimiter", [None, b"\n"], ids=["lines", "delimiter"])
@pytest.mark.parametrize("piece", [1, 3, 100], ids="{}-bytes".format)
def test_limit(delimiter, piece):
    fits, over = b"x" * 10 + b"\n", b"x" * 11 + b"\n"
    assert lines_of([fits[i : i + piece] for i in range(0, 11, piece)] * 2, delimiter, line_max=10) == [fits[:10]] * 2
    with pytest.raises(BodyTooLarge, match="10 bytes") as caught:
        lines_of([over[i : i + piece] for i in range(0, 12, piece)], delimiter, line_max=10)
    assert caught.value.sent == "wholly"


def test_line_without_end_is_refused_before_its_end_comes():
    splitter = LineSplitter(line_max=10)
    splitter.feed(b"x" * 10)
    with pytest.raises(BodyTooLarge):
        splitter.feed(b"x")


def test_long_line_in_small_pieces_is_joined_once():
    """A peer that sends a line byte by byte costs linear time: 2 MiB would take minutes otherwise."""
    splitter = LineSplitter(b"||")
    for _ in range(2**17):
        splitter.feed(b"|x" * 8)
    assert splitter.feed(b"|") == []
    assert len(splitter.feed(b"|")[0]) == 2**21


@pytest.mark.parametrize("delimiter", [b"", "|", 5, ["|"], bytearray(b"|")], ids=repr)
def test_delimiter_that_is_none(delimiter):
    with pytest.raises(InvalidOption, match="delimiter"):
        LineSplitter(delimiter)

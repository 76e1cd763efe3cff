"""A body in portions: any split of the wire and any size asked for give the same content."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._api.pieces import EachAsync, Lines, Pieces, Remains, Text, each
from smartclient._codec.lines import LineSplitter
from smartclient._model.errors import IncompleteBody
from smartclient._model.headers import NO_FIELDS
from smartclient._model.message import Head, Reply
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._runtime.base import run_blocking


class Wire:
    """A body of given pieces."""

    trailers = NO_FIELDS

    def __init__(self, pieces, failure=None):
        self.pieces = [piece for piece in pieces if piece]
        self.failure = failure
        self.aborted = False

    async def read(self):
        if not self.pieces and self.failure:
            raise self.failure
        return self.pieces.pop(0) if self.pieces else b""

    async def discard(self):
        self.pieces.clear()

    def abort(self):
        self.aborted = True


def pieces_of(wire, size=None):
    return Pieces(wire, size, Reply(Head(200), wire, Request("GET", URL.parse("http://h.example/"))))


def exact(wire, size, remains):
    reply = Reply(Head(200), wire, Request("GET", URL.parse("http://h.example/")))
    return Pieces(wire, size, reply, remains, exact=True)


def split(data, cuts):
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


CUTS = st.lists(st.integers(0, 1000), max_size=6)
SIZES = st.integers(1, 7) | st.none()


@given(st.binary(max_size=30), CUTS, st.integers(1, 7), st.integers(0, 3))
def test_exact_pieces_go_on_where_somebody_stopped(data, cuts, size, taken):
    wire, remains = Wire(split(data, cuts)), Remains()
    found = [portion for _, portion in zip(range(taken), each(exact(wire, size, remains)), strict=False)]
    found += each(exact(wire, size, remains))
    assert b"".join(found) == data
    assert all(len(portion) == size for portion in found[:-1])
    assert remains.over


def test_what_came_before_a_failure_is_given_first():
    pieces = exact(Wire([b"abcd"], IncompleteBody("cut")), 3, Remains())
    assert [run_blocking(pieces.next()), run_blocking(pieces.next())] == [b"abc", b"d"]
    for _ in range(2):
        with pytest.raises(IncompleteBody):
            run_blocking(pieces.next())


@given(st.binary(max_size=30), CUTS, SIZES)
def test_pieces(data, cuts, size):
    pieces = list(each(pieces_of(Wire(split(data, cuts)), size)))
    assert b"".join(pieces) == data
    assert all(pieces)
    assert size is None or all(len(piece) <= size for piece in pieces)


@given(st.text("aé€\r\n😀"), CUTS, SIZES, st.sampled_from(["utf-8", "utf-16-le", "utf-7", "gb18030"]))
def test_text_in_any_split(text, cuts, size, encoding):
    wire = Wire(split(text.encode(encoding), cuts))
    portions = list(each(Text(pieces_of(wire, size), encoding)))
    assert "".join(portions) == text
    assert all(portions)


CODECS = ["utf-8", "utf-16", "utf-32", "utf-7", "utf-8-sig", "shift_jis", "iso2022_jp", "hz", "big5", "cp1252"]


@given(st.binary(max_size=30), CUTS, st.sampled_from(CODECS))
def test_any_bytes_are_text(data, cuts, encoding):
    text = "".join(each(Text(pieces_of(Wire(split(data, cuts))), encoding)))
    if encoding in ("utf-8", "utf-16", "utf-32", "cp1252"):
        assert text == data.decode(encoding, "replace")


HARD = [  # what the decoders of the standard library raise although they are told to replace
    pytest.param("utf-16", [b"a", b"\0b\0"], "ab", id="utf-16-without-a-mark"),
    pytest.param("utf-32", [b"a\0", b"\0\0"], "a", id="utf-32-without-a-mark"),
    pytest.param("iso2022_jp_2004", [b"\x1b&\xc8~~\x1b\xcd\x1b\x00~", b"\x00"], None, id="broken-escape"),
]


@pytest.mark.parametrize(("encoding", "pieces", "text"), HARD)
def test_hard_text(encoding, pieces, text):
    portions = list(each(Text(pieces_of(Wire(pieces)), encoding)))
    assert "".join(portions) == text or (text is None and portions)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a", b"\xc3\xa9", b""])).map(b"".join), CUTS, SIZES)
def test_lines_in_any_split(data, cuts, size):
    def lines():
        return Lines(pieces_of(Wire(split(data, cuts)), size), LineSplitter())

    assert list(each(lines())) == data.splitlines()
    assert list(each(Text(lines(), "utf-8"))) == [line.decode() for line in data.splitlines()]


def test_the_end_stays_the_end():
    for portions in (pieces_of(Wire([b"a\nb"])), Lines(pieces_of(Wire([b"a\nb"])), LineSplitter())):
        assert len(list(each(portions))) in (1, 2)
        assert [run_blocking(portions.next()) for _ in range(2)] == [None, None]


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: Lines(p, LineSplitter()), lambda p: Text(p, "utf-8")])
def test_a_break_is_told_and_never_taken_for_the_end(wrap):
    portions = wrap(pieces_of(Wire([b"half a line"], IncompleteBody("broke"))))
    with pytest.raises(IncompleteBody, match="broke") as caught:
        list(each(portions))
    assert caught.value.request.url == "http://h.example/"


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: Lines(p, LineSplitter()), lambda p: Text(p, "utf-8")])
def test_abort_goes_down(wrap):
    wire = Wire([b"x"])
    wrap(pieces_of(wire)).abort()
    assert wire.aborted


def test_async_iteration_can_be_left_and_taken_up():
    """A plain object: nothing has to be closed by an event loop."""

    async def use():
        every = EachAsync(pieces_of(Wire([b"a", b"b", b"c"])))
        return await anext(every), [piece async for piece in every]

    assert run_blocking(use()) == (b"a", [b"b", b"c"])

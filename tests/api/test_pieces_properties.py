"""Portions of a body: however it comes in and whatever size is asked for, the same bytes, lines and text come out."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smartclient._api.pieces import EachAsync, Lines, Pieces, Text, each
from smartclient._codec.lines import LineSplitter
from smartclient._model.headers import NO_FIELDS
from smartclient._runtime.base import run_blocking


class Body:
    """A body in these pieces."""

    trailers = NO_FIELDS

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def discard(self) -> None:
        """Nothing is held."""

    def abort(self) -> None:
        self._pieces.clear()


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


def pieces_of(data: bytes, cuts: list[int], size: int | None) -> Pieces:
    reply: Any = None  # only looked at when a body breaks
    return Pieces(Body(split(data, cuts)), size, reply)


CUTS = st.lists(st.integers(0, 1000), max_size=8)
SIZES = st.none() | st.integers(1, 30)
DATA = st.binary(max_size=20) | st.lists(
    st.sampled_from(
        [
            b"\r",
            b"\n",
            b"\r\n",
            b"a",
            "ä€😀".encode(),
            "\u2028".encode(),
            b"\xf0\x9f",
            b"\xff\xfe",
            b"\xfe\xff",
            b"\0\0",
        ]
    ),
    max_size=12,
).map(b"".join)


@given(DATA, CUTS, SIZES)
def test_pieces_are_the_body_and_keep_to_the_size(data: bytes, cuts: list[int], size: int | None) -> None:
    pieces = list(each(pieces_of(data, cuts, size)))
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= (size or len(data)) for piece in pieces)


@given(DATA, CUTS, SIZES)
def test_lines_are_those_of_the_whole(data: bytes, cuts: list[int], size: int | None) -> None:
    assert list(each(Lines(pieces_of(data, cuts, size), LineSplitter()))) == data.splitlines()


@given(DATA, CUTS, SIZES, st.sampled_from(["utf-8", "latin-1", "utf-16", "utf-32", "shift_jis", "gb18030"]))
def test_text_is_that_of_the_whole(data: bytes, cuts: list[int], size: int | None, encoding: str) -> None:
    whole = data.decode(encoding, "replace")
    assert "".join(each(Text(pieces_of(data, cuts, size), encoding))) == whole


@given(DATA, CUTS, SIZES)
def test_both_iterators_give_the_same(data: bytes, cuts: list[int], size: int | None) -> None:
    async def collected() -> list[bytes]:
        return [piece async for piece in EachAsync(pieces_of(data, cuts, size))]

    assert run_blocking(collected()) == list(each(pieces_of(data, cuts, size)))

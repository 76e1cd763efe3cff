"""Content codings: every wrapper, every cut, every split, and bombs."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartclient._codec.decoders import PIECE_MAX, RATIO_FLOOR, Decoder, decode_whole, decoding_for
from smartclient._model.errors import ContentDecodingError, DecodedTooLarge
from smartclient._model.options import DEFAULT_LIMITS, Limits

TEXT = b"The quick brown fox jumps over the lazy dog. " * 40
quick = settings(max_examples=200, deadline=None, derandomize=True)


def compressed(data: bytes, window_bits: int) -> bytes:
    deflater = zlib.compressobj(wbits=window_bits)
    return deflater.compress(data) + deflater.flush()


def zlib_format(data: bytes) -> bytes:
    return compressed(data, 15)


def bare(data: bytes) -> bytes:
    return compressed(data, -15)


def decoder_of(*codings: str, limits: Limits = DEFAULT_LIMITS) -> Decoder:
    decoder = decoding_for(codings, limits).decoder
    assert decoder is not None
    return decoder


def whole(data: bytes, *codings: str) -> bytes:
    return decode_whole(decoder_of(*codings), data, None)


def pulled(decoder: Decoder, chunks: Iterable[bytes]) -> bytes:
    out = []
    for chunk in chunks:
        decoder.feed(chunk)
        while piece := decoder.next_piece():
            assert len(piece) <= PIECE_MAX
            out.append(piece)
    decoder.finish()
    return b"".join(out)


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def lookalike(data: bytes) -> bytes:
    """Bare deflate whose first two bytes are a valid zlib header: a stored block with its padding bits set."""
    assert len(data) == 0x9C
    return b"\x78\x9c\x00\x63\xff" + data + b"\x03\x00"


GOOD = [
    pytest.param(("gzip",), gzip.compress(TEXT), TEXT, id="gzip"),
    pytest.param(("gzip",), gzip.compress(b""), b"", id="gzip-of-nothing"),
    pytest.param(("gzip",), gzip.compress(b"a") + gzip.compress(b"b") * 3, b"abbb", id="gzip-members, RFC 1952 2.2"),
    pytest.param(("gzip",), gzip.compress(b"") * 300 + gzip.compress(b"z"), b"z", id="gzip-empty-members"),
    pytest.param(("gzip",), gzip.compress(TEXT) + b"\0" * 700, TEXT, id="gzip-zeros-after"),
    pytest.param(("gzip",), compressed(b"\0" * 200_000, 31), b"\0" * 200_000, id="gzip-several-pieces"),
    pytest.param(("deflate",), zlib_format(TEXT), TEXT, id="deflate-zlib, RFC 1950"),
    pytest.param(("deflate",), zlib_format(b""), b"", id="deflate-zlib-of-nothing"),
    pytest.param(("deflate",), zlib_format(TEXT) + b"\0\0", TEXT, id="deflate-zeros-after"),
    pytest.param(("deflate",), bare(TEXT), TEXT, id="deflate-bare, RFC 1951"),
    pytest.param(("deflate",), bare(b""), b"", id="deflate-bare-of-nothing"),
    pytest.param(("deflate",), lookalike(TEXT[:0x9C]), TEXT[:0x9C], id="deflate-bare-looks-like-zlib"),
    pytest.param(("deflate",), zlib.compress(b"x" * 9, 0), b"x" * 9, id="deflate-zlib-stored"),
    pytest.param(("deflate", "gzip"), gzip.compress(zlib_format(TEXT)), TEXT, id="stack-of-two"),
    pytest.param(("gzip",) * 3, gzip.compress(gzip.compress(gzip.compress(TEXT))), TEXT, id="stack-of-three"),
    pytest.param(("identity", "gzip"), gzip.compress(TEXT), TEXT, id="identity-ignored"),
    pytest.param(("gzip",), b"", b"", id="empty-gzip"),
    pytest.param(("deflate",), b"", b"", id="empty-deflate"),
    pytest.param(("gzip", "deflate"), b"", b"", id="empty-stack"),
]


@pytest.mark.parametrize(("codings", "data", "content"), GOOD)
def test_decodes(codings: tuple[str, ...], data: bytes, content: bytes) -> None:
    assert whole(data, *codings) == content
    assert pulled(decoder_of(*codings), bytewise(data)) == content


def with_byte(data: bytes, at: int, byte: int) -> bytes:
    changed = bytearray(data)
    changed[at] = byte
    return bytes(changed)


PACKED = gzip.compress(TEXT, mtime=0)
BAD = [
    pytest.param("gzip", b"<html>no gzip</html>", "broken", id="not-gzip"),
    pytest.param("gzip", b"\0\0\0", "broken", id="only-zeros"),
    pytest.param("gzip", PACKED + b"x", "after its end", id="garbage-after"),
    pytest.param("gzip", PACKED + b"\0\0x", "after its end", id="garbage-after-zeros"),
    pytest.param("gzip", PACKED + b"\0" + PACKED, "after its end", id="member-after-zeros"),
    pytest.param("gzip", PACKED + b"\x1fx", "broken", id="half-a-magic-after"),
    pytest.param("gzip", PACKED + b"\x1f", "stops before", id="lone-1f-after"),
    pytest.param("gzip", PACKED + PACKED[:20], "stops before", id="second-member-cut"),
    pytest.param("gzip", with_byte(PACKED, -8, PACKED[-8] ^ 1), "incorrect data check", id="wrong-crc"),
    pytest.param("gzip", with_byte(PACKED, -4, PACKED[-4] ^ 1), "incorrect length check", id="wrong-length"),
    pytest.param("gzip", with_byte(PACKED, 2, 7), "broken", id="unknown-method"),
    pytest.param("deflate", zlib_format(TEXT)[:-1] + b"\0", "incorrect data check", id="wrong-adler"),
    pytest.param("deflate", zlib_format(TEXT) + b"x", "after its end", id="garbage-after-zlib"),
    pytest.param("deflate", zlib_format(TEXT) * 2, "after its end", id="deflate-has-no-members"),
    pytest.param("deflate", bare(TEXT) + b"x", "after its end", id="garbage-after-bare"),
    pytest.param("deflate", b"\x78", "stops before", id="half-a-header"),
    pytest.param("deflate", b"\x78\xbb" + zlib_format(TEXT)[2:], "broken", id="preset-dictionary"),
    pytest.param("deflate", b"\xff\xff\xff", "broken", id="not-deflate"),
]


@pytest.mark.parametrize(("coding", "data", "words"), BAD)
def test_refuses(coding: str, data: bytes, words: str) -> None:
    with pytest.raises(ContentDecodingError, match=words):
        whole(data, coding)
    with pytest.raises(ContentDecodingError, match=words):
        pulled(decoder_of(coding), bytewise(data))


@pytest.mark.parametrize(
    ("codings", "data"),
    [
        pytest.param(("gzip",), PACKED, id="gzip"),
        pytest.param(("deflate",), zlib_format(TEXT), id="zlib"),
        pytest.param(("deflate",), bare(TEXT), id="bare"),
        pytest.param(("deflate",), lookalike(TEXT[:0x9C]), id="lookalike"),
        pytest.param(("deflate", "gzip"), gzip.compress(zlib_format(TEXT)), id="stack"),
    ],
)
def test_every_cut_is_an_error(codings: tuple[str, ...], data: bytes) -> None:
    for length in range(1, len(data)):
        with pytest.raises(ContentDecodingError, match="stops before its end"):
            whole(data[:length], *codings)


def test_a_cut_inside_a_stack_is_an_error() -> None:
    with pytest.raises(ContentDecodingError, match="stops before its end"):
        whole(gzip.compress(PACKED[:-1]), "gzip", "gzip")


def test_foreign_error_is_the_cause() -> None:
    with pytest.raises(ContentDecodingError) as caught:
        whole(b"no gzip", "gzip")
    assert isinstance(caught.value.__cause__, zlib.error)


def test_ambiguous_start_is_read_as_zlib_when_that_gives_output() -> None:
    content = bytes(0xFF63)  # the stored block's lengths make the start pass for bare deflate too
    data = b"\x78\x9c\x00\x63\xff\x9c\x00" + content + b"\x01\0\0\xff\xff" + zlib.adler32(content).to_bytes(4)
    assert whole(data, "deflate") == content
    assert pulled(decoder_of("deflate"), [*bytewise(data[:400]), data[400:]]) == content


@pytest.mark.parametrize(
    ("codings", "undecoded"),
    [
        pytest.param((), None, id="none"),
        pytest.param(("identity",), None, id="identity"),
        pytest.param(("x-secret",), "x-secret", id="unknown"),
        pytest.param(("x-secret", "gzip"), "x-secret", id="unknown-below-known"),
        pytest.param(("gzip", "x-secret"), "x-secret", id="unknown-above-known"),
        pytest.param(("",), "", id="empty-name"),
    ],
)
def test_nothing_to_decode(codings: tuple[str, ...], undecoded: str | None) -> None:
    assert decoding_for(codings, DEFAULT_LIMITS) == (None, undecoded)


def test_more_than_three_codings_are_refused() -> None:
    with pytest.raises(ContentDecodingError, match="4 codings"):
        decoding_for(("gzip",) * 4, DEFAULT_LIMITS)


def bomb(size: int) -> bytes:
    deflater = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    return b"".join([*(deflater.compress(block) for _ in range(size >> 20)), deflater.flush()])


def drained(decoder: Decoder) -> tuple[int, int, ContentDecodingError | None]:
    """Bytes made, peak of memory in bytes, and what ended it."""
    made = 0
    tracemalloc.start()
    try:
        while piece := decoder.next_piece():
            made += len(piece)
    except ContentDecodingError as error:
        return made, tracemalloc.get_traced_memory()[1], error
    else:
        return made, tracemalloc.get_traced_memory()[1], None
    finally:
        tracemalloc.stop()


def test_bomb_hits_the_ratio_in_bounded_memory() -> None:
    data = bomb(200 << 20)
    assert len(data) < 250_000
    decoder = decoder_of("gzip")
    decoder.feed(data)
    made, peak, error = drained(decoder)
    assert isinstance(error, DecodedTooLarge)
    assert "Limits(decoded_ratio=200)" in str(error)
    assert RATIO_FLOOR < made <= 200 * len(data)
    assert peak < 1 << 20


def test_large_content_is_read_whole_in_bounded_memory_without_limit() -> None:
    data = bomb(32 << 20)
    decoder = decoder_of("gzip", limits=Limits(decoded_ratio=None))
    decoder.feed(data)
    made, peak, error = drained(decoder)
    decoder.finish()
    assert (made, error) == (32 << 20, None)
    assert peak < 1 << 20


def test_ratio_is_free_below_the_floor() -> None:
    data = bomb(16 << 20)
    assert 200 * len(data) < RATIO_FLOOR
    assert len(whole(data, "gzip")) == 16 << 20


def test_ratio_counts_what_lies_between_codings() -> None:
    """Layers that shrink again hide no bomb: 17 MiB of empty members decode to nothing at all."""
    members = gzip.compress(b"", mtime=0) * ((17 << 20) // 20)
    with pytest.raises(DecodedTooLarge, match="decoded_ratio"):
        whole(gzip.compress(members), "gzip", "gzip")


def test_decoded_max_names_the_option() -> None:
    with pytest.raises(DecodedTooLarge, match=r"Limits\(decoded_max=1000\)"):
        decode_whole(decoder_of("gzip"), gzip.compress(bytes(1001)), 1000)
    assert decode_whole(decoder_of("gzip"), gzip.compress(bytes(1000)), 1000) == bytes(1000)


def outcome(decoder: Decoder, chunks: Iterable[bytes]) -> bytes | type[ContentDecodingError]:
    try:
        return pulled(decoder, chunks)
    except ContentDecodingError as error:
        return type(error)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


CODINGS = st.sampled_from([("gzip",), ("deflate",), ("gzip", "deflate"), ("deflate", "gzip")])
CUTS = st.lists(st.integers(0, 5000), max_size=12)


@quick
@given(CODINGS, st.binary(max_size=3000), CUTS, st.sampled_from([zlib_format, bare]))
def test_any_split_gives_the_content(
    codings: tuple[str, ...], content: bytes, cuts: list[int], deflate: Callable[[bytes], bytes]
) -> None:
    data = content
    for coding in codings:
        data = gzip.compress(data) if coding == "gzip" else deflate(data)
    assert pulled(decoder_of(*codings), split(data, cuts)) == content


HOSTILE = st.one_of(
    st.binary(max_size=400),
    st.binary(max_size=400).map(lambda tail: b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + tail),
    st.binary(max_size=400).map(lambda tail: b"\x78\x9c" + tail),
    st.binary(max_size=400).map(lambda tail: b"\x78\x9c\x00\x63\xff" + tail),
    st.tuples(st.integers(0, len(PACKED) - 1), st.integers(0, 255)).map(lambda change: with_byte(PACKED, *change)),
)


@quick
@given(CODINGS, HOSTILE, CUTS)
def test_any_bytes_in_any_split_give_one_result(codings: tuple[str, ...], data: bytes, cuts: list[int]) -> None:
    expected = outcome(decoder_of(*codings), [data])
    assert outcome(decoder_of(*codings), split(data, cuts)) == expected
    assert outcome(decoder_of(*codings), bytewise(data)) == expected

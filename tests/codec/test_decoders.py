"""Content codings: every wrapper, every cut, every split, every combination."""

import zlib
from collections.abc import Callable, Iterable
from itertools import product

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coded import (
    ENCODERS,
    bare,
    bytewise,
    checked_frame,
    coded,
    decoder_of,
    deflated,
    frame_of_window,
    packed,
    pulled,
    skippable_frame,
    split,
    whole,
    with_byte,
    zlib_format,
    zstd,
)
from smartclient._codec import decoders
from smartclient._codec.decoders import ACCEPT_ENCODING, Decoder, decoding_for
from smartclient._model.errors import ContentDecodingError
from smartclient._model.options import DEFAULT_LIMITS

TEXT = b"The quick brown fox jumps over the lazy dog. " * 40
NOISE = bytes(zlib.crc32(n.to_bytes(4)) & 0xFF for n in range(3000))

BR = coded(TEXT, "br")
BR_ZERO_LAST = b"\x1b\t\0\0$\xc5\xc2\0B\xa0\x008\x94\0"
BR_NOISE = coded(NOISE, "br")
ZSTD = coded(TEXT, "zstd")
CHECKED = checked_frame(TEXT)


def br_flushed(*portions: bytes) -> bytes:
    """br whose portions are flushed apart, as a server that streams sends them."""
    encoder = brotli.Compressor()
    return b"".join([*(encoder.process(portion) + encoder.flush() for portion in portions), encoder.finish()])


def br_stored(data: bytes) -> bytes:
    """br in one stored meta-block of at most 64 KiB (RFC 7932 section 9.2), then the empty last one."""
    header = (len(data) - 1 << 4 | 1 << 20).to_bytes(3, "little")  # window 16, not last, 4 nibbles of length, stored
    return header + data + b"\x03"


def br_ending_in_zeros() -> bytes:
    """300 times "a", each a literal of one zero bit (RFC 7932 section 9.2): 37 zero bytes at the end."""
    bits = 0
    at = 0
    fields = [
        *((0, 1), (1, 1), (0, 1), (0, 2), (299, 16)),  # window 16; last, not empty, 4 nibbles of length
        *((0, 3), (0, 6), (0, 2), (0, 2)),  # one block type of each, plain distances, one context, one tree of each
        *((1, 2), (1, 2), (ord("a"), 8), (ord("b"), 8)),  # two literals, one bit each
        *((1, 2), (0, 2), (456, 10)),  # one command: insert 194 to 321 literals
        *((1, 2), (0, 2), (0, 6)),  # one distance
        *((300 - 194, 7), (0, 300)),
    ]
    for value, width in fields:
        bits |= value << at
        at += width
    return bits.to_bytes((at + 7) // 8, "little")


def lookalike(data: bytes) -> bytes:
    """Bare deflate whose first two bytes are a valid zlib header: a stored block with its padding bits set."""
    assert len(data) == 0x9C
    return b"\x78\x9c\x00\x63\xff" + data + b"\x03\x00"


GOOD = [
    pytest.param(("gzip",), packed(TEXT), TEXT, id="gzip"),
    pytest.param(("gzip",), packed(b""), b"", id="gzip-of-nothing"),
    pytest.param(("gzip",), packed(b"a") + packed(b"b") * 3, b"abbb", id="gzip-members, RFC 1952 2.2"),
    pytest.param(("gzip",), packed(b"") * 300 + packed(b"z"), b"z", id="gzip-empty-members"),
    pytest.param(("gzip",), packed(TEXT) + b"\0" * 700, TEXT, id="gzip-zeros-after"),
    pytest.param(("gzip",), deflated(b"\0" * 200_000, 31), b"\0" * 200_000, id="gzip-several-pieces"),
    pytest.param(("deflate",), zlib_format(TEXT), TEXT, id="deflate-zlib, RFC 1950"),
    pytest.param(("deflate",), zlib_format(b""), b"", id="deflate-zlib-of-nothing"),
    pytest.param(("deflate",), zlib_format(TEXT) + b"\0\0", TEXT, id="deflate-zeros-after"),
    pytest.param(("deflate",), bare(TEXT), TEXT, id="deflate-bare, RFC 1951"),
    pytest.param(("deflate",), bare(b""), b"", id="deflate-bare-of-nothing"),
    pytest.param(("deflate",), lookalike(TEXT[:0x9C]), TEXT[:0x9C], id="deflate-bare-looks-like-zlib"),
    pytest.param(("deflate",), zlib.compress(b"x" * 9, 0), b"x" * 9, id="deflate-zlib-stored"),
    pytest.param(("br",), BR, TEXT, id="br, RFC 7932"),
    pytest.param(("br",), BR_NOISE, NOISE, id="br-of-noise"),
    pytest.param(("br",), coded(b"", "br"), b"", id="br-of-nothing"),
    pytest.param(("br",), BR + b"\0" * 700, TEXT, id="br-zeros-after"),
    pytest.param(("br",), br_flushed(b"one ", b"two ", b"three"), b"one two three", id="br-flushed"),
    pytest.param(("br",), br_stored(bytes(3000)) + b"\0", bytes(3000), id="br-stored-zeros-and-zeros-after"),
    pytest.param(("br",), BR_ZERO_LAST, b"a\0bbb\0\0b\0b", id="br-ends-in-a-zero"),
    pytest.param(("br",), BR_ZERO_LAST + bytes(700), b"a\0bbb\0\0b\0b", id="br-ends-in-a-zero-and-zeros-after"),
    pytest.param(("br",), br_ending_in_zeros(), b"a" * 300, id="br-ends-in-many-zeros"),
    pytest.param(("br",), coded(bytes(65536), "br"), bytes(65536), id="br-two-pieces"),
    pytest.param(("br",), coded(bytes(200_000), "br") + b"\0", bytes(200_000), id="br-several-pieces"),
    pytest.param(("br",), brotli.compress(TEXT, lgwin=24), TEXT, id="br-largest-window"),
    pytest.param(("zstd",), ZSTD, TEXT, id="zstd, RFC 8878"),
    pytest.param(("zstd",), CHECKED, TEXT, id="zstd-with-checksum"),
    pytest.param(("zstd",), coded(b"", "zstd"), b"", id="zstd-of-nothing"),
    pytest.param(("zstd",), ZSTD + CHECKED + ZSTD, TEXT * 3, id="zstd-frames, RFC 8878 3.1"),
    pytest.param(("zstd",), coded(b"", "zstd") * 300 + ZSTD, TEXT, id="zstd-empty-frames"),
    pytest.param(("zstd",), ZSTD + skippable_frame(b"index", 15), TEXT, id="zstd-skippable-frame-last"),
    pytest.param(("zstd",), skippable_frame(b"") + ZSTD, TEXT, id="zstd-skippable-frame-first"),
    pytest.param(("zstd",), skippable_frame(bytes(40_000)), b"", id="zstd-skippable-frame-only"),
    pytest.param(("zstd",), ZSTD + b"\0" * 700, TEXT, id="zstd-zeros-after"),
    pytest.param(("zstd",), coded(bytes(65536), "zstd"), bytes(65536), id="zstd-one-piece"),
    pytest.param(("zstd",), checked_frame(bytes(200_000)) * 2, bytes(400_000), id="zstd-several-pieces"),
    pytest.param(("zstd",), frame_of_window(TEXT, 23), TEXT, id="zstd-largest-window, RFC 9659"),
    pytest.param(("identity", "gzip"), packed(TEXT), TEXT, id="identity-ignored"),
]


@pytest.mark.parametrize(("codings", "data", "content"), GOOD)
def test_decodes(codings: tuple[str, ...], data: bytes, content: bytes) -> None:
    assert whole(data, *codings) == content
    assert pulled(decoder_of(*codings), bytewise(data)) == content


STACKS = [stack for size in (2, 3) for stack in product(ENCODERS, repeat=size)]


@pytest.mark.parametrize("codings", STACKS, ids="-".join)
def test_stacks(codings: tuple[str, ...]) -> None:
    data = coded(TEXT, *codings)
    assert whole(data, *codings) == TEXT
    assert pulled(decoder_of(*codings), bytewise(data)) == TEXT


@pytest.mark.parametrize("codings", [*((coding,) for coding in ENCODERS), *STACKS], ids="-".join)
def test_empty_stays_empty(codings: tuple[str, ...]) -> None:
    assert whole(b"", *codings) == b""
    assert pulled(decoder_of(*codings), []) == b""


PACKED = packed(TEXT)
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
    pytest.param("br", b"<html>no br</html>", "broken", id="not-br"),
    pytest.param("br", PACKED, "broken", id="gzip-called-br"),
    pytest.param("br", BR + b"x", "broken|after its end", id="garbage-after-br"),
    pytest.param("br", BR + b"\0\0x", "broken|after its end", id="garbage-after-zeros-br"),
    pytest.param("br", BR * 2, "broken|after its end", id="br-has-no-members"),
    pytest.param("br", b"\x11\x18" + BR[1:], "broken", id="large-window"),
    pytest.param("br", br_stored(bytes(3000))[:-1], "stops before", id="br-cut-behind-zeros"),
    pytest.param("br", br_ending_in_zeros() + b"\0", "broken|after its end", id="zeros-after-many-zeros-br"),
    pytest.param("zstd", b"<html>no zstd</html>", "broken", id="not-zstd"),
    pytest.param("zstd", b"\0" * 20, "broken", id="only-zeros-zstd"),
    pytest.param("zstd", ZSTD + b"x", "after its end", id="garbage-after-zstd"),
    pytest.param("zstd", ZSTD + b"\0\0x", "after its end", id="garbage-after-zeros-zstd"),
    pytest.param("zstd", ZSTD + b"\0" + ZSTD, "after its end", id="frame-after-zeros"),
    pytest.param("zstd", ZSTD + b"\x28xyz+", "broken", id="half-a-magic-after-zstd"),
    pytest.param("zstd", ZSTD + b"\x28", "stops before", id="lone-28-after"),
    pytest.param("zstd", ZSTD + ZSTD[:10], "stops before", id="second-frame-cut"),
    pytest.param("zstd", ZSTD + skippable_frame(bytes(9))[:-1], "stops before", id="skippable-frame-cut"),
    pytest.param("zstd", with_byte(CHECKED, -1, CHECKED[-1] ^ 1), "checksum", id="wrong-checksum"),
    pytest.param("zstd", frame_of_window(TEXT, 24), "too much memory", id="window-over-8-MiB, RFC 9659"),
    pytest.param("zstd", b"\x28\xb5\x2f\xfd\x21\x07" + ZSTD[5:], "broken", id="dictionary"),
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
        pytest.param(("br",), BR, id="br"),
        pytest.param(("zstd",), ZSTD, id="zstd"),
        pytest.param(("zstd",), CHECKED, id="zstd-with-checksum"),
        pytest.param(("deflate", "gzip"), coded(TEXT, "deflate", "gzip"), id="stack"),
        pytest.param(("gzip", "br", "zstd"), coded(TEXT, "gzip", "br", "zstd"), id="stack-of-three"),
    ],
)
def test_every_cut_is_an_error(codings: tuple[str, ...], data: bytes) -> None:
    for length in range(1, len(data)):
        with pytest.raises(ContentDecodingError, match="stops before its end"):
            whole(data[:length], *codings)


@pytest.mark.parametrize(("inner", "outer"), [*product(ENCODERS, repeat=2)])
def test_a_cut_inside_a_stack_is_an_error(inner: str, outer: str) -> None:
    with pytest.raises(ContentDecodingError, match=f"{inner} content stops before its end"):
        whole(coded(coded(TEXT, inner)[:-1], outer), inner, outer)


@pytest.mark.parametrize(
    ("coding", "foreign"),
    [("gzip", zlib.error), ("deflate", zlib.error), ("br", brotli.error), ("zstd", zstd.ZstdError)],
)
def test_foreign_error_is_the_cause(coding: str, foreign: type[Exception]) -> None:
    with pytest.raises(ContentDecodingError, match=f"{coding} content is broken") as caught:
        whole(b"none of them", coding)
    assert isinstance(caught.value.__cause__, foreign)


def test_ambiguous_start_is_read_as_zlib_when_that_gives_output() -> None:
    content = bytes(0xFF63)  # the stored block's lengths make the start pass for bare deflate too
    data = b"\x78\x9c\x00\x63\xff\x9c\x00" + content + b"\x01\0\0\xff\xff" + zlib.adler32(content).to_bytes(4)
    assert whole(data, "deflate") == content
    assert pulled(decoder_of("deflate"), [*bytewise(data[:400]), data[400:]]) == content


@pytest.mark.parametrize(
    ("coding", "data", "piece"),
    [("br", br_flushed(b"tick", b"tock"), b"tick"), ("zstd", ZSTD * 2, TEXT), ("gzip", PACKED * 2, TEXT)],
)
def test_what_has_come_is_handed_out(coding: str, data: bytes, piece: bytes) -> None:
    """A stream of events must not wait for its end."""
    decoder = decoder_of(coding)
    decoder.feed(data[: len(data) // 2 + 2])
    assert decoder.next_piece() == piece


def test_small_streams_become_large_pieces() -> None:
    """Otherwise 200 MB of two-byte pieces would cost gigabytes of objects."""
    decoder = decoder_of("gzip")
    decoder.feed(packed(b"ab") * 1000)
    assert decoder.next_piece() == b"ab" * 1000


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


def test_every_coding_is_asked_for() -> None:
    assert ACCEPT_ENCODING == "gzip, deflate, br, zstd"


def test_more_than_three_codings_are_refused() -> None:
    with pytest.raises(ContentDecodingError, match="4 codings"):
        decoding_for(("gzip",) * 4, DEFAULT_LIMITS)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ModuleNotFoundError("No module named 'brotli'")

    monkeypatch.setitem(decoders._CODINGS, "br", missing)
    with pytest.raises(ContentDecodingError, match="br content cannot be decoded here: No module named 'brotli'"):
        decoding_for(("br",), DEFAULT_LIMITS)


def outcome(decoder: Decoder, chunks: Iterable[bytes]) -> bytes | type[ContentDecodingError]:
    try:
        return pulled(decoder, chunks)
    except ContentDecodingError as error:
        return type(error)


CODINGS = st.lists(st.sampled_from(sorted(ENCODERS)), min_size=1, max_size=3)
CUTS = st.lists(st.integers(0, 5000), max_size=12)


@given(CODINGS, st.binary(max_size=3000), CUTS, st.sampled_from([zlib_format, bare]), st.integers(0, 20))
def test_any_split_gives_the_content(
    codings: list[str], content: bytes, cuts: list[int], deflate: Callable[[bytes], bytes], zeros: int
) -> None:
    data = content
    for coding in codings:
        data = deflate(data) if coding == "deflate" else ENCODERS[coding](data)
    assert pulled(decoder_of(*codings), split(data + bytes(zeros), cuts)) == content


TAILS = st.binary(max_size=400) | st.integers(0, 400).map(bytes)
STARTS = [
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    b"\x78\x9c",
    b"\x78\x9c\x00\x63\xff",
    b"\x28\xb5\x2f\xfd",
    b"\x28\xb5\x2f\xfd\x00\x58",
    skippable_frame(b""),
    BR_NOISE[:400],
    br_stored(bytes(300))[:200],
    br_stored(bytes(300)),
    br_ending_in_zeros()[:25],
    br_ending_in_zeros(),
]
HOSTILE = st.one_of(
    TAILS,
    st.tuples(st.sampled_from(STARTS), TAILS).map(b"".join),
    st.tuples(
        st.sampled_from([PACKED, BR, BR_NOISE, ZSTD, CHECKED, zlib_format(TEXT)]),
        st.integers(0, 5000),
        st.integers(0, 255),
    ).map(lambda change: with_byte(change[0], change[1] % len(change[0]), change[2])),
)


@given(CODINGS, st.sampled_from(sorted(ENCODERS)), HOSTILE, CUTS, st.booleans())
def test_any_bytes_in_any_split_give_one_result(
    codings: list[str], inner: str, data: bytes, cuts: list[int], hidden: bool
) -> None:
    if hidden:  # behind codings that are whole
        codings = [inner, *codings[:2]]
        data = coded(data, *codings[1:])
    expected = outcome(decoder_of(*codings), [data])
    assert outcome(decoder_of(*codings), split(data, cuts)) == expected
    assert outcome(decoder_of(*codings), bytewise(data)) == expected

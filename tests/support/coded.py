"""Content in every coding, and what a decoder makes of it in one piece, byte by byte, or split anywhere."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterable
from itertools import pairwise

import brotli

from smartclient._codec.decoders import Decoder, decoding_for
from smartclient._codec.streams import PIECE_MAX
from smartclient._model.options import DEFAULT_LIMITS, Limits

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK = 1 << 20


def zlib_format(data: bytes) -> bytes:
    return deflated(data, 15)


def bare(data: bytes) -> bytes:
    return deflated(data, -15)


def deflated(data: bytes, window_bits: int) -> bytes:
    deflater = zlib.compressobj(wbits=window_bits)
    return deflater.compress(data) + deflater.flush()


def packed(data: bytes) -> bytes:
    """gzip without a date: the same bytes in every run."""
    return gzip.compress(data, mtime=0)


def checked_frame(data: bytes) -> bytes:
    """A zstd frame with a checksum."""
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


def frame_of_window(data: bytes, window_log: int) -> bytes:
    """A zstd frame whose window has 2**window_log bytes."""
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window_log})
    return compressor.compress(data) + compressor.flush()


def skippable_frame(content: bytes, kind: int = 0) -> bytes:
    """A zstd frame that a decoder passes over (RFC 8878 section 3.1.2)."""
    return (0x184D2A50 + kind).to_bytes(4, "little") + len(content).to_bytes(4, "little") + content


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": packed,
    "deflate": zlib_format,
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": zstd.compress,
}


def coded(content: bytes, *codings: str) -> bytes:
    """`content` with `codings` applied in this order."""
    for coding in codings:
        content = ENCODERS[coding](content)
    return content


def zeros_coded(coding: str, size: int, window: int | None = None) -> bytes:
    """So many zeros (whole MiB), compressed in little memory; `window` is the logarithm of br's or zstd's."""
    if coding == "br":
        encoder = brotli.Compressor(quality=5, lgwin=window or 22)
        pieces = [encoder.process(bytes(BLOCK)) for _ in range(size // BLOCK)]
        return b"".join([*pieces, encoder.finish()])
    if coding == "zstd":
        compressor: zstd.ZstdCompressor = zstd.ZstdCompressor(
            options={zstd.CompressionParameter.window_log: window or 21}
        )
    else:
        compressor = zlib.compressobj(9, wbits=31 if coding == "gzip" else 15)
    pieces = [compressor.compress(bytes(BLOCK)) for _ in range(size // BLOCK)]
    return b"".join([*pieces, compressor.flush()])


def decoder_of(*codings: str, limits: Limits = DEFAULT_LIMITS) -> Decoder:
    decoder = decoding_for(codings, limits).decoder
    assert decoder is not None
    return decoder


def pulled(decoder: Decoder, chunks: Iterable[bytes]) -> bytes:
    """The content of a body that comes in `chunks`; checks the size of every piece."""
    out = []
    for chunk in chunks:
        decoder.feed(chunk)
        while piece := decoder.next_piece():
            assert len(piece) <= PIECE_MAX
            out.append(piece)
    decoder.finish()
    return b"".join(out)


def whole(data: bytes, *codings: str) -> bytes:
    return pulled(decoder_of(*codings), [data])


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` cut at these places, which may lie anywhere."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def with_byte(data: bytes, at: int, byte: int) -> bytes:
    changed = bytearray(data)
    changed[at] = byte
    return bytes(changed)

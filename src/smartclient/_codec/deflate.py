"""gzip (RFC 1952) and deflate (RFC 1950 around RFC 1951, or bare), undone by zlib."""

import zlib
from typing import Any

from .streams import INPUT_STEP, CodedStreams


class _Inflater(CodedStreams):
    __slots__ = ()

    def _step(self, stream: Any, room: int) -> bytes:
        step = self._data[self._at : self._at + INPUT_STEP]
        try:
            piece: bytes = stream.decompress(step, room)
        except zlib.error as error:
            raise self._broken(error) from error
        if stream.eof:
            self._at += len(step) - len(stream.unused_data)
            self._end()
        else:
            self._at += len(step) - len(stream.unconsumed_tail)
            self._more = len(piece) == room
        return piece


class Gzip(_Inflater):
    """Any number of members (RFC 1952 section 2.2), then perhaps zeros; zlib checks each CRC and length."""

    __slots__ = ()

    coding = "gzip"
    starts = b"\x1f"

    def _open(self) -> Any:
        return zlib.decompressobj(31)


class Deflate(_Inflater):
    """The zlib format, as RFC 9110 section 8.4.1.2 says, or a bare deflate stream, as some servers send."""

    __slots__ = ()

    coding = "deflate"

    def _open(self) -> Any:
        window_bits = _window_bits(self._data[self._at : self._at + _PROBE_MAX])
        return None if window_bits is None else zlib.decompressobj(window_bits)


_PROBE_MAX = 320  # the longest head of a deflate block is 286 bytes: then output comes


def _window_bits(start: bytes) -> int | None:
    """zlib's name of the format that begins with `start`; None when more bytes must decide.

    Depends on the bytes alone, never on how they were split. Bytes that read as a zlib header (RFC 1950
    section 2.2) can be bare deflate only as a stored block, which repeats its length inverted (RFC 1951 section
    3.2.4). Where both hold, the zlib reading is tried byte by byte and stands unless it fails before any output.
    """
    if len(start) < 2:
        return None
    if start[0] & 0x0F != 8 or start[0] >> 4 > 7 or start[1] & 0x20 or int.from_bytes(start[:2]) % 31:
        return -15
    if len(start) < 5:
        return None
    if start[1] ^ start[3] != 0xFF or start[2] ^ start[4] != 0xFF:
        return 15
    trial = zlib.decompressobj(15)
    try:
        for at in range(len(start)):
            if trial.decompress(start[at : at + 1], 1) or trial.eof:
                return 15
    except zlib.error:
        return -15
    return 15 if len(start) == _PROBE_MAX else None

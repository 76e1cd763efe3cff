"""zstd (RFC 8878), undone by Python's own module or its backport; its window is 8 MiB at most (RFC 9659)."""

import sys
from typing import Any

from .streams import INPUT_STEP, CodedStreams

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}


class Zstd(CodedStreams):
    """Any number of frames and skippable frames (RFC 8878 section 3.1), then perhaps zeros."""

    __slots__ = ()

    coding = "zstd"
    starts = b"\x28" + bytes(range(0x50, 0x60))  # of the magic numbers, little-endian

    def _open(self) -> Any:
        return zstd.ZstdDecompressor(options=_OPTIONS)

    def _step(self, stream: Any, room: int) -> bytes:
        step = b"" if self._more else self._data[self._at : self._at + INPUT_STEP]
        try:
            piece: bytes = stream.decompress(step, room)
        except zstd.ZstdError as error:
            raise self._broken(error) from error
        self._at += len(step)
        if stream.eof:
            self._at -= len(stream.unused_data)
            self._end()
        else:
            self._more = not stream.needs_input
        return piece

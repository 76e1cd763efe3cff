"""br (RFC 7932), undone by the package brotli; its window is 16 MiB at most, the large-window format is refused."""

from typing import Any

import brotli  # type: ignore[import-untyped]

from .streams import INPUT_STEP, CodedStreams

# brotli takes its output buffer in blocks of 32 KiB, then 64 KiB, until the limit is reached: so it stays with one.
_OUTPUT_STEP = 16 * 1024
_ZEROS_TRIED = 16


class Br(CodedStreams):
    """One stream, then perhaps zeros. There is no checksum: only a stream's form tells that it is broken."""

    __slots__ = ("_zeros",)

    coding = "br"

    def __init__(self) -> None:
        super().__init__()
        self._zeros = 0  # consumed since the last byte that is none

    def _open(self) -> Any:
        return brotli.Decompressor()

    def _step(self, stream: Any, room: int) -> bytes:
        step = b"" if self._more else self._input()
        try:
            piece: bytes = stream.process(step, output_buffer_limit=_OUTPUT_STEP)
        except brotli.error as error:
            raise self._broken(error) from error
        self._at += len(step)
        if stream.is_finished():
            self._end()
        else:
            self._more = len(piece) >= _OUTPUT_STEP or not stream.can_accept_more_data()
        return piece

    def _input(self) -> bytes:
        """The next bytes to consume: never zeros behind a stream's end.

        The library fails over input that goes on behind the end, and does not say where that was. So zeros with
        nothing behind them go in one by one, as each may be the last of the stream or the first of the padding. Only
        the first few of a run: a call costs microseconds. A stream that ends with more of them has no padding.
        """
        step = self._data[self._at : self._at + INPUT_STEP]
        solid = step.rstrip(b"\x00")
        if solid:
            self._zeros = 0
            return solid
        if self._zeros < _ZEROS_TRIED:
            step = b"\x00"
        self._zeros += len(step)
        return step

    def _after_end(self) -> Any:
        if self._zeros > _ZEROS_TRIED:
            raise self._more_than_whole()
        return super()._after_end()

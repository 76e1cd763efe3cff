"""Lines out of pieces: an end of line that is split over two pieces is one end; a line has a limit."""

from typing import Any

from .._model.errors import BodyTooLarge, InvalidOption

LINE_MAX = 2**24


class LineSplitter:
    r"""Splits at \n, \r\n and \r, or at `delimiter` (bytes) alone; ends are not part of the lines.

    Raises:
        InvalidOption: `delimiter` is no bytes, or empty.
        BodyTooLarge: a line longer than `line_max` bytes.
    """

    __slots__ = ("_after_cr", "_delimiter", "_line_max", "_rest")

    def __init__(self, delimiter: Any = None, line_max: int = LINE_MAX) -> None:
        if delimiter is not None and not (isinstance(delimiter, bytes) and delimiter):
            raise InvalidOption("delimiter must be str or bytes, and not empty")
        self._delimiter: bytes | None = delimiter
        self._line_max = line_max
        self._rest = bytearray()  # of the line that has no end yet; pieces may be single bytes, so none is kept apart
        self._after_cr = False  # the last byte was a \r: a \n that follows belongs to it

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes."""
        if self._delimiter is not None:
            return self._split_at(self._delimiter, data)
        if not data:
            return []
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
        self._after_cr = data[-1:] == b"\r"
        lines = data.splitlines()
        ended = data[-1:] in (b"\n", b"\r")
        return self._completed(lines, b"" if ended or not lines else lines.pop())

    def _split_at(self, delimiter: bytes, data: bytes) -> list[bytes]:
        # A delimiter that `data` completes begins in the last bytes at hand: looking at more again would be quadratic.
        begin = max(0, len(self._rest) - len(delimiter) + 1)
        *lines, rest = (bytes(self._rest[begin:]) + data).split(delimiter)
        del self._rest[begin:]
        return self._completed(lines, rest)

    def _completed(self, lines: list[bytes], rest: bytes) -> list[bytes]:
        if lines and self._rest:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += rest
        if len(self._rest) > self._line_max or any(len(line) > self._line_max for line in lines):
            raise BodyTooLarge(f"a line is over the limit of {self._line_max} bytes", sent="wholly")
        return lines

    def finish(self) -> list[bytes]:
        """The last line, when it has no end."""
        last, self._rest = bytes(self._rest), bytearray()
        return [last] if last else []

"""Lines out of pieces: an end of line that is split over two pieces is one end; a line has a limit."""

from .._model.errors import BodyTooLarge, InvalidOption

LINE_MAX = 2**24


class LineSplitter:
    r"""Splits at \n, \r\n and \r, or at `delimiter` alone; ends are not part of the lines.

    Raises:
        BodyTooLarge: a line longer than `line_max` bytes.
    """

    __slots__ = ("_after_cr", "_delimiter", "_line_max", "_parts", "_size")

    def __init__(self, delimiter: bytes | None = None, line_max: int = LINE_MAX) -> None:
        if delimiter == b"":
            raise InvalidOption("delimiter must not be empty")
        self._delimiter = delimiter
        self._line_max = line_max
        self._parts: list[bytes] = []  # of the line that has no end yet
        self._size = 0
        self._after_cr = False  # the last byte was a \r: a \n that follows belongs to it

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes."""
        if self._after_cr and data:
            self._after_cr = False
            if data[:1] == b"\n":
                data = data[1:]
        if self._delimiter is not None:
            return self._split_at(self._delimiter, data)
        self._after_cr = data[-1:] == b"\r"
        lines = data.splitlines()
        ended = data[-1:] in (b"\n", b"\r")
        return self._completed(lines, b"" if ended or not lines else lines.pop())

    def _split_at(self, delimiter: bytes, data: bytes) -> list[bytes]:
        lines = (b"".join(self._parts) + data).split(delimiter)
        self._parts, self._size = [], 0
        return self._completed(lines[:-1], lines[-1])

    def _completed(self, lines: list[bytes], rest: bytes) -> list[bytes]:
        if lines and self._parts:
            lines[0] = b"".join([*self._parts, lines[0]])
            self._parts, self._size = [], 0
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        if self._size > self._line_max or any(len(line) > self._line_max for line in lines):
            raise BodyTooLarge(f"a line is over the limit of {self._line_max} bytes", sent="wholly")
        return lines

    def finish(self) -> list[bytes]:
        """The last line, when it has no end."""
        last, self._parts = b"".join(self._parts), []
        return [last] if last else []

"""What all content codings share: whole streams, one behind the other, out of input that comes in any pieces."""

from typing import Any

from .._model.errors import ContentDecodingError

PIECE_MAX = 64 * 1024
_ENOUGH = PIECE_MAX // 2  # a piece is handed out above it; up to it there is room for another step's output

# The libraries keep or copy what they did not consume, so they are handed little at a time: one big input would be
# copied again for every piece of output, which is quadratic.
INPUT_STEP = 16 * 1024


class CodedStreams:
    """A `Decoder` of one coding. A subclass opens a stream of its library and decodes one step of it.

    Attributes:
        coding: its name, for errors.
        starts: the bytes with which another stream may begin behind the first; none where there is one only.
        opened: streams so far. Each has its price, which `decoders` bounds.
    """

    __slots__ = ("_at", "_data", "_ended", "_more", "_padded", "_stream", "opened")

    coding = ""
    starts = b""

    def __init__(self) -> None:
        self._stream: Any = None  # the open stream; None before the first, between two, and after the last
        self._data = b""
        self._at = 0
        self._more = False  # the library may hold output that did not fit into the last step
        self._ended = False  # a whole stream lies behind
        self._padded = False  # zeros were seen behind it
        self.opened = 0

    def feed(self, data: bytes) -> None:
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    def next_piece(self) -> bytes:
        pieces = []
        size = 0
        # Small steps are put together: streams of a few bytes each must not become pieces of a few bytes each.
        while size <= _ENOUGH and (self._more or self._at < len(self._data)):
            if self._stream is None:
                self._stream = self._after_end() if self._ended else self._open()
                if self._stream is None:
                    break
                self.opened += 1
            piece = self._step(self._stream, PIECE_MAX - size)
            if piece:
                pieces.append(piece)
                size += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def finish(self) -> None:
        if self._stream is not None or self._at < len(self._data):
            raise ContentDecodingError(f"{self.coding} content stops before its end")

    def _open(self) -> Any:
        """The library's object for the stream that starts at the current byte; None when more bytes must decide."""
        raise NotImplementedError

    def _step(self, stream: Any, room: int) -> bytes:
        """Consumes some input, or goes on with what the library holds: at most `room` bytes (32 KiB at least)."""
        raise NotImplementedError

    def _after_end(self) -> Any:
        """What comes after a whole stream: the next one, or None for zero padding, which is skipped."""
        if self._data[self._at] in self.starts and not self._padded:
            return self._open()
        self._padded = True
        if self._data[self._at :].strip(b"\x00"):
            raise self._more_than_whole()
        self._at = len(self._data)
        return None

    def _end(self) -> None:
        self._stream, self._ended, self._more = None, True, False

    def _broken(self, error: Exception) -> ContentDecodingError:
        return ContentDecodingError(f"{self.coding} content is broken ({error})")

    def _more_than_whole(self) -> ContentDecodingError:
        return ContentDecodingError(f"{self.coding} content has bytes after its end")

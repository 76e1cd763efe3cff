"""The chunked transfer coding of a response body, decoded; never a head, never a connection.

Sans-IO. Source: RFC 9112 section 7.1.
"""

from .._model.errors import ChunkedEncodingError, RemoteProtocolError
from .._model.headers import NO_FIELDS, Fields
from .._model.patterns import later
from .http1_head import Block, parse_fields, shown

CHUNK_LINE_MAX = 4 * 1024
EXTENSIONS_MAX = 16 * 1024
TRAILERS_MAX = 16 * 1024
TRAILER_LINES_MAX = 64

_SIZE_LINE = later(rb"([0-9A-Fa-f]{1,16})((?:[ \t]*+;[^\r\n\0]*+)?)(\r?)\n")
_SIZE_LINE_BEGUN = later(rb"(?:[0-9A-Fa-f]{1,16}(?:[ \t]*+(?:;[^\r\n\0]*+)?)?\r?)?")
_SIZES_MAX = 4096
_IGNORED_TRAILERS = frozenset(
    [
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "www-authenticate",
    ]
)

_SIZES: dict[bytes, int] = {}  # of the plain size lines seen lately, CRLF included

_BETWEEN, _INSIDE, _AFTER, _TRAILERS = range(4)


class ChunkedBody:
    """Decodes one body.

    Attributes:
        received: bytes of content in the chunks begun so far, as announced.
        done: the end was seen, trailers included.
        trailers: fields after the last chunk, without those that must not come there.
        rest: bytes that came after the end.
    """

    __slots__ = (
        "_block",
        "_carry",
        "_extensions",
        "_left",
        "_lenient",
        "_where",
        "done",
        "received",
        "rest",
        "trailers",
    )

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self._where = _BETWEEN
        self._carry = b""  # the unfinished line
        self._left = 0  # bytes missing of the chunk at hand
        self._extensions = 0
        self._block: Block | None = None
        self.received = 0
        self.done = False
        self.trailers: Fields = NO_FIELDS
        self.rest = b""

    def feed(self, data: bytes, at: int = 0) -> bytes:
        """The content in `data` from `at` on, all its chunks as one piece, perhaps empty.

        Raises:
            ChunkedEncodingError: the framing is broken, or over a limit.
        """
        if self._carry:
            data, at, self._carry = self._carry + data[at:], 0, b""
        pieces: list[bytes] = []
        if self._where == _INSIDE:
            at = self._continue(data, at, pieces)
        if self._where == _AFTER:
            at = self._end_chunk(data, at)
        if self._where == _BETWEEN:
            at = self._chunks(data, at, pieces)
        if self._where == _TRAILERS:
            self._trailers(data, at)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _chunks(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Whole chunks, as many as there are; this loop is what tiny chunks cost."""
        find = data.find
        known = _SIZES.get
        received = self.received
        while line_end := find(b"\n", at) + 1:
            line = data[at:line_end]
            size = known(line)
            if size is None:
                self.received = received
                size = self._size(line)
            if not size:
                self._where = _TRAILERS
                self._block = Block(TRAILERS_MAX, lenient=self._lenient)
                at = line_end - (1 if line[-2:] != b"\r\n" else 2)  # the block begins with this line's end
                break
            received += size
            at = line_end + size
            if data[at : at + 2] == b"\r\n":
                pieces.append(data[line_end:at])
                at += 2
                continue
            self._left, self._where = size, _INSIDE
            at = self._continue(data, line_end, pieces)
            if self._where == _AFTER:
                at = self._end_chunk(data, at)
            if self._where != _BETWEEN:
                break
        else:
            self._keep_line(data[at:])
        self.received = received
        return at

    def _continue(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        piece = data[at : at + self._left]
        if piece:
            pieces.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._where = _AFTER
        return at + len(piece)

    def _end_chunk(self, data: bytes, at: int) -> int:
        """Past the line end that must follow the chunk's data."""
        end = data[at : at + 2]
        if end == b"\r\n" or (self._lenient and end[:1] == b"\n"):
            self._where = _BETWEEN
            return at + (2 if end == b"\r\n" else 1)
        if end in (b"", b"\r"):
            self._carry = end
            return at + len(end)
        raise ChunkedEncodingError(f"the peer sent {shown(end)} where a chunk's CRLF belongs")

    def _size(self, line: bytes) -> int:
        match = _SIZE_LINE.fullmatch(line) if len(line) <= CHUNK_LINE_MAX else None
        if match is None or not (match[3] or self._lenient):
            raise ChunkedEncodingError(f"the peer sent a chunk-size line that cannot be read: {shown(line)}")
        size = int(match[1], 16)
        self._extensions += len(match[2])
        if self._extensions > EXTENSIONS_MAX + self.received:
            raise ChunkedEncodingError("the peer sent more chunk extensions than content")
        if match[3] and not match[2]:
            if len(_SIZES) >= _SIZES_MAX:
                _SIZES.clear()
            _SIZES[line] = size
        return size

    def _keep_line(self, line: bytes) -> None:
        if len(line) >= CHUNK_LINE_MAX or not _SIZE_LINE_BEGUN.fullmatch(line):
            raise ChunkedEncodingError(f"the peer sent a chunk-size line that cannot be read: {shown(line)}")
        self._carry = line

    def _trailers(self, data: bytes, at: int) -> None:
        assert self._block is not None
        try:
            found = self._block.take(data, at)
            if found is None:
                return
            text, end = found
            if len(text) > 2:
                lines, _ = parse_fields(text.split("\r\n"), TRAILER_LINES_MAX)
                self.trailers = Fields(lines).without(_IGNORED_TRAILERS)
        except RemoteProtocolError as error:
            raise ChunkedEncodingError(f"in the trailers: {error}") from error
        self.rest = data[end:]
        self.done = True

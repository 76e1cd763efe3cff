"""The HTTP/1.1 response reader: bytes of one connection in, events out; never reads, writes, waits or asks the time.

Strict where two parsers could read two things. Source: RFC 9112 sections 6 to 9.
"""

from typing import NoReturn

from .._model.errors import IncompleteBody, RemoteProtocolError, RequestException, SessionMisuse
from .._model.headers import NO_FIELDS, Fields
from .._model.message import Head, Interim
from .http1_chunked import ChunkedBody
from .http1_head import (
    HEAD_MAX,
    LENGTH_DIGITS_MAX,
    SECRET,
    Block,
    is_chunked,
    keep_alive_timeout,
    keeps_alive,
    parse_head,
    repeated_length,
    shown,
)

INTERIM_MAX = 16
SURPLUS_MAX = 16 * 1024
_KNOWN_MAX = 2048  # bytes of a head that is kept to be compared with the next one


class End:
    """The response is complete. `trailers` are the fields after a chunked body; never part of the head."""

    __slots__ = ("trailers",)

    def __init__(self, trailers: Fields = NO_FIELDS) -> None:
        self.trailers = trailers

    def __repr__(self) -> str:
        return f"<End {self.trailers}>"


Event = Interim | Head | bytes | End

_END = End()
_IDLE, _HEAD, _LENGTH, _CHUNKED, _UNTIL_CLOSE, _DEAD = range(6)


class ResponseReader:
    """Reads the responses of one connection, one after the other. After an error it is dead.

    Attributes:
        complete: End was given.
        reusable: once complete, whether the connection can take another request: it persists by version and
            Connection field, the framing had one reading, and nothing came after the end.
        close_delimited: the body runs until the peer closes.
        head_started: at least one byte of this response has come.
        keep_alive_timeout: seconds that the server announced to wait for the next request, or None.
        surplus: bytes after the end; after a 101 or a tunnel's 2xx, the first of the new protocol.
    """

    __slots__ = (
        "_block",
        "_chunks",
        "_interims",
        "_known",
        "_left",
        "_lenient",
        "_method",
        "_state",
        "_upgrade",
        "close_delimited",
        "complete",
        "head_started",
        "keep_alive_timeout",
        "reusable",
        "surplus",
    )

    def __init__(self, *, lenient: bool = False) -> None:
        """`lenient` takes a bare LF as a line end, and never reuses the connection."""
        self._lenient = lenient
        self._block = Block(HEAD_MAX, lenient=lenient)
        self._chunks: ChunkedBody | None = None
        self._interims = 0
        self._known: tuple[bytes, str, Head, int] | None = None  # a head, what it answered, what it means
        self._left = 0
        self._method = ""
        self._state = _IDLE
        self._upgrade = False
        self.close_delimited = False
        self.complete = False
        self.head_started = False
        self.keep_alive_timeout: float | None = None
        self.reusable = True
        self.surplus = b""

    def start(self, method: str, upgrade: bool = False) -> None:
        """A request with this method was, or is being, sent; `upgrade`: it asked for another protocol.

        Raises:
            SessionMisuse: the response before is not complete, or spoiled the connection.
        """
        if self._state != _IDLE or not self.reusable:
            raise SessionMisuse("a request on a connection that cannot take one")
        # What only a response that is not reusable changes, needs no reset.
        self._state = _HEAD
        self._method = method
        self._upgrade = upgrade
        self._interims = 0
        self.complete = False
        self.head_started = False
        self.keep_alive_timeout = None

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data`, in order. A body piece is never empty, and is `data` itself where all of it is body.

        Raises:
            RemoteProtocolError: HTTP is broken before or in the head.
            ChunkedEncodingError: the framing inside the body is broken.
        """
        if not data:
            return []
        try:
            if self._state != _HEAD:
                return self._read_body(data, 0, [])
            known = self._known
            if known is None or self.head_started or not data.startswith(known[0]) or known[1] != self._method:
                return self._read_head(data)
            return self._read_known(data, known)
        except RequestException:
            self._state = _DEAD
            raise

    def feed_eof(self) -> list[Event]:
        """The peer closed: [End] for a body that this delimits, [] between responses.

        Raises:
            RemoteProtocolError: before the head is complete.
            IncompleteBody: inside the body.
        """
        state = self._state
        if state == _UNTIL_CLOSE:
            return self._finish([], _END, b"")
        self.reusable = False
        if state == _IDLE:
            return []
        self._state = _DEAD
        if state == _LENGTH:
            raise IncompleteBody(f"the peer closed the connection {self._left} bytes before the body's end")
        if state == _CHUNKED:
            raise IncompleteBody("the peer closed the connection before the last chunk")
        if state == _DEAD:
            self._refuse()
        where = "in the middle of the head" if self.head_started else "without a response"
        raise RemoteProtocolError(f"the peer closed the connection {where}")

    def _read_known(self, data: bytes, known: tuple[bytes, str, Head, int]) -> list[Event]:
        """A response whose head is, byte by byte, that of the one before: a server says the same within a second."""
        self.head_started = True
        beginning, _, head, length = known
        at = len(beginning)
        if len(data) - at != length:
            self._state = _LENGTH
            self._left = length
            return self._read_body(data, at, [head])
        self._state = _IDLE
        self.complete = True
        return [head, data[at:], _END] if length else [head, _END]

    def _read_head(self, data: bytes) -> list[Event]:
        whole = not self.head_started
        self.head_started = True
        events: list[Event] = []
        at = 0
        while True:
            found = self._block.take(data, at)
            if found is None:
                beginning = self._block.beginning
                if not b"HTTP/1.".startswith(beginning[:7]):
                    raise RemoteProtocolError(f"the peer sent no HTTP/1.1 status line but {shown(beginning)}")
                return events
            text, at = found
            head, index = parse_head(text)
            if head.status >= 200:
                break
            if head.status == 101:
                return self._switch(head, data[at:], events)
            whole = False
            self._interims += 1
            if self._interims > INTERIM_MAX:
                raise RemoteProtocolError(f"the peer sent more than {INTERIM_MAX} interim responses")
            if "content-length" in index or "transfer-encoding" in index:
                self.reusable = False  # another parser might see a body there
            events.append(Interim(head))
        self._state = state = self._framing(head, index)
        plain = self.reusable and self.keep_alive_timeout is None  # says nothing but status, fields and length
        if whole and plain and state == _LENGTH and at <= _KNOWN_MAX and SECRET.isdisjoint(index):
            self._known = data[:at], self._method, head, self._left
        events.append(head)
        if state == _LENGTH and len(data) - at == self._left:  # most answers come whole
            if self._left:
                events.append(data[at:])
            return self._finish(events, _END, b"")
        return self._read_body(data, at, events)

    def _framing(self, head: Head, index: dict[str, str]) -> int:
        """The state that reads this head's body (RFC 9112 section 6.3); notes what the fields say of reuse."""
        status, method, length, chunked = head.status, self._method, 0, False
        announced = index.get("content-length")
        if announced is not None:
            if announced.isdecimal() and len(announced) <= LENGTH_DIGITS_MAX:
                length = int(announced)
            else:
                length = repeated_length(announced)
                head.fields = head.fields.replace("Content-Length", str(length))
        connection = index.get("connection")
        if head.version != "HTTP/1.1" or (connection is not None and connection != "keep-alive") or self._lenient:
            self.reusable = self.reusable and not self._lenient and keeps_alive(head.version, connection)
        if "keep-alive" in index:
            self.keep_alive_timeout = keep_alive_timeout(index["keep-alive"])
        coded = "transfer-encoding" in index
        if coded:
            chunked = is_chunked(index["transfer-encoding"])
            if announced is not None or not chunked or head.version == "HTTP/1.0":
                self.reusable = False
            head.fields = head.fields.without(("content-length",))
        if method == "HEAD" or status == 204 or status == 304 or (method == "CONNECT" and status < 300):
            # Content announced for a 204 may follow all the same, and would pose as the next response.
            if method == "CONNECT" or (status == 204 and (length or coded)):
                self.reusable = False
            self._left = 0
            return _LENGTH
        if chunked:
            self._chunks = ChunkedBody(lenient=self._lenient)
            return _CHUNKED
        if announced is not None and not coded:
            self._left = length
            return _LENGTH
        self.close_delimited = True
        self.reusable = False
        return _UNTIL_CLOSE

    def _read_body(self, data: bytes, at: int, events: list[Event]) -> list[Event]:
        state = self._state
        if state == _LENGTH:
            left = self._left
            available = len(data) - at
            if available >= left:
                if left:
                    events.append(data[at : at + left])
                return self._finish(events, _END, data[at + left :])
            if available:
                self._left = left - available
                events.append(data[at:])
        elif state == _UNTIL_CLOSE:
            if at < len(data):
                events.append(data[at:])
        elif state == _CHUNKED:
            return self._read_chunks(data, at, events)
        elif state == _IDLE:
            self.reusable = False
            if len(self.surplus) < SURPLUS_MAX:
                self.surplus += data
        else:
            self._refuse()
        return events

    def _read_chunks(self, data: bytes, at: int, events: list[Event]) -> list[Event]:
        chunks = self._chunks
        assert chunks is not None
        piece = chunks.feed(data, at)
        if piece:
            events.append(piece)
        if not chunks.done:
            return events
        self._chunks = None
        return self._finish(events, End(chunks.trailers) if chunks.trailers else _END, chunks.rest)

    def _switch(self, head: Head, rest: bytes, events: list[Event]) -> list[Event]:
        """The end of HTTP on this connection: 101."""
        if not self._upgrade:
            raise RemoteProtocolError("the peer switched protocols unasked")
        self.reusable = False
        events.append(head)
        return self._finish(events, _END, rest)

    def _finish(self, events: list[Event], end: End, rest: bytes) -> list[Event]:
        self._state = _IDLE
        self.complete = True
        if rest:
            self.surplus = rest
            self.reusable = False
        events.append(end)
        return events

    def _refuse(self) -> NoReturn:
        raise RemoteProtocolError("the connection is unusable since the peer broke HTTP on it")

"""A WebSocket as messages: bytes of one connection in, messages and its end out, and bytes that must follow; no I/O.

The frames are wsproto's, a sans-IO library. What lives here is whole messages, the limit on them, and the answers that
the protocol asks for. Source: RFC 6455.
"""

from typing import Any

from wsproto import ConnectionType
from wsproto.connection import Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate

from .._model.declared import NamedTuple
from .._model.websocket import DEFLATE, Deflate

MESSAGE_MAX = 16 * 2**20
CONTROL_MAX = 10_000  # pings and pongs between two messages
NORMAL, PROTOCOL_ERROR, NO_STATUS, ABNORMAL, TOO_BIG = 1000, 1002, 1005, 1006, 1009


class Closed(NamedTuple):
    """The end: whose `code` and `reason` it has, `clean` tells: the peer's, or ours because of what it did."""

    code: int
    reason: str
    clean: bool


class WebSocketWire:
    """The client's end of one conversation. Not for two threads at once.

    Attributes:
        closed: the end, once it has come; nothing is read after it.
        is_closing: whether our Close was sent.
    """

    def __init__(self, deflate: Deflate | None = None, message_max: int = MESSAGE_MAX) -> None:
        """`message_max` counts bytes, or characters of text."""
        self._connection = Connection(ConnectionType.CLIENT, [] if deflate is None else [_extension(deflate)])
        self._message_max = message_max
        self._pieces: list[Any] = []
        self._size = 0
        self._control = 0
        self._out = bytearray()
        self.closed: Closed | None = None
        self.is_closing = False

    def send(self, data: str | bytes) -> None:
        """Sends one message: text in a str, else bytes."""
        self._out += self._connection.send(TextMessage(data) if isinstance(data, str) else BytesMessage(data))

    def ping(self, payload: bytes = b"") -> None:
        """Sends a ping of at most 125 bytes."""
        self._out += self._connection.send(Ping(payload=payload))

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Sends our Close, once."""
        if not self.is_closing and self.closed is None:
            self.is_closing = True
            self._out += self._connection.send(CloseConnection(code, reason or None))

    def pending(self) -> bytes:
        """What is to be written now; it is the caller's then."""
        data, self._out = bytes(self._out), bytearray()
        return data

    def feed(self, data: bytes) -> list[str | bytes]:
        """The messages that are complete now. Whatever breaks the rules sets `closed`, as the peer's Close does."""
        messages: list[str | bytes] = []
        if self.closed is not None:
            return messages
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                if not self._take(event, messages):
                    break
        except Exception as error:  # wsproto leaves some of what peers do to its assertions, and to zlib
            self._fail(PROTOCOL_ERROR, type(error).__name__)
        return messages

    def feed_eof(self) -> None:
        """The peer closed the connection, or it was lost."""
        if self.closed is None:
            self.closed = Closed(ABNORMAL, "the connection closed without a word", False)

    def _take(self, event: Any, messages: list[str | bytes]) -> bool:
        """Whether the conversation goes on after `event`."""
        if isinstance(event, TextMessage | BytesMessage):
            self._pieces.append(event.data)
            self._size += len(event.data)
            if self._size > self._message_max:
                self._fail(TOO_BIG, f"a message of more than {self._message_max} bytes")
            elif event.message_finished:
                text = isinstance(event, TextMessage)
                messages.append("".join(self._pieces) if text else b"".join(map(bytes, self._pieces)))
                self._pieces, self._size, self._control = [], 0, 0
        elif isinstance(event, CloseConnection):
            self._end(event)
        else:
            self._control += 1
            if self._control > CONTROL_MAX:
                self._fail(PROTOCOL_ERROR, f"more than {CONTROL_MAX} pings and pongs without a message")
            elif isinstance(event, Ping) and not self.is_closing:
                self._out += self._connection.send(event.response())
        return self.closed is None

    def _end(self, event: CloseConnection) -> None:
        state = self._connection.state
        if state is ConnectionState.REMOTE_CLOSING:
            self._out += self._connection.send(event.response())
        elif state is not ConnectionState.CLOSED:  # no Close of the peer's: wsproto's word for what it did
            self._fail(event.code, event.reason or "")
            return
        self.closed = Closed(int(event.code), event.reason or "", True)

    def _fail(self, code: int, reason: str) -> None:
        code = int(code)
        if self._connection.state is ConnectionState.OPEN:
            self._out += self._connection.send(CloseConnection(code, None))
        self._pieces = []
        self.closed = Closed(code, reason, False)


def _extension(deflate: Deflate) -> Extension:
    extension = PerMessageDeflate(*deflate[:1], deflate[2], deflate[1], deflate[3])
    extension.finalize(DEFLATE)
    return extension

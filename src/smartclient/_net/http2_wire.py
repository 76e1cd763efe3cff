"""HTTP/2 as events: bytes of one connection in, events of its streams out, and the bytes that must follow; never I/O.

The frames are h2's, a sans-IO library, and so is HPACK. What lives here is what a client makes of them: limits, flow
control by what was consumed, GOAWAY that lets running streams end, and errors of ours. Source: RFC 9113.
"""

import contextlib
import re
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from hpack import HeaderTuple, NeverIndexedHeaderTuple

from .._model.errors import RemoteProtocolError, RequestException, ServerDisconnected
from .._model.headers import CREDENTIAL_FIELDS, Fields, Line
from .._model.message import Head, Interim
from .http1_head import HEAD_MAX, LINES_MAX
from .http1_wire import INTERIM_MAX, End

LANE_WINDOW = 2**20  # bytes of one response that may wait here unread
CONNECTION_WINDOW = 2**24
MOST_LANES = 100  # at a time, until the peer says how many it takes
NOISE_MAX = 10_000  # frames that bring no response on, for each that does and in all between two of them
_FRAME_MAX = 2**14
_GOAWAY, _DATA, _HEADERS = 0x7, 0x0, 0x1
_LAST_STREAM_ID = 2**31 - 1
_NOT_SENT = frozenset(("connection", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"))
_VALUE = re.compile(r"[^\r\n\0]*")

Event = Interim | Head | bytes | End | RequestException


class Http2Wire:
    """The client's end of one connection. Not for two threads at once; after a failure it is dead.

    Attributes:
        capacity: streams that may run at a time.
        accepts: whether new streams may be opened.
        heard: whether the peer has sent anything.
        has_pending: whether there may be something to write.
    """

    def __init__(self) -> None:
        # What goes out was checked before, and is in the shape that h2 would give it.
        self._h2 = H2Connection(
            H2Configuration(header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False)
        )
        self._h2.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: LANE_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: HEAD_MAX,
            },
        )
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - self._h2.inbound_flow_control_window)
        self._pending = bytearray()  # the beginning of a frame
        self._running: dict[int, int] = {}  # stream -> interim responses it has had
        self._sending: set[int] = set()  # streams whose content has not ended yet
        self._unacknowledged = 0  # bytes of content since the connection's window was opened again
        self._consumed: dict[int, int] = {}
        self._noise = 0
        self._last = _LAST_STREAM_ID  # of the streams that the peer works on
        self.heard = False
        self.has_pending = True

    @property
    def capacity(self) -> int:
        return min(self._h2.remote_settings.max_concurrent_streams, MOST_LANES) if self.heard else MOST_LANES

    @property
    def accepts(self) -> bool:
        return self._last == _LAST_STREAM_ID and self._h2.highest_outbound_stream_id < _LAST_STREAM_ID - 2

    def open(self, pseudo: list[Line], fields: Fields, *, ended: bool) -> int:
        """Sends a request's head and gives the number of its stream; `ended`: there is no content.

        Raises:
            ServerDisconnected: the connection takes no more; nothing was sent.
        """
        lines: list[Any] = [(name.encode("ascii"), value.encode("latin-1")) for name, value in pseudo]
        for name, value in fields:
            lower = name.lower()
            if lower not in _NOT_SENT:
                kind = NeverIndexedHeaderTuple if lower in CREDENTIAL_FIELDS else HeaderTuple
                lines.append(kind(lower.encode("ascii"), value.encode("latin-1")))
        try:
            number = self._h2.get_next_available_stream_id()
            self._h2.send_headers(number, lines, end_stream=ended)
        except H2Error as error:
            raise _refused(f"the connection takes no more streams: {type(error).__name__}") from error
        self.has_pending = True
        self._running[number] = 0
        if not ended:
            self._sending.add(number)
        return number

    def room(self, number: int) -> int:
        """Bytes of content that stream `number` may send now. 0 also where nobody wants them any more."""
        try:
            # The window is below 0 when the peer has made it smaller meanwhile (RFC 9113 section 6.9.2).
            return max(0, min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size))
        except H2Error:
            return 0

    def send(self, number: int, data: bytes, *, ended: bool) -> None:
        """Sends content within `room`; nothing when the stream is closed."""
        self.has_pending = True
        if ended:
            self._sending.discard(number)
        with contextlib.suppress(H2Error):
            self._h2.send_data(number, data, end_stream=ended)

    def reset(self, number: int) -> None:
        """Gives up a stream, whatever its state; what still comes for it is dropped."""
        running = self._running.pop(number, None) is not None
        if running or number in self._sending:
            with contextlib.suppress(H2Error):  # it is over already
                self._h2.reset_stream(number, ErrorCodes.CANCEL)
                self.has_pending = True
        self._sending.discard(number)
        self._consumed.pop(number, None)

    def consume(self, number: int, size: int) -> None:
        """`size` bytes of a stream's content were taken by the caller: as many more may come."""
        size += self._consumed.get(number, 0)
        if size >= LANE_WINDOW // 2 and number in self._running:
            with contextlib.suppress(H2Error, KeyError):  # the peer has ended it
                self._h2.increment_flow_control_window(size, number)
                self.has_pending = True
            size = 0
        self._consumed[number] = size

    def pending(self) -> bytes:
        """What is to be written now; it is the caller's then."""
        data = self._h2.data_to_send()
        self.has_pending = False
        return data

    def ping(self) -> None:
        """Asks the peer for a sign of life."""
        self._h2.ping(bytes(8))
        self.has_pending = True

    def feed(self, data: bytes) -> list[tuple[int, Event]]:
        """(stream, event) of what has come, in order; an error as an event ends its stream alone.

        The error of stream 0 is the last event: HTTP/2 is broken, and so are all streams.
        """
        self.heard = True
        self.has_pending = True
        events: list[tuple[int, Event]] = []
        self._pending += data
        try:
            self._take_frames(events)
        except RemoteProtocolError as error:
            events.append((0, error))
        except (H2Error, ValueError, IndexError, KeyError) as error:
            code = getattr(error, "error_code", None)
            name = getattr(code, "name", type(error).__name__)
            broken = RemoteProtocolError(f"the peer broke HTTP/2: {name}")
            broken.__cause__ = error
            events.append((0, broken))
        if self._unacknowledged >= CONNECTION_WINDOW // 2:
            self._h2.increment_flow_control_window(self._unacknowledged)
            self._unacknowledged = 0
        return events

    def _take_frames(self, events: list[tuple[int, Event]]) -> None:
        """The frames that are complete, one by one: what came before a broken one counts."""
        pending = self._pending
        at = 0
        try:
            while len(pending) - at >= 9:
                length = int.from_bytes(pending[at : at + 3], "big")
                if length > _FRAME_MAX:
                    raise RemoteProtocolError(f"the peer sent a frame of {length} bytes")
                begun, at = at, at + 9 + length
                if len(pending) < at:
                    at = begun
                    break
                kind = pending[begun + 3]
                self._noise = 0 if kind == _HEADERS or (kind == _DATA and length) else self._noise + 1
                if self._noise > NOISE_MAX:
                    raise RemoteProtocolError(f"the peer sent more than {NOISE_MAX} frames without content")
                if kind == _GOAWAY and length >= 8:  # not for h2, which would end all streams at it
                    self._go_away(int.from_bytes(pending[begun + 9 : begun + 13], "big") & _LAST_STREAM_ID, events)
                    continue
                for event in self._h2.receive_data(bytes(pending[begun:at])):
                    self._note(event, events)
        finally:
            del pending[:at]

    def _go_away(self, last: int, events: list[tuple[int, Event]]) -> None:
        """The peer takes no more streams, and works on none after `last` (RFC 9113 section 6.8)."""
        self._last = min(self._last, last, _LAST_STREAM_ID - 1)
        for number in [number for number in self._running if number > self._last]:
            del self._running[number]
            events.append((number, _refused("the peer is going away")))

    def _note(self, event: Any, events: list[tuple[int, Event]]) -> None:
        kind = type(event)
        if kind is DataReceived:
            self._unacknowledged += event.flow_controlled_length
        number = getattr(event, "stream_id", None)
        if number not in self._running:
            return  # given up, or nobody's
        if kind is DataReceived:
            padding = event.flow_controlled_length - len(event.data)
            if padding:
                self.consume(number, padding)
            if event.data:
                events.append((number, bytes(event.data)))
        elif kind is ResponseReceived:
            events.append((number, _head(event.headers)))
        elif kind is InformationalResponseReceived:
            self._running[number] += 1
            if self._running[number] > INTERIM_MAX:
                raise RemoteProtocolError(f"the peer sent more than {INTERIM_MAX} interim responses")
            events.append((number, Interim(_head(event.headers))))
        elif kind is TrailersReceived:
            self._running[number] = -1  # the stream's end is told with its trailers
            events.append((number, End(_fields(event.headers))))
        elif kind is StreamEnded:
            if self._running.pop(number) != -1:
                events.append((number, End()))
        elif kind is StreamReset:
            del self._running[number]
            events.append((number, _reset(event.error_code)))


def _refused(text: str) -> ServerDisconnected:
    error = ServerDisconnected(text)
    error.stale = True
    return error


def _reset(code: ErrorCodes | int | None) -> RequestException:
    """What RST_STREAM means: a refused stream was not worked on (RFC 9113 section 8.7)."""
    if code == ErrorCodes.REFUSED_STREAM:
        return _refused("the peer refused the stream")
    name = code.name if isinstance(code, ErrorCodes) else f"error {code}"
    return RemoteProtocolError(f"the peer reset the stream: {name}", sent="wholly")


def _head(lines: Any) -> Head:
    status = next((value for name, value in lines if name == b":status"), b"")
    if not (status.isdigit() and len(status) == 3):
        raise RemoteProtocolError("the peer sent no status")
    return Head(int(status), _fields(lines), "", "HTTP/2")


def _fields(lines: Any) -> Fields:
    if len(lines) > LINES_MAX:
        raise RemoteProtocolError(f"the peer sent more than {LINES_MAX} field lines")
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in lines if name[:1] != b":"]
    if any(_VALUE.fullmatch(value) is None for _, value in fields):
        raise RemoteProtocolError("the peer sent a CR, LF or NUL in a field")
    return Fields(fields)

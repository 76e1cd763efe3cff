"""Server-sent events out of bytes, as the HTML standard (section 9.2.6) reads them; sans-IO, never reconnects."""

import re

from .._model.declared import NamedTuple
from .._model.errors import BodyTooLarge
from .lines import LineSplitter

EVENT_MAX = 2**20  # bytes of one event, its lines together
_RETRY_DIGITS_MAX = 9
_BOM = b"\xef\xbb\xbf"
_ID_MAX = 4096
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # NUL by the standard, the others by the grammar of fields


class ServerEvent(NamedTuple):
    """One event of a stream.

    Attributes:
        data: its data lines, joined by newlines.
        event: its type; "message" where the server gave none.
        id: the last event id that the server gave, with this event or before; "" for none.
    """

    data: str
    event: str = "message"
    id: str = ""


class EventParser:
    """Reads one stream; any division of its bytes gives the same events.

    Attributes:
        last_id: of the last event that was complete; what to go on after.
        retry: seconds that the server asks to wait before reconnecting, or None.
    """

    __slots__ = ("_beginning", "_data", "_event", "_id", "_lines", "_size", "last_id", "retry")

    def __init__(self, last_id: str = "") -> None:
        self._lines = LineSplitter(line_max=EVENT_MAX)
        self._beginning: bytes | None = b""  # as long as it may be a byte order mark
        self._data: list[str] = []
        self._event = ""
        self._id = last_id
        self._size = 0
        self.last_id = last_id
        self.retry: float | None = None

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that `data` completes; what is not complete at the stream's end is none.

        Raises:
            BodyTooLarge: an event over 1 MiB.
        """
        if self._beginning is not None:
            data = self._beginning + data
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._beginning = data
                return []
            self._beginning = None
            data = data.removeprefix(_BOM)
        events = []
        for line in self._lines.feed(data):
            if line:
                self._read_line(line)
            elif (event := self._dispatched()) is not None:
                events.append(event)
        return events

    def _read_line(self, line: bytes) -> None:
        if line.startswith(b":"):
            return
        self._size += len(line)
        if self._size > EVENT_MAX:
            raise BodyTooLarge(f"an event is over the limit of {EVENT_MAX} bytes", sent="wholly")
        name, _, rest = line.partition(b":")
        value = rest.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value
        elif name == b"id" and len(value) <= _ID_MAX and not _UNSENDABLE.search(value):
            self._id = value
        elif name == b"retry" and value.isascii() and value.isdecimal():
            self.retry = int(value[:_RETRY_DIGITS_MAX]) / 1000

    def _dispatched(self) -> ServerEvent | None:
        """The event that a blank line ends, if it has data."""
        event = ServerEvent("\n".join(self._data), self._event or "message", self._id) if self._data else None
        self._data, self._event, self._size = [], "", 0
        self.last_id = self._id
        return event

"""One response on the wire as three parsers read it: ours, h11 and llhttp (through httptools), in one shape.

What differs only in shape is levelled here (names in lower case, no white space around values); what differs in meaning
is not.
"""

import re
from typing import Any, NamedTuple

import h11
import httptools

from smartclient._model.errors import RequestException
from smartclient._model.message import Head, Interim
from smartclient._net.http1_wire import End, ResponseReader

Lines = tuple[tuple[str, str], ...]


class Reading(NamedTuple):
    """An accepted response, up to the end of its body. `surplus` are the bytes after it.

    `persists`: the parser would let another request follow on the connection.
    """

    interims: tuple[int, ...]
    status: int
    version: str
    reason: str
    lines: Lines
    body: bytes
    trailers: Lines
    surplus: bytes
    persists: bool


class Refusal(NamedTuple):
    """The parser did not accept it, for this reason; a cut is one too."""

    reason: str


def ours(wire: bytes, method: str = "GET") -> Reading | Refusal:
    """As `ResponseReader` reads it; an error that is not ours goes through."""
    reader = ResponseReader()
    reader.start(method)
    try:
        events = reader.feed(wire)
        if not reader.complete:
            events += reader.feed_eof()
    except RequestException as error:
        return Refusal(str(error))
    interims = tuple(event.head.status for event in events if isinstance(event, Interim))
    (head,) = (event for event in events if isinstance(event, Head))
    (end,) = (event for event in events if isinstance(event, End))
    body = b"".join([event for event in events if isinstance(event, bytes)])
    return Reading(
        interims,
        head.status,
        head.version.removeprefix("HTTP/"),
        head.reason,
        _levelled(head.fields.lines),
        body,
        _levelled(end.trailers.lines),
        reader.surplus,
        reader.reusable,
    )


def outcome(pieces: list[bytes], method: str, **modes: bool) -> tuple[Any, ...]:
    """Everything that a caller can tell of a response; for a broken one, how it broke."""
    reader = ResponseReader(lenient=modes.get("lenient", False))
    reader.start(method, upgrade=modes.get("upgrade", False))
    try:
        events = [event for piece in pieces for event in reader.feed(piece)]
        events += reader.feed_eof()
    except RequestException as error:
        # A body's end is told apart from broken framing, and a peer that closes from one that breaks HTTP.
        return (type(error), "closed" in str(error))
    said: list[Any] = []
    for event in events:
        if isinstance(event, Interim):
            said.append(("interim", event.head.status, event.head.fields.lines))
        elif isinstance(event, Head):
            said.append((event.status, event.version, event.reason, event.fields.lines))
        elif isinstance(event, End):
            said.append(event.trailers.lines)
        else:
            assert event
    body = b"".join([event for event in events if isinstance(event, bytes)])
    return (
        *said,
        body,
        reader.complete,
        reader.reusable,
        reader.close_delimited,
        reader.surplus,
        reader.keep_alive_timeout,
    )


def by_h11(wire: bytes, method: str = "GET") -> Reading | Refusal:
    """As h11 reads it, with our limits."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=128 * 1024)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    interims: list[int] = []
    body = b""
    response: Any = None
    try:
        connection.receive_data(wire)
        connection.receive_data(b"")
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.InformationalResponse):
                interims.append(event.status_code)
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                return Refusal(f"{event}")
    except h11.RemoteProtocolError as error:
        return Refusal(str(error))
    return Reading(
        tuple(interims),
        response.status_code,
        response.http_version.decode(),
        response.reason.decode("latin-1"),
        _levelled(_text(response.headers)),
        body,
        _levelled(_text(event.headers)),
        connection.trailing_data[0],
        connection.their_state is h11.DONE,
    )


class _Told:
    """What httptools tells of one message after the other."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.reason = b""
        self.lines: list[tuple[bytes, bytes]] = []
        self.in_head: int | None = None  # lines that came before the end of the head
        self.body = b""
        self.complete = False
        self.persists = False

    def on_status(self, part: bytes) -> None:
        self.reason += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name, value))

    def on_headers_complete(self) -> None:
        self.in_head = len(self.lines)

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True
        self.persists = self.parser.should_keep_alive()  # a moment later it has forgotten the message


def by_llhttp(wire: bytes) -> Reading | Refusal:
    """As llhttp reads the response to a GET. It is fed byte by byte, which shows where the message ends."""
    told = _Told()
    parser = told.parser
    interims: list[int] = []
    surplus = b""
    try:
        for at in range(len(wire)):
            parser.feed_data(wire[at : at + 1])
            if told.complete and 100 <= parser.get_status_code() < 200:
                interims.append(parser.get_status_code())
                told.on_message_begin()
            if told.complete:
                surplus = wire[at + 1 :]
                break
    except httptools.HttpParserUpgrade:
        return Refusal("switched protocols")
    except httptools.HttpParserError as error:
        return Refusal(str(error))
    if not told.complete and not _until_close(told):
        return Refusal("cut")
    assert told.in_head is not None
    return Reading(
        tuple(interims),
        parser.get_status_code(),
        parser.get_http_version(),
        told.reason.decode("latin-1"),
        _levelled(_text(told.lines[: told.in_head])),
        told.body,
        _levelled(_text(told.lines[told.in_head :])),
        surplus,
        told.persists,
    )


def _until_close(told: _Told) -> bool:
    """Whether the body may end with the connection; httptools has no call that tells the parser of the end."""
    if told.in_head is None:
        return False
    head = [(name.lower(), value) for name, value in _text(told.lines)]
    coding = ",".join([value for name, value in head if name == "transfer-encoding"])
    if coding:
        return re.split(" *, *", coding.rstrip(" "))[-1].lower() != "chunked"  # it takes no tab for white space here
    return not any(name == "content-length" for name, _ in head)


def _text(lines: Any) -> Lines:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in lines)


def _levelled(lines: Lines) -> Lines:
    return tuple((name.lower(), value.strip(" \t")) for name, value in lines)

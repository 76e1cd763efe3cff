"""One target for each parser: `target(data)` passes for a result or an error of ours, the same for every split.

Anything else that it raises is a finding. Targets draw how to read from the first bytes of `data`, so that an input
alone repeats a run.
"""

import pickle
import zlib
from collections.abc import Callable
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection

from coded import decoder_of, pulled
from smartclient._codec.sse import EventParser
from smartclient._codec.text import decode_text, json_encoding, text_encoding
from smartclient._model.certificate import described_names, read_certificate
from smartclient._model.certificate_keys import key_and_signature
from smartclient._model.challenges import parse_challenges
from smartclient._model.cookies import Cookie, parse_cookie_date, parse_set_cookie
from smartclient._model.digests import parse_digests
from smartclient._model.disposition import disposition_name
from smartclient._model.errors import ContentDecodingError, RequestException
from smartclient._model.fields import (
    content_codings,
    delta_seconds,
    format_http_date,
    parse_etag_list,
    parse_http_date,
    parse_links,
    parse_media_type,
    parse_retry_after,
    parse_weighted,
)
from smartclient._model.headers import Fields
from smartclient._model.message import Head, Interim
from smartclient._model.problem import problem_in
from smartclient._model.ranges import parse_content_range
from smartclient._model.request import Request
from smartclient._model.stored import Stored
from smartclient._model.structured import parse_structured_dictionary, parse_structured_list
from smartclient._model.url import URL
from smartclient._model.websocket import Deflate
from smartclient._net.http1_wire import End
from smartclient._net.http2_wire import Event, Http2Wire
from smartclient._net.websocket_wire import WebSocketWire
from smartclient._rules.alternatives import alternatives_of
from smartclient._rules.cookies import accept, cookie_field
from smartclient._rules.digest import digest_challenge
from smartclient._rules.directives import directives_of
from smartclient._rules.download import record_from
from smartclient._rules.filename import NAME_MAX, offered_name
from smartclient._rules.freshness import current_age, is_dated
from smartclient._rules.hsts import parse_policy
from smartclient._rules.ranges import wanted_range
from smartclient._rules.rate import quota_in
from smartclient._rules.security_fields import findings
from smartclient._rules.selection import select
from smartclient._rules.storing import record_or_refusal
from smartclient._store.record import FORMAT, from_bytes, to_bytes
from wire_readings import outcome

Target = Callable[[bytes], None]

NOW = 1_700_000_000.0
HOME = URL.parse("https://www.example.org/a/b?c")
METHODS = ("GET", "HEAD", "POST", "CONNECT")
STACKS = (("gzip",), ("deflate",), ("br",), ("zstd",), ("gzip", "br"), ("zstd", "deflate"))
FIELDS = ("Alternates", "Link", "RateLimit", "RateLimit-Policy", "Strict-Transport-Security", "Content-Security-Policy")
PSEUDO = [(":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", "/")]


def _same(read: Callable[[list[bytes]], Any], data: bytes, size: int) -> None:
    """`data` whole and in pieces of `size` bytes reads as the same."""
    assert read([data[at : at + size] for at in range(0, len(data), size)]) == read([data])


def _mode(data: bytes) -> tuple[int, int, bytes]:
    """(what to choose by, size of the pieces, the rest)."""
    return (data[0], data[1] % 64 + 1, data[2:]) if len(data) > 2 else (0, 1, b"")


def http1(data: bytes) -> None:
    """Responses of HTTP/1.1."""
    mode, size, wire = _mode(data)
    method, lenient, upgrade = METHODS[mode & 3], bool(mode & 4), bool(mode & 8)
    _same(lambda pieces: outcome(pieces, method, lenient=lenient, upgrade=upgrade), wire, size)


def told(events: list[tuple[int, Event]]) -> dict[int, list[Any]]:
    """Events of HTTP/2 as values by stream, pieces of content joined."""
    values: dict[int, list[Any]] = {}
    for number, event in events:
        said = values.setdefault(number, [])
        if isinstance(event, Head):
            said.append((event.status, event.fields.lines))
        elif isinstance(event, Interim):
            said.append(("interim", event.head.status, event.head.fields.lines))
        elif isinstance(event, End):
            said.append(("end", event.trailers.lines))
        elif isinstance(event, bytes) and said and isinstance(said[-1], bytes):
            said[-1] += event
        else:
            assert isinstance(event, bytes | RequestException)
            said.append(event if isinstance(event, bytes) else type(event))
    return values


def opened(streams: int = 3, *, ended: bool = True) -> Http2Wire:
    """A client's wire with streams 1, 3 and so on, their heads sent."""
    wire = Http2Wire()
    for _ in range(streams):
        wire.open(PSEUDO, Fields(), ended=ended)
    wire.pending()
    return wire


OPENED = [pickle.dumps(opened(ended=ended)) for ended in (False, True)]  # to open streams costs more than to read


def http2(data: bytes) -> None:
    """Frames of HTTP/2; the peer knows of three streams."""
    mode, size, frames = _mode(data)

    def read(pieces: list[bytes]) -> Any:
        wire = pickle.loads(OPENED[mode & 1])
        events: list[tuple[int, Event]] = []
        for piece in pieces:
            events += wire.feed(piece)
            if events and events[-1][0] == 0:  # it is dead
                return told(events)
        wire.pending()
        return told(events), wire.accepts, wire.capacity

    _same(read, frames, size)


def all_events(server: H2Connection) -> bytes:
    """The bytes of all kinds of events, on streams 1, 3 and 5."""
    server.send_headers(1, [(":status", "103"), ("link", "</a>")])
    server.send_headers(1, [(":status", "200"), ("a", "1"), ("a", "2")])
    server.send_headers(3, [(":status", "204")], end_stream=True)
    server.send_data(1, b"con")
    server.reset_stream(5, 2)
    server.send_data(1, b"tent", pad_length=5)
    server.send_headers(1, [("checksum", "x")], end_stream=True)
    return server.data_to_send()


def conversation() -> bytes:
    """What a server says to `opened()`: all kinds of events."""
    wire = Http2Wire()
    server = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
    server.initiate_connection()
    for _ in range(3):
        wire.open(PSEUDO, Fields(), ended=True)
    server.receive_data(wire.pending())
    return all_events(server)


def decoders(data: bytes) -> None:
    """Content codings, one or two deep."""
    mode, size, content = _mode(data)

    def read(pieces: list[bytes]) -> Any:
        try:
            return pulled(decoder_of(*STACKS[mode % len(STACKS)]), pieces)
        except ContentDecodingError:
            return None  # zstd reads ahead: of content that is too large, and broken behind, either may be told first

    _same(read, content, size)


def set_cookie(data: bytes) -> None:
    """Set-Cookie lines: what is kept can be sent again, and cannot break the field."""
    line = data.decode("latin-1")
    parse_set_cookie(line)
    moment = parse_cookie_date(line)
    assert moment is None or isinstance(moment, float)
    cookie = accept(line, HOME, NOW)
    if isinstance(cookie, Cookie):
        assert ";" not in cookie.name + cookie.value
        assert not any(letter in cookie.pair for letter in "\r\n\0")
        assert cookie_field([cookie]) == cookie.pair
        assert "example.org".endswith(cookie.domain) or "www.example.org".endswith(cookie.domain)


def dates(data: bytes) -> None:
    """HTTP-dates and Retry-After: a moment comes back as it was written."""
    text = data.decode("latin-1")
    moment = parse_http_date(text, NOW)
    if moment is not None and moment >= 0:
        assert parse_http_date(format_http_date(moment), NOW) == moment
    pause = parse_retry_after(text, NOW)
    assert pause is None or 0 <= pause <= 2**31


def cache_control(data: bytes) -> None:
    """Cache-Control and the fields that take its place."""
    text = data.decode("latin-1")
    fields = Fields([("Cache-Control", text), ("CDN-Cache-Control", text)])
    for targets in ((), ("cdn-cache-control",)):
        for name, argument in directives_of(fields, targets).items():
            assert name == name.lower()
            seconds = delta_seconds(argument)
            assert seconds is None or 0 <= seconds <= 2**31


def disposition(data: bytes) -> None:
    """Content-Disposition: whatever it says, the name of the file is one plain name."""
    text = data.decode("latin-1")
    disposition_name(text)
    name = offered_name(Fields([("Content-Disposition", text)]), HOME)
    assert name not in ("", ".", "..")
    assert len(name.encode()) <= NAME_MAX
    assert not any(letter in "/\\:" or letter < " " or letter == "\x7f" for letter in name)


def content_range(data: bytes) -> None:
    """Content-Range and Range."""
    text = data.decode("latin-1")
    found = parse_content_range(text)
    if found is not None:
        assert 0 <= found.start < found.stop
        assert found.total is None or found.stop <= found.total
    wanted_range(text)


def fields(data: bytes) -> None:
    """All other fields that are read: each says something or nothing."""
    text = data.decode("latin-1")
    for read in (parse_weighted, parse_links, parse_etag_list, parse_challenges, parse_digests, parse_media_type):
        read(text)
    for read in (parse_structured_list, parse_structured_dictionary, content_codings):
        read(text)
    policy = parse_policy(text, NOW)
    assert policy is None or isinstance(policy.expires, float)
    digest_challenge(text, whole_body=True)
    said = Fields([(name, text) for name in FIELDS])
    quota_in(said)
    alternatives_of(said, data)
    findings(said, "https")


def url(data: bytes) -> None:
    """URLs and references to them: what was read is read again as the same."""
    text = data.decode("utf-8", "replace")
    for read in (URL.parse, HOME.join):
        try:
            found = read(text)
        except RequestException:
            continue
        assert str(URL.parse(str(found))) == str(found)
        assert URL.parse(found.absolute).origin == found.origin
        assert not any(letter <= " " or letter == "\x7f" for letter in str(found))


def sse(data: bytes) -> None:
    """Streams of server-sent events."""
    _, size, stream = _mode(data)

    def read(pieces: list[bytes]) -> Any:
        parser = EventParser()
        try:
            events = [event for piece in pieces for event in parser.feed(piece)]
        except RequestException as error:
            return type(error)
        return events, parser.last_id, parser.retry

    _same(read, stream, size)


def record(data: bytes) -> None:
    """Records of stores, also with a checksum that is right."""
    sealed = FORMAT + data
    for given in (data, sealed + zlib.crc32(sealed).to_bytes(4, "little")):
        found = from_bytes(given)
        if found is not None:
            again = from_bytes(to_bytes(found))
            assert again is not None
            assert [getattr(again, name) for name in Stored.__slots__] == [
                getattr(found, name) for name in Stored.__slots__
            ]


def text(data: bytes) -> None:
    """Texts in the encoding that the field or the document tells, and the JSON of problems and of part files."""
    told, _, content = data.partition(b"\n")
    told_type = told.decode("latin-1")
    encoding = text_encoding(told_type, content)
    assert isinstance(content.decode(encoding, "replace"), str)
    assert decode_text(content, None, told_type) == decode_text(content, "", told_type)
    decode_text(content, told_type, None)
    content.decode(json_encoding(content), "replace")
    problem_in(content)
    record_from(content)


def certificate(data: bytes) -> None:
    """Certificates of those whom nobody vouches for: names that can be shown, or None."""
    found = read_certificate(data)
    if found is not None:
        assert described_names(found).isascii()
        assert found.not_before.tzinfo is not None
    key_and_signature(data)


def stored(data: bytes) -> None:
    """Heads, a status and lines, that a cache is to keep: a record that comes back whole and is found, or a reason."""
    status, *lines = data.decode("latin-1").split("\n")
    named = [(name, value.strip(" \t")) for name, colon, value in (line.partition(":") for line in lines) if colon]
    head = Head(int(status) if status.isdecimal() and len(status) == 3 else 200, Fields(named), "")
    request = Request("GET", HOME, Fields([("Accept-Encoding", "gzip"), ("Accept-Language", "en, de;q=0.5")]))
    found = record_or_refusal((str(HOME), b""), request, head, NOW - 1, NOW)
    if isinstance(found, Stored):
        assert 0 <= current_age(found, NOW) < 10**11  # since the year 1
        assert is_dated(found, NOW) in (True, False)
        assert select([found], request.fields) is found
        again = from_bytes(to_bytes(found))
        assert again is not None
        assert again.fields.lines == found.fields.lines


def websocket(data: bytes) -> None:
    """Frames of WebSockets, with and without compression."""
    mode, size, frames = _mode(data)

    def read(pieces: list[bytes]) -> Any:
        wire = WebSocketWire(Deflate() if mode & 1 else None, 2000)
        messages = [message for piece in pieces for message in wire.feed(piece)]
        wire.pending()
        code = None if wire.closed is None else wire.closed.code
        # Broken deflate is noticed sooner in large pieces; in small ones the fault behind it may be the first.
        return messages, (1002 if code == 1007 and mode & 1 else code)

    _same(read, frames, size)


TARGETS: dict[str, Target] = {
    each.__name__.replace("_", "-"): each
    for each in (
        *(
            http1,
            http2,
            decoders,
            set_cookie,
            dates,
            cache_control,
            disposition,
            content_range,
            fields,
            url,
            sse,
            record,
            stored,
            text,
            certificate,
        ),
        websocket,
    )
}

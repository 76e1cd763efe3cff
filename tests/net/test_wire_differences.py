"""The response reader beside h11 and llhttp: all ways in which they differ, as docs/wire-differences.md lists them.

A disagreement that no entry of the list explains fails, and so does an entry that its own example does not show.
"""

import random
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import h11
import httptools
import pytest

from smartclient._model.body import RequestBody
from smartclient._model.headers import Fields
from smartclient._net.http1_chunked import _IGNORED_TRAILERS
from smartclient._net.http1_request import LAST_CHUNK, chunk, framing_for, request_head
from source_tree import ROOT
from wire_readings import Lines, Reading, Refusal, by_h11, by_llhttp, ours
from wire_samples import sample, samples

PEERS: dict[str, Callable[[bytes], Reading | Refusal]] = {"h11": by_h11, "llhttp": by_llhttp}
BLOCK = 4000


class Refused(NamedTuple):
    """One of us refuses what the other accepts: the text of the refusal, and what the wire then has."""

    peer: str
    name: str
    reason: str
    wire: bytes
    example: bytes

    def explains(self, wire: bytes, reason: str) -> bool:
        return re.search(self.reason, reason) is not None and re.search(self.wire, wire) is not None


class ReadOtherwise(NamedTuple):
    """Both accept, and read these parts differently."""

    peer: str
    name: str
    parts: frozenset[str]
    holds: Callable[[bytes, Reading, Reading], bool]
    example: bytes


def response(*lines: bytes, body: bytes = b"", status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([status, *lines, b"", body])


def chunked(body: bytes, *lines: bytes) -> bytes:
    return response(b"Transfer-Encoding: chunked", *lines, body=body)


# In the order of the page.
WE_REFUSE = [
    Refused(
        "h11", "other-version", "status line", rb"HTTP/(?!1\.[01])[0-9]\.[0-9] ", response(status=b"HTTP/1.2 200 OK")
    ),
    Refused("llhttp", "other-version", "status line", rb"HTTP/2\.0 ", response(status=b"HTTP/2.0 200 OK")),
    Refused(
        "llhttp", "status-below-100", "status line", rb"HTTP/1\.[01] 0[0-9]{2}", response(status=b"HTTP/1.1 099 x")
    ),
    Refused("llhttp", "nul-in-reason", "status line", rb"\0", response(status=b"HTTP/1.1 200 O\0K")),
    Refused(
        "llhttp", "empty-lines-before", "status line", rb"(?:\A|\r\n\r\n)[\r\n]+(?:HTTP/|\Z)", b"\r\n\r\n" + response()
    ),
    Refused("h11", "bare-lf", "ends no line|status line", rb"(?<!\r)\n", b"HTTP/1.1 200 OK\nX-A: b\n\n"),
    Refused("h11", "folded-framing", "folded a line", rb"\r\n[ \t]", response(b"Content-Length:", b" 1", body=b"x")),
    Refused(
        "h11",
        "long-length",
        "Content-Length",
        rb"[0-9]{19}",
        response(b"Content-Length: 0000000000000000001", body=b"x"),
    ),
    Refused(
        "llhttp",
        "long-length",
        "Content-Length",
        rb"[0-9]{19}",
        response(b"Content-Length: 0000000000000000001", body=b"x"),
    ),
    Refused(
        "llhttp",
        "coding-before-chunked",
        "Transfer-Encoding",
        rb"(?i),[ \t]*chunked|transfer-encoding:[^\0]*transfer-encoding:",
        response(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    ),
    Refused("h11", "space-after-size", "chunk-size line", rb"[0-9A-Fa-f][ \t]+\r\n", chunked(b"1 \r\nx\r\n0\r\n\r\n")),
    Refused(
        "h11", "long-size", "chunk-size line", rb"[0-9A-Fa-f]{17}", chunked(b"00000000000000001\r\nx\r\n0\r\n\r\n")
    ),
    Refused(
        "llhttp", "long-size", "chunk-size line", rb"[0-9A-Fa-f]{17}", chunked(b"00000000000000001\r\nx\r\n0\r\n\r\n")
    ),
    Refused(
        "h11", "cr-or-nul-in-extension", "chunk-size line", rb";[^\n]*(?:\r[^\n]|\0)", chunked(b'0;a="\r"\r\n\r\n')
    ),
    Refused(
        "llhttp",
        "tab-after-chunked",
        "chunk|trailers",
        rb"(?i)chunked *\t[ \t]*\r\n",
        response(b"Transfer-Encoding: chunked\t", body=b"x\r\n"),
    ),
]
THEY_REFUSE = [
    Refused("h11", "empty-line-before", "no response line", rb"(?:\A|\r\n)\r\n", b"\r\n" + response()),
    Refused("h11", "control-bytes", "illegal (?:header|status) line", rb"[\x01-\x1f\x7f]", response(b"X-A: a\x0bb")),
    Refused("llhttp", "control-bytes", "header value char", rb"[\x01-\x1f\x7f]", response(b"X-A: a\x0bb")),
    Refused("llhttp", "folds", "whitespace after header value", rb"\r\n[ \t]", response(b"X-A: a", b" b")),
    Refused(
        "h11", "other-coding", "Only Transfer-Encoding", rb"(?i)transfer-encoding", response(b"Transfer-Encoding: gzip")
    ),
    Refused(
        "h11",
        "several-coding-lines",
        "multiple Transfer-Encoding",
        rb"(?i)transfer-encoding:[^\0]*transfer-encoding:",
        response(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip"),
    ),
    Refused(
        "llhttp", "empty-coding", "Empty Transfer-Encoding", rb"(?i)transfer-encoding:", response(b"Transfer-Encoding:")
    ),
    Refused(
        "llhttp",
        "length-beside-coding",
        "can't be present with",
        rb"(?i)content-length:",
        chunked(b"0\r\n\r\n", b"Content-Length: 1"),
    ),
    Refused(
        "llhttp",
        "repeated-length",
        "Duplicate Content-Length|character in Content-Length",
        rb"(?i)content-length:",
        response(b"Content-Length: 1, 1", body=b"x"),
    ),
    Refused(
        "llhttp",
        "interim-that-closes",
        "Data after",
        rb"HTTP/1\.[01] 1[0-9]{2}",
        response(b"Connection: close", status=b"HTTP/1.1 103 E") + response(b"Content-Length: 0"),
    ),
    Refused("h11", "extension-grammar", "illegal chunk header", rb"[;\t ]", chunked(b"0 ;a\r\n\r\n")),
    Refused("llhttp", "extension-grammar", "chunk extensions|chunk size", rb"[;\t ]", chunked(b"0;\r\n\r\n")),
    Refused(
        "h11",
        "framing-in-trailers",
        "Content-Length",
        rb"(?i)0[^\n]*\r\n[^\0]*content-length:",
        chunked(b"0\r\nContent-Length: x\r\n\r\n"),
    ),
]


def without_framing(lines: Lines) -> Lines:
    return tuple(line for line in lines if line[0] not in ("content-length", "transfer-encoding"))


def same_but_for_framing(wire: bytes, mine: Reading, theirs: Reading) -> bool:
    return without_framing(mine.lines) == without_framing(theirs.lines)


def kept(trailers: Lines) -> Lines:
    return tuple(line for line in trailers if line[0] not in _IGNORED_TRAILERS)


def same_but_for_folds(wire: bytes, mine: Reading, theirs: Reading) -> bool:
    def squeezed(lines: Lines) -> list[str]:
        return [re.sub("[ \t]+", " ", value) for _, value in without_framing(lines)]

    return (
        re.search(rb"[ \t]\r\n[ \t]", wire) is not None
        and squeezed(mine.lines) == squeezed(theirs.lines)
        and squeezed(mine.trailers) == squeezed(kept(theirs.trailers))
    )


def dropped_by_list(wire: bytes, mine: Reading, theirs: Reading) -> bool:
    return mine.trailers == kept(theirs.trailers) != theirs.trailers


def closes_sooner(wire: bytes, mine: Reading, theirs: Reading) -> bool:
    return theirs.persists


def closes_later(wire: bytes, mine: Reading, theirs: Reading) -> bool:
    return mine.persists and mine.version == "1.0" and b"keep-alive" in wire.lower()


def tab_after_chunked(wire: bytes, mine: Reading, theirs: Reading) -> bool:
    return re.search(rb"(?i)chunked *\t[ \t]*\r\n", wire) is not None


READ_OTHERWISE = [
    ReadOtherwise(
        "h11",
        "framing-lines",
        frozenset(["lines"]),
        same_but_for_framing,
        response(b"Content-Length: 1", b"X-A: b", b"Content-Length: 1", body=b"x"),
    ),
    ReadOtherwise(
        "h11",
        "space-before-fold",
        frozenset(["lines", "trailers"]),
        same_but_for_folds,
        response(b"X-A: a ", b" b", b"Content-Length: 0"),
    ),
    ReadOtherwise(
        "h11", "trailers-dropped", frozenset(["trailers"]), dropped_by_list, chunked(b"0\r\nSet-Cookie: a=b\r\n\r\n")
    ),
    ReadOtherwise(
        "llhttp", "trailers-dropped", frozenset(["trailers"]), dropped_by_list, chunked(b"0\r\nSet-Cookie: a=b\r\n\r\n")
    ),
    ReadOtherwise(
        "llhttp",
        "tab-after-chunked",
        frozenset(["body", "surplus", "trailers", "persists"]),
        tab_after_chunked,
        response(b"Transfer-Encoding: chunked\t", body=b"0\r\n\r\n"),
    ),
    ReadOtherwise(
        "h11", "closes-sooner", frozenset(["persists"]), closes_sooner, response(b"Content-Length: 0", body=b"x")
    ),
    ReadOtherwise(
        "llhttp", "closes-sooner", frozenset(["persists"]), closes_sooner, response(b"Content-Length: 0", body=b"x")
    ),
    ReadOtherwise(
        "h11",
        "http-1.0-keep-alive",
        frozenset(["persists"]),
        closes_later,
        response(b"Connection: keep-alive", b"Content-Length: 0", status=b"HTTP/1.0 200 OK"),
    ),
]


def explained(peer: str, wire: bytes, mine: Reading | Refusal, theirs: Reading | Refusal) -> list[str] | None:
    """Names of the entries that explain how two readings differ; [] if they do not, None if no entry does."""
    if isinstance(mine, Refusal) and isinstance(theirs, Refusal):
        return []
    if isinstance(mine, Refusal) or isinstance(theirs, Refusal):
        entries, refusal = (WE_REFUSE, mine) if isinstance(mine, Refusal) else (THEY_REFUSE, theirs)
        assert isinstance(refusal, Refusal)
        names = [each.name for each in entries if each.peer == peer and each.explains(wire, refusal.reason)]
        return names or None
    parts = {part for part in Reading._fields if getattr(mine, part) != getattr(theirs, part)}
    held = [
        each for each in READ_OTHERWISE if each.peer == peer and parts & each.parts and each.holds(wire, mine, theirs)
    ]
    return [each.name for each in held] if parts <= frozenset().union(*[each.parts for each in held]) else None


def unexplained(wires: Iterator[bytes], peers: dict[str, Callable[[bytes], Reading | Refusal]]) -> list[object]:
    found: list[object] = []
    for wire in wires:
        mine = ours(wire)
        for peer, read in peers.items():
            theirs = read(wire)
            if explained(peer, wire, mine, theirs) is None:
                found.append((peer, wire, mine, theirs))
    return found


@pytest.mark.parametrize("first", range(0, 4 * BLOCK, BLOCK))
def test_every_disagreement_is_a_listed_one(first: int) -> None:
    assert unexplained(samples(first, BLOCK), PEERS) == []


@pytest.mark.parametrize(
    "entry", [*WE_REFUSE, *THEY_REFUSE, *READ_OTHERWISE], ids=lambda entry: f"{entry.peer}-{entry.name}"
)
def test_a_listed_disagreement_exists(entry: Refused | ReadOtherwise) -> None:
    mine, theirs = ours(entry.example), PEERS[entry.peer](entry.example)
    assert explained(entry.peer, entry.example, mine, theirs) == [entry.name]
    assert isinstance(mine, Refusal) is (entry in WE_REFUSE)
    assert isinstance(theirs, Refusal) is (entry in THEY_REFUSE)


def test_the_page_lists_the_same_disagreements() -> None:
    page = (ROOT / "docs" / "wire-differences.md").read_text()
    sections = re.findall(r"^## (.+)\n([^#]*)", page, re.MULTILINE)
    listed = {title: re.findall(r"^\| `(\S+)` \| (\S+)", text, re.MULTILINE) for title, text in sections}

    def rows(entries: list[Refused] | list[ReadOtherwise]) -> list[tuple[str, str]]:
        names = dict.fromkeys([entry.name for entry in entries])
        return [(name, "+".join([entry.peer for entry in entries if entry.name == name])) for name in names]

    assert listed == {
        "We refuse, they accept": rows(WE_REFUSE),
        "We accept, they refuse": rows(THEY_REFUSE),
        "Both accept and read otherwise": rows(READ_OTHERWISE),
    }


def test_the_samples_reach_both_sides() -> None:
    """A generator that only made rubbish, or nothing broken, would prove nothing."""
    readings = [ours(wire) for wire in samples(0, 1000)]
    accepted = [reading for reading in readings if isinstance(reading, Reading)]
    assert 250 < len(accepted) < 750
    assert len({reading.status for reading in accepted}) > 5
    assert sum([bool(reading.body) for reading in accepted]) > 100
    assert (
        len({re.sub(r"['\"].*|[0-9]+", "", reading.reason) for reading in readings if isinstance(reading, Refusal)})
        > 12
    )


def test_the_samples_are_the_same_everywhere() -> None:
    assert [sample(7), sample(9)] == [sample(7), sample(9)]


@pytest.mark.parametrize("method", ["HEAD", "CONNECT"])
def test_h11_finds_the_same_end_where_the_method_decides(method: str) -> None:
    """httptools cannot be told the method."""
    for wire in samples(0, 1500):
        mine, theirs = ours(wire, method), by_h11(wire, method)
        if isinstance(mine, Reading) and isinstance(theirs, Reading):
            assert (mine.status, mine.body, mine.surplus) == (theirs.status, theirs.body, theirs.surplus), wire


class _Sent:
    """What httptools reads of a request."""

    def __init__(self) -> None:
        self.target = self.body = b""
        self.lines: list[tuple[bytes, bytes]] = []
        self.complete = False

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name, value))

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True


def test_all_read_the_requests_that_we_write() -> None:
    chance = random.Random(1)
    for _ in range(300):
        method = chance.choice(["POST", "PUT", "DELETE"])
        pieces = [bytes(chance.choices(b"ab\r\n0", k=chance.randint(1, 40))) for _ in range(chance.randrange(4))]
        lines = [(f"X-{n}", "".join(chance.choices('a,; "\xe9', k=8)).strip()) for n in range(chance.randrange(4))]
        body = RequestBody(pieces) if chance.random() < 0.5 else RequestBody(b"".join(pieces))
        framing = framing_for(method, body)
        wire = request_head(method, "/p?q", "h.example", Fields(lines), framing)
        wire += b"".join(map(chunk, pieces)) + LAST_CHUNK if b"chunked" in framing else b"".join(pieces)

        sent = _Sent()
        parser = httptools.HttpRequestParser(sent)
        parser.feed_data(wire)
        server = h11.Connection(h11.SERVER)
        server.receive_data(wire)
        request = server.next_event()
        assert isinstance(request, h11.Request)
        received = b""
        while isinstance(event := server.next_event(), h11.Data):
            received += bytes(event.data)

        assert isinstance(event, h11.EndOfMessage)
        assert sent.complete
        assert sent.body == received == b"".join(pieces)
        assert sent.target == request.target == b"/p?q"
        assert parser.get_method() == request.method == method.encode()
        written = [(name.encode(), value.encode("latin-1")) for name, value in lines]
        assert sent.lines[1 : 1 + len(lines)] == request.headers.raw_items()[1 : 1 + len(lines)] == written
        assert server.trailing_data == (b"", False)

"""Blocks of an HTTP/1.1 message that end in an empty line (heads, trailers), and what their fields say of framing.

Sans-IO; never a body, never a connection. Sources: RFC 9112 sections 2 to 6, RFC 9110 section 5.
"""

import re

from .._model.errors import RemoteProtocolError
from .._model.headers import Fields, Line, is_token
from .._model.message import Head
from .._model.patterns import later

HEAD_MAX = 128 * 1024
LINE_MAX = 64 * 1024
LINES_MAX = 256
LENGTH_DIGITS_MAX = 18
SECONDS_MAX = 2**31

# Possessive, so that hostile white space cannot make it backtrack.
_FIELD_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]++):[ \t]*+([^\r\n\0]*+)(?<![ \t])")
_STATUS_LINE = re.compile(r"(HTTP/1\.[01]) ([1-9][0-9]{2})(?: ([^\r\n\0]*))?")
_BLANK_LINE = re.compile(rb"(\r\n)\r\n")
_BLANK_LINE_LENIENT = later(rb"(\n)\r?\n")
_STRAY = later(rb"\0|(?<!\r)\n|\r(?!\n|\Z)")
_STRAY_LENIENT = later(rb"\0|\r(?!\n|\Z)")
_STRAY_IN_LINE = later(r"[\r\n\0]")
_TIMEOUT = later(r"(?:\A|[,;])[ \t]*+timeout[ \t]*+=[ \t]*+\"?0*([0-9]+)", re.IGNORECASE | re.ASCII)
_UNFOLDABLE = frozenset(("content-length", "transfer-encoding", "connection"))

_KNOWN_MAX = 1024
_KNOWN_LENGTH_MAX = 128
SECRET = frozenset(("set-cookie", "authentication-info", "proxy-authentication-info"))


def shown(raw: bytes | str) -> str:
    """What a peer sent, safe to stand in an error text: escaped, at most 80 characters."""
    text = ascii(raw[:80])
    return text if len(text) <= 80 else text[:77] + "..."


class _StatusLines(dict[str, tuple[str, int, str]]):
    """(version, status, reason) of every status line seen lately."""

    def __missing__(self, line: str) -> tuple[str, int, str]:
        if len(line) > LINE_MAX:
            raise RemoteProtocolError(f"the peer sent a status line longer than {LINE_MAX} bytes")
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise RemoteProtocolError(f"the peer sent no HTTP/1.1 status line but {shown(line)}")
        version, status, reason = match.groups("")
        parsed = version, int(status), reason
        if len(line) <= _KNOWN_LENGTH_MAX:
            if len(self) >= _KNOWN_MAX:
                self.clear()
            self[line] = parsed
        return parsed


class _FieldLines(dict[str, tuple[str, str, Line]]):
    """(lower-case name, value, (name, value)) of the field lines seen lately.

    Servers say most things again with each response, so a line is taken apart once. What may be a secret is not kept.
    """

    def __missing__(self, line: str) -> tuple[str, str, Line]:
        """Raises KeyError for a line that `_mended` has to look at."""
        if len(line) > LINE_MAX:
            raise RemoteProtocolError(f"the peer sent a field line longer than {LINE_MAX} bytes")
        match = _FIELD_LINE.fullmatch(line)
        if match is None:
            raise KeyError
        name, value = match[1], match[2]
        parsed = name.lower(), value, (name, value)
        if len(line) <= _KNOWN_LENGTH_MAX and parsed[0] not in SECRET:
            if len(self) >= _KNOWN_MAX:
                self.clear()
            self[line] = parsed
        return parsed


_STATUS_LINES = _StatusLines()
_FIELD_LINES = _FieldLines()


class Block:
    """Gathers the bytes up to an empty line; the search resumes where it stopped, so delivery bytewise stays linear.

    `limit` is the most bytes that the block may have; `lenient` takes a bare LF as a line end.
    """

    __slots__ = ("_gathered", "_lenient", "_limit")

    def __init__(self, limit: int, *, lenient: bool = False) -> None:
        self._limit = limit
        self._lenient = lenient
        self._gathered = bytearray()

    @property
    def beginning(self) -> bytes:
        """The first bytes of an unfinished block, without empty lines."""
        return bytes(self._gathered[:12]).lstrip(b"\r\n")

    def take(self, data: bytes, start: int) -> tuple[str, int] | None:
        """The block's lines, each ended by CRLF, and where in `data` it ends; None while its end is missing.

        Raises:
            RemoteProtocolError: too long, or a CR, LF or NUL that ends no line.
        """
        end = -1 if self._gathered or self._lenient else data.find(b"\r\n\r\n", start)
        if end < 0:
            return self._gather(data, start)
        if end - start > self._limit:
            raise self._too_long()
        return data[start : end + 2].decode("latin-1"), end + 4

    def _gather(self, data: bytes, start: int) -> tuple[str, int] | None:
        gathered = self._gathered
        before = len(gathered)
        gathered += memoryview(data)[start:]
        searched = max(before - 3, 0)
        blank = (_BLANK_LINE_LENIENT if self._lenient else _BLANK_LINE).search(gathered, searched)
        if (blank.start() if blank else len(gathered) - 3) > self._limit:
            raise self._too_long()
        if blank:
            text = gathered[: blank.end(1)].decode("latin-1")
            gathered.clear()
            if self._lenient:
                text = text.replace("\r\n", "\n").replace("\n", "\r\n")
            return text, start + blank.end() - before
        stray = (_STRAY_LENIENT if self._lenient else _STRAY).search(gathered, searched)
        if stray:
            raise _stray(gathered[gathered.rfind(b"\n", 0, stray.start()) + 1 :].decode("latin-1"))
        return None

    def _too_long(self) -> RemoteProtocolError:
        return RemoteProtocolError(f"the peer sent more than {self._limit} bytes of field lines")


def parse_head(text: str) -> tuple[Head, dict[str, str]]:
    """The head whose lines `text` has, each ended by CRLF, and the index of its fields (lower-case name to value).

    Raises:
        RemoteProtocolError: outside the grammar, or over a limit.
    """
    block = text.split("\r\n")
    if not block[0]:  # an empty line before a status line is skipped
        del block[0]
    version, status, reason = _STATUS_LINES[block[0]]
    lines, index = parse_fields(block, LINES_MAX)
    return Head(status, Fields(lines, index), reason, version), index


def parse_fields(block: list[str], lines_max: int) -> tuple[list[Line], dict[str, str]]:
    """The field lines of `block` and their index; its first line is none, and its last is the empty one.

    Raises:
        RemoteProtocolError: outside the grammar, or over a limit.
    """
    if len(block) - 2 > lines_max:
        raise RemoteProtocolError(f"the peer sent more than {lines_max} field lines")
    lines: list[Line] = []
    index: dict[str, str] = {}
    try:
        for text in block[1:-1]:
            lower, value, line = _FIELD_LINES[text]
            lines.append(line)
            index[lower] = value
    except KeyError:
        return parse_fields([*_mended(block[:-1]), ""], lines_max)
    return lines, index if len(index) == len(lines) else _joined(lines)


def _joined(lines: list[Line]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in lines:
        values.setdefault(name.lower(), []).append(value)
    return {lower: ", ".join(parts) for lower, parts in values.items()}


def _mended(block: list[str]) -> list[str]:
    """`block` with each fold as one space (RFC 9112 section 5.2) and no white space before a line's end.

    Raises:
        RemoteProtocolError: what is wrong cannot be mended.
    """
    first, *rest = block
    lines = [first]
    for line in rest:
        if _STRAY_IN_LINE.search(line):
            raise _stray(line)
        folded = line[:1] in (" ", "\t")
        name, colon, _ = (lines[-1] if folded else line).partition(":")
        if folded and (len(lines) == 1 or name.lower() in _UNFOLDABLE):
            raise RemoteProtocolError(f"the peer folded a line that must not be: {_shown_name(lines[-1])}")
        if not colon or not is_token(name):
            raise RemoteProtocolError(f"the peer sent a field line without a name: {_shown_name(line)}")
        if folded:
            line = lines.pop() + " " + line.lstrip(" \t")
        lines.append(line.rstrip(" \t"))
    return lines


def _stray(line: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"the peer sent a CR, LF or NUL that ends no line, in {_shown_name(line)}")


def _shown_name(line: str) -> str:
    return shown(line.partition(":")[0])  # values may be secrets


def repeated_length(value: str) -> int:
    """Bytes that Content-Length announces where it is not one plain number: repetitions are read as one.

    Raises:
        RemoteProtocolError: not 1 to 18 digits, or values that differ (RFC 9110 section 8.6).
    """
    first, *others = [element.strip(" \t") for element in value.split(",")]
    if not first.isdecimal() or len(first) > LENGTH_DIGITS_MAX or any(other != first for other in others):
        raise RemoteProtocolError(f"the peer sent Content-Length: {shown(value)}")
    return int(first)


def is_chunked(value: str) -> bool:
    """Whether Transfer-Encoding is `chunked` alone; False means that the body runs until close (RFC 9112 section 6.3).

    Raises:
        RemoteProtocolError: `chunked` twice, or after another coding.
    """
    codings = [coding.strip(" \t").lower() for coding in value.split(",")]
    if codings == ["chunked"]:
        return True
    if codings[-1] == "chunked" or codings.count("chunked") > 1:
        raise RemoteProtocolError(f"the peer sent Transfer-Encoding: {shown(value)}")
    return False


def keeps_alive(version: str, connection: str | None) -> bool:
    """Whether the connection persists by version and Connection field (RFC 9112 section 9.3)."""
    if connection is None or (version == "HTTP/1.1" and connection == "keep-alive"):
        return version == "HTTP/1.1"
    options = [option.strip(" \t") for option in connection.lower().split(",")]
    return "close" not in options and (version == "HTTP/1.1" or "keep-alive" in options)


def keep_alive_timeout(value: str) -> float | None:
    """Seconds of `timeout=n` in a Keep-Alive field, at most 2**31; None when there are none to read."""
    match = _TIMEOUT.search(value)
    if match is None:
        return None
    digits = match[1]
    return float(SECONDS_MAX if len(digits) > 10 else min(int(digits), SECONDS_MAX))

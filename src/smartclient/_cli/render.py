"""What the program writes: bodies, heads and notes, made safe for terminals and free of secrets; never a decision.

The body goes to stdout and everything else to stderr. A pipe gets exactly the body's bytes.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from io import FileIO, IncrementalNewlineDecoder
from itertools import chain
from select import select
from typing import BinaryIO

from .exits import cannot

JSON_SHOWN_MAX = 1024 * 1024  # larger JSON is shown as it came
_INDENT_MAX = 40  # levels; hostile nesting would make lines of blanks
_LOOKED_AT = 1024

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")

# The last word of a field's name tells a secret: X-API-Key, Private-Token, Proxy-Authorization.
_SECRET_WORDS = frozenset({"authorization", "cookie", "key", "password", "secret", "signature", "token"})
_COOKIE_VALUE = re.compile(r"=[^;]*")
_USERINFO = re.compile(r"(://)[^/?#\s@]*(?:@[^/?#\s@]*)*@")
_SECRET_QUERY = re.compile(
    r"""([?&;][^=&\s]*?(?:token|key|sig|signature|secret|password|passwd|pwd|auth|credential|session|code)[^=&\s]*=)"""
    r"""[^&#\s"'<>]+""",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """`text` with *** for userinfo and for values of query names such as token, key and sig."""
    return _SECRET_QUERY.sub(r"\1***", _USERINFO.sub(r"\1***@", text))


def masked_value(name: str, value: str) -> str:
    """The value of field `name` with *** for its secrets; the scheme of credentials and the names of cookies stay."""
    name = name.lower()
    if name == "set-cookie":
        return _COOKIE_VALUE.sub("=***", value, count=1) if "=" in value else "***"
    if name == "cookie":
        return _COOKIE_VALUE.sub("=***", value) if "=" in value else "***"
    if name.rpartition("-")[2] in _SECRET_WORDS:
        scheme, blank, _ = value.partition(" ")
        return f"{scheme} ***" if blank and name.endswith("authorization") else "***"
    return masked(value)


def escaped(text: str) -> str:
    """`text` with its control and direction-changing characters written out; newline, CRLF and tab stay."""
    return _UNSAFE.sub(_written_out, text.replace("\r\n", "\n"))


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def note(text: str) -> None:
    """One line on stderr. When nobody can be told, nothing happens."""
    stream = sys.stderr
    if stream is None:
        return
    try:
        print(escaped(text) if stream.isatty() else text, file=stream, flush=True)
    except (OSError, ValueError):
        return


def head_text(status_line: str, fields: Iterable[tuple[str, str]]) -> str:
    """The head of a response as on the wire, with the empty line that ends it."""
    return "\r\n".join([status_line, *(f"{name}: {value}" for name, value in fields), "", ""])


class Output:
    """Where the body goes. What the system says against writing becomes a Fault; a closed pipe stays what it is.

    Unbuffered: a pipe gets a body as it arrives, and nothing is left to fail when the interpreter ends.
    """

    def __init__(self, file: BinaryIO | FileIO, name: str) -> None:
        self._file = file
        self._name = name
        self.is_terminal = file.isatty()

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                written = self._file.write(rest)
                if written is None:  # the descriptor was made non-blocking by whoever shares it
                    select([], [self._file], [])
                rest = rest[written or 0 :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot("write", self._name, error) from error

    def write_text(self, text: str) -> None:
        """Writes text to a terminal, which may not have all characters."""
        self.write(text.encode(getattr(sys.stdout, "encoding", "utf-8"), "backslashreplace"))


def write_head(out: Output, text: str) -> None:
    """Writes a head before its body: escaped on a terminal, else the bytes that came."""
    if out.is_terminal:
        out.write_text(escaped(text))
    else:
        out.write(text.encode("latin-1", "replace"))


def show_body(out: Output, pieces: Iterator[str], content_type: str | None) -> None:
    """Writes a body for people: JSON indented, other text escaped, anything that is no text not at all."""
    start = next(pieces, "").removeprefix("\ufeff")
    if _BINARY.search(start, 0, _LOOKED_AT):
        note(f"* binary content ({content_type or 'no type'}) is not shown; use -o FILE, or a pipe such as | less")
        return
    if content_type is not None and "json" in content_type.lower():
        start = _gathered(start, pieces)
        indented = indented_json(start) if len(start) <= JSON_SHOWN_MAX else None
        if indented is not None:
            out.write_text(escaped(indented) + "\n")
            return
    _show_text(out, chain([start], pieces))


def _gathered(start: str, pieces: Iterator[str]) -> str:
    """`start` and what follows, until more than `JSON_SHOWN_MAX` is there."""
    parts, size = [start], len(start)
    while size <= JSON_SHOWN_MAX and (piece := next(pieces, "")):
        parts.append(piece)
        size += len(piece)
    return "".join(parts)


def _show_text(out: Output, pieces: Iterable[str]) -> None:
    # Keeps a carriage return back until it is known whether a newline follows.
    line_ends = IncrementalNewlineDecoder(None, translate=False)
    last = "\n"
    for piece, final in chain(((piece, False) for piece in pieces), [("", True)]):
        text = escaped(line_ends.decode(piece, final))
        if text:
            out.write_text(text)
            last = text[-1]
    if last != "\n":
        out.write_text("\n")


def indented_json(text: str) -> str | None:
    """`text` with a line per member and every value as it was written; None when it is not JSON."""
    import json

    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    out: list[str] = []
    depth = 0
    before = ""
    for token in re.findall(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', text):
        if token in ("}", "]"):
            depth -= 1
        # An empty object or array stays on its line.
        if (before in ("{", "[")) != (token in ("}", "]")) or before == ",":
            out.append("\n" + "  " * min(depth, _INDENT_MAX))
        out.append(": " if token == ":" else token)
        if token in ("{", "["):
            depth += 1
        before = token
    return "".join(out)

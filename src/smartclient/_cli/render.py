"""What the program writes: bodies, heads and notes, made safe for terminals; never a decision.

The body goes to stdout and everything else to stderr. A pipe gets exactly the body's bytes.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from io import FileIO, IncrementalNewlineDecoder
from itertools import chain
from select import select
from typing import BinaryIO

from .._model.declared import NamedTuple
from .colours import Paint, paint_for
from .exits import cannot
from .masks import escaped

JSON_SHOWN_MAX = 1024 * 1024  # larger JSON is shown as it came
_INDENT_MAX = 40  # levels; hostile nesting would make lines of blanks
_LOOKED_AT = 1024

_BINARY = "[\x00-\x08\x0e-\x1a\x1c-\x1f]"


def note(text: str) -> None:
    """One line on stderr. When nobody can be told, nothing happens."""
    stream = sys.stderr
    if stream is None:
        return
    try:
        print(escaped(text) if stream.isatty() else text, file=stream, flush=True)
    except (OSError, ValueError):
        return


class Look(NamedTuple):
    """How an answer appears on its output.

    Attributes:
        shown: for people: text, control characters written out; else the bytes as they are.
        indents: JSON gets a line for each member.
        paint: colours.
    """

    shown: bool
    indents: bool
    paint: Paint


def look_for(out: "Output", layout: str, color: str) -> Look:
    """What --format and --color mean for `out`: bytes go untouched to whatever is no terminal, unless one asks more."""
    paint = paint_for(out, color) if out.name == "stdout" else Paint(False)
    indents = layout == "pretty" or (layout == "auto" and (out.is_terminal or paint.on))
    return Look(out.is_terminal or indents or paint.on, indents, paint)


def head_text(status_line: str, fields: Iterable[tuple[str, str]]) -> str:
    """The head of a response as on the wire, with the empty line that ends it."""
    return "\r\n".join([status_line, *(f"{name}: {value}" for name, value in fields), "", ""])


class Output:
    """Where the body goes. What the system says against writing becomes a Fault; a closed pipe stays what it is.

    Unbuffered: a pipe gets a body as it arrives, and nothing is left to fail when the interpreter ends.
    """

    def __init__(self, file: BinaryIO | FileIO, name: str) -> None:
        self._file = file
        self.name = name
        self.is_terminal = file.isatty()

    def isatty(self) -> bool:
        """Whether it is a terminal, as streams tell it."""
        return self.is_terminal

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
            raise cannot("write", self.name, error) from error

    def write_text(self, text: str) -> None:
        """Writes text for people; a terminal may not have all characters."""
        self.write(text.encode(getattr(sys.stdout, "encoding", "utf-8"), "backslashreplace"))


def write_head(out: Output, look: Look, status: int, text: str) -> None:
    """Writes a head before its body: for people escaped and in colours, else the bytes that came."""
    if not look.shown:
        out.write(text.encode("latin-1", "replace"))
        return
    first, *lines = escaped(text).splitlines()
    shown = [look.paint.status(status, first)]
    for line in lines:
        name, colon, value = line.partition(":")
        shown.append(look.paint("name", name) + colon + value)
    out.write_text("".join(f"{line}\n" for line in shown))


def show_body(out: Output, pieces: Iterator[str], content_type: str | None, look: Look) -> None:
    """Writes a body for people: JSON indented, other text escaped, anything that is no text not at all."""
    start = next(pieces, "").removeprefix("\ufeff")
    if re.search(_BINARY, start[:_LOOKED_AT]):
        note(f"* binary content ({content_type or 'no type'}) is not shown; use -o FILE, or a pipe such as | less")
        return
    if content_type is not None and "json" in content_type.lower() and look.indents:
        start = _gathered(start, pieces)
        indented = indented_json(start) if len(start) <= JSON_SHOWN_MAX else None
        if indented is not None:
            out.write_text(look.paint.json(escaped(indented)) + "\n")
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

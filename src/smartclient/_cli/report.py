"""What the diagnosis commands share: their flags, and a report on stdout, as lines for people or as one JSON object."""

import re
import sys
from typing import Any

from .colours import Paint, paint_for
from .exits import CANNOT_WRITE, Fault
from .flags import Parser, add_tls_flags, add_way_flags
from .masks import one_line
from .render import Output

_LABEL = 11
_WORDS = re.compile(r" +|[^ ]+")  # columns keep their blanks, all other white space does not

# What calls have and diagnoses do without; `session_options` reads all of them.
_UNUSED = {
    "user": None,
    "bearer": None,
    "digest": False,
    "no_netrc": False,
    "netrc_file": None,
    "http2": False,
    "trace_id": None,
    "rate": None,
    "no_hsts": True,
    "retry": None,
    "max_redirects": None,
    "strict": False,
    "no_cache": True,
    "cache": None,
    "read_timeout": None,
}


def report_parser(command: str, description: str, *examples: str) -> Parser:
    """A parser with the flags that every diagnosis has."""
    lines = "".join(f"  smartclient {command}{' ' if each else ''}{each}\n" for each in examples)
    return Parser(command, description, f"examples:\n{lines}")


def add_report_flags(parser: Parser, *, calls: bool = True) -> None:
    """How the report looks and, for what `calls` a server, how that is reached."""
    add = parser.add_argument_group("report").add_argument
    add("--json", "--json-out", dest="json_out", action="store_true", help="one JSON object instead of lines")
    add("--color", choices=("auto", "always", "never"), default="auto", help="auto: on terminals without NO_COLOR")
    add("-s", "--silent", action="store_true", help="say nothing on stderr")
    add("--show-secrets", action="store_true", help="do not write *** for credentials")
    parser.set_defaults(verbose=0)
    if calls:
        add_way_flags(parser.add_argument_group("route").add_argument)
        add = parser.add_argument_group("time").add_argument
        add("-m", "--timeout", "--max-time", type=float, metavar="TOTAL", help="seconds for each call (300)")
        add("--connect-timeout", type=float, metavar="S", help="seconds to connect (5)")
        add_tls_flags(parser)
        parser.set_defaults(**_UNUSED)


class Report:
    """Lines on stdout; what a peer said in them is escaped, whatever stdout is."""

    def __init__(self, color: str) -> None:
        if sys.stdout is None:
            raise Fault(CANNOT_WRITE, "cannot write the report: stdout is closed")
        self._out = Output(getattr(sys.stdout.buffer, "raw", sys.stdout.buffer), "stdout")
        self.paint: Paint = paint_for(self._out, color)

    def row(self, label: str, *parts: str | tuple[str, str]) -> None:
        """A line under a label; a part that is a pair is (kind of colour, text)."""
        self.line(f"{label:<{_LABEL}} ", *parts)

    def line(self, *parts: str | tuple[str, str]) -> None:
        """A line of its own."""
        shown = []
        for part in parts:
            kind, text = ("", part) if isinstance(part, str) else part
            safe = "".join([each if each.isspace() else one_line(each) for each in _WORDS.findall(text)])
            shown.append(self.paint(kind, safe) if kind else safe)
        self._out.write_text("".join(shown).rstrip() + "\n")

    def json(self, value: Any) -> None:
        """One object as one line."""
        from .machine import line

        self._out.write(line(value))

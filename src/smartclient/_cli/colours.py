"""Colours for terminals: whether there are any, and what gets which; meaning is never in the colour alone."""

import os
import re
from typing import Any

_RESET = "\x1b[0m"
_CODES = {
    "name": "36",
    "string": "32",
    "number": "33",
    "word": "35",
    "good": "32",
    "doubt": "33",
    "bad": "31",
    "dim": "2",
}

# Compiled at first use: most starts have no colours.
_JSON_TOKEN = r'("[^"\\]*(?:\\.[^"\\]*)*")([ \t]*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b'


class Paint:
    """Puts colours around words, or leaves them as they are when `on` is False."""

    __slots__ = ("on",)

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, kind: str, text: str) -> str:
        return f"\x1b[{_CODES[kind]}m{text}{_RESET}" if self.on and text else text

    def json(self, text: str) -> str:
        """`text`, which is indented JSON, with its names, strings, numbers and words in colours of their own."""
        return re.sub(_JSON_TOKEN, self._token, text) if self.on else text

    def _token(self, found: re.Match[str]) -> str:
        string, colon, number, word = found.groups()
        if string is not None:
            return self("name" if colon else "string", string) + (colon or "")
        return self("number", number) if number is not None else self("word", word)

    def status(self, status: int, text: str) -> str:
        """The words of a status by its class."""
        return self("good" if status < 300 else "doubt" if status < 400 else "bad", text)


def paint_for(stream: Any, choice: str = "auto") -> Paint:
    """Colours for `stream`, by --color, FORCE_COLOR, NO_COLOR, TERM, and whether it is a terminal; in this order."""
    if choice != "auto":
        return Paint(choice == "always")
    if os.environ.get("FORCE_COLOR"):
        return Paint(True)
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return Paint(False)
    return Paint(bool(stream is not None and stream.isatty()))

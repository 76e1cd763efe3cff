"""What is told of a download that goes on where it, or an earlier one, broke off; how it goes on is the library's."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._model.ranges import parse_content_range
from .timing import size_text

if TYPE_CHECKING:
    from .._model.headers import Fields
    from ..events import Event


_ON_PURPOSE = (None, "discarded", "given up")  # ends of an exchange that are no failure


class Resumptions:
    """Tells of each answer that begins in the middle of the file: give it as `on_event`, and `begin` with each file."""

    def __init__(self) -> None:
        self.begin(print)

    def begin(self, tell: Callable[[str], None]) -> None:
        """From now on it is about another file, and `tell` shows a line."""
        self._tell = tell
        self._lost = 0
        self._told = -1

    def __call__(self, event: "Event") -> None:
        exchange, head = getattr(event, "exchange", None), getattr(event, "head", None)
        if exchange is not None:
            self._lost += exchange.error not in _ON_PURPOSE
        elif head is not None:
            part = parse_content_range(head.fields.get("content-range", "")) if head.status == 206 else None
            if part is not None and part.start and self._lost > self._told:
                self._told = self._lost
                self._tell(_words(part.start, self._lost, head.fields))


def _words(start: int, lost: int, fields: "Fields") -> str:
    if lost:
        return f"connection lost: resumed at {size_text(start)} ({lost})"
    return f"resuming at {size_text(start)} ({fields.get('etag') or fields.get('last-modified')}, If-Range)"

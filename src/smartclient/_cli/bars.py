"""How far a transfer is, on stderr: a bar on a terminal, else a line each ten seconds; never what is transferred."""

import os
import sys
import time

from .masks import one_line
from .render import note
from .timing import size_text

_FIRST = 0.5  # seconds: what is done before needs no bar
_EACH = 0.1
_EACH_LINE = 10.0  # where there is no terminal


class Bar:
    """One transfer. Give `update` as `progress=`; it may be called from several threads, which then share the line."""

    def __init__(self, name: str, *, silent: bool) -> None:
        self._name = one_line(name)
        stream = sys.stderr
        self._on_terminal = stream is not None and stream.isatty()
        self._silent = silent or stream is None
        self._started = time.monotonic()
        self._next = self._started + (_FIRST if self._on_terminal else _EACH_LINE)
        self._drawn = False

    def update(self, done: int, total: int | None, rate: float) -> None:
        """Tells that `done` of `total` bytes are there, and how many come in a second."""
        now = time.monotonic()
        if self._silent or now < self._next:
            return
        self._next = now + (_EACH if self._on_terminal else _EACH_LINE)
        if self._on_terminal:
            self._draw(bar_line(self._name, done, total, rate, _columns()))
        else:
            note(progress_line(self._name, done, total, rate))

    def tell(self, text: str) -> None:
        """Tells something in one line, above the bar where there is one."""
        self.clear()
        if not self._silent:
            note(f"{self._name}  {text}")

    def clear(self) -> None:
        """Takes the bar away, so that something else can be told."""
        if self._drawn:
            self._drawn = False
            self._draw("")

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._started

    def _draw(self, line: str) -> None:
        self._drawn = bool(line)
        try:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        except (OSError, ValueError):
            self._silent = True


def progress_line(name: str, done: int, total: int | None, rate: float) -> str:
    """`name  412.0 MB of 1.2 GB  34%  58.1 MB/s`."""
    of = "" if total is None else f" of {size_text(total)}"
    share = f"  {done * 100 // total}%" if total else ""
    return f"{name}  {size_text(done)}{of}{share}  {size_text(rate)}/s"


def bar_line(name: str, done: int, total: int | None, rate: float, columns: int) -> str:
    """`name  62% |####----| 744 MB of 1.2 GB  58.1 MB/s  8 s left`, no longer than the terminal is wide."""
    if not total:
        return progress_line(name, done, None, rate)[: columns - 1]
    share = min(1.0, done / total)
    left = f"  {(total - done) / rate:.0f} s left" if rate > 0 and done < total else ""
    before = f"{name}  {share * 100:3.0f}% |"
    after = f"| {size_text(done)} of {size_text(total)}  {size_text(rate)}/s{left}"
    width = columns - 1 - len(before) - len(after)
    if width < 5:
        return progress_line(name, done, total, rate)[: columns - 1]
    full = round(width * share)
    return f"{before}{'#' * full}{'-' * (width - full)}{after}"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80

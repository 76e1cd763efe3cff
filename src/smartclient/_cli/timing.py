"""How long the phases of each exchange took, as lines with bars: `--timing`, and a part of `explain`."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._model.events import Event, Exchange
    from .._model.timings import Timings

_PHASES = (
    ("pool wait", "pool_wait"),
    ("dns", "dns"),
    ("connect", "connect"),
    ("tls", "tls"),
    ("send", "send"),
    ("wait", "wait"),
    ("receive", "receive"),
)
_WIDTH = 60


class Exchanges:
    """Collects the exchanges of a session's calls: give it as `on_event`."""

    def __init__(self) -> None:
        self.ended: list[Exchange] = []

    def __call__(self, event: "Event") -> None:
        exchange = getattr(event, "exchange", None)
        if exchange is not None:
            self.ended.append(exchange)

    def taken(self) -> "list[Exchange]":
        """Those since the last look."""
        taken, self.ended = self.ended, []
        return taken


def timing_lines(exchanges: "Iterable[Exchange]", decoded: int | None) -> Iterator[str]:
    """One line for each phase of each exchange, and one with the sum.

    Args:
        decoded: bytes of the last answer's content, where they are known.
    """
    exchanges = list(exchanges)
    for number, exchange in enumerate(exchanges, 1):
        timings = exchange.timings
        total = timings.total or sum(getattr(timings, name) or 0.0 for _, name in _PHASES)
        start = 0.0
        for label, name in _PHASES:
            seconds = getattr(timings, name)
            if seconds is None:
                continue
            yield f"{label:<10}{seconds * 1000:>8.1f} ms |{_bar(start, seconds, total)}"
            start += seconds
        last = number == len(exchanges)
        facts = ", ".join(_facts(exchange, number, len(exchanges), decoded if last else None))
        yield f"{'total':<10}{total * 1000:>8.1f} ms   {facts}"


def _bar(start: float, seconds: float, total: float) -> str:
    if total <= 0.0:
        return ""
    before = round(_WIDTH * start / total)
    length = round(_WIDTH * (start + seconds) / total) - before
    return (" " * before + ("#" * length or "|" * (seconds > 0.0))).rstrip()


def _facts(exchange: "Exchange", number: int, count: int, decoded: int | None) -> Iterator[str]:
    yield f"exchange {number} of {count}"
    if exchange.timings.reused is not None:
        yield f"{'kept-alive' if exchange.timings.reused else 'new'} connection"
    if exchange.head is not None:
        yield str(exchange.head.status)
        coding = exchange.head.fields.get("content-encoding")
        if coding and decoded is not None:
            yield f"{size_text(decoded)} ({size_text(exchange.received)} {coding})"
        else:
            yield size_text(exchange.received)
    if exchange.error is not None:
        yield exchange.error


def size_text(size: float) -> str:
    """Bytes in decimal units: 999 B, 1.2 kB, 48.3 MB."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def rounded(timings: "Timings") -> dict[str, float | bool | None]:
    """The phases for --json-out, to the microsecond."""
    pairs = timings._asdict().items()
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in pairs}

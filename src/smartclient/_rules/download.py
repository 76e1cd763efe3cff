"""What a download has, lacks and tells: gaps in a file, the record of them that outlives the process, pace.

Pure: the file, the clock and the requests are elsewhere.
"""

import json
from collections import deque
from collections.abc import Iterable
from typing import Any

from .._model.declared import NamedTuple
from .._model.errors import InvalidOption, shown

PARALLEL_MAX = 16
PARALLEL_LEAST = 16 * 2**20  # bytes: smaller files gain nothing
PIECE_LEAST = 8 * 2**20
PIECES_EACH = 4  # for each of the parallel requests, so that a slow one does not hold the others up
RECORD_SIZE = 16384  # bytes of the record of a download: it is written in place, in one call
_TELL_EVERY = 0.1  # seconds
_RATE_OVER = 5.0  # seconds


class Gap:
    """Bytes of the file that are still missing: from `at` up to, not including, `stop` (None: to the unknown end)."""

    __slots__ = ("at", "stop")

    def __init__(self, at: int, stop: int | None) -> None:
        self.at = at
        self.stop = stop

    @property
    def is_filled(self) -> bool:
        return self.at == self.stop


class Gaps:
    """All that is missing of a file, and what of it nobody has taken on yet."""

    __slots__ = ("_all", "_free")

    def __init__(self, ranges: Iterable[tuple[int, int | None]]) -> None:
        self._all = [Gap(at, stop) for at, stop in ranges]
        self._free = deque(gap for gap in self._all if not gap.is_filled)

    def take(self) -> Gap | None:
        """A gap for the one who asks, None when all are taken; several threads may ask."""
        try:
            return self._free.popleft()
        except IndexError:
            return None

    def first(self) -> Gap:
        """The first of those that nobody has taken; there must be one."""
        return self._free[0]

    def missing(self) -> list[tuple[int, int | None]]:
        """(at, stop) of what is not filled as of now."""
        return [(gap.at, gap.stop) for gap in self._all if not gap.is_filled]


def divided(missing: Iterable[tuple[int, int | None]], parallel: int) -> list[tuple[int, int | None]]:
    """The gaps of a file of known length, cut so that `parallel` requests have enough to do."""
    ranges = [(at, stop) for at, stop in missing if stop is not None]
    total = sum(stop - at for at, stop in ranges)
    each = max(1, min(PIECES_EACH, total // (parallel * PIECE_LEAST)))  # the same number, so that all end together
    size = max(PIECE_LEAST, -(-total // (parallel * each)))
    return [
        (start, stop if stop - start < 2 * size else start + size)
        for at, stop in ranges
        for start in range(at, max(at + 1, stop - size + 1), size)
    ]


class Record(NamedTuple):
    """What is known of a download that has begun.

    Attributes:
        key: stands for the URL, which may hold secrets.
        validator: of the representation, as If-Range takes it; None when a part of it cannot be asked for.
        length: bytes in all, or None.
        missing: (at, stop) of what is not in the file yet.
        durable: the same of what the disk has for sure; what lies between was the system's, and went with it.
        boot: names the run of the system; "" where it has no name.
    """

    key: str
    validator: str | None
    length: int | None
    missing: list[tuple[int, int | None]]
    durable: list[tuple[int, int | None]]
    boot: str = ""

    def after_boot(self, boot: str) -> "Record":
        """What can be believed of it in another run of the system."""
        return self if boot == self.boot else self._replace(missing=self.durable, boot=boot)


def record_bytes(record: Record) -> bytes | None:
    """`record` as the text of a file, always of `RECORD_SIZE` bytes; None when it does not fit."""
    text = json.dumps({"v": 1, **record._asdict()}, separators=(",", ":")).encode()
    return text.ljust(RECORD_SIZE - 1) + b"\n" if len(text) < RECORD_SIZE else None


def record_from(data: bytes) -> Record | None:
    """The record in `data`; None when there is none that can be believed."""
    try:
        value = json.loads(data)
        if type(value) is not dict or value["v"] != 1:
            return None
        parts = [value[name] for name in Record._fields]
        key, validator, length, missing, durable, boot = parts
        record = Record(key, validator, length, _ranges(missing), _ranges(durable), boot)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = type(key) is str and isinstance(validator, str | None) and type(boot) is str
    sound = texts and _is_size(length) and _are_sound(length, record.missing) and _are_sound(length, record.durable)
    return record if sound else None


def _ranges(value: Any) -> list[tuple[Any, Any]]:
    return [(at, stop) for at, stop in value]


def _are_sound(length: Any, missing: list[tuple[Any, Any]]) -> bool:
    end = 0
    for at, stop in missing:
        if at is None or not _is_size(at) or not _is_size(stop) or at < end or (stop is None) != (length is None):
            return False
        if stop is not None and not at <= stop <= length:
            return False
        end = at if stop is None else stop
    return length is not None or len(missing) == 1


def _is_size(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value < 10**18)


def again(missing: list[tuple[int, int | None]], length: int | None) -> list[tuple[int, int | None]]:
    """What to ask for after an interruption: all that is missing, or else the last byte.

    That byte shows whether a file that is whole is still what the server has.
    """
    return missing or ([(length - 1, length)] if length else [(0, length)])


class Pace:
    """How far a download is, how fast, and how long to pause; for all its parallel requests together.

    Attributes:
        done: bytes of the file so far; may be set.
        moved: bytes that came so far.
    """

    __slots__ = ("_free_at", "_limit", "_marks", "_next", "done", "moved")

    def __init__(self, now: float, limit: float | None) -> None:
        """`limit`: bytes in a second at most."""
        self._free_at = now
        self._limit = limit
        self._marks = deque([(now, 0)])
        self._next = now + _TELL_EVERY
        self.done = 0
        self.moved = 0

    def add(self, size: int, now: float) -> float:
        """So many bytes came: seconds to wait before more is read."""
        self.moved += size
        if self._limit is None:
            return 0.0
        # What a stall saved may be caught up for a second, no more.
        self._free_at = max(self._free_at, now - 1.0) + size / self._limit
        return max(0.0, self._free_at - now)

    def is_due(self, now: float) -> bool:
        """Whether it is time to tell: ten times a second at most."""
        if now < self._next:
            return False
        self._next = now + _TELL_EVERY
        return True

    def rate(self, now: float) -> float:
        """Bytes in a second, over the last five."""
        marks = self._marks
        while len(marks) > 1 and marks[1][0] <= now - _RATE_OVER:
            marks.popleft()
        marks.append((now, self.moved))
        then, moved = marks[0]
        return (self.moved - moved) / (now - then) if now > then else 0.0


def checked_parallel(value: Any) -> int:
    """`value` as a number of requests at a time.

    Raises:
        InvalidOption: none, or too many.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= PARALLEL_MAX:
        raise InvalidOption(f"parallel must be a whole number from 1 to {PARALLEL_MAX}, not {shown(value)}")
    return value


def checked_rate(value: Any) -> float | None:
    """`value` as bytes in a second, None for no limit.

    Raises:
        InvalidOption: no positive number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidOption(f"limit_rate must be a positive number of bytes in a second, not {shown(value)}")
    return float(value)

"""Ranges: what a request asks for, which stored bytes answer it, and how parts become more; never the copying.

Sources: RFC 9111 section 3.4; RFC 9110 sections 13.1.5, 14.1.2, 14.2 and 15.3.7.
"""

import re

from .._model.decision import Piece, Span
from .._model.declared import NamedTuple
from .._model.fields import parse_http_date
from .._model.headers import Fields
from .._model.patterns import later
from .._model.policy import CachePolicy
from .._model.stored import Part, Stored

COPIED_ALWAYS = 2**20  # bytes: below a millisecond
COPIED_MAX = 2**24  # bytes: some ten milliseconds
_DIGITS_MAX = 18  # of a position: what is longer is no file of this world
_POSITION = f"([0-9]{{1,{_DIGITS_MAX}}})"
_RANGE = later(rf"bytes[ \t]*=[ \t]*(?:{_POSITION}-{_POSITION}?|-{_POSITION})", re.IGNORECASE)


class Wanted(NamedTuple):
    """One range of bytes: from `first` up to and with `last` (None: to the end), or the last `suffix` bytes."""

    first: int = 0
    last: int | None = None
    suffix: int | None = None


class Union(NamedTuple):
    """What a stored part and a new one make together: the part that they are, and the stored bytes around the new."""

    part: Part
    before: Piece | None
    after: Piece | None


def wanted_range(text: str) -> Wanted | None:
    """The one range of bytes that a Range field asks for; None for several, for other units and for nonsense."""
    match = _RANGE.fullmatch(text.strip(" \t"))
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return Wanted(suffix=int(suffix))
    wanted = Wanted(int(first), None if last is None else int(last))
    return None if wanted.last is not None and wanted.last < wanted.first else wanted


def span_of(stored: Stored, wanted: Wanted) -> Span | None:
    """Where the content of `stored` holds what is wanted; None if it does not, or not all of it.

    A content that is coded is not cut: its parts could not be decoded. A part may have come with fewer bytes than its
    Content-Range says; what is there counts, from its start, or from its end for a suffix.
    """
    if "content-encoding" in stored.fields:
        return None
    first, last, total = stored.part or (0, stored.length - 1, stored.length)
    to_the_end = total is not None and last == total - 1
    if wanted.suffix is not None:
        if not to_the_end or not wanted.suffix > 0 or (wanted.suffix > stored.length and first > 0):
            return None
        count = min(wanted.suffix, stored.length)
        return Span(stored.length - count, stored.length, last + 1 - count, total) if count else None
    if wanted.last is None or wanted.last > last:
        if not to_the_end:
            return None
        stop = stored.length
    else:
        stop = min(wanted.last + 1 - first, stored.length)
    start = wanted.first - first
    return Span(start, stop, wanted.first, total) if 0 <= start < stop else None


def if_range_holds(fields: Fields, stored: Stored) -> bool:
    """Whether the If-Range of a request, if any, is about `stored`: the same strong tag or date (RFC 9110 13.1.5)."""
    value = fields.get("if-range")
    if value is None:
        return True
    if '"' in value:
        return bool(value == stored.strong_etag)
    return value == stored.last_modified and _is_strong_date(stored)


def completing_fields(stored: Stored) -> tuple[tuple[str, str], ...]:
    """The lines that ask for what follows a stored start, and for the whole if that has changed."""
    rest = ("Range", f"bytes={stored.length}-")
    return (rest,) if stored.strong_etag is None else (rest, ("If-Range", stored.strong_etag))


def is_start(stored: Stored) -> bool:
    """Whether `stored` is the beginning of something larger, and says truly how much it is."""
    return stored.part is not None and stored.part[0] == 0 and stored.length > 0 and _is_exact(stored)


def union_of(stored: Stored, new: Part, etag: str | None) -> Union | None:
    """What `stored` and a new part with this entity tag make together, if they touch (section 3.4).

    Only parts of the same representation are combined, and only a strong tag tells that.
    """
    if stored.part is None or etag is None or etag != stored.strong_etag or not _is_exact(stored):
        return None
    first, last, total = stored.part
    if new[0] > last + 1 or new[1] < first - 1:
        return None
    if total is not None and new[2] is not None and total != new[2]:
        return None
    part = (min(first, new[0]), max(last, new[1]), new[2] if total is None else total)
    if part[2] is not None and part[1] >= part[2]:
        return None
    before = Piece(stored, 0, new[0] - first) if first < new[0] else None
    after = Piece(stored, new[1] + 1 - first, stored.length) if new[1] < last else None
    return Union(part, before, after)


def total_if_kept_broken_off(record: Stored, policy: CachePolicy) -> int | None:
    """Bytes of the whole, if what comes of it is worth keeping should it break off (section 3.3); else None.

    That is so where the rest may be asked for later, and a strong tag tells that it belongs to the start.
    """
    if not policy.complete_parts or record.status != 200 or record.strong_etag is None or record.part is not None:
        return None
    length = record.fields.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) <= _DIGITS_MAX else None


def is_cheap(union: Union, new: Part) -> bool:
    """Whether the stored bytes may be copied for it, which delays the head and would add up over many small parts."""
    copied = sum([piece.stop - piece.start for piece in (union.before, union.after) if piece is not None])
    return copied <= min(COPIED_MAX, max(COPIED_ALWAYS, 4 * (new[1] + 1 - new[0])))


def is_whole(part: Part) -> bool:
    """Whether a part is all there is."""
    return part[0] == 0 and part[2] is not None and part[1] == part[2] - 1


def _is_exact(stored: Stored) -> bool:
    assert stored.part is not None
    return stored.length == stored.part[1] + 1 - stored.part[0]


def _is_strong_date(stored: Stored) -> bool:
    """Whether Last-Modified lies a second or more before Date (RFC 9110 section 8.8.2.2)."""
    modified = parse_http_date(stored.last_modified or "", stored.received_at)
    return modified is not None and stored.date - modified >= 1

"""Byte ranges of a representation as fields say them (RFC 9110 section 14); never what to do about them."""

import re

from .declared import NamedTuple
from .patterns import later

_CONTENT_RANGE = later(r"bytes[ \t]+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)


class ContentRange(NamedTuple):
    """Bytes from `start` up to, not including, `stop`; `total` bytes in all, None where the server does not know."""

    start: int
    stop: int
    total: int | None


def parse_content_range(text: str) -> ContentRange | None:
    """The range that a 206 says it has; None when it is none, or contradicts itself."""
    match = _CONTENT_RANGE.fullmatch(text)
    if match is None:
        return None
    start, stop = int(match[1]), int(match[2]) + 1
    total = None if match[3] == "*" else int(match[3])
    if stop <= start or (total is not None and stop > total):
        return None
    return ContentRange(start, stop, total)


def range_field(start: int, stop: int | None) -> str:
    """The Range field that asks for the bytes from `start` up to, not including, `stop`; None means to the end."""
    return f"bytes={start}-" if stop is None else f"bytes={start}-{stop - 1}"

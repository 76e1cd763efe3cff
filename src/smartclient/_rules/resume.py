"""Whether and how an interrupted GET goes on: validators, the range to ask for, and what an answer to it means.

Sources: RFC 9110 sections 8.8.2.2 (strong dates), 13.1.5 (If-Range), 14.2 (Range), 15.3.7 (206).
"""

from .._model.errors import (
    ChunkedEncodingError,
    ConnectionError,
    DeadlineExceeded,
    HTTPError,
    ReadTimeout,
    RequestException,
    SSLError,
)
from .._model.fields import parse_etag, parse_http_date
from .._model.headers import Fields
from .._model.message import Head
from .._model.ranges import ContentRange, parse_content_range
from .._model.retry import RetryPolicy
from .retry import delay_before_retry

TRIES = 5  # in a row that bring nothing new
MUCH = 2**16
PASSING_STATUSES = frozenset((408, 425, 429, 500, 502, 503, 504))
_VALIDATOR_MAX = 1024
_WAITS = RetryPolicy()


def validator_of(fields: Fields, now: float) -> str | None:
    """What If-Range may say of the representation that came with `fields`; None where nothing is strong enough.

    A strong ETag; without any ETag, a Last-Modified that is a second or more older than Date. `now` is wall time.
    """
    tag = fields.get("etag")
    if tag is not None:
        parsed = parse_etag(tag)
        return None if parsed is None or parsed.weak or len(tag) > _VALIDATOR_MAX else str(parsed)
    modified, date = fields.get("last-modified", ""), fields.get("date", "")
    changed, answered = parse_http_date(modified, now), parse_http_date(date, now)
    if changed is None or answered is None or answered - changed < 1:
        return None
    return str(modified)


def part_in(head: Head, start: int, stop: int | None, validator: str, total: int | None) -> ContentRange | None:
    """What the 206 in `head` holds of the bytes that were asked for; None when it is not to be joined to the others.

    It must begin at `start`, reach no further than `stop`, be of the same representation and length, and have no
    content coding. `total` is None as long as nobody has told it.
    """
    fields = head.fields
    part = parse_content_range(fields.get("content-range", ""))
    if part is None or part.start != start or not _same(validator, fields):
        return None
    if (stop is not None and part.stop > stop) or (total is not None and part.total not in (None, total)):
        return None
    if is_coded(fields) or fields.get("content-length", str(part.stop - part.start)) != str(part.stop - part.start):
        return None
    return part


def _same(validator: str, fields: Fields) -> bool:
    if validator.startswith('"'):
        return str(fields.get("etag")) == validator
    # An answer to If-Range may leave Last-Modified out; an ETag that was not there before is another representation.
    return "etag" not in fields and fields.get("last-modified", validator) == validator


def length_from(text: str) -> int | None:
    """What Content-Length says; None where it is no length that a file can have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def is_coded(fields: Fields) -> bool:
    """Whether the answer has a content coding."""
    return fields.get("content-encoding", "identity").strip().lower() not in ("identity", "")


def may_go_on(error: RequestException) -> bool:
    """Whether a transfer that has begun may survive `error`: broken and stalled connections, passing statuses."""
    if error.elsewhere:
        return False
    if isinstance(error, HTTPError):
        return getattr(error.response, "status_code", 0) in PASSING_STATUSES
    if isinstance(error, DeadlineExceeded) or (isinstance(error, SSLError) and error.check is not None):
        return False
    return isinstance(error, ConnectionError | ReadTimeout | ChunkedEncodingError)


class Patience:
    """Counts the failures in a row of a transfer that brought nothing new."""

    __slots__ = ("_failures", "_furthest", "_wait")

    def __init__(self) -> None:
        self._failures = 0
        self._furthest = 0
        self._wait = 0.0

    def wait_after_failure(self, received: int, dice: float) -> float | None:
        """Seconds to wait before going on with `received` bytes in hand, None to give up; 0 <= `dice` < 1.

        Where much has come since the failure before, there is no reason to wait.
        """
        gained = received - self._furthest
        self._furthest = max(received, self._furthest)
        self._failures = 0 if gained > 0 else self._failures + 1
        if self._failures > TRIES:
            return None
        self._wait = 0.0 if gained >= MUCH else delay_before_retry(self._wait, dice, _WAITS)
        return self._wait

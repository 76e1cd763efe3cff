"""When the next request to an origin may go out, by the session's rate and by what the server says of its own.

A bucket of tokens, kept as one moment for each origin: when the next request is due if all of them came evenly (the
generic cell rate algorithm). Source of the fields: draft-ietf-httpapi-ratelimit-headers, in its newer and older forms.
"""

import re
from contextlib import AbstractContextManager
from typing import Any

from .._model.declared import NamedTuple
from .._model.headers import Fields
from .._model.rate import Rate
from .._model.url import Origin

_SLOWED_MAX = 60.0  # seconds for which a server's fields may slow us
_ORIGINS_MAX = 10_000
_FIELD_MAX = 4096  # characters of a field that are looked at
_COUNT = r"[ \t]*=[ \t]*([0-9]{1,15})(?![0-9.])"
_REMAINING = re.compile(rf"(?:\br|\bremaining){_COUNT}")
_RESET = re.compile(rf"(?:\bt|\breset){_COUNT}")
_NUMBER = re.compile(r"[0-9]{1,15}")


class Quota(NamedTuple):
    """What a server says it will still take: `remaining` requests in the next `seconds`."""

    remaining: int
    seconds: float


def quota_in(fields: Fields) -> Quota | None:
    """What the RateLimit fields of an answer say, the least of it where they name several; None when nothing."""
    field = fields.index.get("ratelimit", "")[:_FIELD_MAX]
    quotas = []
    # The older form has its parts as members of a list, the newer one all of a member's as its parameters.
    for member in [field] if "limit" in field.partition("=")[0] else field.split(","):
        remaining, reset = _REMAINING.search(member), _RESET.search(member)
        if remaining is not None and reset is not None:
            quotas.append(Quota(int(remaining[1]), float(reset[1])))
    apart = [fields.index.get(f"ratelimit-{name}", "").strip() for name in ("remaining", "reset")]
    if all(_NUMBER.fullmatch(text) for text in apart):
        quotas.append(Quota(int(apart[0]), float(apart[1])))
    return min(quotas, key=lambda quota: quota.remaining / (quota.seconds or 1.0), default=None)


class _Due:
    """Of one origin: when the next request is due, and how much slower than its rate it goes until when."""

    __slots__ = ("moment", "pace", "slowed_until")

    def __init__(self) -> None:
        self.moment = 0.0
        self.pace = 0.0
        self.slowed_until = 0.0


class RateLimiter:
    """The moments of all origins; safe for many threads."""

    __slots__ = ("_due", "_lock")

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self._due: dict[Origin, _Due] = {}

    def reserve(self, origin: Origin, rate: Rate, now: float, left: float) -> float | None:
        """Seconds until the next request to `origin` may go out, which is reserved; None when that is after `left`."""
        with self._lock:
            due = self._due_of(origin, now)
            slowed = now < due.slowed_until
            moment = max(due.moment, now)
            wait = max(0.0, moment - now - (0.0 if slowed else rate.slack))
            if wait >= left:
                return None
            due.moment = moment + max(rate.interval, due.pace if slowed else 0.0)
            return wait

    def hear(self, origin: Origin, rate: Rate, quota: Quota, now: float) -> None:
        """Goes no faster than `quota` has it, as long as it has it so."""
        seconds = min(quota.seconds, _SLOWED_MAX)
        pace = seconds / quota.remaining if quota.remaining else 0.0
        if quota.remaining and pace <= rate.interval:
            return
        with self._lock:
            due = self._due_of(origin, now)
            due.pace, due.slowed_until = pace, now + seconds
            if quota.remaining == 0:
                due.moment = max(due.moment, now + seconds)

    def _due_of(self, origin: Origin, now: float) -> _Due:
        due = self._due.get(origin)
        if due is None:
            if len(self._due) >= _ORIGINS_MAX:
                # Those at rest are as good as new ones.
                busy = {each: due for each, due in self._due.items() if max(due.moment, due.slowed_until) > now}
                self._due = busy if len(busy) < _ORIGINS_MAX else {}
            due = self._due[origin] = _Due()
        return due

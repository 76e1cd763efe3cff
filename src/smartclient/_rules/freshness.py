"""How long a response stays fresh and how old it is; never whether it may be stored or served.

Source: RFC 9111 sections 4.2 and 5.1. All moments are wall time, seconds since the epoch.
"""

from collections.abc import Mapping

from .._model.fields import delta_seconds, parse_http_date
from .._model.headers import Fields
from .._model.stored import Stored

HEURISTIC_SHARE = 0.1  # "typical", says section 4.2.2
HEURISTIC_MAX = 86_400.0
CLOCK_TOLERANCE = 60.0  # a wall clock set back further than this says nothing about ages any more


def generated_at(fields: Fields, received_at: float) -> float:
    """The moment in Date, else `received_at` (RFC 9110 section 6.6.1)."""
    value = fields.get("date")
    moment = None if value is None else parse_http_date(value, received_at)
    return received_at if moment is None else moment


def freshness_lifetime(
    fields: Fields, directives: Mapping[str, str | None], generated: float, received_at: float, shared: bool = False
) -> float | None:
    """Seconds that the response is fresh, counted from its generation (section 4.2.1); None if it does not say.

    First match wins: s-maxage in a shared cache, max-age, then Expires - Date. What cannot be read gives 0.0, and so
    does no-cache.
    """
    if "no-cache" in directives and directives["no-cache"] is None:
        return 0.0
    if shared and "s-maxage" in directives:
        return float(delta_seconds(directives["s-maxage"]) or 0)
    if "max-age" in directives:
        return float(delta_seconds(directives["max-age"]) or 0)
    expires = fields.get("expires")
    if expires is None:
        return None
    moment = parse_http_date(expires, received_at)
    return 0.0 if moment is None else max(0.0, moment - generated)


def heuristic_lifetime(fields: Fields, generated: float, received_at: float) -> float:
    """A tenth of the seconds between Last-Modified and Date, at most a day (section 4.2.2); 0.0 without the former."""
    value = fields.get("last-modified")
    modified = None if value is None else parse_http_date(value, received_at)
    return 0.0 if modified is None else min(max(0.0, generated - modified) * HEURISTIC_SHARE, HEURISTIC_MAX)


def initial_age(fields: Fields, generated: float, sent_at: float, received_at: float) -> float:
    """corrected_initial_age in seconds (section 4.2.3). An Age that is not digits counts as none (section 5.1)."""
    apparent = max(0.0, received_at - generated)
    return max(apparent, age_value(fields) + max(0.0, received_at - sent_at))


def age_value(fields: Fields) -> int:
    """The first member of the first Age line, 0 when there is none that can be read."""
    if "age" not in fields:
        return 0
    first, _, _ = fields.getlist("age")[0].partition(",")
    return delta_seconds(first.strip(" \t")) or 0


def current_age(stored: Stored, now: float) -> int:
    """Whole seconds since the response was generated or validated at its origin (section 4.2.3)."""
    return int(stored.initial_age + max(0.0, now - stored.received_at))


def is_fresh(stored: Stored, now: float) -> bool:
    """Whether `now` lies within the lifetime (section 4.2)."""
    return stored.received_at - CLOCK_TOLERANCE <= now < stored.fresh_until


def is_dated(stored: Stored, now: float) -> bool:
    """Whether `now` can be compared with the moments of `stored`: a clock that was set back says nothing of ages."""
    return now >= stored.received_at - CLOCK_TOLERANCE

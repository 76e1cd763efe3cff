"""`response.cache`: what was decided, in words and in numbers; never the deciding.

Source: RFC 9211.
"""

from functools import lru_cache
from math import floor
from typing import Literal

from .._model.decision import (
    Asking,
    CacheDecision,
    Freshen,
    Pass,
    Serve,
    ServeStale,
    Store,
    Unsatisfiable,
    UseStale,
    Why,
)
from .._model.headers import Fields
from .._model.stored import Key, Stored
from .freshness import current_age, is_fresh

_LOOKED_UP = ("uri-miss", "vary-miss", "request", "stale", "partial")
_UP_TO_DATE = "it brought what is stored up to date"
_PASSING = (Pass, UseStale)


def explain_served(plan: Serve | ServeStale, now: float) -> CacheDecision:
    """The explanation of a response served from the store at `now`."""
    stored = plan.stored
    ttl = floor(stored.fresh_until - now)
    received = stored.fields.index.get("cache-status")
    if isinstance(plan, Serve):
        status: Literal["hit", "stale"] = "hit"
        reason, rule = "the stored response is fresh", "RFC 9111 section 4.2"
    else:
        status, reason, rule = "stale", plan.reason, plan.rule
    return CacheDecision(status, reason, rule, status == "hit", plan.age, ttl, received=received, subject=stored.key)


def explain_stand_in(plan: ServeStale, asking: Asking, answer: int | None, now: float) -> CacheDecision:
    """The same where the origin was asked and failed; `answer` is the status that it gave, if any."""
    return explain_served(plan, now)._replace(forward=asking.why, forward_status=answer)


def explain_unsatisfiable(plan: Unsatisfiable, key: Key) -> CacheDecision:
    """The explanation of a 504 of the cache's own."""
    return CacheDecision("miss", plan.reason, plan.rule, subject=key)


def explain(
    plan: Asking,
    outcome: Store | Freshen | UseStale | Pass,
    answer: int,
    fields: Fields,
    now: float,
    key: Key | None = None,
) -> CacheDecision:
    """The explanation of a response that the origin gave or confirmed, with this status and these fields."""
    received = fields.index.get("cache-status")
    if isinstance(outcome, _PASSING) or (isinstance(outcome, Freshen) and outcome.form is None):
        why_not = _UP_TO_DATE if isinstance(outcome, Freshen) else outcome.why_not_stored
        decision = _explain_pass(plan.why, plan.reason, plan.rule, why_not, answer)
        return decision if key is None and received is None else decision._replace(received=received, subject=key)
    record: Stored = outcome.record
    stored = isinstance(outcome, Store)
    return CacheDecision(
        "miss" if stored else "revalidated",
        plan.reason,
        plan.rule,
        is_fresh(record, now),
        current_age(record, now),
        floor(record.fresh_until - now),
        stored,
        None,
        plan.why,
        answer,
        False,
        received,
        key,
    )


@lru_cache(maxsize=256)  # most answers of an origin that cannot be stored are explained in the same words
def _explain_pass(why: Why, reason: str, rule: str, why_not_stored: str, answer: int) -> CacheDecision:
    status: Literal["bypass", "miss"] = "miss" if why in _LOOKED_UP else "bypass"
    return CacheDecision(status, reason, rule, None, None, None, False, why_not_stored, why, answer)

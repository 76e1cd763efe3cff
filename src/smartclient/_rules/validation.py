"""Asking the origin about stored responses, and what its answer does to them; never the sending.

Source: RFC 9111 sections 3.2, 4.3.1, 4.3.3 and 4.3.4.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import floor
from typing import Literal

from .._model.decision import AskAgain, CacheDecision, Forward, Freshen, Outcome, Pass, Revalidate, Store, Why
from .._model.headers import Fields, Line
from .._model.message import Head
from .._model.request import Request
from .._model.stored import Key, Stored
from .freshness import current_age, is_fresh
from .invalidation import SAFE_METHODS, invalidated_uris
from .selection import newest
from .storing import directives_of, forbids_storing, record_of, record_or_refusal, storable_fields

_OF_THE_BYTES_HELD = frozenset(("content-encoding", "content-length", "content-range"))

_LOOKED_UP = ("uri-miss", "vary-miss", "request", "stale")
_METHOD = Pass("only answers to GET are stored", "RFC 9111 section 3")
_SERVER_ERROR = Pass("a server error leaves what is stored alone", "RFC 9111 section 4.3.3")
_ASK_AGAIN = AskAgain()


def conditions(stored: Sequence[Stored]) -> tuple[Line, ...]:
    """The lines that ask whether one of `stored` is still right (section 4.3.1); none if none has a validator."""
    lines: list[Line] = []
    tags = dict.fromkeys([each.etag for each in stored if each.etag is not None])
    if tags:
        lines.append(("If-None-Match", ", ".join(tags)))
    if len(stored) == 1 and stored[0].last_modified is not None:  # of several, a date could only mean one
        lines.append(("If-Modified-Since", stored[0].last_modified))
    return tuple(lines)


def on_response(
    plan: Revalidate | Forward, request: Request, key: Key, head: Head, sent_at: float, received_at: float
) -> Outcome:
    """What the final answer `head` to `request` (the caller's, without our conditions) means for the store.

    `key` is where an answer would be stored; `sent_at` and `received_at` are wall time.
    """
    if request.method not in SAFE_METHODS:
        uris = invalidated_uris(request, head)
        return _METHOD._replace(invalidate=uris) if uris else _METHOD
    if isinstance(plan, Revalidate):
        if head.status == 304:
            stored = selected(plan.stored, head.fields)
            return _ASK_AGAIN if stored is None else _freshen(stored, request, key, head, sent_at, received_at)
        if head.status >= 500:
            return _SERVER_ERROR
    elif not plan.store:
        return Pass(plan.reason, plan.rule)
    if request.method != "GET":
        return _METHOD
    record = record_or_refusal(key, request, head, sent_at, received_at)
    return record if isinstance(record, Pass) else Store(record)


def selected(candidates: Sequence[Stored], answer: Fields) -> Stored | None:
    """The newest of `candidates` that a 304 with these fields is about (section 4.3.4), or None."""
    etag, last_modified = answer.get("etag"), answer.get("last-modified")
    if etag is not None:
        tagged = [stored for stored in candidates if stored.etag is not None]
        weak = etag.startswith("W/")
        same = [stored for stored in tagged if stored.etag == etag or (weak and f"W/{stored.etag}" == etag)]
    elif last_modified is not None:
        same = [stored for stored in candidates if stored.last_modified == last_modified]
    else:  # many servers leave validators out of a 304; if we asked about one response, it can mean no other
        same = list(candidates) if len(candidates) == 1 else []
    return newest(same)


def freshened_fields(stored: Fields, answer: Fields, received_at: float) -> Fields:
    """`stored` with what a 304 brings in place of the old (section 3.2), less what describes the bytes held."""
    news = storable_fields(answer, received_at).without(_OF_THE_BYTES_HELD)
    return storable_fields(Fields([*stored.without(news.index), *news]), received_at)


def _freshen(
    stored: Stored, request: Request, key: Key, head: Head, sent_at: float, received_at: float
) -> Freshen | AskAgain:
    fields = freshened_fields(stored.fields, head.fields, received_at)
    record = record_of(key, request, stored.status, stored.reason, fields, sent_at, received_at)
    if record is None:
        return _ASK_AGAIN
    record.share_body(stored)
    refused = forbids_storing(stored.status, directives_of(fields)) is not None
    return Freshen(stored, record, (key[0],) if refused else ())


def explain(plan: Revalidate | Forward, outcome: Store | Freshen | Pass, answer: int, now: float) -> CacheDecision:
    """The explanation of a response that the origin gave (`answer` is its status) or confirmed."""
    if isinstance(outcome, Pass):
        return _explain_pass(plan.why, plan.reason, plan.rule, outcome.why_not_stored, answer)
    record = outcome.record
    return CacheDecision(
        "revalidated" if isinstance(outcome, Freshen) else "miss",
        plan.reason,
        plan.rule,
        is_fresh(record, now),
        current_age(record, now),
        floor(record.fresh_until - now),
        isinstance(outcome, Store),
        None,
        plan.why,
        answer,
    )


@lru_cache(maxsize=256)  # most answers of an origin that cannot be stored are explained in the same words
def _explain_pass(why: Why, reason: str, rule: str, why_not_stored: str, answer: int) -> CacheDecision:
    status: Literal["bypass", "miss"] = "miss" if why in _LOOKED_UP else "bypass"
    return CacheDecision(status, reason, rule, None, None, None, False, why_not_stored, why, answer)

"""Asking the origin about stored responses, and what its answer does to them; never the sending.

Source: RFC 9111 sections 3.2, 3.4, 4.3.1, 4.3.3, 4.3.4 and 4.3.5; RFC 9110 section 9.3.3.
"""

from collections.abc import Sequence
from copy import copy
from math import inf, nextafter

from .._model.decision import (
    AskAgain,
    Asking,
    Complete,
    Forward,
    Freshen,
    Outcome,
    Pass,
    Store,
    UseStale,
)
from .._model.declared import NamedTuple
from .._model.headers import Fields, Line
from .._model.message import Head
from .._model.policy import DEFAULT_POLICY, CachePolicy
from .._model.request import Request
from .._model.scope import Scope
from .._model.stored import Key, Part, Stored
from .answers import form_of
from .conditional import ANSWERED_CONDITIONS
from .demands import ANSWERED_METHODS
from .directives import directives_of
from .invalidation import invalidated
from .ranges import Union, is_cheap, is_whole, union_of
from .selection import newest
from .staleness import stand_in
from .storing import (
    answers_later_gets,
    forbids_storing,
    part_of,
    record_of,
    record_or_refusal,
    storable_fields,
    without_named,
)

_OF_THE_BYTES_HELD = frozenset(("content-encoding", "content-length", "content-range"))

_TAGS_MAX = 4096  # characters of If-None-Match: beyond, servers refuse the head

_METHOD = Pass("only answers to GET are stored", "RFC 9111 section 3")
_SERVER_ERROR = Pass("a server error leaves what is stored alone", "RFC 9111 section 4.3.3")
_OF_THE_CALLER = Pass("it answers the caller's own condition", "RFC 9111 section 4.3.4")
_UNASKED = Pass("it answers a condition that nobody made", "RFC 9110 section 15.4.5")
_UNASKED_PART = Pass("it is a part that nobody asked for", "RFC 9111 section 3.3")
_LESS = Pass("what is stored is the whole of it", "RFC 9111 section 3.4")
_TOO_MUCH = Pass("what is stored is much more, and would have to be copied", "RFC 9111 section 3.4")
_ASK_AGAIN = AskAgain()


class Heard(NamedTuple):
    """One exchange: the caller's `request`, without what the cache added, and the final `head` that answered it.

    `key` is where an answer would be stored; `sent_at` and `received_at` are wall time.
    """

    request: Request
    key: Key
    head: Head
    sent_at: float
    received_at: float
    policy: CachePolicy = DEFAULT_POLICY


def conditions(stored: Sequence[Stored]) -> tuple[Line, ...]:
    """The lines that ask whether one of `stored` is still right (section 4.3.1); none if none has a validator."""
    lines: list[Line] = []
    tags = ""
    for tag in dict.fromkeys([each.etag for each in stored if each.etag is not None]):
        if len(tags) + len(tag) <= _TAGS_MAX:
            tags = f"{tags}, {tag}" if tags else tag
    if tags:
        lines.append(("If-None-Match", tags))
    if len(stored) == 1 and stored[0].last_modified is not None:  # of several, a date could only mean one
        lines.append(("If-Modified-Since", stored[0].last_modified))
    return tuple(lines)


def on_response(plan: Asking, heard: Heard) -> Outcome:
    """What the answer means for the store, and so for the caller."""
    scopes = invalidated(heard.request, heard.head)
    outcome = _outcome(plan, heard)
    return outcome._replace(invalidate=scopes + outcome.invalidate) if scopes else outcome


def _outcome(plan: Asking, heard: Heard) -> Outcome:
    request, status = heard.request, heard.head.status
    if request.method not in ANSWERED_METHODS:
        return _on_post(heard) if request.method == "POST" else _METHOD
    if isinstance(plan, Forward) and not plan.store:
        return Pass(plan.reason, plan.rule)
    if status == 304:
        return _on_304(plan, heard)
    if isinstance(plan, Complete):
        return _on_rest(plan.stored, heard)
    chosen = plan.chosen
    if chosen is None:
        return _on_answer(heard)
    if status >= 500 and chosen.status < 500:
        spare = stand_in(plan, request, status, heard.received_at, heard.policy)
        return _SERVER_ERROR if spare is None else UseStale(spare, _SERVER_ERROR.why_not_stored)
    if request.method == "HEAD":
        return _on_head(chosen, heard)
    return _on_part(chosen, heard) if status == 206 else _on_answer(heard)


def _on_answer(heard: Heard) -> Store | Pass:
    """Keeps an answer that is whole, or the part that was asked for."""
    request, key, head, sent_at, received_at, policy = heard
    if request.method != "GET":
        return _METHOD
    if head.status == 206 and "range" not in request.fields.index:
        return _UNASKED_PART
    record = record_or_refusal(key, request, head, sent_at, received_at, policy)
    return record if isinstance(record, Pass) else Store(record)


def _on_post(heard: Heard) -> Store | Pass:
    request, key, head, _, received_at, policy = heard
    if not answers_later_gets(request, head, policy) or "no-store" in directives_of(request.fields):
        return _METHOD
    sent_at = nextafter(received_at, inf)  # its own success leaves a mark at `received_at`, which it has to pass
    record = record_or_refusal(key, request, head, sent_at, received_at, policy)
    return record if isinstance(record, Pass) else Store(record)


def _on_304(plan: Asking, heard: Heard) -> Outcome:
    if isinstance(plan, Forward):
        asked = not ANSWERED_CONDITIONS.isdisjoint(heard.request.fields.index)
        return _of_callers_condition(plan.chosen, heard) if asked else _unasked(plan.chosen, heard)
    if isinstance(plan, Complete):
        return _ASK_AGAIN
    stored = selected(plan.stored, heard.head.fields)
    form = None if stored is None else form_of(heard.request, stored)
    if stored is None or form is None:
        return _ASK_AGAIN
    record = _freshened(stored, heard)
    return _ASK_AGAIN if record is None else Freshen(stored, record, form, _forbidden(record, heard))


def _of_callers_condition(chosen: Stored | None, heard: Heard) -> Freshen | Pass:
    """A 304 that the caller asked for freshens what is stored if its strong entity tag is ours."""
    tag = heard.head.fields.get("etag")
    return _learn(chosen, heard) if chosen is not None and tag == chosen.strong_etag is not None else _OF_THE_CALLER


def _unasked(chosen: Stored | None, heard: Heard) -> Freshen | Pass:
    """A 304 to a request without conditions, which some servers send to what cannot be validated.

    What is stored is confirmed by it if it is what the 304 is about: alike in validators, or both without (section
    4.3.4). Else it goes to the caller as it is, as in browsers: to ask once more would be the same question.
    """
    fields = heard.head.fields
    if chosen is None or ({"etag", "last-modified"}.isdisjoint(fields.index) and conditions((chosen,))):
        return _UNASKED
    stored = selected((chosen,), fields)
    form = None if stored is None else form_of(heard.request, stored)
    record = None if stored is None or form is None else _freshened(stored, heard)
    if stored is None or record is None:
        return _UNASKED
    return Freshen(stored, record, form, _forbidden(record, heard))


def _learn(chosen: Stored, heard: Heard) -> Freshen | Pass:
    """Brings `chosen` up to date with an answer that goes to the caller as it is."""
    record = _freshened(chosen, heard)
    if record is None or not record.replaces(chosen):
        return _OF_THE_CALLER
    return Freshen(chosen, record, None, _forbidden(record, heard))


def _on_head(chosen: Stored, heard: Heard) -> Freshen | Pass:
    """A successful HEAD freshens a stored GET that it could stand for, and makes any other stale (section 4.3.5)."""
    if heard.head.status != 200 or chosen.status != 200 or chosen.part is not None or chosen.key != heard.key:
        return _METHOD
    fields = heard.head.fields
    same = (
        fields.get("etag", chosen.etag) == chosen.etag
        and fields.get("last-modified", chosen.last_modified) == chosen.last_modified
        and fields.get("content-length", str(chosen.length)) == str(chosen.length)
    )
    if same:
        return _learn(chosen, heard)
    outdated = copy(chosen)
    outdated.sent_at = heard.sent_at
    outdated.fresh_until = outdated.swr_until = outdated.sie_until = 0.0
    outdated.must_revalidate = True
    return Freshen(chosen, outdated, None)


def _on_part(chosen: Stored, heard: Heard) -> Outcome:
    """A 206 joins the stored part that it touches, or takes its place; it confirms a stored whole (section 3.4)."""
    fields = heard.head.fields
    tag, part = fields.get("etag"), part_of(fields)
    if part is None or "range" not in heard.request.fields.index:
        return _on_answer(heard)
    if chosen.part is not None:
        union = union_of(chosen, part, tag)
        if union is None:
            return _on_answer(heard)
        return (_united(chosen, part, union, heard) or _on_answer(heard)) if is_cheap(union, part) else _TOO_MUCH
    if tag is None or chosen.etag is None:
        return _LESS
    if tag != chosen.etag:
        return _on_answer(heard)
    return _learn(chosen, heard) if chosen.strong_etag is not None and chosen.key == heard.key else _LESS


def _on_rest(stored: Stored, heard: Heard) -> Outcome:
    """What came when the rest of a stored start was asked for."""
    status, fields = heard.head.status, heard.head.fields
    if status in (412, 416):
        return _ASK_AGAIN
    if status != 206:
        return _on_answer(heard)
    part = part_of(fields)
    union = None if part is None else union_of(stored, part, fields.get("etag"))
    if part is None or union is None or not is_whole(union.part) or part[0] != stored.length:
        return _ASK_AGAIN
    outcome = _united(stored, part, union, heard)
    return _ASK_AGAIN if outcome is None else outcome._replace(completes=True)


def _united(stored: Stored, new: Part, union: Union, heard: Heard) -> Store | None:
    """Keeps what a stored part and a new one make together; None if that may not be kept."""
    request, key, head, sent_at, received_at, policy = heard
    if head.fields.get("content-encoding") != stored.fields.get("content-encoding"):
        return None  # two representations under one tag: RFC 9110 section 8.8.3.3 forbids that, and yet it happens
    fields = freshened_fields(stored.fields, head.fields, received_at, policy)
    whole = is_whole(union.part)
    if whole:
        fields = fields.without(("content-length", "content-range"))
        fields = fields.with_line("Content-Length", str(union.part[1] + 1))
    status, reason = (200, "OK") if whole else (206, "Partial Content")
    part = None if whole else union.part
    record = record_of(key, request, status, reason, fields, sent_at, received_at, policy, part)
    if record is None or _forbidden(record, heard):
        return None
    return Store(record, (), union.before, union.after, new[1] + 1 - new[0])


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


def freshened_fields(
    stored: Fields, answer: Fields, received_at: float, policy: CachePolicy = DEFAULT_POLICY
) -> Fields:
    """`stored` with what an answer brings in place of the old (section 3.2), less what describes the bytes held."""
    news = storable_fields(answer, received_at, policy).without(_OF_THE_BYTES_HELD)
    kept = stored.without(news.index)
    return without_named(Fields(kept.lines + news.lines, kept.index | news.index), policy)


def _freshened(stored: Stored, heard: Heard) -> Stored | None:
    """`stored` as the answer makes it, for this request; None if that could match no request."""
    request, key, head, sent_at, received_at, policy = heard
    fields = freshened_fields(stored.fields, head.fields, received_at, policy)
    record = record_of(key, request, stored.status, stored.reason, fields, sent_at, received_at, policy, stored.part)
    if record is not None:
        record.share_body(stored)
    return record


def _forbidden(record: Stored, heard: Heard) -> tuple[Scope, ...]:
    """What must go because the answer forbids to store what it is about."""
    directives = directives_of(record.fields, heard.policy.targets)
    refusal = forbids_storing(record.uri, record.status, directives, heard.policy)
    return () if refusal is None else (Scope("uri", record.uri),)

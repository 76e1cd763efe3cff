"""Whether a response may be stored, and the record that it becomes; never what is done with it later.

Sources: RFC 9111 sections 3, 3.1, 5.2.2; RFC 9110 section 15.1.
"""

from collections.abc import Mapping

from .._model.decision import Pass
from .._model.fields import format_http_date, parse_cache_control, parse_etag, parse_http_date, parse_list
from .._model.headers import Fields
from .._model.message import Head
from .._model.request import Request
from .._model.stored import Key, Stored
from .freshness import freshness_lifetime, generated_at, initial_age
from .selection import selecting_values

NEVER_STORED = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
HEURISTIC_STATUSES = frozenset((200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501))
UNDERSTOOD_STATUSES = HEURISTIC_STATUSES.union(
    (201, 202, 205, 302, 303, 305, 307, 400, 401, 402, 403, 406, 407, 408, 409),
    (411, 412, 413, 415, 416, 417, 421, 422, 426, 500, 502, 503, 504, 505),
)  # RFC 9110 section 15: those whose caching requirements this cache knows
_USEFUL = frozenset(("cache-control", "expires", "etag", "last-modified"))
_GROUNDS = ("max-age", "public", "private")

_NOT_COMPLETE = Pass("only complete final responses are stored", "RFC 9111 section 3.3")
USELESS = Pass("it could be neither reused nor validated", "RFC 9111 section 3")
_NOT_UNDERSTOOD = Pass("must-understand, and its status is unknown", "RFC 9111 section 5.2.2.3")
_NO_STORE = Pass("the response says no-store", "RFC 9111 section 5.2.2.5")
_NO_MATCH = Pass("its Vary matches no request", "RFC 9111 section 4.1")
_NO_GROUND = Pass("nothing allows it: no lifetime, no public or private, no cacheable status", "RFC 9111 section 3")


def record_or_refusal(key: Key, request: Request, head: Head, sent_at: float, received_at: float) -> Stored | Pass:
    """The record, its body still empty, of the answer to a GET without no-store; or why it must not be kept.

    `sent_at` and `received_at` are the wall times of the exchange.
    """
    status = head.status
    if status < 200 or status in (206, 304):
        return _NOT_COMPLETE
    if is_useless(head):
        return USELESS
    fields = storable_fields(head.fields, received_at)
    refusal = _refusal(status, head.fields)
    if refusal is not None:
        return refusal
    record = record_of(key, request, status, head.reason, fields, sent_at, received_at)
    if record is None:
        return _NO_MATCH
    return record if _is_useful(record) else USELESS


def is_useless(head: Head) -> bool:
    """Whether an answer says so little that it could be neither reused nor validated."""
    return _USEFUL.isdisjoint(head.fields.index)


def record_of(
    key: Key, request: Request, status: int, reason: str, fields: Fields, sent_at: float, received_at: float
) -> Stored | None:
    """The record of a response with these stored `fields` but without content yet; None if it can match no request."""
    vary = selecting_values(fields, request.fields)
    if vary is None:
        return None
    directives = directives_of(fields)
    generated = generated_at(fields, received_at)
    age = initial_age(fields, generated, sent_at, received_at)
    lifetime = freshness_lifetime(fields, directives, generated, received_at)
    etag, last_modified = fields.get("etag"), fields.get("last-modified")
    return Stored(
        key=key,
        status=status,
        reason=reason,
        fields=fields.without(("age",)),  # it is written anew whenever the response is served
        body=b"",
        vary=vary,
        sent_at=sent_at,
        received_at=received_at,
        date=generated,
        initial_age=age,
        fresh_until=received_at + (lifetime or 0.0) - age,
        must_revalidate="must-revalidate" in directives or directives.get("no-cache", "") is None,
        immutable="immutable" in directives,
        etag=etag if etag is not None and parse_etag(etag) is not None else None,
        last_modified=last_modified if _is_date(last_modified, received_at) else None,
    )


def storable_fields(fields: Fields, received_at: float) -> Fields:
    """`fields` less what section 3.1 excludes and no-cache names (5.2.2.4), with a Date (RFC 9110 section 6.6.1)."""
    kept = fields.without(NEVER_STORED)
    named = [fields.get("connection"), directives_of(fields).get("no-cache")]
    for value in named:
        if value and value != "keep-alive":
            kept = kept.without(_names_in(value))
    return kept if "date" in kept else kept.with_line("Date", format_http_date(received_at))


def forbids_storing(status: int, directives: Mapping[str, str | None]) -> Pass | None:
    """The refusal that no-store and must-understand make together (5.2.2.3, 5.2.2.5), or None."""
    if "must-understand" in directives:
        return None if status in UNDERSTOOD_STATUSES else _NOT_UNDERSTOOD
    return _NO_STORE if "no-store" in directives else None


def directives_of(fields: Fields) -> Mapping[str, str | None]:
    """The directives of Cache-Control."""
    value = fields.get("cache-control")
    return {} if value is None else parse_cache_control(value)


def _refusal(status: int, fields: Fields) -> Pass | None:
    directives = directives_of(fields)
    refusal = forbids_storing(status, directives)
    if refusal is not None:
        return refusal
    if status in HEURISTIC_STATUSES or "expires" in fields or any(ground in directives for ground in _GROUNDS):
        return None
    return _NO_GROUND


def _is_useful(record: Stored) -> bool:
    """Whether it can ever be served: validated, fresh, or stale with the request's leave."""
    if record.etag is not None or record.last_modified is not None or record.fresh_until > record.received_at:
        return True
    lifetime = record.fresh_until - record.received_at + record.initial_age
    return lifetime >= 1.0 and not record.must_revalidate  # stale on arrival, but max-stale may take it


def _names_in(value: str) -> list[str]:
    return [name.strip(" \t").lower() for name in parse_list(value)]


def _is_date(value: str | None, now: float) -> bool:
    return value is not None and parse_http_date(value, now) is not None

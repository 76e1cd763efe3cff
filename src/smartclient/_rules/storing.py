"""Whether a response may be stored, and the record that it becomes; never what is done with it later.

Sources: RFC 9111 sections 3, 3.1, 3.3, 3.5, 5.2.2; RFC 9110 sections 9.3.3 and 15.1; RFC 5861; RFC 9875 section 2.
"""

from collections.abc import Sequence
from math import inf

from .._model.decision import Pass
from .._model.errors import RequestException
from .._model.fields import delta_seconds, format_http_date, parse_etag, parse_http_date, parse_list
from .._model.headers import Fields
from .._model.message import Head
from .._model.policy import DEFAULT_POLICY, CachePolicy, CacheRule
from .._model.ranges import parse_content_range
from .._model.request import Request
from .._model.stored import Key, Part, Stored
from .directives import Directives, directives_of, targeted_directives
from .freshness import freshness_lifetime, generated_at, heuristic_lifetime, initial_age
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
RULED_STATUSES = frozenset((200, 203, 204, 206, 300, 301, 308))  # what a user's own lifetime is meant for
_OF_ITS_OWN_REQUEST = frozenset((304, 412, 416))  # they answer a condition or a range, and no other request
_USEFUL = frozenset(("cache-control", "clear-site-data", "expires", "etag", "last-modified"))
_OF_PARTS = ("content-length", "content-range")
_GROUPS_MAX = 128  # RFC 9875 section 2 asks for 32

_NOT_FINAL = Pass("only final responses that stand for themselves are stored", "RFC 9111 section 3")
_NOT_A_PART = Pass("it does not say which part it is of what", "RFC 9111 section 3.3")
USELESS = Pass("it could be neither reused nor validated", "RFC 9111 section 3")
_NOT_UNDERSTOOD = Pass("must-understand, and its status is unknown", "RFC 9111 section 5.2.2.3")
_NO_STORE = Pass("the response says no-store", "RFC 9111 section 5.2.2.5")
_PRIVATE = Pass("the response is private, and this cache is shared", "RFC 9111 section 5.2.2.7")
_AUTHENTICATED = Pass("it answers a request with Authorization, and this cache is shared", "RFC 9111 section 3.5")
_NO_MATCH = Pass("its Vary matches no request", "RFC 9111 section 4.1")
_NO_GROUND = Pass("nothing allows it: no lifetime, no public or private, no cacheable status", "RFC 9111 section 3")


def record_or_refusal(
    key: Key, request: Request, head: Head, sent_at: float, received_at: float, policy: CachePolicy = DEFAULT_POLICY
) -> Stored | Pass:
    """The record, its body still empty, of the answer to a GET without no-store; or why it must not be kept.

    `sent_at` and `received_at` are the wall times of the exchange.
    """
    status = head.status
    if status < 200 or status in _OF_ITS_OWN_REQUEST:
        return _NOT_FINAL
    if is_useless(head, policy):
        return USELESS
    refusal = _refusal(key[0], request, status, head.fields, policy)
    if refusal is not None:
        return refusal
    fields = storable_fields(head.fields, received_at, policy)
    part: Part | None = None
    if status == 206:
        part = part_of(head.fields)
        if part is None:
            return _NOT_A_PART
        fields = fields.without(_OF_PARTS)  # made for what is served of it
    record = record_of(key, request, status, head.reason, fields, sent_at, received_at, policy, part)
    if record is None:
        return _NO_MATCH
    return record if _is_useful(record, policy) else USELESS


def is_useless(head: Head, policy: CachePolicy = DEFAULT_POLICY) -> bool:
    """Whether an answer says so little that it means nothing for any cache, and nobody else says more."""
    return (
        _USEFUL.isdisjoint(head.fields.index)
        and policy.stale_if_error is None
        and not policy.rules
        and not policy.targets
    )


def record_of(
    key: Key,
    request: Request,
    status: int,
    reason: str,
    fields: Fields,
    sent_at: float,
    received_at: float,
    policy: CachePolicy = DEFAULT_POLICY,
    part: Part | None = None,
) -> Stored | None:
    """The record of a response with these stored `fields` but without content yet; None if it can match no request."""
    vary = selecting_values(fields, request.fields)
    if vary is None:
        return None
    directives = directives_of(fields, policy.targets)
    generated = generated_at(fields, received_at)
    age = initial_age(fields, generated, sent_at, received_at)
    rule = _rule_for(key[0], status, policy)
    if rule is None:
        fresh_until = received_at + _lifetime(status, fields, directives, generated, received_at, policy) - age
    else:
        fresh_until = received_at + rule.ttl
    binding = _is_binding(directives, policy.shared)
    etag, last_modified = fields.get("etag"), fields.get("last-modified")
    return Stored(
        key=key,
        status=status,
        reason=reason,
        fields=fields.without(("age",)) if "age" in fields.index else fields,  # written anew when it is served
        body=b"",
        vary=vary,
        sent_at=sent_at,
        received_at=received_at,
        date=generated,
        initial_age=age,
        fresh_until=fresh_until,
        must_revalidate=binding,
        immutable="immutable" in directives,
        etag=etag if etag is not None and parse_etag(etag) is not None else None,
        last_modified=last_modified if _is_date(last_modified, received_at) else None,
        swr_until=0.0 if binding else _until(fresh_until, directives, "stale-while-revalidate"),
        sie_until=0.0 if binding or status >= 500 else _until(fresh_until, directives, "stale-if-error"),
        groups=_groups_of(fields) if "cache-groups" in fields.index else (),
        part=part,
    )


def storable_fields(fields: Fields, received_at: float, policy: CachePolicy = DEFAULT_POLICY) -> Fields:
    """`fields` less what section 3.1 excludes and directives name, with a Date (RFC 9110 section 6.6.1)."""
    kept = without_named(fields.without(NEVER_STORED), policy)
    connection = fields.get("connection")
    if connection and connection != "keep-alive":
        kept = kept.without(_names_in(connection))
    if not policy.store_set_cookie:
        kept = kept.without(("set-cookie", "set-cookie2"))
    return kept if "date" in kept.index else kept.with_line("Date", format_http_date(received_at))


def without_named(fields: Fields, policy: CachePolicy = DEFAULT_POLICY) -> Fields:
    """`fields` less those that its own no-cache, and in a shared cache its private, name (5.2.2.4, 5.2.2.7)."""
    directives = directives_of(fields, policy.targets)
    named = directives.get("no-cache")
    if named:
        fields = fields.without(_names_in(named))
    if policy.shared and directives.get("private"):
        fields = fields.without(_names_in(directives["private"] or ""))
    return fields


def forbids_storing(uri: str, status: int, directives: Directives, policy: CachePolicy = DEFAULT_POLICY) -> Pass | None:
    """The refusal that no-store and must-understand make together (5.2.2.3, 5.2.2.5), or None."""
    if "must-understand" in directives:
        return None if status in UNDERSTOOD_STATUSES else _NOT_UNDERSTOOD
    if "no-store" not in directives:
        return None
    rule = _rule_for(uri, status, policy)
    return None if rule is not None and rule.ignore_no_store else _NO_STORE


def part_of(fields: Fields) -> Part | None:
    """What a 206 with these fields is of the whole (section 3.4); None if it does not say, or says it of several."""
    covered = parse_content_range(fields.get("content-range", ""))
    return None if covered is None else (covered.start, covered.stop - 1, covered.total)


def answers_later_gets(request: Request, head: Head, policy: CachePolicy = DEFAULT_POLICY) -> bool:
    """Whether the answer to a POST says that a GET of its target would bring the same (RFC 9110 section 9.3.3)."""
    location = head.fields.get("content-location")
    if request.method != "POST" or head.status != 200 or location is None:
        return False
    directives = directives_of(head.fields, policy.targets)
    explicit = "max-age" in directives or "expires" in head.fields or (policy.shared and "s-maxage" in directives)
    try:
        return explicit and request.url.join(location).without_fragment == request.url.without_fragment
    except RequestException:
        return False


def _refusal(uri: str, request: Request, status: int, fields: Fields, policy: CachePolicy) -> Pass | None:
    directives = directives_of(fields, policy.targets)
    refusal = forbids_storing(uri, status, directives, policy)
    if refusal is not None:
        return refusal
    grounds: tuple[str, ...] = ("max-age", "public", "private")
    if policy.shared:
        if directives.get("private", "") is None:
            return _PRIVATE
        allowed = ("public", "s-maxage", "must-revalidate")
        if "authorization" in request.fields.index and not any(name in directives for name in allowed):
            return _AUTHENTICATED
        grounds = ("max-age", "public", "s-maxage")
    if status in HEURISTIC_STATUSES or any(ground in directives for ground in grounds):
        return None
    return None if "expires" in fields and not _is_targeted(fields, policy.targets) else _NO_GROUND


def _lifetime(
    status: int, fields: Fields, directives: Directives, generated: float, received_at: float, policy: CachePolicy
) -> float:
    dating = fields
    if policy.targets and _is_targeted(fields, policy.targets):
        dating = fields.without(("expires",))  # RFC 9213 section 2.1
    lifetime = freshness_lifetime(dating, directives, generated, received_at, policy.shared)
    if lifetime is not None:
        return lifetime
    if policy.heuristic and (status in HEURISTIC_STATUSES or "public" in directives):
        return heuristic_lifetime(fields, generated, received_at)
    return 0.0


def _is_targeted(fields: Fields, targets: Sequence[str]) -> bool:
    return targeted_directives(fields, targets) is not None


def _is_binding(directives: Directives, shared: bool) -> bool:
    """Whether it must not be served stale (section 4.2.4)."""
    if "must-revalidate" in directives or directives.get("no-cache", "") is None:
        return True
    return shared and ("proxy-revalidate" in directives or "s-maxage" in directives)


def _until(fresh_until: float, directives: Directives, name: str) -> float:
    """The moment until which a directive of RFC 5861 holds, 0.0 without it."""
    seconds = delta_seconds(directives.get(name))
    return 0.0 if seconds is None else fresh_until + seconds


def _groups_of(fields: Fields) -> tuple[str, ...]:
    lines = fields.getlist("cache-groups")
    if not lines:
        return ()
    from .._model.structured import parse_structured_list

    members = parse_structured_list(", ".join(lines)) or []
    return tuple([item.value for item in members if type(item.value) is str][:_GROUPS_MAX])


def _rule_for(uri: str, status: int, policy: CachePolicy) -> CacheRule | None:
    return policy.rule_for(uri) if policy.rules and status in RULED_STATUSES else None


def _is_useful(record: Stored, policy: CachePolicy) -> bool:
    """Whether it can ever be served: validated, fresh, or stale with somebody's leave."""
    if record.etag is not None or record.last_modified is not None or record.fresh_until > record.received_at:
        return True
    if record.must_revalidate:
        return False
    lifetime = record.fresh_until - record.received_at + record.initial_age
    if lifetime >= 1.0:  # stale on arrival, but max-stale may take it
        return True
    option = -inf if policy.stale_if_error is None or record.status >= 500 else policy.stale_if_error
    stale_until = max(record.swr_until, record.sie_until, record.fresh_until + option)
    return stale_until > record.received_at


def _names_in(value: str) -> list[str]:
    return [name.strip(" \t").lower() for name in parse_list(value)]


def _is_date(value: str | None, now: float) -> bool:
    return value is not None and parse_http_date(value, now) is not None

"""The plan for a request: serve what is stored, validate it, or send the request on; never how that is carried out.

Sources: RFC 9111 sections 3.4, 4, 4.2.4, 4.3.1, 4.3.2 and 5.2.1; RFC 8246 (immutable).
"""

from collections.abc import Sequence

from .._model.decision import (
    HEAD_ONLY,
    WHOLE,
    Complete,
    Form,
    Forward,
    Plan,
    Revalidate,
    Serve,
    ServeStale,
    Unsatisfiable,
)
from .._model.policy import DEFAULT_POLICY, CachePolicy
from .._model.request import Request
from .._model.stored import Stored
from .answers import form_of
from .demands import NO_DEMANDS, Demands, demands_of
from .freshness import current_age, is_fresh
from .ranges import completing_fields, is_start
from .selection import select
from .staleness import license_of

NOTHING_STORED = Forward("uri-miss", True, "nothing is stored for this URI", "RFC 9111 section 4")
_NO_VARIANT = Forward("vary-miss", True, "no stored variant matches the request", "RFC 9111 section 4.1")
_STALE = Forward("stale", True, "the stored response is stale", "RFC 9111 section 4.2.4")
_REFUSED = Forward("request", True, "the request does not accept what is stored", "RFC 9111 section 5.2.1")
_NOT_COVERED = Forward("partial", True, "what is stored does not cover the request", "RFC 9111 section 3.4")
_UNSATISFIABLE = Unsatisfiable("only a stored response was asked for, and none will do", "RFC 9111 section 5.2.1.7")


def decide(request: Request, candidates: Sequence[Stored], now: float, policy: CachePolicy = DEFAULT_POLICY) -> Plan:
    """What to do with `request`, given all stored responses of its keys and the wall time `now`."""
    demands = demands_of(request)
    if demands is NO_DEMANDS:
        return _plan(request, candidates, demands, now, policy)
    plan = demands.bypass or _plan(request, candidates, demands, now, policy)
    if demands.only_if_cached and not isinstance(plan, Serve | ServeStale):
        return _UNSATISFIABLE
    return plan


def _plan(request: Request, candidates: Sequence[Stored], demands: Demands, now: float, policy: CachePolicy) -> Plan:
    if not candidates:
        return NOTHING_STORED
    stored = select(candidates, request.fields)
    if stored is None:
        return _miss(candidates, demands)
    fresh = is_fresh(stored, now)
    if demands is NO_DEMANDS and fresh and stored.part is None:
        return Serve(stored, current_age(stored, now), HEAD_ONLY if request.method == "HEAD" else WHOLE)
    form = form_of(request, stored)
    if form is None:
        return _enlarge(request, stored, demands, fresh, policy)
    return _use(stored, form, demands, now, policy, fresh) or _ask(stored, demands, _REFUSED if fresh else _STALE)


def _use(
    stored: Stored, form: Form, demands: Demands, now: float, policy: CachePolicy, fresh: bool
) -> Serve | ServeStale | None:
    """Serving `stored`, if the demands and its age allow that without validation."""
    if demands.validated:
        return None
    age = current_age(stored, now)
    reloaded = demands.max_age == 0 and fresh and stored.immutable  # RFC 8246 section 2
    if demands.max_age is not None and age > demands.max_age and not reloaded:
        return None
    if fresh:
        lasting = demands.min_fresh is None or stored.fresh_until - now >= demands.min_fresh
        return Serve(stored, age, form) if lasting else None
    allowed = license_of(stored, demands, now, policy)
    return None if allowed is None else ServeStale(stored, age, form, *allowed)


def _miss(candidates: Sequence[Stored], demands: Demands) -> Revalidate | Forward:
    """Asks whether one of the other variants will do, unless the caller has conditions or a range of its own."""
    if demands.conditional or demands.ranged:
        return _NO_VARIANT
    whole = tuple([stored for stored in candidates if stored.part is None])
    return _validation(whole, None, _NO_VARIANT)


def _ask(stored: Stored, demands: Demands, cause: Forward) -> Revalidate | Forward:
    """Validates what would answer the request; the caller's own conditions go on as they are (section 4.3.2)."""
    if demands.conditional or (demands.ranged and stored.strong_etag is None):
        return cause._replace(chosen=stored)
    return _validation((stored,), stored, cause)


def _enlarge(
    request: Request, stored: Stored, demands: Demands, fresh: bool, policy: CachePolicy
) -> Complete | Forward:
    """Asks for the rest of a stored start where that is wished, else for what the request asks for."""
    asks_for_all = request.method == "GET" and not demands.ranged and not demands.conditional
    sure = fresh or stored.strong_etag is not None
    if policy.complete_parts and asks_for_all and sure and is_start(stored):
        cause = _NOT_COVERED
        return Complete(completing_fields(stored), stored, cause.why, cause.reason, cause.rule)
    return _NOT_COVERED._replace(chosen=stored)


def _validation(stored: tuple[Stored, ...], chosen: Stored | None, cause: Forward) -> Revalidate | Forward:
    from .validation import conditions

    fields = conditions(stored)
    if not fields:
        return cause if chosen is None else cause._replace(chosen=chosen)
    return Revalidate(fields, stored, chosen, cause.why, cause.reason, cause.rule)

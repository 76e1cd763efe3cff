"""The plan for a request: serve what is stored, validate it, or send the request on; never how that is carried out.

Sources: RFC 9111 sections 4, 5.2.1 and 5.4; RFC 8246 (immutable).
"""

from collections.abc import Mapping, Sequence
from math import floor, inf
from typing import NamedTuple

from .._model.decision import CacheDecision, Forward, Plan, Revalidate, Serve, Unsatisfiable
from .._model.fields import delta_seconds, parse_cache_control
from .._model.request import Request
from .._model.stored import Stored
from .freshness import CLOCK_TOLERANCE, current_age, is_fresh
from .selection import select
from .validation import conditions

ANSWERED_METHODS = frozenset(("GET", "HEAD"))
_CONDITIONAL = frozenset(("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"))
_DIRECTING = _CONDITIONAL | {"cache-control", "pragma"}

_METHOD = Forward("method", False, "only GET and HEAD are answered from the cache", "RFC 9111 section 4")
_CONTENT = Forward("bypass", False, "the request has content", "RFC 9110 section 9.3.1")
_NO_STORE = Forward("bypass", False, "the request says no-store", "RFC 9111 section 5.2.1.5")
_CONDITIONS = Forward("bypass", False, "the request has conditions or a range of its own", "RFC 9111 section 4.3.2")
_RELOAD = Forward("request", True, "the call asks for a new response", "RFC 9111 section 5.2.1.4")
NOTHING_STORED = Forward("uri-miss", True, "nothing is stored for this URI", "RFC 9111 section 4")
_NO_VARIANT = Forward("vary-miss", True, "no stored variant matches the request", "RFC 9111 section 4.1")
_STALE = Forward("stale", True, "the stored response is stale", "RFC 9111 section 4.2.4")
_REFUSED = Forward("request", True, "the request does not accept what is stored", "RFC 9111 section 5.2.1")
_UNSATISFIABLE = Unsatisfiable("only a stored response was asked for, and none will do", "RFC 9111 section 5.2.1.7")


class Demands(NamedTuple):
    """What the request and the mode of the call ask of a stored response; durations in seconds, None if not asked."""

    validated: bool = False
    max_age: float | None = None
    min_fresh: float | None = None
    max_stale: float | None = None
    only_if_cached: bool = False
    bypass: Forward | None = None


_NO_DEMANDS = Demands()


def decide(request: Request, candidates: Sequence[Stored], now: float) -> Plan:
    """What to do with `request`, given all stored responses of its keys and the wall time `now`."""
    demands = demands_of(request)
    if demands is _NO_DEMANDS:
        return _plan(request, candidates, demands, now)
    plan = demands.bypass or _plan(request, candidates, demands, now)
    if demands.only_if_cached and not isinstance(plan, Serve):
        return _UNSATISFIABLE
    return plan


def demands_nothing(request: Request) -> bool:
    """Whether `request` takes what the cache has, if it is fresh, as most do."""
    return (
        request.options.cache == "default"
        and request.method in ANSWERED_METHODS
        and request.body.length == 0
        and _DIRECTING.isdisjoint(request.fields.index)
    )


def demands_of(request: Request) -> Demands:
    """The demands in the method, the fields (section 5.2.1; Pragma: 5.4) and the mode of the call."""
    if demands_nothing(request):
        return _NO_DEMANDS
    fields, mode = request.fields, request.options.cache
    value = fields.get("cache-control")
    directives: Mapping[str, str | None] = {} if value is None else parse_cache_control(value)
    pragma = fields.get("pragma") if value is None else None
    return Demands(
        validated=mode == "refresh"
        or "no-cache" in directives
        or (pragma is not None and "no-cache" in parse_cache_control(pragma)),
        max_age=_seconds(directives, "max-age", unreadable=0.0),
        min_fresh=_seconds(directives, "min-fresh", unreadable=inf),
        max_stale=inf
        if directives.get("max-stale", "") is None
        else _seconds(directives, "max-stale", unreadable=None),
        only_if_cached=mode == "only" or "only-if-cached" in directives,
        bypass=_bypass(request, directives),
    )


def _seconds(directives: Mapping[str, str | None], name: str, unreadable: float | None) -> float | None:
    if name not in directives:
        return None
    seconds = delta_seconds(directives[name])
    return unreadable if seconds is None else seconds


def _bypass(request: Request, directives: Mapping[str, str | None]) -> Forward | None:
    if request.method not in ANSWERED_METHODS:
        return _METHOD
    if request.body.length != 0:
        return _CONTENT
    if "no-store" in directives:
        return _NO_STORE
    if not _CONDITIONAL.isdisjoint(request.fields.index):
        return _CONDITIONS
    return _RELOAD if request.options.cache == "reload" else None


def _plan(request: Request, candidates: Sequence[Stored], demands: Demands, now: float) -> Plan:
    if not candidates:
        return NOTHING_STORED
    stored = select(candidates, request.fields)
    if stored is None:
        return _validation(tuple(candidates), _NO_VARIANT)
    fresh = is_fresh(stored, now)
    if fresh if demands is _NO_DEMANDS else _acceptable(stored, demands, fresh, now):
        return Serve(stored, current_age(stored, now), "head" if request.method == "HEAD" else "whole", fresh)
    return _validation((stored,), _REFUSED if fresh else _STALE)


def _acceptable(stored: Stored, demands: Demands, fresh: bool, now: float) -> bool:
    """Whether `demands` let `stored` be served without validation."""
    if demands.validated:
        return False
    reloaded = demands.max_age == 0 and fresh and stored.immutable  # RFC 8246 section 2
    if demands.max_age is not None and current_age(stored, now) > demands.max_age and not reloaded:
        return False
    left = stored.fresh_until - now
    if demands.min_fresh is not None and left < demands.min_fresh:
        return False
    if fresh:
        return True
    trusted = now >= stored.received_at - CLOCK_TOLERANCE
    return demands.max_stale is not None and -left <= demands.max_stale and trusted and not stored.must_revalidate


def _validation(stored: tuple[Stored, ...], cause: Forward) -> Revalidate | Forward:
    fields = conditions(stored)
    return Revalidate(fields, stored, cause.why, cause.reason, cause.rule) if fields else cause


def explain_hit(plan: Serve, now: float) -> CacheDecision:
    """The explanation of a response served from the store at `now`."""
    ttl = floor(plan.stored.fresh_until - now)
    if plan.fresh:
        return CacheDecision("hit", "the stored response is fresh", "RFC 9111 section 4.2", True, plan.age, ttl)
    return CacheDecision("stale", "the request accepts it stale", "RFC 9111 section 5.2.1.2", False, plan.age, ttl)

"""What a request and the mode of its call demand of a stored response; never whether one meets it.

Sources: RFC 9111 sections 5.2.1 and 5.4; RFC 5861 section 4.
"""

from collections.abc import Mapping
from math import inf

from .._model.decision import Forward
from .._model.declared import NamedTuple
from .._model.fields import delta_seconds, parse_cache_control
from .._model.request import Request
from .conditional import ANSWERED_CONDITIONS, FOR_ORIGINS

ANSWERED_METHODS = frozenset(("GET", "HEAD"))
_DIRECTING = ANSWERED_CONDITIONS | FOR_ORIGINS | {"cache-control", "if-range", "pragma", "range"}

_METHOD = Forward("method", False, "only GET and HEAD are answered from the cache", "RFC 9111 section 4")
_CONTENT = Forward("bypass", False, "the request has content", "RFC 9110 section 9.3.1")
_NO_STORE = Forward("bypass", False, "the request says no-store", "RFC 9111 section 5.2.1.5")
_CONDITIONS = Forward("bypass", False, "its conditions are for the origin to judge", "RFC 9111 section 4.3.2")
_RELOAD = Forward("request", True, "the call asks for a new response", "RFC 9111 section 5.2.1.4")


class Demands(NamedTuple):
    """What is asked of a stored response; durations in seconds, None if not asked.

    `conditional` and `ranged` say that the request has conditions or a range which a cache may answer; `bypass` is the
    plan when nothing stored will do whatever it is.
    """

    validated: bool = False
    max_age: float | None = None
    min_fresh: float | None = None
    max_stale: float | None = None
    stale_if_error: float | None = None
    only_if_cached: bool = False
    conditional: bool = False
    ranged: bool = False
    bypass: Forward | None = None


NO_DEMANDS = Demands()


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
        return NO_DEMANDS
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
        stale_if_error=_seconds(directives, "stale-if-error", unreadable=None),
        only_if_cached=mode == "only" or "only-if-cached" in directives,
        conditional=not ANSWERED_CONDITIONS.isdisjoint(fields.index),
        ranged="range" in fields.index and request.method == "GET",
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
    if not FOR_ORIGINS.isdisjoint(request.fields.index):
        return _CONDITIONS
    return _RELOAD if request.options.cache == "reload" else None

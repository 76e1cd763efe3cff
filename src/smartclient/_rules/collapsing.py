"""Which requests may wait for each other's answers when they miss together; never the waiting.

Sources: RFC 9111 sections 4 (collapsed requests) and 5.2.1.
"""

from math import inf
from typing import Any

from .._model.decision import Asking, Forward
from .._model.fields import parse_cache_control
from .._model.frozen import replace
from .._model.request import Request
from .._model.stored import Stored
from .conditional import ANSWERED_CONDITIONS, FOR_ORIGINS
from .selection import matches

_EVENTS = "text/event-stream"
_OF_ITS_OWN = ANSWERED_CONDITIONS | FOR_ORIGINS | {"if-range", "range"}


def may_share(request: Request, plan: Asking) -> bool:
    """Whether the answer to `request` may be that of another one under way, and may answer others itself.

    Not where the caller asks for one of its own (no-cache, conditions, a range, the modes "refresh" and "reload"), nor
    where none is stored, nor for streams of events, which have no end.
    """
    if isinstance(plan, Forward) and not plan.store:
        return False
    fields = request.fields
    if request.options.cache in ("refresh", "reload") or not _OF_ITS_OWN.isdisjoint(fields.index):
        return False
    value = fields.get("cache-control") or fields.get("pragma")
    if value is not None and not {"no-cache", "no-store"}.isdisjoint(parse_cache_control(value)):
        return False
    return not expects_events(request)


def expects_events(request: Request) -> bool:
    """Whether `request` may be for a stream of events, which has no end."""
    accept = request.fields.get("accept")
    return accept is not None and accept != "*/*" and _EVENTS in accept.lower()


def validating(request: Request) -> Request:
    """`request`, for which nothing stored will do before the origin has confirmed it."""
    return request.replace(options=replace(request.options, cache="refresh"))


def refreshing(request: Request, now: float, leash: Any = None) -> Request:
    """What validates in the background, from the moment `now` on, a response that was served stale to `request`.

    It asks for the whole, as nobody's call: within the session's limits, not within those of the call.
    """
    options = request.options
    timeout = options.session_timeout or options.timeout
    options = replace(options, cache="refresh", stream=False, timeout=timeout, session_timeout=None, leash=leash)
    fields = request.fields.without(_OF_ITS_OWN | {"cache-control", "pragma"})
    deadline = inf if timeout.total is None else now + timeout.total
    return Request("GET", request.url, fields, options=options, deadline=deadline)


def suits(record: Stored, request: Request) -> bool:
    """Whether `record`, once it is stored, answers `request`, which has the same key."""
    return record.part is None and matches(record.vary, request.fields)

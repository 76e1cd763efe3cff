"""The settings of a session that are stages of their own: who observes it, its rate, its trace fields."""

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .._model.errors import InvalidOption, shown
from .._model.observer import Observer
from .._pipeline.extras import Extras
from .._pipeline.stage import Stage
from .._runtime.base import new_lock
from .loops import loop_if_any

if TYPE_CHECKING:
    from .._model.events import Event
    from .._model.rate import Rate
    from .._rules.rate import RateLimiter


class ObservedSettings:
    """Properties of sessions; see `Settings`."""

    _blocking: bool
    _chain: Stage | None
    _lock: Any
    _recorders: tuple[Observer, ...]
    _limiter: "RateLimiter | None"
    _on_event: "Callable[[Event], Any] | None" = None
    _rate: "Rate | None" = None
    _idempotency_key = False
    _spans: Any = None
    _trace = False
    _trace_hosts: frozenset[str] | None = None

    @property
    def on_event(self) -> "Callable[[Event], Any] | None":
        """A plain function that is called with each event of each call; what it raises is logged, and costs no call."""
        return self._on_event

    @on_event.setter
    def on_event(self, function: Any) -> None:
        if function is not None:
            import inspect

            if not callable(function):
                raise InvalidOption(f"on_event must be a function of one event, not {shown(function)}")
            if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
                raise InvalidOption(f"on_event: {shown(function)} is async; events are told to plain functions")
        self._set_extra("_on_event", function)

    @property
    def rate(self) -> "Rate | None":
        """How many requests go out to one origin in what time, as a `Rate`; None for no bound.

        Those that come too early wait, inside their deadline; a server's RateLimit fields make them wait longer.
        """
        return self._rate

    @rate.setter
    def rate(self, rate: Any) -> None:
        if rate is not None:
            from .._model.rate import Rate

            if not isinstance(rate, Rate):
                raise InvalidOption(f"rate must be a Rate, such as Rate(10, per=1.0), not {shown(rate)}")
        self._set_extra("_rate", rate)

    @property
    def trace(self) -> bool:
        """Whether each call gets a traceparent and an X-Request-Id, the same for all its redirects and retries."""
        return self._trace

    @trace.setter
    def trace(self, on: Any) -> None:
        self._set_extra("_trace", bool(on))

    @property
    def trace_hosts(self) -> frozenset[str] | None:
        """The hosts that the fields of `trace` go to, ".name" for all below `name`; None for every host."""
        return self._trace_hosts

    @trace_hosts.setter
    def trace_hosts(self, hosts: Any) -> None:
        if hosts is not None:
            if isinstance(hosts, str | bytes) or not isinstance(hosts, Iterable):
                raise InvalidOption(f"trace_hosts must be a list of host names, not {shown(hosts)}")
            hosts = list(hosts)
            if not all(isinstance(host, str) and host for host in hosts):
                raise InvalidOption(f"trace_hosts: a host's name is text, not {shown(hosts)}")
            hosts = frozenset(host.lower() for host in hosts)
        self._set_extra("_trace_hosts", hosts)

    @property
    def idempotency_key(self) -> bool:
        """Whether each POST and PATCH gets an Idempotency-Key, the same with every attempt, and so may be repeated."""
        return self._idempotency_key

    @idempotency_key.setter
    def idempotency_key(self, on: Any) -> None:
        self._set_extra("_idempotency_key", bool(on))

    def _set_extra(self, name: str, value: Any) -> None:
        with self._lock:
            setattr(self, name, value)
            self._chain = None  # the next call builds one with its stage, over the same pool

    def _record(self, recorders: tuple[Observer, ...]) -> None:
        """Has `recorders` told of the calls that begin from now on."""
        self._set_extra("_recorders", recorders)

    def _extras(self) -> Extras:
        """What a chain that is built now has to have; called with the lock held where threads may call.

        The logger is looked at here, not at each call.
        """
        observers = self._recorders
        if self._on_event is not None:
            observers += (Observer(_Guarded(self._on_event)),)
        logger = _debug_logger()
        if logger is not None:
            observers += (Observer(_Logged(logger, self._blocking)),)
        if self._spans is not None:
            from .spans import UNTOLD

            observers += (UNTOLD,)
        rate = None
        if self._rate is not None:
            if self._limiter is None:
                from .._rules.rate import RateLimiter

                self._limiter = RateLimiter(new_lock())
            rate = (self._rate, self._limiter)
        return Extras(observers, rate, self._trace, self._trace_hosts, self._idempotency_key, self._spans)


class _Logged:
    """Writes every event into the log, and what keeps an event loop from going on."""

    __slots__ = ("_beginning", "_logger")

    def __init__(self, logger: Any, blocking: bool) -> None:
        from .._model.events import CallStarted  # few sessions are observed

        self._logger = logger
        self._beginning: Any = CallStarted if blocking else ()

    def __call__(self, event: "Event") -> None:
        self._logger.debug("[%d] %s", event.call, event)
        if isinstance(event, self._beginning) and loop_if_any() is not None:
            self._logger.debug("[%d] holds up the event loop that runs it: AsyncSession would not", event.call)


class _Guarded:
    """A function of the caller's, whose failures are logged."""

    __slots__ = ("_function",)

    def __init__(self, function: "Callable[[Event], Any]") -> None:
        self._function = function

    def __call__(self, event: "Event") -> None:
        try:
            self._function(event)
        except Exception:
            import logging

            logging.getLogger("smartclient").exception("on_event failed for %s", type(event).__name__)


def _debug_logger() -> Any:
    """The logger of the package if it wants events; where nobody has loaded `logging`, nobody does."""
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    logger = logging.getLogger("smartclient")
    return logger if logger.isEnabledFor(logging.DEBUG) else None

"""Sessions that share a pool, what a session tells of it, and sessions in pickles; never how a call is made."""

from collections.abc import Mapping
from typing import Any, Self
from weakref import WeakSet

from .._model.errors import InvalidOption, shown
from .._model.headers import Headers, fields_from
from .._model.options import Limits
from .._model.request import Request
from .._net.pool import Pool, PoolStats
from .._pipeline.together import Together
from .._rules.budget import RetryBudget
from .._rules.jar import Jar
from .._rules.proxy import routed
from .._runtime.base import Runtime, new_lock
from .hooks import default_hooks
from .making import RequestMaker
from .once import noted_once
from .options import NOT_GIVEN, checked_limits, unknown_keyword
from .seams import WATCHED
from .settings import GIVEN_FOR_GOOD, option_names

_OF_THIS_PROCESS = (
    "_budget",
    "_chain",
    "_children",
    "_fields",
    "_home",
    "_limiter",
    "_lock",
    "_merged",
    "_owner",
    "_plan",
    "_pool",
    "_recorders",
    "_settings",
    "_shared",
    "_spare",
)
"""Attributes that belong to one session in one process: neither pickled nor handed to derived sessions."""


class SharedPool(RequestMaker):
    """A session over a pool of its own, or over that of the session it was derived from."""

    _within = False  # `async with` has been entered: somebody is sure to close it

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._begin(None)

    def _begin(self, owner: Self | None) -> None:
        self._owner = owner
        self._budget: RetryBudget = RetryBudget(new_lock()) if owner is None else owner._budget
        self._pool: Pool | None = None
        self._shared: Together | None = None
        self._recorders = ()
        self._limiter = None if owner is None else owner._limiter
        self._children: WeakSet[Self] = WeakSet()

    _touched = False  # whether anybody has looked at, or set, what decides how calls are made

    def __setattr__(self, name: str, value: Any) -> None:
        put = super().__setattr__
        if name in WATCHED:
            put("_touched", True)
        put(name, value)
        put("_settings", object())  # last: who looks at it first, has seen this value or will see this change

    @noted_once
    def hooks(self) -> Any:
        """{"response": functions}, called with each response and the keywords of `send`."""
        return default_hooks()

    def derive(self, **options: Any) -> Self:
        """A session with the settings of this one, changed by `options`, over the same pool and cache.

        It has a jar of its own, empty unless `cookies` fills it; `headers` are merged, None removes one. Closing it
        leaves the pool open, closing this one does not.

        Raises:
            TypeError: an unknown option; it names the nearest.
            InvalidOption: as `Session()` does; `limits`, `resolve` and the like that would ask for another pool.
        """
        unknown = options.keys() - option_names()
        if unknown:
            raise unknown_keyword("derive", unknown, option_names())
        for name in GIVEN_FOR_GOOD & options.keys():
            raise InvalidOption(f"{name} belongs to the pool that derived sessions share: give it to the first of them")
        owner = self._owner or self
        child = type(self).__new__(type(self))
        child.__dict__.update(self._lasting())
        child._headers = Headers(fields_from(self._headers, options.pop("headers", None)))
        child.params = dict(self.params) if isinstance(self.params, Mapping) else self.params
        child._lock, child._chain = self._lock, None
        child._forget_merged()
        child._begin(owner)
        if "base_url" in options:  # before the cookies, which it gives a home
            child._set_base(options.pop("base_url"))
        child.cookies = options.pop("cookies", None if self._jar is None else ())
        proxies = options.pop("proxies", self.proxies) or {}
        child.proxies = dict(proxies) if isinstance(proxies, Mapping) else proxies
        child.limits = _same_pool(self.limits, options.pop("limits", self.limits))
        for name, value in options.items():
            setattr(child, name, value)
        with self._lock:
            owner._children.add(child)
        return child

    def stats(self) -> PoolStats:
        """Counts of the pool: connections active, idle and waited for, and what was opened, asked and reused so far.

        All 0 before the first call and after `close()`.
        """
        pool = (self._owner or self)._pool
        return PoolStats() if pool is None else pool.stats()

    def _together(self, runtime: Runtime) -> Together:
        """What the calls over the pool of this runtime share besides it."""
        owner = self._owner or self
        if owner._shared is None or owner._shared.runtime is not runtime:
            owner._shared = Together(runtime, background=runtime.name != "trio" or owner._within)
        return owner._shared

    def _let_go(self) -> tuple[Pool | None, Together | None]:
        """What is to be closed, nothing for a derived session: nobody here uses it any more."""
        pool, shared, self._pool, self._shared, self._chain = self._pool, self._shared, None, None, None
        for child in self._children:
            child._chain = None
        return pool, shared

    def _warming(self, url: Any, connections: Any) -> tuple[Request, int]:
        """The request whose connections `prewarm` opens, and how many."""
        if isinstance(connections, bool) or not isinstance(connections, int) or connections < 1:
            raise InvalidOption(f"prewarm: connections must be a whole number, 1 or more, not {shown(connections)}")
        request = self._request(
            "GET", url, None, None, None, None, None, None, NOT_GIVEN, True, None, None, None, None, None, NOT_GIVEN, {}
        )
        if self._transport is not None:
            raise InvalidOption("prewarm: connections are the business of the transport that the session was given")
        return routed(request), connections

    def _lasting(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _OF_THIS_PROCESS}

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: settings, fields and cookies; no sockets, no stored responses, no tie to another session.

        Raises:
            TypeError: the session has a transport, which is not its own to copy.
        """
        if self._transport is not None:
            raise TypeError(f"cannot pickle a {type(self).__name__} with transport=, which stays the caller's")
        cookies = None if self._jar is None else list(self._jar)
        return self._lasting() | {"_jar": cookies}

    def __setstate__(self, state: dict[str, Any]) -> None:
        cookies = state.pop("_jar")
        self.__dict__.update(state)
        self._lock = new_lock()
        self._chain = None
        self._forget_merged()
        self._begin(None)
        self._jar = None if cookies is None else Jar(new_lock())
        for cookie in cookies or ():
            self._jar.add(cookie)  # type: ignore[union-attr]  # there are cookies only where there is a jar


def _same_pool(ours: Limits, value: Any) -> Limits:
    """`value`, the limits of a derived session, which may bound bodies in its own way, but not the connections."""
    limits = checked_limits(value)
    for name in ("max_connections", "max_per_origin", "keepalive_expiry"):
        if getattr(limits, name) != getattr(ours, name):
            raise InvalidOption(f"derive: Limits({name}=) belongs to the pool, which is shared")
    return limits

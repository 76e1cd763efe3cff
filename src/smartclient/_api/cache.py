"""`Cache`, what `cache=` of sessions and calls means, and where the disk store is; never how a call is answered."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._model.errors import InvalidOption, shown
from .._model.options import path_text
from .._model.policy import CachePolicy, CacheRule
from .._model.request import Request
from .._pipeline.caching import Caching, Collapse
from .._store.base import Store
from .options import CACHE_MODES, NOT_GIVEN, cache_mode
from .places import cache_folder
from .rare import is_of_callers
from .request import PreparedRequest, prepared_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .cache_view import AsyncSessionCache, SessionCache

_COLLAPSE = ("'session'", "'store'", "False")
_METHODS = ("lookup", "open_body", "writer", "freshen", "invalidate", "lease", "touch", "iterate")


class Cache:
    """A place for stored responses and what may be done with them; any number of sessions may have the same.

    Args:
        store: path of a folder for a store on disk, with some of it in memory too; a store of your own; None: in
            memory, 64 MiB.
        shared: the cache serves more than one user: s-maxage, private, proxy-revalidate and RFC 9111 section 3.5 count.
        heuristic: where nothing says how long a response is fresh, take a tenth of the time since it was last modified,
            at most a day.
        stale_if_error: seconds after its lifetime that a stored response may stand in for an origin that fails or
            cannot be reached, `inf` for always; None: only where request or response allow it (RFC 5861).
        stale_while_revalidate: serve stale, and validate in the background, where the response allows it (RFC 5861).
        complete_parts: ask only for the rest of what is stored in part, when the whole is asked for.
        targets: names of targeted Cache-Control fields (RFC 9213), the first that is valid counts.
        partition: text, or a function of the request that gives text, which tells for whom a call is made: what is
            stored for one is never served to another. None: by the credentials of each request.
        collapse: when calls miss together, the first fetches and the others wait for it: those of the same "session",
            or all users of the "store", in other processes too; False: nobody waits.
        rules: `CacheRule` or (pattern, ttl) pairs; the first that covers a URL counts.
        store_set_cookie: False leaves Set-Cookie out of what is stored.

    Raises:
        InvalidOption: a value that none of these can have.
    """

    __slots__ = ("__weakref__", "_given", "caching")

    def __init__(
        self,
        store: "str | os.PathLike[str] | Store | None" = None,
        *,
        shared: bool = False,
        heuristic: bool = False,
        stale_if_error: float | None = None,
        stale_while_revalidate: bool = True,
        complete_parts: bool = False,
        targets: "str | Iterable[str]" = (),
        partition: str | Callable[[PreparedRequest], str] | None = None,
        collapse: Collapse = "session",
        rules: "Iterable[CacheRule | tuple[str, float]]" = (),
        store_set_cookie: bool = True,
    ) -> None:
        if shown(collapse) not in _COLLAPSE:
            raise InvalidOption(f"Cache(collapse=): {shown(collapse)} is none of 'session', 'store' and False")
        policy = CachePolicy(
            shared=shared,
            heuristic=heuristic,
            stale_if_error=stale_if_error,
            stale_while_revalidate=stale_while_revalidate,
            complete_parts=complete_parts,
            targets=targets,  # type: ignore[arg-type]  # checked there
            rules=rules,  # type: ignore[arg-type]
            store_set_cookie=store_set_cookie,
        )
        self._begin(store, policy, partition, collapse)

    def _begin(self, store: Any, policy: CachePolicy, partition: Any, collapse: Collapse) -> None:
        self._given = (store, policy, partition, collapse)
        self.caching = Caching(_store_from(store), policy, _partition_from(partition), collapse)

    @classmethod
    def default(cls) -> "Cache":
        """The store on disk that the command line uses: in the folder that SMARTCLIENT_CACHE_DIR names, else in the
        user's cache folder of this system.
        """
        return cache_at(cache_folder())

    def close(self) -> None:
        """Has the store write what it has not written yet, and close its files; for blocking code, before it ends.

        The next call opens it again. What is in memory stays.
        """
        from .._runtime.base import run_blocking
        from .._runtime.blocking import BlockingRuntime

        run_blocking(self.caching.store.close(BlockingRuntime()))

    @property
    def policy(self) -> CachePolicy:
        """What may be done with what is stored."""
        return self.caching.policy

    def __reduce__(self) -> Any:
        """For pickles: the options, and the store as far as it can be taken along; nothing that is in memory."""
        return _again, self._given

    def __repr__(self) -> str:
        store = self._given[0]
        where = "in memory" if store is None else f"over {store!r:.80}"
        return f"<Cache {where}>"


def _again(*given: Any) -> Cache:
    cache = Cache.__new__(Cache)
    cache._begin(*given)
    return cache


def _store_from(value: Any) -> Store:
    if value is None:
        from .._store.memory import MemoryStore

        return MemoryStore()
    if isinstance(value, str | os.PathLike):
        if not path_text("Cache(store=)", value):
            raise InvalidOption("Cache(store=): expected the path of a folder")
        from .._store.sqlite import SQLiteStore
        from .._store.tiers import TieredStore

        return TieredStore(SQLiteStore(value))
    missing = [name for name in _METHODS if not callable(getattr(value, name, None))]
    if missing:
        raise InvalidOption(f"Cache(store=): a {type(value).__name__} has no {missing[0]}()")
    store: Store = value
    return store


def _partition_from(value: Any) -> Callable[[Request], str] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return lambda request: value
    if not callable(value):
        raise InvalidOption(f"Cache(partition=): expected text or a function, not {shown(value)}")

    def partition(request: Request) -> str:
        text = value(prepared_from(request))
        if not isinstance(text, str):
            raise InvalidOption(f"Cache(partition=): the function gave a {type(text).__name__}, not text")
        return text

    return partition


_at: dict[str, Cache] = {}


def cache_at(path: "str | os.PathLike[str]") -> Cache:
    """The store on disk in the folder `path`, one object for all that ask for it in this process."""
    place = os.path.abspath(os.path.expanduser(path_text("cache", path) or ""))
    cache = _at.get(place)
    return _at.setdefault(place, Cache(place)) if cache is None else cache


def cache_of_session(value: Any, current: Cache | None) -> Cache | None:
    """What `cache=` of a session means; True keeps the `current` one.

    Raises:
        InvalidOption: the mode of a call; neither a path nor a `Cache`.
    """
    if value is NOT_GIVEN or value is True:
        return current or Cache()
    if value is None or value is False:
        return None
    if isinstance(value, str) and (not value or value in CACHE_MODES):
        raise InvalidOption(f"cache: {shown(value)} is a mode of one call; a session takes a path, a Cache or True")
    cache = cache_at(value) if isinstance(value, str) else _given(value)
    if cache is not None:
        return cache
    from .cache_view import View

    if isinstance(value, View):
        return value.of
    raise InvalidOption(f"cache: {shown(value)} is no path, no Cache, and none of True, None and False")


def _given(value: Any) -> Cache | None:
    """The cache that `value` is, if it is one or a path object."""
    if isinstance(value, os.PathLike):
        return cache_at(value)
    return value if isinstance(value, Cache) else None


class CacheSettings:
    """The cache of a session, and of calls that bring their own."""

    _blocking: bool
    _cache: Cache | None = None
    _cache_implied: bool
    _chain: Any
    _forget_merged: Callable[[], None]
    _spare: Cache | None = None  # for calls that ask for a cache where the session has none

    @property
    def cache(self) -> "SessionCache | AsyncSessionCache":
        """What is stored: `entries()`, `purge()`, `clear()`, `stats()`, awaited in AsyncSession; true unless it is off.

        May be set to what `cache=` of a session takes, and to what another session has here.
        """
        if "cache" in self.__dict__:  # a class of a caller's has something of its own under this name
            return self.__dict__["cache"]  # type: ignore[no-any-return]
        from .cache_view import AsyncSessionCache, SessionCache

        return SessionCache(self._cache) if self._blocking else AsyncSessionCache(self._cache)

    @cache.setter
    def cache(self, value: Any) -> None:
        try:
            self._cache = cache_of_session(value, self._cache)
        except InvalidOption:
            if not is_of_callers(type(self)):
                raise
            self.__dict__["cache"] = value
            return
        self.__dict__.pop("cache", None)
        self._cache_implied = False
        if "_headers" in self.__dict__:  # else it has not begun yet
            self._forget_merged()
        self._chain = None  # the next call builds one around the new cache, over the same pool

    @property
    def _caching(self) -> Caching | None:
        return None if self._cache is None else self._cache.caching

    def _of_call(self, value: Any) -> tuple[str | None, Caching | None]:
        """What `cache=` of a call means: its mode, None for no cache, and the cache where it is not the session's.

        Raises:
            InvalidOption: an unknown mode, or something that is no cache.
        """
        own = None if value is NOT_GIVEN else _given(value)
        if own is not None:
            return "default", own.caching
        mode = cache_mode(value)
        if mode is None or self._cache is not None:
            return mode, None
        if value is not True and mode != "only":
            return None, None
        if self._spare is None:
            self._spare = Cache()
        return mode, self._spare.caching

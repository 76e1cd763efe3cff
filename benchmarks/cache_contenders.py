"""Clients with a cache, each as a function that makes one call; nothing here measures.

Every factory takes a folder of its own, and gives (call, close); `call(url)` returns the number of bytes.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Call = Callable[[str], int]
AsyncCall = Callable[[str], Awaitable[int]]
Sync = Callable[[Path], tuple[Call, Callable[[], None]]]
Async = Callable[[Path], Awaitable[tuple[AsyncCall, Callable[[], Awaitable[None]]]]]


def ours(store: Callable[[Path], Any]) -> Sync:
    def make(folder: Path) -> tuple[Call, Callable[[], None]]:
        import smartclient

        session = smartclient.Session(cache=smartclient.Cache(store=store(folder)))
        return lambda url: len(session.get(url).content), session.close

    return make


def ours_async(store: Callable[[Path], Any]) -> Async:
    async def make(folder: Path) -> tuple[AsyncCall, Callable[[], Awaitable[None]]]:
        import smartclient

        session = smartclient.AsyncSession(cache=smartclient.Cache(store=store(folder)))

        async def call(url: str) -> int:
            return len((await session.get(url)).content)

        return call, session.close

    return make


def memory(folder: Path) -> None:
    return None


def disk(folder: Path) -> Any:
    from smartclient.stores import SQLiteStore

    return SQLiteStore(folder / "ours")


def two_tiers(folder: Path) -> Path:
    return folder / "tiers"


def hishel_sqlite(folder: Path, place: str = "hishel.db") -> tuple[Call, Callable[[], None]]:
    import hishel
    from hishel.httpx import CacheClient

    connection = sqlite3.connect(place if place == ":memory:" else folder / place, check_same_thread=False)
    client = CacheClient(storage=hishel.SqliteStorage(connection=connection))  # its default is RFC 9111
    return lambda url: len(client.get(url).content), client.close


def hishel_memory(folder: Path) -> tuple[Call, Callable[[], None]]:
    return hishel_sqlite(folder, ":memory:")


async def hishel_async(folder: Path) -> tuple[AsyncCall, Callable[[], Awaitable[None]]]:
    import hishel
    from hishel.httpx import AsyncCacheClient

    client = AsyncCacheClient(storage=hishel.AsyncSqliteStorage(database_path=folder / "hishel-async.db"))

    async def call(url: str) -> int:
        return len((await client.get(url)).content)

    return call, client.aclose


def requests_cache(backend: str) -> Sync:
    def make(folder: Path) -> tuple[Call, Callable[[], None]]:
        from requests_cache import CachedSession

        session = CachedSession(str(folder / "requests-cache"), backend=backend, cache_control=True)
        return lambda url: len(session.get(url).content), session.close

    return make


def cachecontrol(files: bool) -> Sync:
    def make(folder: Path) -> tuple[Call, Callable[[], None]]:
        import requests
        from cachecontrol import CacheControl
        from cachecontrol.cache import DictCache
        from cachecontrol.caches import SeparateBodyFileCache

        store = SeparateBodyFileCache(str(folder / "cachecontrol")) if files else DictCache()
        session = CacheControl(requests.Session(), cache=store)
        return lambda url: len(session.get(url).content), session.close

    return make


def aiohttp_cache(on_disk: bool) -> Async:
    async def make(folder: Path) -> tuple[AsyncCall, Callable[[], Awaitable[None]]]:
        from aiohttp_client_cache import CacheBackend, CachedSession, SQLiteBackend

        backend: Any = (
            SQLiteBackend(str(folder / "aiohttp"), cache_control=True) if on_disk else CacheBackend(cache_control=True)
        )
        session = CachedSession(cache=backend)

        async def call(url: str) -> int:
            async with session.get(url) as response:
                return len(await response.read())

        return call, session.close

    return make


SYNC: dict[str, Sync] = {
    "smartclient memory": ours(memory),
    "smartclient SQLite": ours(disk),
    "smartclient path": ours(two_tiers),
    "hishel memory": hishel_memory,
    "hishel SQLite": hishel_sqlite,
    "requests-cache memory": requests_cache("memory"),
    "requests-cache SQLite": requests_cache("sqlite"),
    "CacheControl memory": cachecontrol(files=False),
    "CacheControl files": cachecontrol(files=True),
}
ASYNC: dict[str, Async] = {
    "smartclient memory": ours_async(memory),
    "smartclient SQLite": ours_async(disk),
    "smartclient path": ours_async(two_tiers),
    "hishel SQLite": hishel_async,
    "aiohttp-client-cache memory": aiohttp_cache(on_disk=False),
    "aiohttp-client-cache SQLite": aiohttp_cache(on_disk=True),
}

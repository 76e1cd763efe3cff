"""Every wait goes wrong once, also where calls are stored, validated, shared, kept in files, or go on for long.

The same for HTTP/2 and WebSockets. The first half of this is `test_faults`.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loopback.authority import Authority
from loopback.injector import Injector, Shape, each_wait, get
from loopback.swarm import Swarm, body_of, receipt
from loopback.swarm2 import Swarm2
from loopback.ways import CANCELLED, LOOPS, WAYS, first_piece, pieces_of, run, settled
from smartclient import Cache
from smartclient.exceptions import RequestException
from smartclient.stores import MemoryStore, SQLiteStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")

CHECKS: dict[str, Any] = {}


async def _cached(session: Any, url: str, size: int) -> str:
    response = await settled(session.get(url))
    assert response.content == body_of("key", size)
    return str(response.cache.status)


async def stored(session: Any, swarm: Swarm, injector: Injector) -> None:
    await _cached(session, swarm.plain + "/fresh/key/300000/4", 300_000)
    injector.active = False  # from here on nothing goes wrong: what was stored is whole
    assert await _cached(session, swarm.plain + "/fresh/key/300000/4", 300_000) == "hit"


async def validated(session: Any, swarm: Swarm, injector: Injector) -> None:
    injector.active = False
    await _cached(session, swarm.plain + "/stale/key/3000/1", 3000)
    injector.active = True
    assert await _cached(session, swarm.plain + "/stale/key/3000/1", 3000) == "revalidated"


async def streamed_into_the_store(session: Any, swarm: Swarm, injector: Injector) -> None:
    response = await settled(session.get(swarm.plain + "/fresh/key/300000/4", stream=True))
    assert b"".join(await pieces_of(response)) == body_of("key", 300_000)

"""Leases under the stage, in a scripted store: what one says that waited for another process, or came just after it."""

import time
from collections.abc import Iterable
from typing import Any

import pytest

from smartclient._model.body import BytesReader
from smartclient._model.headers import Fields
from smartclient._model.message import Head, Reply
from smartclient._model.request import Request
from smartclient._model.stored import Key
from smartclient._model.url import URL
from smartclient._pipeline.cache import CacheStage
from smartclient._pipeline.caching import Caching
from smartclient._pipeline.together import Together
from smartclient._runtime.base import Runtime, run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient._store.memory import MemoryStore

FRESH = Fields((("Cache-Control", "max-age=60"),))
REFUSED, GIVEN = "refused", "given"
ANSWERED = " after the other one's answer was stored"


class Lease:
    def __init__(self, store: "Leased") -> None:
        self.store = store

    def release(self) -> None:
        self.store.out -= 1


class Leased(MemoryStore):
    """Says to each who asks for a lease what comes next in `script`."""

    def __init__(self, script: Iterable[str]) -> None:
        super().__init__()
        self.script = list(script)
        self.out = 0

    async def lease(self, runtime: Runtime, key: Key, seconds: float) -> Any:
        verdict = self.script.pop(0)
        if verdict.endswith(ANSWERED):
            await fetched(Caching(self), b"the other one's")
        if verdict.startswith(REFUSED):
            return None
        self.out += 1
        return Lease(self)


async def fetched(caching: Caching, text: bytes) -> tuple[Reply, bytes, int]:
    """The reply of a stage of its own, its body, and how often its origin, which answers with `text`, was asked."""
    asked = []

    async def origin(request: Request) -> Reply:
        asked.append(request)
        return Reply(Head(200, FRESH), BytesReader(text), request)

    stage = CacheStage(caching, time.time, origin, Together(BlockingRuntime()))
    reply = await stage(Request("GET", URL.parse("https://h.example/a")))
    return reply, await reply.body.read(), len(asked)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        pytest.param([GIVEN], "miss", id="nobody else asks"),
        pytest.param([GIVEN + ANSWERED], "hit", id="another one has just ended"),
        pytest.param([REFUSED + ANSWERED], "hit collapsed", id="another one's answer is found without a lease"),
        pytest.param([REFUSED, GIVEN + ANSWERED], "hit collapsed", id="another one's answer is found with the lease"),
        pytest.param([REFUSED, REFUSED, GIVEN], "miss", id="another one leaves nothing"),
    ],
)
def test_lease(script: list[str], status: str) -> None:
    store = Leased(script)
    reply, text, asked = run_blocking(fetched(Caching(store, collapse="store"), b"ours"))
    decision = reply.cache
    assert decision.status + (" collapsed" if decision.collapsed else "") == status
    assert (text, asked) == ((b"ours", 1) if status == "miss" else (b"the other one's", 0))
    assert decision.forward == (None if status == "hit" else "uri-miss")
    assert (store.script, store.out) == ([], 0)

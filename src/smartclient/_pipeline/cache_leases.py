"""One fetch among processes that share a store: who has the lease asks, the others look now and then.

Advisory: a lease ends by itself, and whoever has waited long enough asks without one.
"""

from .._model.decision import Asking
from .._model.declared import Protocol
from .._model.message import Reply
from .._model.request import Request
from .._model.stored import Key
from .._runtime.base import Runtime
from .._store.base import Lease
from .._store.guarded import GuardedStore
from .flights import WAIT_SECONDS

LEASE_MAX = 30.0  # seconds; as long as an origin may be silent by default
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.05


class Looks(Protocol):
    """The cache stage, as seen from here."""

    @property
    def runtime(self) -> Runtime: ...

    @property
    def store(self) -> GuardedStore: ...

    async def look(self, request: Request, keys: tuple[Key, ...]) -> Reply | tuple[Asking, float]:
        """The answer from the store, or how and since when to ask the origin."""


async def lease_or_answer(stage: Looks, request: Request, keys: tuple[Key, ...]) -> tuple[Lease | Reply | None, bool]:
    """The lease to ask with, or the answer that another process has left, or None to ask without; and if it waited."""
    runtime, store = stage.runtime, stage.store
    limit = request.options.timeout.read
    seconds = LEASE_MAX if limit is None else min(limit, LEASE_MAX)
    until = min(runtime.now() + WAIT_SECONDS, request.deadline)
    pause = _FIRST_PAUSE
    while (lease := await store.lease(runtime, keys[0], seconds)) is None:
        if runtime.now() + pause > until:
            return None, True
        await runtime.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        found = await stage.look(request, keys)
        if isinstance(found, Reply):
            return found, True
    return lease, pause != _FIRST_PAUSE

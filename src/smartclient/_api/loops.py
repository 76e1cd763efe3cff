"""Which event loop runs this code, whether one still lives, and the runtime that belongs to it."""

import sys
from typing import Any

from .._model.errors import SessionMisuse
from .._runtime.base import LoopRuntime


def running_loop() -> object:
    """As `loop_if_any`.

    Raises:
        SessionMisuse: there is none.
    """
    loop = loop_if_any()
    if loop is None:
        raise SessionMisuse("AsyncSession needs a running event loop: asyncio or trio")
    return loop


def loop_if_any() -> object | None:
    """What runs this code: trio's token, or asyncio's loop; None where neither does."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():  # first: as a guest, trio runs inside asyncio's loop
        return trio.lowlevel.current_trio_token()  # type: ignore[no-any-return]
    asyncio = sys.modules.get("asyncio")
    return None if asyncio is None else asyncio._get_running_loop()


def is_alive(home: Any) -> bool:
    """Whether an event loop can still run; trio's tokens do not say so, but refuse what is given to them."""
    if hasattr(home, "is_closed"):
        return not home.is_closed()
    try:
        home.run_sync_soon(lambda: None)
    except Exception:
        return False
    return True


def new_async_runtime(home: object) -> LoopRuntime:
    """The runtime for what `running_loop` found."""
    if hasattr(home, "is_closed"):
        from .._runtime.asyncio_ import AsyncioRuntime

        return AsyncioRuntime()
    from .._runtime.trio_ import TrioRuntime

    return TrioRuntime()

"""Waiting for what another thread does, where nothing tells of it."""

import threading
from collections.abc import Callable

PATIENCE = 30.0
_STEP = 0.002


def until(condition: Callable[[], object]) -> None:
    """Returns when `condition()` is true; fails after `PATIENCE` seconds."""
    never = threading.Event()
    for _ in range(int(PATIENCE / _STEP)):
        if condition():
            return
        never.wait(_STEP)
    raise AssertionError("it did not come to that")

"""Records as stores are given them, and how one is written; what a store makes of them is the tests' business."""

from typing import Any

from smartclient._model.stored import Stored
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from stored_samples import URI as URI
from stored_samples import stored

RUNTIME = BlockingRuntime()


def record(name: object = 0, **changes: Any) -> Stored:
    """Received long ago and fresh for ever, without its content."""
    times = {"sent_at": 1000.0, "received_at": 1000.0, "date": 1000.0, "fresh_until": 1e10}
    return stored(**{"key": (f"{URI}{name}", b""), "lines": [("X", "1")], "body": b"", **times, **changes})


def kept(store: Any, new: Stored, body: bytes = b"content") -> bool:
    """Whether `store` took `new` with `body`, which comes in pieces."""
    writer = run_blocking(store.writer(RUNTIME, new))
    taken = [run_blocking(writer.write(body[at : at + 65_536])) for at in range(0, len(body), 65_536)]
    return all(taken) and run_blocking(writer.commit())

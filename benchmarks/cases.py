"""The cases that `peers.py` runs and the ratios that must hold in them; nothing here measures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import contenders_async
import contenders_download
import contenders_sync
from contenders import AsyncContender, SyncContender


class Bound(NamedTuple):
    """Ratios peer / ours: `commit` must hold (None: nothing is promised), `goal` is what the work aims at."""

    commit: float | None
    goal: float


@dataclass(frozen=True)
class Case:
    """One way of calling.

    `bounds` are the ratios that are watched, by peer, of the first of `metrics`; `scales_from` is the case with fewer
    callers that ours is held against.
    """

    name: str
    loop: str  # "" for blocking, else "asyncio" or "uvloop"
    callers: int
    connections: int
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    scales_from: "Case | None" = None
    download: bool = False
    tls: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """What the ratios compare: wall time, then CPU; only CPU for callers on a loop, where waiting overlaps.

        Of downloads both. Without TLS and without a loop it is the server that takes the time, of all clients and of
        bare sockets alike: CPU comes first there.
        """
        if not self.download:
            return ("cpu",) if self.loop else ("wall", "cpu")
        return ("wall", "cpu") if self.loop or self.tls else ("cpu", "wall")

    @property
    def statistic(self) -> str:
        """Over the rounds: a short request has a true minimum, a download only something usual."""
        return "median" if self.download else "min"

    @property
    def sync_contenders(self) -> Mapping[str, SyncContender]:
        return contenders_download.SYNC if self.download else contenders_sync.SYNC

    @property
    def async_contenders(self) -> Mapping[str, AsyncContender]:
        return contenders_download.ASYNC if self.download else contenders_async.ASYNC

    @property
    def everyone(self) -> list[str]:
        """All who can play, ours first."""
        return list(self.async_contenders if self.loop else self.sync_contenders)


_SYNC = {
    "pycurl": Bound(None, 0.8),
    "pyreqwest": Bound(0.9, 1.1),
    "http.client": Bound(1.3, 1.6),
    "urllib3": Bound(5, 6),
    "httpx": Bound(6, 7),
    "requests": Bound(12, 15),
}
_DOWNLOAD = {"httpx": Bound(1.3, 1.4)}

_FIFTY = Case(
    "asyncio-50",
    "asyncio",
    50,
    50,
    {"aiohttp": Bound(1.4, 1.6), "pyreqwest": Bound(0.75, 0.9), "httpx": Bound(10, 10)},
)

CASES = {
    case.name: case
    for case in (
        Case("sync-1", "", 1, 1, _SYNC),
        Case("asyncio-1", "asyncio", 1, 1),
        _FIFTY,
        Case("asyncio-200", "asyncio", 200, 200, {"aiohttp": Bound(1.5, 1.8), "pyreqwest": Bound(0.8, 1.0)}),
        Case("asyncio-1000", "asyncio", 1000, 1000, scales_from=_FIFTY),
        Case("asyncio-1000-on-100", "asyncio", 1000, 100, {"aiohttp": Bound(1.5, 1.8)}),
        Case("asyncio-1000-on-20", "asyncio", 1000, 20, scales_from=_FIFTY),
        Case("uvloop-1", "uvloop", 1, 1),
        Case("uvloop-50", "uvloop", 50, 50, {"aiohttp": Bound(1.7, 2.1), "pyreqwest": Bound(None, 0.9)}),
        Case("uvloop-200", "uvloop", 200, 200),
        Case("uvloop-1000", "uvloop", 1000, 1000),
        Case("download", "", 1, 1, _DOWNLOAD, download=True),
        Case("download-tls", "", 1, 1, _DOWNLOAD, download=True, tls=True),
        Case("download-asyncio", "asyncio", 1, 1, {**_DOWNLOAD, "aiohttp": Bound(0.9, 1.0)}, download=True),
        Case(
            "download-asyncio-tls", "asyncio", 1, 1, {**_DOWNLOAD, "aiohttp": Bound(0.9, 1.0)}, download=True, tls=True
        ),
    )
}

"""The pytest plugin of smartclient: has respx, where it is in use, mock smartclient's sessions too.

It stands beside the package and imports nothing of it, so that starting pytest does not load what is to be tested.
"""

import sys
from typing import Any

TARGETS = ("smartclient._net.transport.SyncTransport", "smartclient._net.transport.AsyncTransport")


def register(mocks: Any) -> None:
    """Tells respx, whose module `respx.mocks` this is, which classes carry smartclient's exchanges."""
    mocks.HTTPCoreMocker.add_targets(*TARGETS)


def pytest_configure() -> None:
    """For respx that pytest has loaded as a plugin, as it does where respx is installed."""
    mocks = sys.modules.get("respx.mocks")
    if mocks is not None:
        register(mocks)

"""Adapters, which a session mounts for URL prefixes: the seam where requests leave it."""

from typing import TYPE_CHECKING, Any

from ._api.adapters import DEFAULT_POOLBLOCK, DEFAULT_POOLSIZE, DEFAULT_RETRIES, BaseAdapter, HTTPAdapter
from ._elsewhere import found_elsewhere

if TYPE_CHECKING:
    Retry: Any

__all__ = ["DEFAULT_POOLBLOCK", "DEFAULT_POOLSIZE", "DEFAULT_RETRIES", "BaseAdapter", "HTTPAdapter", "Retry"]


def __getattr__(name: str) -> Any:
    if name[:1] != "_":
        from .packages import urllib3  # loaded late: where it is installed, that is urllib3

        home = urllib3.util.retry if name == "Retry" else urllib3.exceptions
        if hasattr(home, name):
            return getattr(home, name)
    return found_elsewhere(__name__, name)

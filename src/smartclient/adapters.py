"""Adapters, which a session mounts for URL prefixes: the seam where requests leave it."""

from ._api.adapters import DEFAULT_POOLBLOCK, DEFAULT_POOLSIZE, DEFAULT_RETRIES, BaseAdapter, HTTPAdapter

__all__ = ["DEFAULT_POOLBLOCK", "DEFAULT_POOLSIZE", "DEFAULT_RETRIES", "BaseAdapter", "HTTPAdapter"]

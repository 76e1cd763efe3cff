"""Hooks: functions that are called with each response."""

from ._api.hooks import HOOKS, default_hooks, dispatch_hook

__all__ = ["HOOKS", "default_hooks", "dispatch_hook"]

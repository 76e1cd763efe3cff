"""Sessions, and how their settings go together with those of a request."""

from typing import Any

from ._api.hooks import merge_hooks
from ._api.sending import SessionRedirectMixin, merge_setting
from ._api.session import Session
from ._elsewhere import found_elsewhere

__all__ = ["Session", "SessionRedirectMixin", "merge_hooks", "merge_setting", "session"]


def session(**options: Any) -> Session:
    """A `Session`, under the name of requests' oldest versions."""
    return Session(**options)


def __getattr__(name: str) -> Any:
    return found_elsewhere(__name__, name)

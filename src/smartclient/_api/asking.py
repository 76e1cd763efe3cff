"""The request of a call whose keywords are in hand as a mapping; for calls that make several requests of one."""

from collections.abc import Mapping
from typing import Any

from .._model.request import Request
from .making import RequestMaker
from .options import NOT_GIVEN

_DEFAULTS: dict[str, Any] = {
    "params": None,
    "data": None,
    "headers": None,
    "cookies": None,
    "files": None,
    "auth": None,
    "timeout": NOT_GIVEN,
    "allow_redirects": True,
    "stream": None,
    "verify": None,
    "cert": None,
    "json": None,
    "retries": None,
    "cache": NOT_GIVEN,
}
"""The arguments of `Session.request` after method and URL, in its order."""


def asked(session: RequestMaker, method: str, url: Any, options: Mapping[str, Any]) -> Request:
    """The request that `session.request(method, url, **options)` would send; raises what that raises."""
    plain: Any = [options.get(name, default) for name, default in _DEFAULTS.items()]
    rare: Any = {name: value for name, value in options.items() if name not in _DEFAULTS}
    return session._request(method, url, *plain, rare)  # type: ignore[call-arg]  # as many as there are

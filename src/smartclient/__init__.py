"""smartclient: an HTTP client with one pool, one cache and one set of rules for blocking code, asyncio and trio.

Names resolve when they are first used (PEP 562), so that `import smartclient` stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import auth, cookies, cors, exceptions, har, testing
    from ._api.async_session import AsyncSession
    from ._api.audit import headers_report
    from ._api.cache import Cache
    from ._api.response import AsyncResponse, Response
    from ._api.session import Session
    from ._api.verbs import delete, get, head, options, patch, post, put, query, request, stream
    from ._model.options import TLS, Limits, Timeout
    from ._model.policy import CacheRule
    from ._model.retry import RetryPolicy
    from .exceptions import (
        ConnectionError,
        ConnectTimeout,
        HTTPError,
        JSONDecodeError,
        ReadTimeout,
        RequestException,
        SmartclientError,
        TooManyRedirects,
        URLRequired,
    )

_HOMES = {
    "._api.audit": ("headers_report",),
    "._api.verbs": ("delete", "get", "head", "options", "patch", "post", "put", "query", "request", "stream"),
    "._api.async_session": ("AsyncSession",),
    "._api.cache": ("Cache",),
    "._api.session": ("Session",),
    "._api.response": ("AsyncResponse", "Response"),
    "._model.options": ("TLS", "Limits", "Timeout"),
    "._model.policy": ("CacheRule",),
    "._model.retry": ("RetryPolicy",),
    ".exceptions": (
        "ConnectTimeout",
        "ConnectionError",
        "HTTPError",
        "JSONDecodeError",
        "ReadTimeout",
        "RequestException",
        "SmartclientError",
        "TooManyRedirects",
        "URLRequired",
    ),
}
_MODULES = ("auth", "cookies", "cors", "exceptions", "har", "testing")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AsyncResponse",
    "AsyncSession",
    "Cache",
    "CacheRule",
    "ConnectTimeout",
    "ConnectionError",
    "HTTPError",
    "JSONDecodeError",
    "Limits",
    "ReadTimeout",
    "RequestException",
    "Response",
    "RetryPolicy",
    "Session",
    "SmartclientError",
    "TLS",
    "Timeout",
    "TooManyRedirects",
    "URLRequired",
    "__version__",
    "auth",
    "cookies",
    "cors",
    "delete",
    "exceptions",
    "get",
    "har",
    "head",
    "headers_report",
    "options",
    "patch",
    "post",
    "put",
    "query",
    "request",
    "stream",
    "testing",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

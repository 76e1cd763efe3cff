"""smartclient: an HTTP client with one pool, one cache and one set of rules for blocking code, asyncio and trio.

Names resolve when they are first used (PEP 562), so that `import smartclient` stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

__title__ = "smartclient"
__build__ = 0

if TYPE_CHECKING:
    from . import (
        adapters,
        api,
        auth,
        certs,
        compat,
        cookies,
        cors,
        events,
        exceptions,
        har,
        hooks,
        models,
        otel,
        packages,
        sessions,
        status_codes,
        structures,
        testing,
        utils,
    )
    from ._api.async_session import AsyncSession
    from ._api.audit import headers_report
    from ._api.cache import Cache
    from ._api.download import Download
    from ._api.event_stream import AsyncEventStream, EventStream
    from ._api.request import PreparedRequest, Request
    from ._api.response import AsyncResponse, Response
    from ._api.session import Session
    from ._codec.sse import ServerEvent
    from ._model.options import TLS, Limits
    from ._model.policy import CacheRule
    from ._model.rate import Rate
    from ._model.redirects import Redirects
    from ._model.retry import RetryPolicy
    from .api import delete, download, get, head, options, patch, post, put, query, request, sse, stream
    from .as_requests import install_as_requests
    from .exceptions import (
        ConnectionError,
        ConnectTimeout,
        FileModeWarning,
        HTTPError,
        JSONDecodeError,
        ReadTimeout,
        RequestException,
        SmartclientError,
        Timeout,
        TooManyRedirects,
        URLRequired,
    )
    from .sessions import session
    from .status_codes import codes

_HOMES = {
    "._api.audit": ("headers_report",),
    ".api": (
        "delete",
        "download",
        "get",
        "head",
        "options",
        "patch",
        "post",
        "put",
        "query",
        "request",
        "sse",
        "stream",
    ),
    "._api.async_session": ("AsyncSession",),
    "._api.cache": ("Cache",),
    "._api.download": ("Download",),
    "._api.event_stream": ("AsyncEventStream", "EventStream"),
    "._api.request": ("PreparedRequest", "Request"),
    "._api.session": ("Session",),
    ".status_codes": ("codes",),
    "._api.response": ("AsyncResponse", "Response"),
    "._codec.sse": ("ServerEvent",),
    "._model.options": ("TLS", "Limits"),
    "._model.policy": ("CacheRule",),
    "._model.redirects": ("Redirects",),
    "._model.rate": ("Rate",),
    "._model.retry": ("RetryPolicy",),
    ".exceptions": (
        "ConnectTimeout",
        "ConnectionError",
        "FileModeWarning",
        "HTTPError",
        "JSONDecodeError",
        "ReadTimeout",
        "RequestException",
        "SmartclientError",
        "Timeout",
        "TooManyRedirects",
        "URLRequired",
    ),
    ".as_requests": ("install_as_requests",),
    ".sessions": ("session",),
}
_MODULES = (
    "adapters",
    "api",
    "auth",
    "certs",
    "compat",
    "cookies",
    "cors",
    "events",
    "exceptions",
    "har",
    "hooks",
    "models",
    "otel",
    "packages",
    "sessions",
    "status_codes",
    "structures",
    "testing",
    "utils",
)
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AsyncEventStream",
    "AsyncResponse",
    "AsyncSession",
    "Cache",
    "CacheRule",
    "ConnectTimeout",
    "ConnectionError",
    "Download",
    "EventStream",
    "FileModeWarning",
    "HTTPError",
    "JSONDecodeError",
    "Limits",
    "PreparedRequest",
    "Rate",
    "ReadTimeout",
    "Request",
    "Redirects",
    "RequestException",
    "Response",
    "RetryPolicy",
    "ServerEvent",
    "Session",
    "SmartclientError",
    "TLS",
    "Timeout",
    "TooManyRedirects",
    "URLRequired",
    "__build__",
    "__title__",
    "__version__",
    "adapters",
    "api",
    "auth",
    "certs",
    "codes",
    "compat",
    "cookies",
    "cors",
    "delete",
    "download",
    "events",
    "exceptions",
    "get",
    "har",
    "head",
    "headers_report",
    "hooks",
    "install_as_requests",
    "models",
    "options",
    "otel",
    "packages",
    "patch",
    "post",
    "put",
    "query",
    "request",
    "session",
    "sessions",
    "status_codes",
    "sse",
    "stream",
    "structures",
    "testing",
    "utils",
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

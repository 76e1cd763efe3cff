"""The module functions: calls over one process-wide pool and cache, which keep no cookies between them."""

from typing import Any, Unpack

from .._runtime.base import new_lock
from .options import CallOptions, GetOptions, PostOptions, PutOptions
from .response import Response
from .session import Session

_lock = new_lock()
_shared: Session | None = None


def _session() -> Session:
    global _shared
    if _shared is None:
        with _lock:
            if _shared is None:
                _shared = Session(cookies=None)
    return _shared


def request(method: str, url: Any, **options: Unpack[CallOptions]) -> Response:
    """The response to one call; arguments and errors are those of `Session.request`."""
    return _session().request(method, url, **options)


def get(url: Any, params: Any = None, **options: Unpack[GetOptions]) -> Response:
    """GET; see `request`."""
    return _session().request("GET", url, params=params, **options)


def options(url: Any, **options: Unpack[CallOptions]) -> Response:
    """OPTIONS; see `request`."""
    return _session().request("OPTIONS", url, **options)


def head(url: Any, **options: Unpack[CallOptions]) -> Response:
    """HEAD, redirects not followed unless asked; see `request`."""
    return _session().head(url, **options)


def post(url: Any, data: Any = None, json: Any = None, **options: Unpack[PostOptions]) -> Response:
    """POST; see `request`."""
    return _session().request("POST", url, data=data, json=json, **options)


def put(url: Any, data: Any = None, **options: Unpack[PutOptions]) -> Response:
    """PUT; see `request`."""
    return _session().request("PUT", url, data=data, **options)


def patch(url: Any, data: Any = None, **options: Unpack[PutOptions]) -> Response:
    """PATCH; see `request`."""
    return _session().request("PATCH", url, data=data, **options)


def delete(url: Any, **options: Unpack[CallOptions]) -> Response:
    """DELETE; see `request`."""
    return _session().request("DELETE", url, **options)


def query(url: Any, data: Any = None, **options: Unpack[PutOptions]) -> Response:
    """QUERY (RFC 10008): safe and idempotent, with a body; see `request`."""
    return _session().request("QUERY", url, data=data, **options)


def stream(method: str, url: Any, **options: Unpack[CallOptions]) -> Response:
    """A response whose body is not read yet; `with` gives it up where the block is left."""
    return _session().stream(method, url, **options)

"""The module functions: calls over one process-wide pool and cache, which keep no cookies between them."""

from typing import TYPE_CHECKING, Any, Unpack

from . import sessions
from ._api.call_jar import CallJar
from ._api.options import CallOptions, GetOptions, PostOptions, PutOptions
from ._api.response import Response
from ._api.session import Session
from ._runtime.base import new_lock

if TYPE_CHECKING:
    import os

    from ._api.download import Download
    from ._api.event_stream import EventStream

__all__ = [
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
]

_lock = new_lock()
_jar = CallJar()
_shared: Session | None = None


def _session() -> Session:
    global _shared
    if _shared is None:
        with _lock:
            if _shared is None:
                _shared = Session(cookies=_jar)
    return _shared


def request(method: str, url: Any, **options: Unpack[CallOptions]) -> Response:
    """The response to one call; arguments and errors are those of `Session.request`."""
    if sessions.Session is not Session:  # somebody put another class in its place, to see what becomes of calls
        with sessions.Session() as session:
            return session.request(method=method, url=url, **options)  # type: ignore[no-any-return, unused-ignore]
    try:
        return _session().request(method=method, url=url, **options)
    finally:
        _jar.forget()


def get(url: Any, params: Any = None, **options: Unpack[GetOptions]) -> Response:
    """GET; see `request`."""
    return request("get", url, params=params, **options)


def options(url: Any, **options: Unpack[CallOptions]) -> Response:
    """OPTIONS; see `request`."""
    return request("options", url, **options)


def head(url: Any, **options: Unpack[CallOptions]) -> Response:
    """HEAD, redirects not followed unless asked; see `request`."""
    options.setdefault("allow_redirects", False)
    return request("head", url, **options)


def post(url: Any, data: Any = None, json: Any = None, **options: Unpack[PostOptions]) -> Response:
    """POST; see `request`."""
    return request("post", url, data=data, json=json, **options)


def put(url: Any, data: Any = None, **options: Unpack[PutOptions]) -> Response:
    """PUT; see `request`."""
    return request("put", url, data=data, **options)


def patch(url: Any, data: Any = None, **options: Unpack[PutOptions]) -> Response:
    """PATCH; see `request`."""
    return request("patch", url, data=data, **options)


def delete(url: Any, **options: Unpack[CallOptions]) -> Response:
    """DELETE; see `request`."""
    return request("delete", url, **options)


def query(url: Any, data: Any = None, **options: Unpack[PutOptions]) -> Response:
    """QUERY (RFC 10008): safe and idempotent, with a body; see `request`."""
    return request("query", url, data=data, **options)


def download(url: Any, path: "str | os.PathLike[str]", **options: Any) -> "Download[Response]":
    """Downloads `url` to `path`; arguments, result and errors are those of `Session.download`."""
    return _session().download(url, path, **options)


def sse(url: Any, **options: Any) -> "EventStream":
    """The server-sent events of `url`; arguments and errors are those of `Session.sse`."""
    return _session().sse(url, **options)


def stream(method: str, url: Any, **options: Unpack[CallOptions]) -> Response:
    """A response whose body is not read yet; `with` gives it up where the block is left."""
    return _session().stream(method, url, **options)

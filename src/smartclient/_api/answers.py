"""Responses that the house's own stages did not give: a new `Response()`, and what adapters of others answer."""

import sys
from datetime import timedelta
from typing import Any

from .._model import errors
from .._model.body import BytesReader
from .._model.errors import InvalidHeader, InvalidOption, RemoteProtocolError, RequestException, shown
from .._model.headers import NO_FIELDS, Fields, Headers, fields_from
from .._model.message import Head, Reply
from .._model.request import Request
from .._model.url import URL

_URLLIB3 = {  # what urllib3 raises while a body is read; the first that fits counts
    "ReadTimeoutError": errors.BodyReadTimeout,
    "DecodeError": errors.ContentDecodingError,
    "ProtocolError": errors.ChunkedEncodingError,
    "SSLError": errors.SSLError,
}


def nothing_yet(attributes: dict[str, Any]) -> Reply:
    """The reply of a `Response()` that nobody has said anything of, whose `attributes` are set to that."""
    attributes.update(
        url=None, reason=None, headers=Headers(), history=[], elapsed=timedelta(0), request=None, connection=None
    )
    attributes.update(_raw=None, _next=None)
    head = Head(200)
    head.status = None  # type: ignore[assignment]  # until somebody sets it
    return Reply(head, BytesReader(b""), Request("GET", URL.parse("http://localhost/")))


def our_error(error: BaseException) -> RequestException | None:
    """What an error of requests or urllib3 is here; None for any other, which passes as it is."""
    if isinstance(error, RequestException):
        return None
    for kind in type(error).__mro__:
        package = kind.__module__.partition(".")[0]
        if package == "requests":
            ours = getattr(errors, kind.__name__, None)
            if isinstance(ours, type) and issubclass(ours, RequestException):
                return _translated(ours, error)
        elif package == "urllib3" and kind.__name__ in _URLLIB3:
            return _URLLIB3[kind.__name__](str(error), sent="wholly")
    return None


def _translated(kind: type[RequestException], error: BaseException) -> RequestException:
    if issubclass(kind, errors.JSONDecodeError):
        return errors.JSONDecodeError(*(getattr(error, name, default) for name, default in _JSON))
    response = getattr(error, "response", None)
    return kind(*error.args, request=getattr(error, "request", None), response=response, sent="wholly")


_JSON = (("msg", ""), ("doc", ""), ("pos", 0))

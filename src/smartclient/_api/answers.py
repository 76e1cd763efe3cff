"""Responses that the house's own stages did not give: a new `Response()`, and what adapters of others answer."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._model import answer_errors, errors
from .._model.body import BytesReader
from .._model.errors import RequestException
from .._model.headers import Headers
from .._model.message import Head, Reply
from .._model.request import Request
from .._model.url import URL

if TYPE_CHECKING:
    from .request import PreparedRequest
    from .response import Response

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
            ours = getattr(errors, kind.__name__, None) or getattr(answer_errors, kind.__name__, None)
            if isinstance(ours, type) and issubclass(ours, RequestException):
                return _translated(ours, error)
        elif package == "urllib3" and kind.__name__ in _URLLIB3:
            kind_here: type[RequestException] = _URLLIB3[kind.__name__]
            return kind_here(str(error), sent="wholly")
    return None


def _translated(kind: type[RequestException], error: BaseException) -> RequestException:
    if issubclass(kind, answer_errors.JSONDecodeError):
        return kind(getattr(error, "msg", ""), getattr(error, "doc", ""), getattr(error, "pos", 0))
    response = getattr(error, "response", None)
    return kind(*error.args, request=getattr(error, "request", None), response=response, sent="wholly")


def dressed(response: "Response", answer: Any, sent: "PreparedRequest", adapter: Any) -> "Response":
    """`response` with what else its adapter's `answer` says; None where the cache answered."""
    response.__dict__.update(request=sent, connection=adapter)
    if answer is None or response._reply.provenance in ("cache", "revalidated"):
        return response
    known = response.__dict__
    further = {name: value for name, value in vars(answer).items() if name not in known and name[:1] != "_"}
    ours = hasattr(answer, "_reply")
    if response._reply.provenance == "adapter":
        if getattr(answer, "raw", None) is not None:
            known["_raw"] = answer.raw
        encoding = answer._encoding if ours else getattr(answer, "encoding", None)
        if encoding != "ISO-8859-1" or "charset" in response.content_type.parameters:
            response._encoding = encoding  # requests has that one for any text without charset
        url = getattr(answer, "url", None)
        if isinstance(url, str):
            known["url"] = url
    known.update({name: value for name, value in further.items() if name not in _OTHERS})
    return response


_OTHERS = ("headers", "status_code", "raw", "encoding", "url", "reason", "history", "cookies", "elapsed", "connection")
"""Attributes of answers that are taken over in some other way, or made anew."""

"""The JSON objects of --json-out: one for each call, versioned; keys are only ever added."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .codes import exit_code
from .exits import INTERNAL
from .telling import Teller
from .timing import rounded

if TYPE_CHECKING:
    from .. import Response
    from .._model.events import Exchange

VERSION = 1


def record(
    response: "Response", teller: Teller, body: dict[str, Any], exchanges: "Sequence[Exchange]", code: int
) -> dict[str, Any]:
    """The object that tells everything about a call; `body` is what became of its content."""
    last = exchanges[-1] if exchanges else None
    return {
        "v": VERSION,
        "request": _request(response.request, teller),
        "response": _head(response, teller) | {"body": body},
        "history": [
            {"request": _request(hop.request, teller), "response": _head(hop, teller)} for hop in response.history
        ],
        "attempts": [_attempt(each, teller) for each in response.attempts],
        "timings": {} if last is None else rounded(last.timings),
        "cache": _cache(response.cache),
        "negotiated": _negotiated(response),
        "connection": _connection(response) | {"reused": None if last is None else last.timings.reused},
        "tls": _tls(response.tls),
        "error": None,
        "exit": code,
    }


def failure(error: BaseException, method: str, url: str, teller: Teller, code: int) -> dict[str, Any]:
    """The object of a call that gave no answer."""
    return {
        "v": VERSION,
        "request": {"method": method, "url": teller.text(url), "headers": []},
        "response": None,
        "history": [],
        "attempts": [_attempt(each, teller) for each in getattr(error, "attempts", ())],
        "timings": {},
        "cache": None,
        "negotiated": {},
        "connection": {},
        "tls": {},
        "error": error_record(error, teller),
        "exit": code,
    }


def error_record(error: BaseException, teller: Teller) -> dict[str, Any]:
    """What is told of an error; the text of one that nobody foresaw may hold a secret, so only its kind is."""
    foreseen = exit_code(error) != INTERNAL
    message = teller.text(" ".join(str(error).split())) if foreseen else "internal error"
    return {"type": type(error).__name__, "message": message, "sent": getattr(error, "sent", None)}


def line(value: Any) -> bytes:
    """One object as one line; what no terminal should see is escaped by JSON itself."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def body_member(content: bytes, text: Callable[[], str], content_type: str | None) -> dict[str, Any]:
    """Content as text where it is that, else in base64."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    is_text = kind.startswith("text/") or kind.endswith(("json", "xml", "javascript", "x-www-form-urlencoded"))
    if is_text or not content:
        return {"text": text(), "bytes": len(content)}
    try:
        return {"text": content.decode("utf-8"), "bytes": len(content)}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii"), "bytes": len(content)}


def _request(request: Any, teller: Teller) -> dict[str, Any]:
    headers = [[name, teller.value(name, value)] for name, value in request.headers.multi_items()]
    return {"method": request.method, "url": teller.text(request.url), "headers": headers}


def _head(response: "Response", teller: Teller) -> dict[str, Any]:
    headers = [[name, teller.value(name, value)] for name, value in response.headers.multi_items()]
    return {
        "status": response.status_code,
        "reason": teller.text(response.reason),
        "http": response.http_version,
        "url": teller.text(response.url),
        "headers": headers,
    }


def _attempt(attempt: Any, teller: Teller) -> dict[str, Any]:
    timings = attempt.timings
    return {
        **attempt._asdict(),
        "detail": teller.text(attempt.detail),
        "seconds": None if attempt.seconds is None else round(attempt.seconds, 6),
        "timings": {} if timings is None else rounded(timings),
    }


def _cache(decision: Any) -> dict[str, Any] | None:
    if decision is None:
        return None
    names = ("status", "reason", "rule", "age", "ttl", "stored", "why_not_stored")
    return {name: getattr(decision, name) for name in names}


def _negotiated(response: "Response") -> dict[str, Any]:
    return {
        name: {"asked": each.asked, "got": each.got, "matched": each.matched}
        for name, each in response.negotiated._asdict().items()
    }


def _connection(response: "Response") -> dict[str, Any]:
    address = response.address
    tls = response.tls
    shown = address if address is None or isinstance(address, str) else f"{address[0]}:{address[1]}"
    return {"address": shown, "alpn": tls.alpn if tls else None}


def _tls(info: Any) -> dict[str, Any]:
    if info is None:
        return {}
    return {"version": info.version, "cipher": info.cipher, "verified": info.verified}

"""HAR 1.2: what a session sends and receives while it is recorded, as browsers' tools read it.

Source: the HTTP Archive format 1.2. Each exchange with a server is an entry, redirects and retries included; what the
cache answers by itself is none.
"""

import base64
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl

from .._codec.decoders import decoding_for
from .._codec.text import decode_text
from .._model.cookies import parse_set_cookie
from .._model.events import Event, Exchange, ExchangeEnded
from .._model.fields import content_codings, parse_media_type
from .._model.headers import Fields, Line
from .._model.masking import masked, masked_form, masked_value
from .._model.observer import Observer
from .._model.options import DEFAULT_LIMITS
from .._model.request import Request
from .._net.http1_request import framing_for, request_head
from .._version import __version__
from .observing import ObservedSettings
from .payload import FORM

if TYPE_CHECKING:
    from types import TracebackType

BODY_MAX = 2**20
_TEXT_NAMES = ("json", "xml", "javascript", "ecmascript", "yaml", FORM)
_SECRET = "***"


class Recorder:
    """Records a session from now until `stop`, or to the end of a `with` block.

    Bodies are kept up to 1 MiB each. Without `secrets`, the values of credential fields and cookies, and of names such
    as token and key in queries and forms, are ***; bodies of other kinds are kept as they are.
    """

    def __init__(self, session: ObservedSettings, *, secrets: bool = False) -> None:
        self._session = session
        self._secrets = secrets
        self._ends: list[Exchange] = []
        self._since_epoch = time.time() - time.monotonic()
        self._observer = Observer(self._told, BODY_MAX)
        session._record((*session._recorders, self._observer))

    def _told(self, event: Event) -> None:
        if isinstance(event, ExchangeEnded):
            self._ends.append(event.exchange)

    def stop(self) -> None:
        """The session is recorded no longer; any number of times."""
        left = tuple(each for each in self._session._recorders if each is not self._observer)
        self._session._record(left)

    @property
    def har(self) -> dict[str, Any]:
        """What was recorded so far: an object for JSON. Exchanges appear when they have ended."""
        ends = sorted(self._ends.copy(), key=lambda exchange: exchange.began)
        return {
            "log": {
                "version": "1.2",
                "creator": {"name": "smartclient", "version": __version__},
                "entries": [self._entry(exchange) for exchange in ends],
            }
        }

    def save(self, path: Any) -> None:
        """Writes `har` into the file at `path`."""
        Path(path).write_text(json.dumps(self.har, ensure_ascii=False, indent=1), "utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        self.stop()

    def _entry(self, exchange: Exchange) -> dict[str, Any]:
        timings = exchange.timings
        phases = {
            "blocked": _milliseconds(timings.pool_wait),
            "dns": _milliseconds(None if timings.reused else timings.dns),
            # The format counts TLS as a part of connecting.
            "connect": _milliseconds(None if timings.reused else _sum(timings.connect, timings.tls)),
            "ssl": _milliseconds(timings.tls or None),
            "send": _milliseconds(timings.send),
            "wait": _milliseconds(timings.wait),
            "receive": _milliseconds(timings.receive),
        }
        entry: dict[str, Any] = {
            "startedDateTime": datetime.fromtimestamp(exchange.began + self._since_epoch, UTC).isoformat(),
            "time": max(0.0, _milliseconds(timings.total)),
            "request": self._request(exchange.request),
            "response": self._response(exchange),
            "cache": {},
            "timings": phases,
        }
        if isinstance(exchange.address, tuple):
            entry["serverIPAddress"] = exchange.address[0]
        if exchange.error is not None:
            entry["comment"] = f"{exchange.error}: the exchange did not come to its end"
        return entry

    def _request(self, request: Request) -> dict[str, Any]:
        url = request.url.with_userinfo("").with_fragment("")
        framing = framing_for(request.method, request.body)
        lines = [("Host", url.host_field)] if "host" not in request.fields else []
        lines += request.fields.lines
        lines += [tuple(line.split(": ")) for line in framing.decode("ascii").split("\r\n") if line]  # type: ignore[misc]
        shown: dict[str, Any] = {
            "method": request.method,
            "url": str(url) if self._secrets else masked(str(url)),
            "httpVersion": "HTTP/1.1",
            "cookies": self._cookies(request.fields.get("cookie", "")),
            "headers": self._lines(lines),
            "queryString": self._query(url.query or ""),
            "headersSize": len(request_head(request.method, url.target, url.host_field, request.fields, framing)),
            "bodySize": -1 if request.body.length is None else request.body.length,
        }
        content = request.body.content
        if request.body.length != 0:
            shown["postData"] = self._post_data(content, request.fields.get("content-type", ""))
        return shown

    def _post_data(self, content: Any, content_type: str) -> dict[str, Any]:
        if not isinstance(content, bytes):
            return {"mimeType": content_type, "text": "", "comment": "a body that was read piece by piece"}
        text = content[:BODY_MAX].decode("utf-8", "replace")
        if not self._secrets and content_type.startswith(FORM):
            text = masked_form(text)
        return {"mimeType": content_type, "text": text}

    def _response(self, exchange: Exchange) -> dict[str, Any]:
        head = exchange.head
        fields = Fields([]) if head is None else head.fields
        return {
            "status": 0 if head is None else head.status,
            "statusText": "" if head is None else head.reason,
            "httpVersion": "" if head is None else head.version,
            "cookies": self._set_cookies(fields),
            "headers": self._lines(fields.lines),
            "content": _content(exchange, fields),
            "redirectURL": self._shown("location", fields.get("location", "")),
            "headersSize": -1,
            "bodySize": exchange.received,
        }

    def _shown(self, name: str, value: str) -> str:
        return value if self._secrets else masked_value(name, value)

    def _lines(self, lines: Any) -> list[dict[str, str]]:
        pairs: list[Line] = list(lines)
        return [{"name": name, "value": self._shown(name, value)} for name, value in pairs]

    def _cookies(self, field: str) -> list[dict[str, str]]:
        pairs = [pair.strip().partition("=")[::2] for pair in field.split(";") if pair.strip()]
        return [{"name": name, "value": value if self._secrets else _SECRET} for name, value in pairs]

    def _set_cookies(self, fields: Fields) -> list[dict[str, Any]]:
        cookies = [parse_set_cookie(line) for line in fields.getlist("set-cookie")]
        return [
            {"name": cookie.name, "value": cookie.value if self._secrets else _SECRET}
            for cookie in cookies
            if cookie is not None
        ]

    def _query(self, query: str) -> list[dict[str, str]]:
        text = query if self._secrets else masked_form(query)
        return [{"name": name, "value": value} for name, value in parse_qsl(text, keep_blank_values=True)]


def _content(exchange: Exchange, fields: Fields) -> dict[str, Any]:
    """The body of an answer, decoded as far as it was kept."""
    raw = exchange.body or b""
    decoded, size = raw, exchange.received
    codings = content_codings(fields.get("content-encoding", ""))
    with suppress(Exception):  # what cannot be decoded is shown as it came
        decoder = decoding_for(codings, DEFAULT_LIMITS).decoder
        if decoder is not None:
            decoded = _decoded(decoder, raw)
            size = len(decoded)
    name = fields.get("content-type", "")
    shown: dict[str, Any] = {"size": size, "mimeType": name or "x-unknown"}
    if size != exchange.received:
        shown["compression"] = size - exchange.received
    if len(decoded) > BODY_MAX or exchange.received > len(raw):
        shown["comment"] = f"the first {min(len(decoded), BODY_MAX)} bytes"
    decoded = decoded[:BODY_MAX]
    media_type = parse_media_type(name).name
    if media_type.startswith("text/") or media_type.endswith(_TEXT_NAMES):
        return shown | {"text": decode_text(decoded, None, name)}
    return shown | {"text": base64.b64encode(decoded).decode("ascii"), "encoding": "base64"}


def _decoded(decoder: Any, raw: bytes) -> bytes:
    pieces: list[bytes] = []
    decoder.feed(raw)
    size = 0
    while size <= BODY_MAX and (piece := decoder.next_piece()):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _sum(*seconds: float | None) -> float | None:
    known = [each for each in seconds if each is not None]
    return sum(known) if known else None


def _milliseconds(seconds: float | None) -> float:
    """As the format has them: -1 for what does not apply."""
    return -1 if seconds is None else round(seconds * 1000, 3)

"""Exchanges kept in a file and played again: for tests of programs whose servers are elsewhere.

It takes the place of the shells' methods at the transport seam, as respx does, so every session sees it.
"""

import base64
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .._model.errors import InvalidOption, NotRecorded, shown
from .._model.masking import masked, masked_value
from .._model.message import Reply
from .._net.transport import AsyncTransport, SyncTransport
from .._runtime.base import run_blocking

VERSION = 1
MODES = ("once", "new", "never", "all")


class _Played:
    """A recorded answer, in the shape that the transport seam takes."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.status: int = record["status"]
        self.headers = [(str(name), str(value)) for name, value in record["headers"]]
        body = record["body"]
        self.stream = (body["text"].encode() if "text" in body else base64.b64decode(body["base64"]),)
        self.extensions = {
            "reason_phrase": record["reason"].encode("latin-1", "replace"),
            "http_version": record["http_version"].encode("ascii"),
        }


class Cassette:
    """While it is entered, exchanges come from the file `path`, or from the servers and into the file.

    The file is JSON, made to be read and kept beside tests: credentials, cookies and values of query names such as
    token and key are *** in it, and of a request's content only the SHA-256 is kept. What a response's content gives
    away is for you to look at. Requests are told apart by method, URL and content; equal ones are answered in the order
    of the recording, the last answer again and again. The caches of sessions stand aside meanwhile.

    Args:
        path: of the file; written when the block ends, if anything was recorded.
        mode: "once" plays a file that is there and records one that is not; "new" plays what is known and records the
            rest; "never" only plays; "all" records everything afresh.

    Raises:
        InvalidOption: an unknown mode, or a file that is no cassette.
    """

    def __init__(self, path: "str | os.PathLike[str]", mode: str = "once") -> None:
        if mode not in MODES:
            raise InvalidOption(f"Cassette: mode {shown(mode)} is none of {', '.join(MODES)}")
        self.path = Path(path)
        self._exchanges = [] if mode == "all" else _exchanges_in(self.path)
        self._records = mode in ("new", "all") or (mode == "once" and not self.path.exists())
        self._recorded = 0
        self._played: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()
        self._originals: tuple[Any, Any] | None = None

    def __enter__(self) -> Self:
        self._originals = SyncTransport.handle_request, AsyncTransport.handle_async_request
        exchange, exchange_awaited = self._originals

        def handle_request(shell: SyncTransport, request: Any) -> Any:
            content = b"".join(request.stream)
            known = self._known(request, content)
            if known is not None:
                return known
            request.stream = (content,)
            reply: Reply = exchange(shell, request)
            return self._keep(request, content, reply, run_blocking(_content_of(reply)))

        async def handle_async_request(shell: AsyncTransport, request: Any) -> Any:
            content = b"".join([piece async for piece in request.stream])
            known = self._known(request, content)
            if known is not None:
                return known
            request.stream = (content,)
            reply: Reply = await exchange_awaited(shell, request)
            return self._keep(request, content, reply, await _content_of(reply))

        SyncTransport.handle_request = handle_request  # type: ignore[method-assign,assignment]
        AsyncTransport.handle_async_request = handle_async_request  # type: ignore[method-assign,assignment]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._originals is not None
        (
            SyncTransport.handle_request,  # type: ignore[method-assign]
            AsyncTransport.handle_async_request,  # type: ignore[method-assign]
        ) = self._originals
        if self._recorded:
            text = json.dumps({"version": VERSION, "exchanges": self._exchanges}, indent=1, ensure_ascii=False)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
            part.write_text(text + "\n", encoding="utf-8")
            part.replace(self.path)

    def __len__(self) -> int:
        return len(self._exchanges)

    def __repr__(self) -> str:
        return f"<Cassette {self.path.name}, {len(self)} exchanges>"

    def _known(self, request: Any, content: bytes) -> _Played | None:
        """The recorded answer; None when there is none and one may be made."""
        key = _key(request, content)
        with self._lock:
            found = list(self._matching(key))
            place = self._played.get(key, 0)
            if found and (place < len(found) or not self._records):
                self._played[key] = place + 1
                return _Played(found[min(place, len(found) - 1)]["response"])
        if not self._records:
            raise NotRecorded(f"{key[0]} {key[1]} is not in the cassette {self.path.name}")
        return None

    def _matching(self, key: tuple[str, str, str]) -> Iterator[dict[str, Any]]:
        for exchange in self._exchanges:
            asked = exchange["request"]
            if (asked["method"], asked["url"], asked["content_sha256"]) == key:
                yield exchange

    def _keep(self, request: Any, content: bytes, reply: Reply, answer: bytes) -> _Played:
        key = _key(request, content)
        head = reply.head
        lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
        record = {
            "status": head.status,
            "reason": head.reason,
            "http_version": head.version,
            "headers": _masked(head.fields),
            "body": _readable(answer),
        }
        asked = {"method": key[0], "url": key[1], "headers": _masked(lines), "content_sha256": key[2]}
        with self._lock:
            self._exchanges.append({"request": asked, "response": record})
            self._played[key] = self._played.get(key, 0) + 1
            self._recorded += 1
        return _Played(record | {"headers": list(head.fields)})


async def _content_of(reply: Reply) -> bytes:
    pieces: list[bytes] = []
    try:
        while piece := await reply.raw.read():
            pieces.append(piece)
    except BaseException:
        reply.raw.abort()
        raise
    return b"".join(pieces)


def _key(request: Any, content: bytes) -> tuple[str, str, str]:
    url = masked(bytes(request.url).decode("ascii"))
    return request.method.decode("ascii"), url, hashlib.sha256(content, usedforsecurity=False).hexdigest()


def _masked(lines: Any) -> list[list[str]]:
    return [[name, masked_value(name, value)] for name, value in lines]


def _readable(content: bytes) -> dict[str, str]:
    try:
        return {"text": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}


def _exchanges_in(path: Path) -> list[dict[str, Any]]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        exchanges = known["exchanges"]
        fine = known["version"] == VERSION and isinstance(exchanges, list)
        for exchange in exchanges:
            asked = exchange["request"]
            fine = fine and all(isinstance(asked[name], str) for name in ("method", "url", "content_sha256"))
            _Played(exchange["response"])
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidOption(f"{path.name} is no cassette: {type(error).__name__}") from error
    if not fine:
        raise InvalidOption(f"{path.name} is no cassette of version {VERSION}")
    return exchanges  # type: ignore[no-any-return]

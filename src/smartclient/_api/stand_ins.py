"""Transports for tests: a function, a WSGI or an ASGI application in the place of servers; never a socket.

They stand at the transport seam: redirects, cookies, credentials, retries, decoding and the cache work over them.
"""

import inspect
import io
import json as json_module
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from .._model.errors import InvalidOption, SessionMisuse, shown
from .._model.headers import Headers, fields_from


class MockRequest:
    """What a mocked server gets.

    Attributes:
        method: "GET" and so on.
        url: text, without userinfo and fragment.
        headers: a mapping; every line that would go over the wire.
        content: bytes of the body.
    """

    def __init__(self, method: str, url: str, headers: Headers, content: bytes) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.content = content

    @property
    def text(self) -> str:
        """The content, read as UTF-8."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The content, read as JSON."""
        return json_module.loads(self.content)

    def __repr__(self) -> str:
        return f"<MockRequest [{self.method}]>"


class MockResponse:
    """What a mocked server answers: `content` (or `text`, or `json`) under a status and fields.

    Args:
        status: 200 to 999.
        content: bytes, or an iterable of pieces, which come one by one.
        text: sent as UTF-8.
        json: sent as JSON.
        headers: mapping or pairs; Content-Type is added for text and json unless it is there.
    """

    def __init__(
        self,
        status: int = 200,
        content: bytes | Iterable[bytes] = b"",
        *,
        text: str | None = None,
        json: Any = None,
        headers: Any = None,
    ) -> None:
        fields = Headers(fields_from(headers))
        if text is not None:
            content = text.encode()
            fields.setdefault("Content-Type", "text/plain; charset=utf-8")
        elif json is not None:
            content = json_module.dumps(json).encode()
            fields.setdefault("Content-Type", "application/json")
        if isinstance(content, bytes):
            fields.setdefault("Content-Length", str(len(content)))
            content = (content,)
        self.status = status
        self.headers = fields.multi_items()
        self.stream = content
        self.extensions: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<MockResponse [{self.status}]>"


class MockTransport:
    """Answers every request by calling `handler(request)`; for `Session(transport=)` and `AsyncSession(transport=)`.

    `handler` gets a `MockRequest` and gives a `MockResponse`, or raises one of smartclient's errors; for an
    AsyncSession it may be a coroutine function.

    Attributes:
        requests: every `MockRequest` so far.
    """

    def __init__(self, handler: Callable[[MockRequest], Any]) -> None:
        self.handler = handler
        self.requests: list[MockRequest] = []

    def handle_request(self, request: Any) -> MockResponse:
        """One exchange of a blocking session."""
        answer = self.handler(self._noted(request, b"".join(request.stream)))
        if inspect.isawaitable(answer):
            getattr(answer, "close", lambda: None)()
            raise SessionMisuse("MockTransport: a Session needs a plain function, this one is to be awaited")
        return _checked(answer)

    async def handle_async_request(self, request: Any) -> MockResponse:
        """One exchange of an AsyncSession."""
        answer = self.handler(self._noted(request, await _whole(request)))
        return _checked(await answer if inspect.isawaitable(answer) else answer)

    def _noted(self, request: Any, content: bytes) -> MockRequest:
        noted = _mock_request(request, content)
        self.requests.append(noted)
        return noted


class WSGITransport:
    """Calls a WSGI application (PEP 3333) for every request of a Session.

    What the application raises passes through to the call. `client` is its REMOTE_ADDR.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], *, client: str = "127.0.0.1") -> None:
        self.app = app
        self.client = client

    def handle_request(self, request: Any) -> MockResponse:
        """One exchange."""
        started: list[Any] = []
        written: list[bytes] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if exc_info is not None and written:
                raise exc_info[1].with_traceback(exc_info[2])
            started[:] = [status, headers]
            return written.append

        pieces = self.app(self._environ(_mock_request(request, b"".join(request.stream))), start_response)
        try:
            written += pieces
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        if not started:
            raise SessionMisuse("the WSGI application did not call start_response")
        status, headers = started
        return MockResponse(int(status.split(" ", 1)[0]), b"".join(written), headers=headers)

    def _environ(self, request: MockRequest) -> dict[str, Any]:
        from urllib.parse import unquote_to_bytes, urlsplit

        parts = urlsplit(request.url)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": parts.hostname or "",
            "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.client,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.input": io.BytesIO(request.content),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        environ.setdefault("CONTENT_LENGTH", str(len(request.content)))
        return environ


class ASGITransport:
    """Runs an ASGI 3 application for every request of an AsyncSession, on asyncio or trio; no lifespan events.

    The whole answer is there before the call goes on. What the application raises before it has answered passes
    through to the call. `client` is what the application sees as the peer, `root_path` where it is mounted.
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[Any]],
        *,
        client: tuple[str, int] = ("127.0.0.1", 123),
        root_path: str = "",
    ) -> None:
        self.app = app
        self.client = client
        self.root_path = root_path

    async def handle_async_request(self, request: Any) -> MockResponse:
        """One exchange."""
        import anyio

        mock = _mock_request(request, await _whole(request))
        answer: dict[str, Any] = {}
        content: list[bytes] = []
        over = anyio.Event()
        taken = False

        async def receive() -> dict[str, Any]:
            nonlocal taken
            if taken:
                await over.wait()
                return {"type": "http.disconnect"}
            taken = True
            return {"type": "http.request", "body": mock.content, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.update(message)
            elif message["type"] == "http.response.body" and not over.is_set():
                content.append(message.get("body", b""))
                if not message.get("more_body", False):
                    over.set()

        try:
            await self.app(self._scope(mock), receive, send)
        except Exception:
            if not over.is_set():
                raise
        if "status" not in answer or not over.is_set():
            raise SessionMisuse("the ASGI application returned without an answer")
        return MockResponse(answer["status"], b"".join(content), headers=answer.get("headers", ()))

    def _scope(self, request: MockRequest) -> dict[str, Any]:
        from urllib.parse import unquote, urlsplit

        parts = urlsplit(request.url)
        lines = request.headers.multi_items()
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": parts.scheme,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode("ascii"),
            "query_string": parts.query.encode("ascii"),
            "root_path": self.root_path,
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in lines],
            "client": self.client,
            "server": (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)),
        }


def _mock_request(request: Any, content: bytes) -> MockRequest:
    headers = Headers(fields_from(request.headers))
    return MockRequest(request.method.decode("ascii"), bytes(request.url).decode("ascii"), headers, content)


async def _whole(request: Any) -> bytes:
    return b"".join([piece async for piece in request.stream])


def _checked(answer: Any) -> MockResponse:
    if not isinstance(answer, MockResponse):
        raise InvalidOption(f"MockTransport: the handler gave {shown(answer)}, not a MockResponse")
    return answer

"""A small origin whose pages are Python functions: it remembers what it saw and counts what it served."""

import base64
import contextlib
import gzip
import json
import select
import socket
import ssl
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PATIENCE = 20.0  # seconds until /wait answers by itself: a guard for broken tests


@dataclass(frozen=True)
class Seen:
    """A request as it arrived. `connection` numbers the connections of the origin from 1."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    def header(self, name: str) -> str | None:
        """The value of the first line named so, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Page:
    """An answer. `body` as bytes goes with Content-Length, as pieces it goes chunked."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of_json(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> "Page":
        return Page(json.dumps(value).encode(), status, (("Content-Type", "application/json"), *headers))


Handler = Callable[[Seen], Page]


@dataclass
class Record:
    """What an origin saw since the test began."""

    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    hits: Counter[str] = field(default_factory=Counter)


class Origin:
    """Serves the pages below, and those that a test adds with `route`.

    /echo (the request as JSON: method, target, headers as pairs, body in base64), /status/NNN, /bytes/N,
    /chunked/N (N chunks of 10 bytes), /gzip, /deflate, /redirect/N (N hops to /echo), /to?url=&status=,
    /cookies (Cookie as JSON), /cookies/set?name=value, /basic (user "user", password "pass"),
    /page/NAME?max_age=N (ETag; 304 to If-None-Match), /dated (Last-Modified; 304 to If-Modified-Since),
    /events (three server-sent events; no more after them), /wait (answers once `gate` is set).

    Attributes:
        port, url: where it listens.
        seen: the `Record` since the last `forget()`.
        gate: holds /wait back.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.seen = Record()
        self.gate = threading.Event()
        self._custom: dict[str, Handler] = {}
        self._server = _Server(self, context)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def route(self, path: str, handler: Handler) -> str:
        """Serves `path` by `handler` until `forget()`; gives the whole URL."""
        self._custom[path] = handler
        return self.url + path

    def forget(self) -> None:
        """As new: no record, no added pages, the gate shut. Open connections stay open."""
        self.gate.set()
        self.gate = threading.Event()
        self._custom = {}
        self.seen = Record()

    def answer(self, seen: Seen) -> Page:
        """The page for a request."""
        self.seen.requests.append(seen)
        self.seen.hits[seen.path] += 1
        if handler := self._custom.get(seen.path):
            return handler(seen)
        first, _, rest = seen.path[1:].partition("/")
        page: Callable[..., Page] | None = getattr(self, f"_page_{first}", None)
        return page(seen, rest) if page else Page(b"no such page\n", 404)

    def _page_echo(self, seen: Seen, rest: str) -> Page:
        body = base64.b64encode(seen.body).decode()
        return Page.of_json({"method": seen.method, "target": seen.target, "headers": seen.headers, "body": body})

    def _page_status(self, seen: Seen, rest: str) -> Page:
        return Page(b"" if rest in ("204", "304") else rest.encode(), int(rest))

    def _page_bytes(self, seen: Seen, rest: str) -> Page:
        return Page((b"0123456789" * (int(rest) // 10 + 1))[: int(rest)])

    def _page_chunked(self, seen: Seen, rest: str) -> Page:
        return Page(b"0123456789" for _ in range(int(rest)))

    def _page_gzip(self, seen: Seen, rest: str) -> Page:
        return Page(gzip.compress(b"a gzip page\n" * 100), headers=(("Content-Encoding", "gzip"),))

    def _page_deflate(self, seen: Seen, rest: str) -> Page:
        return Page(zlib.compress(b"a deflate page\n" * 100), headers=(("Content-Encoding", "deflate"),))

    def _page_redirect(self, seen: Seen, rest: str) -> Page:
        left = int(rest)
        return Page(status=302, headers=(("Location", f"/redirect/{left - 1}" if left > 1 else "/echo"),))

    def _page_to(self, seen: Seen, rest: str) -> Page:
        return Page(status=int(seen.query.get("status", "302")), headers=(("Location", seen.query["url"]),))

    def _page_cookies(self, seen: Seen, rest: str) -> Page:
        if rest == "set":
            return Page(headers=tuple(("Set-Cookie", f"{name}={value}") for name, value in seen.query.items()))
        sent = seen.header("cookie") or ""
        return Page.of_json(dict(pair.split("=", 1) for pair in sent.split("; ") if pair))

    def _page_basic(self, seen: Seen, rest: str) -> Page:
        if seen.header("authorization") == "Basic " + base64.b64encode(b"user:pass").decode():
            return Page(b"welcome\n")
        return Page(b"who?\n", 401, (("WWW-Authenticate", 'Basic realm="test"'),))

    def _page_page(self, seen: Seen, rest: str) -> Page:
        tag = f'"{rest}-1"'
        headers = (("ETag", tag), ("Cache-Control", f"max-age={seen.query.get('max_age', '60')}"))
        if seen.header("if-none-match") == tag:
            return Page(b"", 304, headers)
        return Page(f"page {rest}, hit {self.seen.hits[seen.path]}\n".encode(), 200, headers)

    def _page_dated(self, seen: Seen, rest: str) -> Page:
        headers = (("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"), ("Cache-Control", "no-cache"))
        if seen.header("if-modified-since"):
            return Page(b"", 304, headers)
        return Page(b"a dated page\n", 200, headers)

    def _page_events(self, seen: Seen, rest: str) -> Page:
        if seen.header("last-event-id"):
            return Page(status=204)
        events = (b"id: %d\ndata: event %d\n\n" % (number, number) for number in range(1, 4))
        return Page(events, headers=(("Content-Type", "text/event-stream"),))

    def _page_wait(self, seen: Seen, rest: str) -> Page:
        self.gate.wait(PATIENCE)
        return Page(b"at last\n")

    @property
    def leaving(self) -> int:
        """Connections that their clients have ended, and that are not closed yet; 0 where the system does not tell."""
        return self._server.leaving()

    def close(self) -> None:
        """Ends the server and its connections."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, origin: Origin, context: ssl.SSLContext | None) -> None:
        self.origin = origin
        self.context = context
        self._open: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Exchange)

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = request
            self.origin.seen.connections += 1
            number = self.origin.seen.connections
        try:
            # The handshake belongs to the connection's own thread, and so does a peer that refuses it.
            served = self.context.wrap_socket(request, server_side=True) if self.context else request
            with self._lock:
                self._open[request] = served
            with served:
                _Exchange(served, (client_address, number), self)
        except OSError:
            pass
        finally:
            with self._lock:
                del self._open[request]

    def leaving(self) -> int:
        if not hasattr(select, "POLLRDHUP"):
            return 0
        poller = select.poll()
        with self._lock:
            for each in self._open.values():
                if (handle := each.fileno()) >= 0:  # else it has just been closed
                    poller.register(handle, select.POLLRDHUP)
        return len(poller.poll(0))

    def shutdown_request(self, request: Any) -> None:
        request.close()

    def server_close(self) -> None:
        super().server_close()
        with self._lock:
            still_open = list(self._open.values())
        for each in still_open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method is served
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        number = self.client_address[1]
        headers = tuple((name, value) for name, value in self.headers.items())
        seen = Seen(self.command, self.path, headers, b"".join(self._body()), number)
        page = self.server.origin.answer(seen)
        pieces = None if isinstance(page.body, bytes) else page.body
        self.send_response(page.status)
        for name, value in page.headers:
            self.send_header(name, value)
        if pieces is not None:
            self.send_header("Transfer-Encoding", "chunked")
        elif page.status not in (204, 304):
            self.send_header("Content-Length", str(len(page.body)))  # type: ignore[arg-type]
        self.end_headers()
        if self.command == "HEAD":
            return
        if pieces is None:
            self.wfile.write(page.body)  # type: ignore[arg-type]
            return
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding"):
            while size := int(self.rfile.readline() or self._left(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            yield self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _left(self) -> bytes:
        raise ConnectionAbortedError("the client ended its connection in the middle of a body")

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: `Origin.seen` remembers."""

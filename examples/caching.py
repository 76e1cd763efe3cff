"""A cached page: stored, used without a request, confirmed by a 304 once it is stale, replaced when it has changed."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import smartclient


class Origin(BaseHTTPRequestHandler):
    """Serves the latest version of a page, fresh for a second; 304 to whoever has it already."""

    version = 1

    def do_GET(self) -> None:
        """One request."""
        tag, body = f'"v{self.version}"', f"version {self.version}".encode()
        known = self.headers["If-None-Match"] == tag
        print(f"  origin: If-None-Match {self.headers['If-None-Match']} -> {304 if known else 200}")
        self.send_response_only(304 if known else 200)
        for name, value in (("ETag", tag), ("Cache-Control", "max-age=1"), ("Content-Length", len(body))):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(b"" if known else body)

    def log_message(self, format: str, *args: object) -> None:
        """Stays quiet."""


with ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server, smartclient.Session() as session:
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    for pause, version in ((0, 1), (0, 1), (1.1, 1), (1.1, 2)):
        time.sleep(pause)
        Origin.version = version
        response = session.get(f"http://127.0.0.1:{server.server_port}/")
        print(f"{response.text}: {response.cache.status}, {response.cache.reason}")
    server.shutdown()

"""A tour on one machine, without internet: a local origin, and the real command `smartclient get` on it.

Shows each command, its output and exit code, and what the origin saw; ends with an error if anything differs.
"""

import gzip
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

TEXT = b"Hello from the origin.\n"
PAGES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/page": (200, {"Cache-Control": "max-age=60"}, TEXT),
    "/stale": (200, {"Cache-Control": "max-age=0", "ETag": '"v1"'}, TEXT),
    "/gzip": (200, {"Content-Encoding": "gzip"}, gzip.compress(TEXT * 100)),
    "/missing": (404, {}, b"There is no such page.\n"),
}
seen: list[str] = []  # what the origin saw since the last step


class Origin(BaseHTTPRequestHandler):
    """Serves PAGES; answers 304 to a condition that holds."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """One request: its answer goes out, and a line about it to `seen`."""
        status, fields, body = PAGES[self.path]
        condition = self.headers.get("If-None-Match")
        if condition is not None and condition == fields.get("ETag"):
            status, body = 304, b""
        seen.append(f"GET {self.path}{f' with If-None-Match: {condition}' if condition else ''} -> {status}")
        self.send_response(status)
        for name, value in {**fields, "Content-Type": "text/plain"}.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stays quiet: the tour tells what was seen."""


class Ended(NamedTuple):
    """How the command ended."""

    exit_code: int
    stdout: bytes


def command(*arguments: str) -> Ended:
    """Runs the installed command with a cache that nobody has used; its stderr goes to ours."""
    installed = Path(sys.executable).with_name("smartclient")
    program = [str(installed)] if installed.exists() else [sys.executable, "-m", "smartclient"]
    print("$ smartclient", *arguments, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"SMARTCLIENT_CACHE_DIR": folder}
        done = subprocess.run([*program, *arguments], stdout=subprocess.PIPE, timeout=30, env=environment)
    return Ended(done.returncode, done.stdout)


def step(title: str, result: object, expected: object, *requests: str) -> None:
    """Tells how a step ended, and stops the tour unless it ended as expected."""
    print(f"  {title}\n  result: {result!r:.100}")
    print("  origin saw:", "; ".join(seen) or "nothing", "\n")
    if (result, seen) != (expected, list(requests)):
        sys.exit(f"not as expected: {expected!r:.100}, and the origin sees {list(requests)}")
    seen.clear()


def tour(url: str) -> None:
    """The stops, in order."""
    step("a page", command("get", f"{url}/page"), (0, TEXT), "GET /page -> 200")
    step("a gzip page, decoded", command("get", f"{url}/gzip"), (0, TEXT * 100), "GET /gzip -> 200")
    missing = command("get", f"{url}/missing")
    step("an error page: printed, exit code 22", missing, (22, PAGES["/missing"][2]), "GET /missing -> 404")

    # Each command here begins with an empty cache: it is seen at work when one asks for a page twice.
    twice = command("get", f"{url}/page", f"{url}/page")
    step("the same page twice, one request: the second answer was fresh", twice, (0, TEXT * 2), "GET /page -> 200")
    twice = command("get", f"{url}/stale", f"{url}/stale")
    asked = ("GET /stale -> 200", 'GET /stale with If-None-Match: "v1" -> 304')
    step("a stale page twice: asked, not downloaded again", twice, (0, TEXT * 2), *asked)


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        tour(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    print("All as expected.")

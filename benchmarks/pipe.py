"""A large body through a pipe: `smartclient get URL | sha256sum` beside curl, and what the size costs in memory.

python benchmarks/pipe.py [--megabytes 1000]

The digests must be the same, and the peak of memory may grow by 5 MB from a body of 1 MB to the large one.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MEGABYTE = bytes(range(256)) * 4096  # of 2**20 bytes
GROWTH_MAX = 5.0  # MB


class _Body(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        count = int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(count * len(MEGABYTE)))
        self.end_headers()
        for _ in range(count):
            self.wfile.write(MEGABYTE)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def bodies() -> Iterator[str]:
    """URL of bodies: /N has N megabytes."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Body) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def piped(command: list[str], folder: str) -> tuple[str, float, float]:
    """SHA-256 of what the command writes into a pipe, its peak of memory in MB, and the seconds it took."""
    started = time.monotonic()
    environment = {**os.environ, "SMARTCLIENT_CACHE_DIR": f"{folder}/cache", "XDG_STATE_HOME": f"{folder}/state"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        digest = hashlib.sha256()
        while data := process.stdout.read(1 << 20):
            digest.update(data)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return digest.hexdigest(), usage.ru_maxrss / 1000, time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description="A large body through a pipe.")
    parser.add_argument("--megabytes", type=int, default=1000)
    count = parser.parse_args().megabytes
    curl = shutil.which("curl")
    with bodies() as url, tempfile.TemporaryDirectory() as folder:
        ours = [sys.executable, "-m", "smartclient", "get"]
        _, small, _ = piped([*ours, f"{url}/1"], folder)
        digest, large, seconds = piped([*ours, f"{url}/{count}"], folder)
        print(f"smartclient  {seconds:6.1f} s  peak {large:.1f} MB, {large - small:+.1f} MB over 1 MB  {digest}")
        same = True
        if curl is not None:
            theirs, peak, seconds = piped([curl, "-s", f"{url}/{count}"], folder)
            print(f"curl         {seconds:6.1f} s  peak {peak:.1f} MB  {theirs}")
            same = theirs == digest
    return 0 if same and large - small <= GROWTH_MAX else 1


if __name__ == "__main__":
    sys.exit(main())

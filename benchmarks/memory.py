"""How much memory large bodies take: the peak of a fresh process, less that of one that moves 1 MB the same way.

    python benchmarks/memory.py                        all cases
    python benchmarks/memory.py --cases gzip br --json FILE

Peaks are VmHWM of /proc/self/status, so this needs Linux. Every run is a new process; the origin is this one, which
makes the bodies while it sends them. Of each pair the least growth of `--runs` counts.
"""

import argparse
import hashlib
import json
import platform
import socketserver
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MB = 1_000_000
PORTION = 100_000
SMALL = MB  # what the other process of a pair moves
BOMB = 200 * 2**20


@dataclass(frozen=True)
class Case:
    """`size` bytes of content, moved by `action` of the client; `limit` is the growth in MB that must hold."""

    action: str
    size: int
    limit: float


CASES = {
    "plain": Case("stream", 200 * MB, 5),
    "gzip": Case("stream", 200 * MB, 5),
    "deflate": Case("stream", 200 * MB, 5),
    "br": Case("stream", 200 * MB, 5),
    "zstd": Case("stream", 200 * MB, 5),
    "gzip-bomb": Case("refuse", BOMB, 40),
    "br-bomb": Case("refuse", BOMB, 40),
    "zstd-bomb": Case("refuse", BOMB, 40),
    "multipart": Case("upload", 500 * MB, 5),
}

# The clients: sys.argv is the URL, and the path of a file for uploads. Each prints one line: "peak in KiB, outcome".
_PEAK = """
import sys, smartclient, smartclient.exceptions
def tell(outcome):
    with open("/proc/self/status") as status:
        peak = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    print(peak, outcome)
"""
ACTIONS = {
    "stream": """
size = 0
with smartclient.Session() as session, session.stream("GET", sys.argv[1]) as response:
    for piece in response.iter_content(65536):
        size += len(piece)
tell(size)
""",
    "refuse": """
with smartclient.Session() as session:
    try:
        tell(len(session.get(sys.argv[1]).content))
    except smartclient.RequestException as error:
        tell(type(error).__name__)
""",
    "upload": """
with smartclient.Session() as session, open(sys.argv[2], "rb") as file:
    try:
        response = session.post(sys.argv[1], files={"file": file})
    except (TypeError, smartclient.exceptions.InvalidOption) as error:
        if "files" not in str(error):
            raise
        tell("skipped")
    else:
        tell(int(response.text))
""",
}


def text_of(size: int) -> Iterator[bytes]:
    """Hexadecimal digits that do not repeat: every coding halves them, and every window is filled."""
    seed = hashlib.shake_128(b"memory").digest(50_000)
    for number in range(-(-size // PORTION)):
        block = hashlib.blake2b(number.to_bytes(4)).digest() * 782
        mixed = int.from_bytes(seed) ^ int.from_bytes(block[: len(seed)])
        yield mixed.to_bytes(len(seed)).hex().encode()[: size - number * PORTION]


def zeros_of(size: int) -> Iterator[bytes]:
    for at in range(0, size, 2**20):
        yield bytes(min(2**20, size - at))


def compressor(coding: str, level: int) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """(compress, flush); the window is what servers use."""
    if coding == "br":
        encoder = brotli.Compressor(quality=level, lgwin=22)
        return encoder.process, encoder.finish
    if coding == "zstd":
        made = zstd.ZstdCompressor(max(level, 3))  # below it the window shrinks
        return made.compress, made.flush
    deflater = zlib.compressobj(level, wbits=31 if coding == "gzip" else 15)
    return deflater.compress, deflater.flush


def coded(coding: str, content: Iterator[bytes], level: int) -> Iterator[bytes]:
    if coding == "plain":
        yield from content
        return
    compress, flush = compressor(coding, level)
    for portion in content:
        if data := compress(portion):
            yield data
    yield flush()


class _Exchange(socketserver.StreamRequestHandler):
    """GET /CODING/SIZE and /CODING-bomb/SIZE give content; POST /count gives the bytes of its body."""

    def handle(self) -> None:
        method, target, _ = self.rfile.readline().split()
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if method == b"POST":
            self._count(length)
        else:
            _, name, size = target.decode().split("/")
            self._send(name, int(size))

    def _count(self, length: int) -> None:
        seen = 0
        while seen < length and (data := self.rfile.read(min(2**16, length - seen))):
            seen += len(data)
        answer = str(seen).encode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)

    def _send(self, name: str, size: int) -> None:
        coding, _, bomb = name.partition("-")
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n")
        self.wfile.write(b"" if coding == "plain" else b"Content-Encoding: %s\r\n" % coding.encode())
        self.wfile.write(b"\r\n")
        try:
            content = zeros_of(size) if bomb else text_of(size)
            for data in coded(coding, content, level=9 if bomb else 1):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:  # the client refused it
            pass


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def origin() -> Iterator[str]:
    """URL of an origin in this process, without the last slash."""
    with _Server(("127.0.0.1", 0), _Exchange) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def moved(url: str, name: str, size: int, folder: Path) -> tuple[int, str]:
    """(peak in KiB, outcome) of a fresh process that moves `size` bytes."""
    case = CASES[name]
    arguments = [f"{url}/{name}/{size}"]
    if case.action == "upload":
        file = folder / f"upload-{size}"
        with open(file, "wb") as sparse:
            sparse.truncate(size)
        arguments = [f"{url}/count", str(file)]
    command = [sys.executable, "-c", _PEAK + ACTIONS[case.action], *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    peak, outcome = done.stdout.split()
    return int(peak), outcome


def went_right(case: Case, size: int, outcome: str) -> bool:
    if case.action == "refuse":
        return outcome == ("DecodedTooLarge" if size == case.size else str(size))
    seen = int(outcome)
    return seen > size if case.action == "upload" else seen == size


def measure(name: str, url: str, folder: Path, runs: int) -> dict[str, Any]:
    """Growth in MB over the process that moves 1 MB, or why there is none."""
    case = CASES[name]
    growths = []
    for _ in range(runs):
        peaks = []
        for size in (SMALL, case.size):
            peak, outcome = moved(url, name, size, folder)
            if outcome == "skipped":
                return {"skipped": "this version has no multipart uploads"}
            if not went_right(case, size, outcome):
                return {"failed": f"{size} bytes ended with {outcome}"}
            peaks.append(peak)
        growths.append((peaks[1] - peaks[0]) * 1024 / MB)
    return {"growth_mb": round(min(growths), 2), "limit_mb": case.limit, "holds": min(growths) < case.limit}


def shown(name: str, row: dict[str, Any]) -> str:
    case = CASES[name]
    told = row.get("skipped") or row.get("failed")
    if told is None:
        told = f"{row['growth_mb']:7.2f} MB  limit {case.limit:g} {'holds' if row['holds'] else 'FAILS'}"
    return f"  {name:12} {case.size / MB:4.0f} MB  {told}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Memory that large bodies take, over that of 1 MB.")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--runs", type=int, default=1, help="pairs of processes for each case (1)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    rows = {}
    with origin() as url, tempfile.TemporaryDirectory() as folder:
        for name in options.cases:
            rows[name] = measure(name, url, Path(folder), options.runs)
            print(shown(name, rows[name]), flush=True)
    if options.json:
        report = {"v": 1, "python": platform.python_version(), "growth": rows}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if all("skipped" in row or row.get("holds") for row in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

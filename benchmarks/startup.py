"""What starting costs: CPU of a fresh interpreter over the bare one, the minimum of nine runs.

python benchmarks/startup.py [--runs 9] [--json FILE]

Every row is a new process; its user and system time are read when it ends. `Session()` is timed inside one process.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SESSION = """
import time, smartclient
smartclient.Session().close()
best = float("inf")
for _ in range(50):
    start = time.process_time()
    session = smartclient.Session()
    best = min(best, time.process_time() - start)
    session.close()
print(best)
"""


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"page\n")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def local_page() -> Iterator[str]:
    """URL of a page that this process serves."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def rows(url: str) -> dict[str, tuple[list[str], float]]:
    """What is started -> (arguments of the interpreter, limit in ms over the bare one)."""
    return {
        "import smartclient": (["-c", "import smartclient"], 35),
        "Session() with its import": (["-c", "import smartclient; smartclient.Session()"], 60),
        "get('http://...') with its import": (["-c", f"import smartclient; smartclient.get({url!r})"], 60),
        "smartclient --version": (["-m", "smartclient", "--version"], 15),
        "smartclient --help": (["-m", "smartclient", "--help"], 15),
        "smartclient get http://...": (["-m", "smartclient", "get", url], 60),
    }


def cpu_seconds(arguments: list[str]) -> float:
    """User and system seconds of one interpreter with these arguments; it must succeed."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"python {' '.join(arguments)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def session_seconds() -> float:
    """CPU of one `Session()` in a process that has made one before."""
    done = subprocess.run([sys.executable, "-c", SESSION], stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description="CPU of starting smartclient, over the bare interpreter.")
    parser.add_argument("--runs", type=int, default=9, help="fresh interpreters for each row (9)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    with local_page() as url:
        started = rows(url)
        best = dict.fromkeys(["bare", *started], float("inf"))
        for _ in range(options.runs):  # in turns, so that a machine that changes speed changes it for all
            best["bare"] = min(best["bare"], cpu_seconds(["-c", "pass"]))
            for name, (arguments, _) in started.items():
                best[name] = min(best[name], cpu_seconds(arguments))
    over = {name: (best[name] - best["bare"]) * 1000 for name in started}
    limits = {name: limit for name, (_, limit) in started.items()}
    over["Session()"], limits["Session()"] = session_seconds() * 1000, 0.2
    print(f"bare interpreter: {best['bare'] * 1000:.1f} ms CPU; over it, minimum of {options.runs}:")
    for name, cost in over.items():
        print(f"  {name:34} {cost:7.2f} ms  limit {limits[name]:>5} {'holds' if cost <= limits[name] else 'FAILS'}")
    if options.json:
        report = {"v": 1, "python": platform.python_version(), "bare_ms": best["bare"] * 1000, "over_ms": over}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if all(cost <= limits[name] for name, cost in over.items()) else 1


if __name__ == "__main__":
    sys.exit(main())

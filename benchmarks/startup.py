"""What starting costs: CPU of a fresh interpreter over the bare one, the minimum of nine runs.

python benchmarks/startup.py [--runs 9] [--json FILE]

Every row is a new process; its user and system time are read when it ends. `Session()` is timed inside one process.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
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
    """What is started -> (arguments of the interpreter, limit in ms over the bare one, `inf` for none)."""
    return {
        "import smartclient": (["-c", "import smartclient"], 35),
        "Session() with its import": (["-c", "import smartclient; smartclient.Session()"], math.inf),
        "get('http://...') with its import": (["-c", f"import smartclient; smartclient.get({url!r})"], 60),
        "smartclient --version": (["-m", "smartclient", "--version"], 15),
        "smartclient --help": (["-m", "smartclient", "--help"], 15),
        "smartclient get http://...": (["-m", "smartclient", "get", url], 60),
    }


def installed_environment(folder: str) -> dict[str, str]:
    """The environment of a program that runs from compiled modules, as an installed one does; they go to `folder`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**environment, "PYTHONPYCACHEPREFIX": folder}


def cpu_seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """User and system seconds of one interpreter with these arguments; it must succeed."""
    process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"python {' '.join(arguments)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def session_seconds(environment: dict[str, str]) -> float:
    """CPU of one `Session()` in a process that has made one before."""
    done = subprocess.run([sys.executable, "-c", SESSION], env=environment, stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description="CPU of starting smartclient, over the bare interpreter.")
    parser.add_argument("--runs", type=int, default=9, help="fresh interpreters for each row (9)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    with local_page() as url, tempfile.TemporaryDirectory() as folder:
        environment = installed_environment(folder)
        started = {"bare": (["-c", "pass"], math.inf), **rows(url)}
        best = dict.fromkeys(started, math.inf)
        for turn in range(options.runs + 1):  # in turns, so that a machine that changes speed changes it for all
            for name, (arguments, _) in started.items():
                cost = cpu_seconds(arguments, environment)
                if turn:  # the first one compiles
                    best[name] = min(best[name], cost)
        session = session_seconds(environment)
    bare = best.pop("bare")
    over = {name: (cost - bare) * 1000 for name, cost in best.items()}
    limits = {name: limit for name, (_, limit) in started.items()}
    over["Session()"], limits["Session()"] = session * 1000, 0.2
    print(f"bare interpreter: {bare * 1000:.1f} ms CPU; over it, minimum of {options.runs}:")
    for name, cost in over.items():
        verdict = f"limit {limits[name]:>4} {'holds' if cost <= limits[name] else 'FAILS'}"
        print(f"  {name:34} {cost:7.2f} ms  {verdict if limits[name] < math.inf else ''}".rstrip())
    if options.json:
        report = {"v": 1, "python": platform.python_version(), "bare_ms": bare * 1000, "over_ms": over}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if all(cost <= limits[name] for name, cost in over.items()) else 1


if __name__ == "__main__":
    sys.exit(main())

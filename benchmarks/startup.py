"""What starting costs: CPU of a fresh interpreter over the bare one, the minimum of nine runs.

python benchmarks/startup.py [--runs 9] [--json FILE]

Every row is a new process; its user and system time are read when it ends. `Session()` is timed inside one process.
HTTPie, where it is installed, makes the same call in the same run. The https rows load certifi's whole bundle.
"""

import argparse
import json
import math
import os
import platform
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
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
def local_page(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """URL of a page that this process serves."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def issuers_and_context(folder: str) -> tuple[str, ssl.SSLContext]:
    """A file with certifi's issuers and one more, and a server's context that this one vouches for."""
    import certifi
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    path = Path(folder, "issuers.pem")
    path.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    return str(path), context


def rows(url: str, tls_url: str, issuers: str) -> dict[str, tuple[list[str], float]]:
    """What is started -> (arguments of the interpreter, limit in ms over the bare one, `inf` for none)."""
    # As the installed scripts do it: -m would add what runpy loads.
    ours = ["-c", "from smartclient._cli.main import run; run()"]
    httpie = ["-c", "import sys; from httpie.__main__ import main; sys.exit(main())", "--ignore-stdin"]
    others = {
        "http GET http://... (HTTPie)": ([*httpie, "GET", url], math.inf),
        "http GET https://... (HTTPie)": ([*httpie, f"--verify={issuers}", "GET", tls_url], math.inf),
    }
    return {
        "import smartclient": (["-c", "import smartclient"], 35),
        "Session() with its import": (["-c", "import smartclient; smartclient.Session()"], math.inf),
        "get('http://...') with its import": (["-c", f"import smartclient; smartclient.get({url!r})"], 60),
        "smartclient --version": ([*ours, "--version"], 15),
        "smartclient --help": ([*ours, "--help"], 15),
        "smartclient get http://...": ([*ours, "get", url], 60),
        "smartclient get https://...": ([*ours, "get", "--cacert", issuers, tls_url], 85),
        **(others if find_spec("httpie") is not None else {}),
    }


def installed_environment(folder: str) -> dict[str, str]:
    """The environment of a program that runs from compiled modules, as an installed one does; they go to `folder`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    own = {
        "PYTHONPYCACHEPREFIX": folder,
        "SMARTCLIENT_CACHE_DIR": f"{folder}/cache",
        "XDG_STATE_HOME": f"{folder}/state",
    }
    return {**environment, **own}


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
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        issuers, context = issuers_and_context(folder)
        url, tls_url = (stack.enter_context(local_page(each)) for each in (None, context))
        environment = installed_environment(folder)
        started = {"bare": (["-c", "pass"], math.inf), **rows(url, tls_url, issuers)}
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
    for name in ("http", "https"):
        theirs = over.get(f"http GET {name}://... (HTTPie)")
        if theirs is not None:
            print(f"  {name}: HTTPie costs {theirs / over[f'smartclient get {name}://...']:.1f} times as much")
    if options.json:
        report = {"v": 1, "python": platform.python_version(), "bare_ms": bare * 1000, "over_ms": over}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if all(cost <= limits[name] for name, cost in over.items()) else 1


if __name__ == "__main__":
    sys.exit(main())

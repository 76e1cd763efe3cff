"""Downloads into files: smartclient beside curl, wget, aria2c and the usual loop over requests, each a fresh process.

    python benchmarks/download.py                      500 MB, 5 rounds, parallel requests against a limited server
    python benchmarks/download.py --size 100MB --rounds 3 --json FILE

Every contender leaves the file on the disk: what does not do so itself is followed by `sync FILE`. They take turns; the
medians count. Memory is VmHWM of our process, less that of one that downloads 1 MB. Needs nginx; contenders that are
not installed are left out.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from loopback.nginx import Nginx

MB = 1_000_000
OURS, FLOOR = "smartclient", "curl"
LIMIT = 16  # MB a second that the limited server gives one connection
PARALLEL = (1, 2, 4, 8)

_OURS = """
import sys, smartclient
with smartclient.Session() as session:
    session.download(sys.argv[1], sys.argv[2], parallel=int(sys.argv[3]))
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""
_REQUESTS = """
import sys, requests
with requests.get(sys.argv[1], stream=True) as response, open(sys.argv[2], "wb") as file:
    for piece in response.iter_content(65536):
        file.write(piece)
"""


def command(name: str, url: str, path: Path, parallel: int = 1) -> list[str]:
    """What to run for one download."""
    n = str(parallel)
    return {
        OURS: [sys.executable, "-c", _OURS, url, str(path), n],
        "curl": ["curl", "-s", "-o", str(path), url],
        "wget": ["wget", "-q", "-O", str(path), url],
        "aria2c": ["aria2c", "-q", "-x", n, "-s", n, "-k", "8M", "-d", str(path.parent), "-o", path.name, url],
        "requests": [sys.executable, "-c", _REQUESTS, url, str(path)],
    }[name]


def installed() -> list[str]:
    """The contenders that can run here."""
    import importlib.util

    found = [name for name in ("curl", "wget", "aria2c") if shutil.which(name)]
    return [OURS, *found, *(["requests"] if importlib.util.find_spec("requests") else [])]


def seconds(name: str, url: str, path: Path, size: int, parallel: int = 1) -> float:
    """The time of one download, until the disk has it."""
    path.unlink(missing_ok=True)
    os.sync()
    began = time.perf_counter()
    subprocess.run(command(name, url, path, parallel), check=True, stdout=subprocess.DEVNULL)
    if name != OURS:
        subprocess.run(["sync", str(path)], check=True)
    took = time.perf_counter() - began
    if path.stat().st_size != size:
        raise RuntimeError(f"{name} left {path.stat().st_size} bytes")
    return took


def peak(url: str, path: Path) -> int:
    """VmHWM in KiB of our process after one download."""
    done = subprocess.run(command(OURS, url, path), stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


def race(names: Sequence[str], url: str, path: Path, size: int, rounds: int) -> dict[str, list[float]]:
    """Times of each contender, which take turns in an order that changes with each round."""
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in [*names[number % len(names) :], *names[: number % len(names)]]:
            times[name].append(seconds(name, url, path, size))
    return times


def run(folder: Path, size: int, limited_size: int, rounds: int) -> dict[str, Any]:
    """Everything, printed while it comes."""
    block = os.urandom(MB)
    for name, length in (("big", size), ("small", MB), ("limited", limited_size)):
        with open(folder / name, "wb") as file:
            for _ in range(length // MB):
                file.write(block)
    http = (
        f"server {{{{ listen 127.0.0.1:{{ports[0]}} {{backlog}}; root {folder}; sendfile on;\n"
        f"  location = /limited {{{{ limit_rate {LIMIT}m; }}}} }}}}"
    )
    with Nginx(folder, http) as nginx:
        url, path = f"http://127.0.0.1:{nginx.ports[0]}", folder / "out"
        times = race(installed(), f"{url}/big", path, size, rounds)
        medians = {name: statistics.median(each) for name, each in times.items()}
        for name, median in medians.items():
            ratio = f"  {medians[FLOOR] / median:.2f} x {FLOOR}" if FLOOR in medians else ""
            print(f"  {name:12} {median:6.2f} s  {size / MB / median:7.0f} MB/s{ratio}", flush=True)
        growth = (peak(f"{url}/big", path) - peak(f"{url}/small", path)) * 1024 / MB
        print(f"  memory: {growth:.2f} MB more for {size // MB} MB than for 1 MB", flush=True)
        scaling = {n: seconds(OURS, f"{url}/limited", path, limited_size, n) for n in PARALLEL}
        for n, took in scaling.items():
            print(f"  parallel={n}: {took:.2f} s, {scaling[1] / took:.1f} x one, of {LIMIT} MB/s each", flush=True)
    return {"seconds": times, "medians": medians, "growth_mb": growth, "parallel_seconds": scaling}


def megabytes(text: str) -> int:
    """Bytes of "500MB" or "500"."""
    return int(text.upper().removesuffix("MB")) * MB


def main() -> int:
    parser = argparse.ArgumentParser(description="Downloads into files.")
    parser.add_argument("--size", type=megabytes, default=500 * MB, metavar="500MB")
    parser.add_argument("--limited-size", type=megabytes, default=128 * MB, metavar="128MB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder), options.size, options.limited_size, options.rounds)
    if options.json:
        options.json.write_text(json.dumps({"v": 1, "python": platform.python_version(), **report}, indent=1) + "\n")
    medians = report["medians"]
    slow = FLOOR in medians and medians[FLOOR] / medians[OURS] < 0.9
    return 1 if slow or report["growth_mb"] >= 5 else 0


if __name__ == "__main__":
    sys.exit(main())

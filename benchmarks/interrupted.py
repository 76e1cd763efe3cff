"""Shows that downloads survive: cuts, restarts of the server, `kill -9` of the client; byte-exact or it fails.

python benchmarks/interrupted.py                   200 MB, 20 kills
python benchmarks/interrupted.py --size 20MB --kills 5 --parallel 4
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from loopback.interrupted import Outcome, cut_and_restarted, killed


def megabytes(text: str) -> int:
    """Bytes of "200MB" or "200"."""
    return int(text.upper().removesuffix("MB")) * 1_000_000


def show(name: str, run: Callable[[Path], Outcome]) -> bool:
    """Runs one and prints its line: whether it went well."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder))
    good = outcome.exact and not outcome.wrong and outcome.left == ["file"]
    print(
        f"{name:34} {'byte-exact' if outcome.exact else 'WRONG':10} {outcome.interruptions} interruptions, "
        f"{outcome.requests} requests, {outcome.wrong} wrong files seen, left: {' '.join(outcome.left)}",
        flush=True,
    )
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description="Downloads that are interrupted.")
    parser.add_argument("--size", type=megabytes, default=200_000_000, metavar="200MB")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=4, help="requests at a time in the last run (4)")
    options = parser.parse_args()
    size, seed = options.size, options.seed
    runs: dict[str, Callable[[Path], Outcome]] = {
        "server cuts and is restarted": lambda folder: cut_and_restarted(folder, size, seed),
        f"client killed {options.kills} times": lambda folder: killed(folder, size, options.kills, seed),
        f"the same with parallel={options.parallel}": lambda folder: killed(
            folder, size, options.kills, seed, options.parallel
        ),
    }
    outcomes = [show(name, run) for name, run in runs.items()]  # every one is shown
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())

"""The examples do what they show."""

import os
import subprocess
import sys

from source_tree import ROOT


def output_of(name: str) -> list[str]:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name)]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_caching() -> None:
    assert output_of("caching.py") == [
        "  origin: If-None-Match None -> 200",
        "version 1: miss, nothing is stored for this URI",
        "version 1: hit, the stored response is fresh",
        '  origin: If-None-Match "v1" -> 304',
        "version 1: revalidated, the stored response is stale",
        '  origin: If-None-Match "v1" -> 200',
        "version 2: miss, the stored response is stale",
    ]


def test_it_is_short() -> None:
    assert len((ROOT / "examples" / "caching.py").read_text().splitlines()) < 40

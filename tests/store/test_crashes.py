"""kill -9 at seeded moments, and many processes at once: the store opens clean, and every later hit is byte-exact."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("crash_rounds.py")
ROUNDS = 10


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked and killed")
def test_killed_and_crowded(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(SCRIPT), "--rounds", str(ROUNDS), "--seed", "4", "--processes", "8"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert set(report["killed"].values()) == {ROUNDS}
    assert report["processes"] == 8

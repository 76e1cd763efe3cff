"""docs/cli.md is what `scripts/cli_docs.py` makes of the parsers and the screens."""

import subprocess
import sys

from source_tree import ROOT


def test_the_page_is_current() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "cli_docs.py"), "--check"], capture_output=True)
    assert done.returncode == 0, "run scripts/cli_docs.py: " + done.stderr.decode()

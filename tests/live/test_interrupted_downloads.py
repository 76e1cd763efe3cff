"""Downloads under fire, small: `benchmarks/interrupted.py` shows the same with large files."""

from pathlib import Path

import pytest

from loopback.interrupted import cut_and_restarted, killed

MIB = 2**20


def test_server_that_cuts_and_is_restarted(tmp_path: Path) -> None:
    outcome = cut_and_restarted(tmp_path, 6 * MIB)
    assert outcome.exact
    assert outcome.interruptions > 8
    assert outcome.left == ["file"]


@pytest.mark.parametrize(("parallel", "size"), [(1, 12 * MIB), (3, 40 * MIB)])
def test_client_that_is_killed(tmp_path: Path, parallel: int, size: int) -> None:
    outcome = killed(tmp_path, size, kills=5, parallel=parallel)
    assert outcome.exact
    assert outcome.wrong == 0
    assert outcome.left == ["file"]

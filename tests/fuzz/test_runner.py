"""The runner finds what is there to be found, keeps it, and goes on where it was."""

from pathlib import Path

import pytest

import fuzzing
from smartclient._model.fields import parse_cache_control


def planted(data: bytes) -> None:
    """A parser with a bug that no input of the corpus reaches."""
    if "private" in parse_cache_control(data.decode("latin-1")) and b"9" * 10 in data:
        raise ZeroDivisionError("planted")


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fuzzing, "CORPUS", tmp_path / "corpus")
    monkeypatch.setattr(fuzzing, "STATE", tmp_path / "state")
    fuzzing.keep("planted", b"max-age=1, public")
    fuzzing.keep("planted", b"private=1")
    return tmp_path / "corpus" / "planted"


def test_a_planted_bug_is_found_and_kept(corpus: Path) -> None:
    report = fuzzing.fuzz("planted", planted, runs=5000, seconds=60)
    assert [(path.parent, text) for path, text in report.findings] == [
        (corpus, "ZeroDivisionError in line 14 of test_runner.py: planted")
    ]
    with pytest.raises(ZeroDivisionError):
        planted(report.findings[0][0].read_bytes())


def test_runs_made_before_count(corpus: Path) -> None:
    def target(data: bytes) -> None:
        parse_cache_control(data.decode("latin-1"))

    first = fuzzing.fuzz("planted", target, runs=1000, seconds=60)
    again = fuzzing.fuzz("planted", target, runs=1500, seconds=60, resume=True)
    assert [(each.runs, each.total) for each in (first, again)] == [(1000, 1000), (500, 1500)]


def test_a_hang_is_a_finding(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def target(data: bytes) -> None:
        while data.startswith(b"private"):
            pass

    monkeypatch.setattr(fuzzing, "HANG", 0.05)
    report = fuzzing.fuzz("planted", target, runs=0, seconds=60)
    assert [text.partition(" ")[0] for _, text in report.findings] == ["Hang"]

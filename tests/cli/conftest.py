"""What the program keeps, it keeps in folders of the test; inside this process, in memory."""

from pathlib import Path

import pytest

from smartclient import Cache


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SMARTCLIENT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> Cache:
    """What the program takes for its store on disk."""
    cache = Cache()
    monkeypatch.setattr(Cache, "default", classmethod(lambda cls: cache))
    return cache

"""Both ways of a call: the tests of this folder run on the short way and, with a method replaced, on the long one."""

from collections.abc import Iterator

import pytest

import smartclient
from smartclient import api

WAYS = ("short", "long")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The way that the calls of a test go: "short", or "long" because somebody has replaced `Session.send`."""
    if request.param == "long":
        original = smartclient.Session.send

        def send(self, prepared, **arguments):
            return original(self, prepared, **arguments)

        monkeypatch.setattr(smartclient.Session, "send", send)
    yield request.param
    api._session().close()  # other tests count the sockets of this process


@pytest.fixture
def session(way: str) -> Iterator[smartclient.Session]:
    """A session whose calls go that way."""
    with smartclient.Session() as session:
        yield session

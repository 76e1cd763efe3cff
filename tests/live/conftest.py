"""The clients of live tests: a test is written once, as a plain function, and runs in all three modes."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from loopback.authority import Authority
from loopback.clients import MODES, Client
from loopback.faults import watch
from loopback.injector import Injector
from loopback.origin import Origin
from loopback.swarm import Swarm
from loopback.swarm2 import Swarm2
from loopback.waiting import until


@pytest.fixture(autouse=True)
def _nobody_is_leaving(_origins: dict[str, Origin]) -> None:
    """Many of these tests count sockets: what the clients of the last one have ended, its servers end first."""
    until(lambda: not any(origin.leaving for origin in _origins.values()))


def _client(mode: str) -> Iterator[Client]:
    with contextlib.ExitStack() as stack:
        yield Client(mode, stack)


@pytest.fixture(params=MODES)
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Sessions of one mode after another, behind the same plain methods."""
    yield from _client(request.param)


@pytest.fixture(params=[mode for mode in MODES if mode != "blocking"])
def loop_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """The same for what only event loops have: `loop_client.run(scenario)`."""
    yield from _client(request.param)


@pytest.fixture(scope="session")
def swarm(authority: Authority) -> Iterator[Swarm]:
    """The fast origin in a process of its own."""
    with Swarm(*authority.files("swarm")) as swarm:
        yield swarm


@pytest.fixture
def injector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Injector]:
    """The waits of every session, and one address for localhost, so that each failure counts."""
    look_up = socket.getaddrinfo

    def first_only(host: Any, *args: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if host == "localhost" else host, *args, **options)[:1]

    monkeypatch.setattr(socket, "getaddrinfo", first_only)
    injector = Injector()
    watch(monkeypatch, injector)
    return injector


@pytest.fixture(scope="session")
def swarm2(authority: Authority) -> Iterator[Swarm2]:
    """The fast HTTP/2 origin and the WebSocket echo in a process of their own."""
    with Swarm2(*authority.files("swarm2")) as swarm2:
        yield swarm2

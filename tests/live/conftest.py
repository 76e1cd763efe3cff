"""The clients of live tests: a test is written once, as a plain function, and runs in all three modes."""

import contextlib
from collections.abc import Iterator

import pytest

from loopback.authority import Authority
from loopback.clients import MODES, Client
from loopback.swarm import Swarm


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

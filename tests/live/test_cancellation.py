"""The stress test: 3600 requests over 5 slots, most of them cancelled somewhere. Nothing is lost, nothing is mixed up.

SMARTCLIENT_SEED repeats a run as far as the event loop lets it.
"""

import sys

import pytest

import smartclient
from loopback.authority import Authority
from loopback.faults import watch
from loopback.storm import DOOM, Storm, seed_of_run, step
from loopback.swarm import Swarm, body_of, receipt
from loopback.ways import (
    LOOPS,
    first_piece,
    new_session,
    open_sockets,
    pieces_of,
    run,
    sockets_become,
    tick,
    usage,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")

REQUESTS, SLOTS, TASKS = 3600, 5, 40
PHASES = {"wait", "connect", "start_tls", "write", "read", "body", "close"}


class Mixed(Storm):
    """Over TLS and plain, in pieces, read to the end and not."""

    def _size(self) -> int:
        return self.dice.choice((0, 1, 1000, 70_000, 400_000))

    async def _plain(self, key: str) -> None:
        base, size = self.dice.choice((self.swarm.plain, self.swarm.other, self.swarm.tls)), self._size()
        response = await self.session.get(f"{base}/n/{key}/{size}/{self.dice.choice((1, 1, 4))}")
        assert response.content == body_of(key, size)

    async def _streamed(self, key: str) -> None:
        base, size = self.dice.choice((self.swarm.plain, self.swarm.tls)), self._size()
        async with self.session.stream("GET", f"{base}/n/{key}/{size}/6") as response:
            self.in_body()
            assert b"".join(await pieces_of(response)) == body_of(key, size)

    async def _left_early(self, key: str) -> None:
        async with self.session.stream("GET", f"{self.swarm.plain}/n/{key}/400000/9") as response:
            self.in_body()
            assert body_of(key, 400_000).startswith(await first_piece(response))
            doom = DOOM.get()
            if doom is not None:  # closing is plain sync code: a cancellation is already under way when it begins
                doom.phase = "close"
                doom.cancel()
                await tick(self.way)

    async def _dropped(self, key: str) -> None:
        response = await self.session.get(f"{self.swarm.other}/n/{key}/400000/9", stream=True)
        assert response.status_code == 200

    async def _redirected(self, key: str) -> None:
        size = self._size()
        response = await self.session.get(f"{self.swarm.tls}/hop/{key}/{size}/{self.swarm.ports[1]}")
        assert response.content == body_of(key, size)

    async def _posted(self, key: str) -> None:
        base, size = self.dice.choice((self.swarm.plain, self.swarm.tls)), self.dice.choice((1, 70_000, 1_500_000))
        body = body_of(key, size)
        response = await self.session.post(f"{base}/up/{key}", data=body)
        assert response.content == receipt(key, body)

    shapes = (_plain, _plain, _plain, _streamed, _left_early, _dropped, _redirected, _posted)


async def _storm(way: str, swarm: Swarm, authority: Authority, seed: int) -> Storm:
    limits = smartclient.Limits(max_connections=SLOTS)
    session = new_session(way, limits=limits, verify=str(authority.ca_file), cache=None, retries=0)
    before = open_sockets()
    storm = Mixed(way, swarm, session, REQUESTS, seed)
    await storm.blow(TASKS)
    pool = session._pool
    await sockets_become(way, before + pool._state.idle)
    assert usage(session) == (0, 0)
    assert 0 < pool._state.idle <= SLOTS
    held = [await session.get(f"{swarm.plain}/n/k{n}/400000/9", stream=True, timeout=10) for n in range(SLOTS)]
    assert usage(session) == (SLOTS, 0)
    for response in held:
        response.close()
    await session.close()
    await sockets_become(way, before)
    return storm


@pytest.mark.filterwarnings("ignore:a streamed response from:ResourceWarning")
@pytest.mark.parametrize("way", LOOPS)
def test_storm(way: str, swarm: Swarm, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = seed_of_run()
    watch(monkeypatch, step)
    storm = run(way, _storm, way, swarm, authority, seed)
    print(storm.right, dict(storm.phases))
    assert storm.failures == []
    assert storm.right + storm.phases.total() == REQUESTS
    assert set(storm.phases) >= PHASES
    assert storm.phases.total() > REQUESTS * 0.3
    assert storm.right > REQUESTS * 0.3

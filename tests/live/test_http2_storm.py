"""The stress test of HTTP/2: calls that share a connection are cancelled anywhere; their neighbours never pay.

SMARTCLIENT_SEED repeats a run as far as the event loop lets it, SMARTCLIENT_REQUESTS makes it longer.
"""

import os
import random
import sys
import threading
from typing import Any

import pytest

from loopback.authority import Authority
from loopback.faults import watch
from loopback.storm import DOOM, Storm, seed_of_run, step
from loopback.swarm import body_of, receipt
from loopback.swarm2 import Swarm2
from loopback.ways import LOOPS, first_piece, new_session, open_sockets, pieces_of, run, sockets_become, tick, usage
from smartclient.exceptions import RequestException, Timeout

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")

REQUESTS, TASKS = int(os.environ.get("SMARTCLIENT_REQUESTS") or 300), 40
THREADS = 10


class Shared(Storm):
    """Two connections for all: one that is short of room, and one that is not."""

    def _where(self) -> str:
        return str(self.dice.choice((self.swarm.url, self.swarm.narrow)))

    async def _plain(self, key: str) -> None:
        size = self.dice.choice((0, 1, 1000, 70_000, 400_000))
        response = await self.session.get(f"{self._where()}/n/{key}/{size}/1")
        assert response.content == body_of(key, size)

    async def _streamed(self, key: str) -> None:
        size = self.dice.choice((0, 1000, 70_000, 1_500_000))
        async with self.session.stream("GET", f"{self._where()}/n/{key}/{size}/1") as response:
            self.in_body()
            assert b"".join(await pieces_of(response)) == body_of(key, size)

    async def _left_early(self, key: str) -> None:
        async with self.session.stream("GET", f"{self._where()}/n/{key}/400000/1") as response:
            self.in_body()
            assert body_of(key, 400_000).startswith(await first_piece(response))
            doom = DOOM.get()
            if doom is not None:
                doom.phase = "close"
                doom.cancel()
                await tick(self.way)

    async def _dropped(self, key: str) -> None:
        response = await self.session.get(f"{self._where()}/n/{key}/400000/1", stream=True)
        assert response.status_code == 200

    async def _posted(self, key: str) -> None:
        body = body_of(key, self.dice.choice((1, 6000, 20_000, 100_000)))
        response = await self.session.post(f"{self._where()}/up/{key}", data=body)
        assert response.content == receipt(key, body)

    async def _reset(self, key: str) -> None:
        body = self.dice.choice((b"", bytes(20_000)))
        with pytest.raises(RequestException, match=r"reset the stream: INTERNAL_ERROR"):
            await self.session.post(f"{self._where()}/reset/{key}", data=body)

    shapes = (_plain, _plain, _streamed, _left_early, _dropped, _posted, _posted, _reset)


async def _storm(way: str, swarm2: Swarm2, authority: Authority, seed: int) -> Shared:
    session = new_session(way, http2=True, verify=str(authority.ca_file), cache=None, retries=0, timeout=20)
    before = open_sockets()
    # Both connections are there before anybody is cancelled, and there are no others afterwards.
    for url in (swarm2.url, swarm2.narrow):
        assert (await session.get(url + "/n/key/10/1")).content == body_of("key", 10)
    storm = Shared(way, swarm2, session, REQUESTS, seed)
    await storm.blow(TASKS)
    assert storm.failures == []
    await sockets_become(way, before + 2)
    assert usage(session) == (0, 0)
    assert session.stats().opened == 2
    held: list[Any] = []
    for _ in range(16):  # as many as `narrow` takes
        held.append(await session.get(swarm2.narrow + "/n/key/400000/1", stream=True, timeout=10))
    assert usage(session) == (1, 0)
    for response in held:
        response.close()
    assert usage(session) == (0, 0)
    await session.close()
    await sockets_become(way, before)
    return storm


@pytest.mark.filterwarnings("ignore:a streamed response from:ResourceWarning")
@pytest.mark.parametrize("way", LOOPS)
def test_storm(way: str, swarm2: Swarm2, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = seed_of_run()
    watch(monkeypatch, step)
    storm: Shared = run(way, _storm, way, swarm2, authority, seed)
    print(storm.right, dict(storm.phases))
    assert storm.right + storm.phases.total() == REQUESTS
    assert len(storm.phases) >= 3
    assert storm.phases.total() > REQUESTS * 0.3
    assert storm.right > REQUESTS * 0.3


class Thread(threading.Thread):
    """A share of the calls of many threads: some have a limit that nobody could keep, some streams are not read."""

    def __init__(self, session: Any, swarm2: Swarm2, name: str, dice: random.Random) -> None:
        super().__init__()
        self.session = session
        self.bases = (swarm2.url, swarm2.narrow)
        self.key = name
        self.dice = dice
        self.late = 0
        self.failures: list[BaseException] = []

    def run(self) -> None:
        for _ in range(REQUESTS // THREADS):
            limit = self.dice.choice((20, 20, 0.001, 0.01, 0.03))
            call = self.dice.choice((self._plain, self._posted, self._posted, self._left_early, self._dropped))
            try:
                call(self.dice.choice(self.bases), limit)
            except BaseException as error:
                if limit == 20 or not isinstance(error, Timeout):
                    self.failures.append(error)
                self.late += 1
                del error

    def _plain(self, base: str, limit: float) -> None:
        size = self.dice.choice((0, 1, 70_000, 1_500_000))
        assert self.session.get(f"{base}/n/{self.key}/{size}/1", timeout=limit).content == body_of(self.key, size)

    def _posted(self, base: str, limit: float) -> None:
        body = body_of(self.key, self.dice.choice((1, 6000, 100_000)))
        assert self.session.post(f"{base}/up/{self.key}", data=body, timeout=limit).content == receipt(self.key, body)

    def _left_early(self, base: str, limit: float) -> None:
        with self.session.stream("GET", f"{base}/n/{self.key}/1500000/1", timeout=limit) as response:
            assert body_of(self.key, 10_000).startswith(next(response.iter_content(1000)))

    def _dropped(self, base: str, limit: float) -> None:
        assert self.session.get(f"{base}/n/{self.key}/1500000/1", timeout=limit, stream=True).ok


@pytest.mark.filterwarnings("ignore:a streamed response from:ResourceWarning")
def test_storm_of_threads(swarm2: Swarm2, authority: Authority) -> None:
    dice = random.Random(seed_of_run())
    before = open_sockets()
    with new_session("blocking", http2=True, verify=str(authority.ca_file), cache=None, retries=0) as session:
        names = [f"thread-{n}" for n in range(THREADS)]
        threads = [Thread(session, swarm2, name, random.Random(dice.random())) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(sum(thread.late for thread in threads), session.stats())
        assert [error for thread in threads for error in thread.failures] == []
        assert 0 < sum(thread.late for thread in threads) < REQUESTS * 0.7
        assert usage(session) == (0, 0)
        assert open_sockets() == before + session._pool._state.idle
        assert session.get(swarm2.narrow + "/n/key/10/1", timeout=10).ok
    assert open_sockets() == before

"""Many threads over few connections, with pool time-outs and dropped streams: no wrong body, no lost slot."""

import gc
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import smartclient
from loopback.swarm import Swarm, body_of, receipt
from loopback.ways import open_sockets, usage
from smartclient.exceptions import PoolTimeout

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")

THREADS, CONNECTIONS, REQUESTS = 16, 4, 4800


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Cyclic garbage stays, so that a slot kept by a cycle is seen."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Crowd:
    """What one thread after another does with the session."""

    def __init__(self, session: Any, swarm: Swarm, seed: int) -> None:
        self.session = session
        self.swarm = swarm
        self.seed = seed
        self.done: Counter[str] = Counter()
        self._lock = threading.Lock()

    def worker(self, number: int) -> None:
        dice = random.Random(self.seed + number)
        done: Counter[str] = Counter()
        for n in range(REQUESTS // THREADS):
            try:
                done[self._one(f"{number}-{n}", dice)] += 1
            except PoolTimeout:
                done["pool timeout"] += 1
        with self._lock:
            self.done += done

    def _one(self, key: str, dice: random.Random) -> str:
        base, size = dice.choice((self.swarm.plain, self.swarm.plain, self.swarm.other)), dice.choice((0, 900, 90_000))
        chance = dice.random()
        if chance < 0.1:  # dropped unread; the slot is free when the last reference goes
            self.session.get(f"{base}/n/{key}/200000/9", stream=True)
            return "dropped"
        if chance < 0.2:
            with self.session.stream("GET", f"{base}/n/{key}/{size}/3") as response:
                assert b"".join(response.iter_content(5000)) == body_of(key, size)
            return "streamed"
        if chance < 0.3:
            body = body_of(key, size)
            assert self.session.post(f"{base}/up/{key}", data=body).content == receipt(key, body)
            return "posted"
        limit = smartclient.Timeout(20, pool=dice.choice((0.0, 0.0003, 0.001))) if chance < 0.5 else 20
        response = self.session.get(f"{base}/n/{key}/{size}/1", timeout=limit)
        assert response.content == body_of(key, size)
        return "plain"


@pytest.mark.filterwarnings("ignore:a streamed response:ResourceWarning")  # it is dropped on purpose
def test_crowd(swarm: Swarm, no_collector: None) -> None:
    seed = int(os.environ.get("SMARTCLIENT_SEED") or random.SystemRandom().randrange(2**32))
    print(f"SMARTCLIENT_SEED={seed}")
    before = open_sockets()
    limits = smartclient.Limits(max_connections=CONNECTIONS)
    with smartclient.Session(limits=limits, cache=None, retries=0, cookies=None, timeout=20) as session:
        crowd = Crowd(session, swarm, seed)
        with ThreadPoolExecutor(THREADS) as threads:
            for future in [threads.submit(crowd.worker, number) for number in range(THREADS)]:
                future.result()
        print(dict(crowd.done))
        assert crowd.done.total() == REQUESTS
        assert min(crowd.done[what] for what in ("plain", "dropped", "streamed", "posted", "pool timeout")) > 100
        assert usage(session) == (0, 0)
        assert open_sockets() == before + session._pool._state.idle
        held = [session.get(f"{swarm.plain}/n/key/200000/9", stream=True) for _ in range(CONNECTIONS)]
        assert usage(session) == (CONNECTIONS, 0)
        with pytest.raises(PoolTimeout):
            session.get(swarm.plain + "/n/key/1/1", timeout=smartclient.Timeout(pool=0))
        del held
        assert usage(session) == (0, 0)
    assert open_sockets() == before


@pytest.mark.filterwarnings("ignore:a streamed response:ResourceWarning")  # it is dropped on purpose
def test_streams_are_dropped_in_other_threads(swarm: Swarm, no_collector: None) -> None:
    limits = smartclient.Limits(max_connections=1)
    with smartclient.Session(limits=limits) as session, ThreadPoolExecutor(1) as other:
        for n in range(50):
            held = [session.get(f"{swarm.plain}/n/{n}/200000/9", stream=True)]
            waiting = other.submit(session.get, f"{swarm.plain}/n/{n}/10/1", timeout=10)
            other_drop = threading.Thread(target=held.clear)
            other_drop.start()
            assert waiting.result().content == body_of(str(n), 10)
            other_drop.join()
        assert usage(session) == (0, 0)


def test_close_while_others_work(swarm: Swarm) -> None:
    before = open_sockets()
    session = smartclient.Session(cache=None, timeout=20)

    def work(number: int) -> None:
        for n in range(60):
            key = f"{number}-{n}"
            assert session.get(f"{swarm.plain}/n/{key}/100/1").content == body_of(key, 100)
            if n % 10 == number:
                session.close()

    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(work, number) for number in range(4)]:
            future.result()
    session.close()
    assert open_sockets() == before


GREENLETS = """
from gevent import monkey, joinall, spawn
monkey.patch_all()
import sys
import smartclient

def call(number):
    size = 10 + number % 3 * 100_000
    return len(session.get(f"{sys.argv[1]}/n/{number}/{size}/1").content) == size

limits = smartclient.Limits(max_connections=2)
with smartclient.Session(limits=limits, cache=None, timeout=20) as session:
    jobs = [spawn(call, number) for number in range(30)]
    joinall(jobs, raise_error=True)
    assert all(job.value for job in jobs)
    print(session.stats()[:4])
"""


def test_greenlets(swarm: Swarm) -> None:
    """gevent in the place of threads: locks, sockets and polls are its own then."""
    pytest.importorskip("gevent")
    command = [sys.executable, "-c", GREENLETS, swarm.plain]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr) == ("(0, 2, 0, 2)\n", "")

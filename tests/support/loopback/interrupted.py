"""Downloads under fire: servers that cut, die and come back, and clients that are killed; each gives what it saw.

Every point at which something breaks is chosen by a seeded dice, in bytes, never by a clock.
"""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import smartclient

from .files import Entity, FileServer, content_of

_CLIENT = """
import sys, smartclient
with smartclient.Session() as session:
    done = session.download(sys.argv[1], sys.argv[2], parallel=int(sys.argv[3]))
print(done.resumed_from)
"""


class Outcome(NamedTuple):
    """What came of a download.

    Attributes:
        exact: whether the file is byte for byte the server's.
        requests: how many it took.
        interruptions: cuts, restarts or kills.
        wrong: how often something else than the whole file was seen at the target.
        left: names in the folder at the end.
        resumed_from: what the last call did not have to ask for.
    """

    exact: bool
    requests: int
    interruptions: int
    wrong: int
    left: list[str]
    resumed_from: int


def cut_and_restarted(folder: Path, size: int, seed: int = 1, restarts: int = 3) -> Outcome:
    """One call, over a server that cuts its answers at random and is killed and restarted now and then."""
    content, dice, path = content_of(size, seed), random.Random(seed), folder / "file"
    cuts = 0
    restarted = 0

    def points() -> Iterator[int]:
        nonlocal cuts
        while True:
            cuts += 1
            yield dice.randrange(1, size // 5)

    def watch(sent: int, whole: int) -> None:
        nonlocal restarted
        if restarted < restarts and cuts > 2 * (restarted + 1):
            restarted += 1
            server.stop()
            threading.Thread(target=server.start).start()

    with FileServer(Entity(content)) as server, smartclient.Session(retries=5) as session:
        server.cuts, server.watch = points(), watch
        done = session.download(server.url, path)
        names = sorted(os.listdir(folder))
        return Outcome(path.read_bytes() == content, len(server.heads), cuts + restarted, 0, names, done.resumed_from)


def killed(folder: Path, size: int, kills: int, seed: int = 1, parallel: int = 1) -> Outcome:
    """Clients that are killed at random points (SIGKILL), one after the other, and then one that is not."""
    content, dice, path = content_of(size, seed), random.Random(seed), folder / "file"
    client: subprocess.Popen[bytes] | None = None
    wrong = 0

    def watch(sent: int, whole: int) -> None:
        if client is not None and sent >= min(point, whole):
            client.send_signal(signal.SIGKILL)

    with FileServer(Entity(content)) as server:
        server.watch = watch
        command = [sys.executable, "-c", _CLIENT, server.url, str(path), str(parallel)]
        for number in range(kills):
            # Now and then at the very end, where the file gets its name.
            point = size if number % 5 == 4 else dice.randrange(1, max(2, 2 * size // kills))
            client = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            client.wait()
            if path.exists():
                wrong += path.read_bytes() != content
                path.unlink()
        client = None
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        names = sorted(os.listdir(folder))
        return Outcome(path.read_bytes() == content, len(server.heads), kills, wrong, names, int(done.stdout))

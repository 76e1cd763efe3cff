"""`Timeout(total=1)` against servers, and a look-up of names, that never come to an end: when each call is over.

    python benchmarks/deadlines.py                     all servers, in blocking code, asyncio and trio
    python benchmarks/deadlines.py --total 0.3 --modes trio

Every call must end within a fifth of a second after its limit. The servers are threads of this process.
"""

import argparse
import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import trio

import smartclient

PAUSE = 0.01  # seconds between two drops
SLACK = 0.2  # seconds that a call may take beyond its limit

Peer = Callable[[socket.socket], None]


def drip(before: bytes, drop: bytes) -> Peer:
    """Answers with `before`, then with `drop` again and again, byte by byte, whatever comes."""

    def play(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(before)
        while True:
            for byte in drop:
                connection.sendall(bytes((byte,)))
                time.sleep(PAUSE)

    return play


def repeat(answer: bytes) -> Peer:
    """Gives the same answer to each request, a little late."""

    def play(connection: socket.socket) -> None:
        while connection.recv(65536):
            time.sleep(PAUSE)
            connection.sendall(answer)

    return play


def hold(connection: socket.socket) -> None:
    """Takes nothing and says nothing."""
    time.sleep(60)


OK = b"HTTP/1.1 200 OK\r\n"
PEERS: dict[str, Peer] = {
    "head": drip(OK, b"X-Drip: drip\r\n"),
    "body": drip(OK + b"Content-Length: 1000000\r\n\r\n", b"x"),
    "chunks": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "1xx": drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "redirects": repeat(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    "retries": repeat(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"),
    "retries after failures": lambda connection: time.sleep(PAUSE),
    "TLS handshake": hold,
    "upload": hold,
}


class Server:
    """Plays one peer on every connection that comes."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._play, args=(connection,), daemon=True).start()

    def _play(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self._peer(connection)


def stall_look_ups() -> None:
    """Has each look-up of a name that begins with "stalled" take a minute."""
    look_up = socket.getaddrinfo

    def stalled(host: Any, *args: Any, **options: Any) -> Any:
        if str(host).startswith("stalled"):
            time.sleep(60)
        return look_up(host, *args, **options)

    socket.getaddrinfo = stalled


def calls(total: float) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, URL and options of each case."""
    timeout = smartclient.Timeout(30, total=total)
    policy = smartclient.RetryPolicy(10**6, base=PAUSE, cap=10 * PAUSE, budget=None)
    made: dict[str, tuple[str, str, dict[str, Any]]] = {}
    for name, peer in PEERS.items():
        scheme = "https" if "TLS" in name else "http"
        made[name] = ("GET", f"{scheme}://127.0.0.1:{Server(peer).port}/", {"timeout": timeout, "retries": policy})
    made["upload"] = ("PUT", made["upload"][1], made["upload"][2] | {"data": b"x" * 30_000_000})
    made["look-up"] = ("GET", "http://stalled.test/", {"timeout": timeout})
    return made


def blocking(call: tuple[str, str, dict[str, Any]]) -> Any:
    """The outcome of one call in blocking code."""
    with smartclient.Session(max_redirects=10**6) as session:
        try:
            return session.request(call[0], call[1], **call[2])
        except smartclient.RequestException as error:
            return error


async def awaited(call: tuple[str, str, dict[str, Any]]) -> Any:
    """The outcome of one call on an event loop."""
    async with smartclient.AsyncSession(max_redirects=10**6) as session:
        try:
            return await session.request(call[0], call[1], **call[2])
        except smartclient.RequestException as error:
            return error


MODES: dict[str, Callable[[Any], Any]] = {
    "sync": blocking,
    "asyncio": lambda call: asyncio.run(awaited(call)),
    "trio": lambda call: trio.run(awaited, call),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--total", type=float, default=1.0)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    chosen = parser.parse_args()
    stall_look_ups()
    late = 0
    print(f"Timeout(total={chosen.total:g}), seconds until each call was over\n")
    print(f"{'what drips or stalls':24}" + "".join(f"{mode:>10}" for mode in chosen.modes) + "  outcome")
    for name, call in calls(chosen.total).items():
        times, ends = [], []
        for mode in chosen.modes:
            started = time.monotonic()
            outcome = MODES[mode](call)
            times.append(time.monotonic() - started)
            ends.append(type(outcome).__name__ if isinstance(outcome, Exception) else str(outcome.status_code))
            late += times[-1] > chosen.total + SLACK
        print(f"{name:24}" + "".join(f"{each:10.3f}" for each in times) + "  " + ", ".join(dict.fromkeys(ends)))
    print(f"\n{'all within' if not late else f'{late} calls over'} {chosen.total + SLACK:g} s")
    return int(bool(late))


if __name__ == "__main__":
    sys.exit(main())

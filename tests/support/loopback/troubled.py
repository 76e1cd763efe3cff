"""An origin in a process of its own that does what the client asks for in the target: answers rightly, or goes wrong.

Targets are /KIND/KEY/SIZE. The kinds of `FAULTS` are what servers do to clients; all others are good answers whose
bodies name themselves (see `swarm.body_of`).
"""

import asyncio
import json
import ssl
import subprocess
import sys
from pathlib import Path
from types import TracebackType

FAULTS = ("reset", "truncated", "dropped", "stalled", "leftover", "unasked")
HARMLESS = ("leftover", "unasked")  # to the call itself: its answer is whole
FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"


class Troubled:
    """The running process; `url` is where it listens: with `chain` and `key` over TLS."""

    def __init__(self, *chain_and_key: Path) -> None:
        command = [sys.executable, __file__, *map(str, chain_and_key)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=sys.path[0])
        assert self._process.stdout is not None
        self.url = f"http{'s' if chain_and_key else ''}://127.0.0.1:{json.loads(self._process.stdout.readline())}"

    def __enter__(self) -> "Troubled":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


class _Answers(asyncio.Protocol):
    """One connection of the server."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.received = bytearray()
        self.stalled = False
        self.loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n") + 4) > 3 and not self.transport.is_closing():
            _, kind, key, size = self.received.split(b" ", 2)[1].decode().split("/")
            del self.received[:end]
            self._answer(kind, key.encode(), int(size))

    def _answer(self, kind: str, key: bytes, size: int) -> None:
        word = key + b"."
        body = (word * (size // len(word) + 1))[:size]
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        if kind == "chunked":
            middle = len(body) // 2
            pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:middle], body[middle:]) if piece]
            self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in [*pieces, b"0\r\n\r\n"]:
                self.transport.write(piece)
        elif kind == "reset":
            self.transport.write((head + body)[: -len(body) // 2 or None])
            self.transport.abort()
        elif kind in ("truncated", "stalled"):
            self.stalled = True
            self.transport.write(head + body[: len(body) // 2])
            if kind == "truncated":
                self.transport.close()
        elif kind == "dropped":
            self.transport.close()
        elif kind == "leftover":
            self.transport.write(head + body + FORGED)
        else:
            self.transport.write(head + body)
            if kind == "unasked":  # no answer that anybody could take for one: it may meet the next request half-way
                self.loop.call_later(0.001, self._unasked)

    def _unasked(self) -> None:
        if not self.stalled:  # there it would be the rest of the body, for all that anybody can tell
            self.transport.write(b"unasked\r\n\r\n")


async def _serve(*chain_and_key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if chain_and_key else None
    if context is not None:
        context.load_cert_chain(*chain_and_key)
    server = await asyncio.get_running_loop().create_server(_Answers, "127.0.0.1", 0, backlog=1000, ssl=context)
    print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # ends with the process that started it


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))

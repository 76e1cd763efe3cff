"""A fast origin in a process of its own: every socket of the test's process is the client's. Bodies name themselves.

Targets: /n/KEY/SIZE/PIECES (the body of KEY in so many writes; more than one goes chunked), /until/KEY/SIZE (ends with
the connection), /hop/KEY/SIZE/PORT (302 to /n on that port, with a body of its own), /up/KEY (tells what it was sent),
/fresh and /stale (as /n, to be stored; the latter is validated with 304), /events/KEY/COUNT (then 204, once there is a
Last-Event-ID), /lines/KEY/COUNT (lines of JSON).
"""

import asyncio
import json
import ssl
import subprocess
import sys
import zlib
from pathlib import Path
from types import TracebackType


def body_of(key: str, size: int) -> bytes:
    """`size` bytes that only an answer for `key` has."""
    word = key.encode() + b"."
    return (word * (size // len(word) + 1))[:size]


def receipt(key: str, body: bytes) -> bytes:
    """What /up/KEY answers to `body`."""
    return f"{key} {len(body)} {zlib.crc32(body)}".encode()


class Swarm:
    """The running process.

    Attributes:
        plain, other: URLs of two origins without TLS, by address.
        named: the first of them under the name localhost.
        tls: URL of the origin with TLS.
        ports: of these three.
        relays: URLs of proxies in another process, by kind; see `loopback.relay`.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, str(chain), str(key)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.ports: tuple[int, int, int] = tuple(json.loads(self._process.stdout.readline()))
        self.plain, self.other = (f"http://127.0.0.1:{port}" for port in self.ports[:2])
        self.named = f"http://localhost:{self.ports[0]}"
        self.tls = f"https://localhost:{self.ports[2]}"
        from loopback.relay import RelayProcess  # not at the top: the process started above has no path to it

        self._relays = RelayProcess(chain, key)
        self.relays = self._relays.urls

    def __enter__(self) -> "Swarm":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._relays.close()
        self._process.kill()
        self._process.communicate()


class _Answers(asyncio.Protocol):
    """One connection of the server."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.received = bytearray()
        self.loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (request := self._next_request()) is not None:
            self._answer(*request)

    def _next_request(self) -> tuple[list[str], bytes, bool] | None:
        """(parts of the target, body, whether it was here before) once the request is whole.

        Content-Length is all that it needs to read.
        """
        end = self.received.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        head = bytes(self.received[:end]).lower()
        _, found, rest = head.partition(b"content-length:")
        whole = end + (int(rest.split(b"\r\n", 1)[0]) if found else 0)
        if len(self.received) < whole:
            return None
        target = self.received.split(b" ", 2)[1].decode()
        body = bytes(self.received[end:whole])
        del self.received[:whole]
        return target[1:].split("/"), body, b"if-none-match:" in head or b"last-event-id:" in head

    def _answer(self, target: list[str], sent: bytes, again: bool) -> None:
        kind, key = target[:2]
        if kind == "up":
            self._whole("200 OK", receipt(key, sent))
        elif kind == "hop":
            location = f"Location: http://127.0.0.1:{target[3]}/n/{key}/{target[2]}/1\r\n"
            self._chunked("302 Found", b"on and on" * 1000, 3, location)
        elif kind == "until":
            self.transport.write(b"HTTP/1.1 200 OK\r\n\r\n" + body_of(key, int(target[2])))
            self.transport.close()
        elif kind == "events":
            events = "".join(f"id: {number}\ndata: {key} {number}\n\n" for number in range(int(target[2])))
            if again:
                self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            else:
                self._whole("200 OK", events.encode(), "Content-Type: text/event-stream\r\n")
        elif kind == "lines":
            lines = "".join(f'{{"n": {number}}}\n' for number in range(int(target[2])))
            self._whole("200 OK", lines.encode(), "Content-Type: application/json\r\n")
        elif again and kind == "stale":
            self.transport.write(b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
        else:
            body, count = body_of(key, int(target[2])), int(target[3])
            fields = {"fresh": "Cache-Control: max-age=60\r\n", "stale": 'Cache-Control: no-cache\r\nETag: "1"\r\n'}
            fields["cookie"] = "Set-Cookie: a=b\r\n"
            if count == 1:
                self._whole("200 OK", body, fields.get(kind, ""))
            else:
                self._chunked("200 OK", body, count, fields.get(kind, ""))

    def _whole(self, status: str, body: bytes, fields: str = "") -> None:
        self.transport.write(f"HTTP/1.1 {status}\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def _chunked(self, status: str, body: bytes, count: int, fields: str = "") -> None:
        self.transport.write(f"HTTP/1.1 {status}\r\n{fields}Transfer-Encoding: chunked\r\n\r\n".encode())
        self.loop.call_soon(self._piece, body, len(body) // count + 1)

    def _piece(self, body: bytes, size: int) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(b"%x\r\n%b\r\n" % (len(body[:size]), body[:size]))
        if body:
            self.loop.call_soon(self._piece, body[size:], size)


async def _serve(chain: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(_Answers, "127.0.0.1", 0, ssl=each, backlog=1000) for each in (None, None, context)
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # ends with the process that started this one


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))

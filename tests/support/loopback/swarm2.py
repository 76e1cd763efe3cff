"""A fast HTTP/2 origin and a WebSocket echo in a process of their own, as `loopback.swarm` is for HTTP/1.1.

Targets: /n/KEY/SIZE/PIECES, /up/KEY as there. The echo closes with 4000 when it is told "bye".
"""

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import H2Error, ProtocolError
from websockets.asyncio.server import serve


class Swarm2:
    """The running process.

    Attributes:
        url: of the HTTP/2 origin.
        chat: of the WebSocket.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        command = [sys.executable, "-I", __file__, str(chain), str(key)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        http2, chat = json.loads(self._process.stdout.readline())
        self.url, self.chat = f"https://localhost:{http2}", f"wss://localhost:{chat}/"

    def __enter__(self) -> "Swarm2":
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
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        self.h2.initiate_connection()
        self.paths: dict[int, str] = {}
        self.sent: dict[int, bytearray] = {}
        self.owed: dict[int, bytes] = {}
        transport.write(self.h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.h2.receive_data(data):
                self._take(event)
        except H2Error as error:
            print(f"the client broke HTTP/2: {error}", file=sys.stderr, flush=True)
            self.transport.close()
        self.transport.write(self.h2.data_to_send())

    def _take(self, event: Any) -> None:
        if isinstance(event, RequestReceived):
            self.paths[event.stream_id] = dict(event.headers)[":path"]
            self.sent[event.stream_id] = bytearray()
        elif isinstance(event, DataReceived):
            self.sent.get(event.stream_id, bytearray()).extend(event.data)
            with contextlib.suppress(ProtocolError):  # its reset came with it
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamReset):
            for each in (self.paths, self.sent, self.owed):
                each.pop(event.stream_id, None)
        elif isinstance(event, StreamEnded) and event.stream_id in self.paths:
            number = event.stream_id
            kind, key, *rest = self.paths.pop(number)[1:].split("/")
            body = bytes(self.sent.pop(number))
            if kind == "up":
                content = f"{key} {len(body)} {zlib.crc32(body)}".encode()
            else:
                word, size = key.encode() + b".", int(rest[0])
                content = (word * (size // len(word) + 1))[:size]
            with contextlib.suppress(ProtocolError):
                self.h2.send_headers(number, [(":status", "200"), ("content-length", str(len(content)))])
                self.owed[number] = content
            asyncio.get_running_loop().call_soon(self._pay)
        elif isinstance(event, WindowUpdated):
            asyncio.get_running_loop().call_soon(self._pay)

    def _pay(self) -> None:
        """A piece of each answer in turn, as there is room."""
        for number, content in list(self.owed.items()):
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if room or not content:
                self.owed[number] = content[room:]
                self.h2.send_data(number, content[:room], end_stream=not self.owed[number])
                if self.owed[number]:
                    asyncio.get_running_loop().call_soon(self._pay)
                else:
                    del self.owed[number]
        if not self.transport.is_closing():
            self.transport.write(self.h2.data_to_send())


async def _echo(socket: Any) -> None:
    async for message in socket:
        if message == "bye":
            await socket.close(4000)
        await socket.send(message)


async def _serve(chain: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    async with serve(_echo, "127.0.0.1", 0, ssl=context) as chat:
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(chain, key)
        secure.set_alpn_protocols(["h2"])
        loop = asyncio.get_running_loop()
        http2 = await loop.create_server(_Answers, "127.0.0.1", 0, ssl=secure, backlog=1000)
        print(json.dumps([each.sockets[0].getsockname()[1] for each in (http2, chat)]), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)  # ends with the process that started this one


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))

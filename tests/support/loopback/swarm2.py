"""A fast HTTP/2 origin and a WebSocket echo in a process of their own, as `loopback.swarm` is for HTTP/1.1.

Targets: /n/KEY/SIZE/PIECES, /up/KEY as there; /reset/KEY ends its stream instead of an answer, at a moment that KEY
decides. The echo closes with 4000 when it is told "bye".
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
from h2.settings import SettingCodes, Settings
from websockets.asyncio.server import serve


class Swarm2:
    """The running process.

    Attributes:
        url: of the HTTP/2 origin.
        narrow: of another one: 16 streams at a time, little room for what is sent to it, and more of it comes late.
        chat: of the WebSocket.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        command = [sys.executable, "-I", __file__, str(chain), str(key)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        http2, narrow, chat = json.loads(self._process.stdout.readline())
        self.url, self.narrow = f"https://localhost:{http2}", f"https://localhost:{narrow}"
        self.chat = f"wss://localhost:{chat}/"

    def __enter__(self) -> "Swarm2":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


class _Answers(asyncio.Protocol):
    """One connection of the server."""

    streams = 100
    window = 65535

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        self.h2.local_settings = Settings(
            client=False, initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: self.streams}
        )
        self.h2.initiate_connection()
        self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: self.window})  # in force once the client knows
        self.paths: dict[int, str] = {}
        self.sent: dict[int, bytearray] = {}
        self.owed: dict[int, bytes] = {}
        self.endless: set[int] = set()
        self.paying = False
        transport.write(self.h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        try:
            events = self.h2.receive_data(data)
        except H2Error as error:
            print(f"the client broke HTTP/2: {error}", file=sys.stderr, flush=True)
            self.transport.close()
        else:
            for event in events:
                self._take(event)
        self.transport.write(self.h2.data_to_send())

    def _take(self, event: Any) -> None:
        if isinstance(event, RequestReceived):
            self.paths[event.stream_id] = dict(event.headers)[":path"]
            self.sent[event.stream_id] = bytearray()
            if self.paths[event.stream_id].startswith("/reset/"):
                self._reset_later(event.stream_id, zlib.crc32(self.paths[event.stream_id].encode()))
        elif isinstance(event, DataReceived):
            self.sent.get(event.stream_id, bytearray()).extend(event.data)
            self._acknowledge(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamReset):
            for each in (self.paths, self.sent, self.owed):
                each.pop(event.stream_id, None)
        elif isinstance(event, StreamEnded) and event.stream_id in self.paths:
            number = event.stream_id
            kind, key, *rest = self.paths.pop(number)[1:].split("/")
            body = bytes(self.sent.pop(number))
            if kind == "reset":
                return
            if kind == "up":
                content = f"{key} {len(body)} {zlib.crc32(body)}".encode()
            else:
                word, size = key.encode() + b".", int(rest[0])
                content = (word * (size // len(word) + 1))[:size]
            with contextlib.suppress(ProtocolError):
                self.h2.send_headers(number, [(":status", "200"), ("content-length", str(len(content)))])
                self.owed[number] = content
            self._pay_soon()
        elif isinstance(event, WindowUpdated):
            self._pay_soon()

    def _acknowledge(self, size: int, number: int) -> None:
        if size:
            with contextlib.suppress(ProtocolError):  # its reset came with it
                self.h2.acknowledge_received_data(size, number)

    def _reset_later(self, number: int, dice: int) -> None:
        """In up to 7 turns of the loop, before an answer, after its head, or in its content."""
        turns, begun = dice % 8, dice // 8 % 3
        with contextlib.suppress(ProtocolError):  # the client has reset it first
            if begun:
                self.h2.send_headers(number, [(":status", "200")])
            if begun == 2:
                self.owed[number] = bytes(2**14)
                self.endless.add(number)
        self._turn(number, turns)

    def _turn(self, number: int, turns: int) -> None:
        self._pay_soon()
        if turns:
            asyncio.get_running_loop().call_soon(self._turn, number, turns - 1)
            return
        self.endless.discard(number)
        self.owed.pop(number, None)
        with contextlib.suppress(ProtocolError):
            self.h2.reset_stream(number, 2)

    def _pay_soon(self) -> None:
        if not self.paying:
            self.paying = True
            asyncio.get_running_loop().call_soon(self._pay)

    def _pay(self) -> None:
        """A piece of each answer in turn, as there is room."""
        self.paying = False
        for number, content in list(self.owed.items()):
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if room > 0 or not content:
                rest = content if number in self.endless else content[room:]
                self.h2.send_data(number, content[:room], end_stream=not rest)
                self.owed[number] = rest
                if rest:
                    self._pay_soon()
                else:
                    del self.owed[number]
        if not self.transport.is_closing():
            self.transport.write(self.h2.data_to_send())


class _NarrowAnswers(_Answers):
    """One that is short of room."""

    streams = 16
    window = 6000

    def _acknowledge(self, size: int, number: int) -> None:
        """Piece by piece, later: half of it now and again, until the last byte."""
        loop = asyncio.get_running_loop()
        if size and not self.transport.is_closing():
            loop.call_later(0.0002 if size % 3 else 0.001, self._acknowledge_some, size, number)

    def _acknowledge_some(self, size: int, number: int) -> None:
        piece = size // 2 + 1
        super()._acknowledge(piece, number)
        self.transport.write(self.h2.data_to_send())
        self._acknowledge(size - piece, number)


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
        http2, narrow = [
            await loop.create_server(kind, "127.0.0.1", 0, ssl=secure, backlog=1000)
            for kind in (_Answers, _NarrowAnswers)
        ]
        print(json.dumps([each.sockets[0].getsockname()[1] for each in (http2, narrow, chat)]), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)  # ends with the process that started this one


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))

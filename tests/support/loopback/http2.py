"""An HTTP/2 server over TLS for tests: answers by path, and misbehaves on request. The frames are h2's."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, WindowUpdated
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

Handler = Callable[["Http2Peer", int, dict[str, str], bytes], None]


class Http2Peer:
    """One accepted connection.

    Attributes:
        h2: the server's side of it.
        paths: of the requests, in order.
        most: the streams that were open at a time.
        held: sizes and streams of content that was not acknowledged, where the server holds back.
    """

    def __init__(self, server: "Http2Server", accepted: Any) -> None:
        self.server = server
        self.socket = accepted
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        self.paths: list[str] = []
        self.held: list[tuple[int, int]] = []
        self.most = 0
        self._heads: dict[int, dict[str, str]] = {}
        self._bodies: dict[int, bytes] = {}
        self._owed: dict[int, bytes] = {}  # content that waits for room

    def run(self) -> None:
        """Serves until the peer ends it, or a handler has closed it."""
        streams = self.server.max_streams
        if streams is not None:
            values = {SettingCodes.MAX_CONCURRENT_STREAMS: streams}
            self.h2.local_settings = Settings(client=False, initial_values=values)
        self.h2.initiate_connection()
        if self.server.window is not None:
            self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: self.server.window})
            if self.server.window > 2**16:
                self.h2.increment_flow_control_window(self.server.window)
        with contextlib.suppress(OSError):
            self.flush()
            while data := self.socket.recv(65536):
                for event in self.h2.receive_data(data):
                    self._take(event)
                self.flush()
        self.socket.close()

    def _take(self, event: Any) -> None:
        if isinstance(event, RequestReceived):
            self._heads[event.stream_id] = head = dict(event.headers)
            self._bodies[event.stream_id] = b""
            self.paths.append(head[":path"])
            self.most = max(self.most, len(self._heads))
            early = self.server.early.get(head[":path"])
            if early is not None:
                early(self, event.stream_id, head, b"")
        elif isinstance(event, DataReceived):
            self._bodies[event.stream_id] = self._bodies.get(event.stream_id, b"") + event.data
            self.held.append((event.flow_controlled_length, event.stream_id))
            if not self.server.holds_back:
                self.acknowledge()
        elif isinstance(event, StreamEnded) and event.stream_id in self._heads:
            head = self._heads[event.stream_id]
            handler = self.server.handlers.get(head[":path"], hello)
            handler(self, event.stream_id, head, self._bodies.pop(event.stream_id))
        elif isinstance(event, WindowUpdated):
            for number in list(self._owed):
                self._pay(number)

    def acknowledge(self) -> None:
        """Lets the client send as much again as it has sent."""
        for size, number in self.held:  # h2 would give less back where its window has shrunk meanwhile
            if size:
                self.h2.increment_flow_control_window(size)
                with contextlib.suppress(ProtocolError, KeyError):  # it is over
                    self.h2.increment_flow_control_window(size, number)
        self.held.clear()

    def answer(self, number: int, content: bytes = b"", status: int = 200, **fields: str) -> None:
        """Sends a whole response, as the peer has room for it."""
        lines = [(":status", str(status)), ("content-length", str(len(content)))]
        self.h2.send_headers(number, lines + [(name.replace("_", "-"), value) for name, value in fields.items()])
        self._owed[number] = content
        self._pay(number)

    def _pay(self, number: int) -> None:
        content = self._owed[number]
        while True:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            piece, content = content[:room], content[room:]
            if piece or not content:
                self.h2.send_data(number, piece, end_stream=not content)
            if not content or not room:
                break
        self._owed[number] = content
        if not content:
            del self._owed[number]
            self.forget(number)

    def forget(self, number: int) -> None:
        """The stream is over as far as `most` goes."""
        self._heads.pop(number, None)

    def flush(self) -> None:
        """Sends what h2 has."""
        self.socket.sendall(self.h2.data_to_send())

    def send_raw(self, data: bytes) -> None:
        """Sends bytes of no frame that h2 knows of, after what it has."""
        self.flush()
        self.socket.sendall(data)

    def close(self) -> None:
        """Ends the connection after what was sent."""
        self.flush()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


def hello(peer: Http2Peer, number: int, head: dict[str, str], body: bytes) -> None:
    """Answers with the method, the path and how much content came."""
    peer.answer(number, f"{head[':method']} {head[':path']} {len(body)}".encode())


class Http2Server:
    """Accepts until it is closed; `handlers` by path see whole requests, `early` ones their heads.

    Args:
        window: bytes that may be sent to it on a stream, in force once the client knows.
        holds_back: they are not acknowledged by themselves.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        max_streams: int | None = None,
        window: int | None = None,
        holds_back: bool = False,
    ) -> None:
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.max_streams = max_streams
        self.window = window
        self.holds_back = holds_back
        self.handlers: dict[str, Handler] = {}
        self.early: dict[str, Handler] = {}
        self.peers: list[Http2Peer] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                tls = self._context.wrap_socket(accepted, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            peer = Http2Peer(self, tls)
            self.peers.append(peer)
            thread = threading.Thread(target=peer.run, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Ends everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer.socket, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)

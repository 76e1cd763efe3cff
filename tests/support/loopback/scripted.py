"""A raw-socket server that plays a script on each connection, byte for byte, for all that real servers never do.

A script is a list of steps. Plain bytes are an answer: a whole request is awaited and recorded, then they are sent.
Waiting is for events and for the peer, never for a clock.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

PATIENCE = 20.0  # seconds until a step that waits gives up: a guard for broken tests, not a pause


class Step:
    """One thing that a scripted connection does."""

    def play(self, connection: "Connection") -> None:
        raise NotImplementedError


class Answer(Step):
    """Awaits a whole request, then sends `data`. Plain bytes in a script mean this."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def play(self, connection: "Connection") -> None:
        connection.read_request()
        connection.socket.sendall(self.data)


class Send(Step):
    """Sends `data` unasked, in pieces of `piece` bytes when given."""

    def __init__(self, data: bytes, piece: int | None = None) -> None:
        self.data = data
        self.piece = piece or max(len(data), 1)

    def play(self, connection: "Connection") -> None:
        for start in range(0, len(self.data), self.piece):
            connection.socket.sendall(self.data[start : start + self.piece])


class Wait(Step):
    """Goes on when the test has set `event`."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def play(self, connection: "Connection") -> None:
        if not self.event.wait(PATIENCE):
            raise TimeoutError("the test never set the event that its script waits for")


class Tell(Step):
    """Sets `event`, so that the test knows how far the script is."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def play(self, connection: "Connection") -> None:
        self.event.set()


class _Read(Step):
    def play(self, connection: "Connection") -> None:
        connection.read_request()


class _ReadHead(Step):
    def play(self, connection: "Connection") -> None:
        connection.read_head()


class _Hold(Step):
    def play(self, connection: "Connection") -> None:
        while connection.receive():
            pass


class _HalfClose(Step):
    def play(self, connection: "Connection") -> None:
        connection.socket.shutdown(socket.SHUT_WR)


class _Cut(Step):
    def play(self, connection: "Connection") -> None:
        connection.socket.close()


class _Reset(Step):
    def play(self, connection: "Connection") -> None:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.socket.close()


READ = _Read()  # a whole request, recorded, not answered
READ_HEAD = _ReadHead()  # the head alone (Expect, early answers)
HOLD = _Hold()  # reads until the peer ends the connection
HALF_CLOSE = _HalfClose()  # no more from here; the peer may still send
CUT = _Cut()  # the end; over TLS without close_notify
RESET = _Reset()  # the end, as RST
# A script that is through ends orderly: over TLS with close_notify.

Script = Sequence[bytes | Step]


class Connection:
    """One accepted connection and what it saw.

    Attributes:
        requests: what READ, READ_HEAD and answers took off the wire, one entry each, whole bytes.
        received: every byte of the peer.
        peer_closed: the peer ended it.
        error: the OSError that ended the script early, or None.
        over: set when the script is through and the socket is closed.
    """

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.requests: list[bytes] = []
        self.received = b""
        self.peer_closed = False
        self.error: OSError | None = None
        self.over = threading.Event()
        self._taken = 0

    def receive(self) -> bytes:
        """More bytes of the peer, b"" at its end."""
        data = self.socket.recv(65536)
        self.received += data
        self.peer_closed = not data
        return data

    def _upto(self, mark: bytes, start: int) -> int:
        while (found := self.received.find(mark, start)) < 0:
            if not self.receive():
                raise ConnectionAbortedError("the peer ended the connection before its request was whole")
        return found + len(mark)

    def _atleast(self, end: int) -> int:
        while len(self.received) < end:
            if not self.receive():
                raise ConnectionAbortedError("the peer ended the connection before its request was whole")
        return end

    def _record(self, end: int) -> None:
        self.requests.append(self.received[self._taken : end])
        self._taken = end

    def read_head(self) -> None:
        """Awaits and records the head of the next request."""
        self._record(self._upto(b"\r\n\r\n", self._taken))

    def read_request(self) -> None:
        """Awaits and records the next request, body included."""
        end = self._upto(b"\r\n\r\n", self._taken)
        head = self.received[self._taken : end].lower()
        if b"\r\ntransfer-encoding:" in head:
            while (line := self._upto(b"\r\n", end)) and (size := int(self.received[end:line], 16)):
                end = self._atleast(line + size + 2)
            end = self._upto(b"\r\n", line)
        elif b"\r\ncontent-length:" in head:
            length = head.split(b"\r\ncontent-length:", 1)[1].split(b"\r\n", 1)[0]
            end = self._atleast(end + int(length))
        self._record(end)

    def play(self, script: Script, context: ssl.SSLContext | None) -> None:
        """The life of the connection, in a thread of its own."""
        try:
            if context is not None:
                self.socket = context.wrap_socket(self.socket, server_side=True)
            for step in script:
                (Answer(step) if isinstance(step, bytes) else step).play(self)
            if isinstance(self.socket, ssl.SSLSocket) and self.socket.fileno() >= 0:
                with contextlib.suppress(ValueError):  # `end` came in between
                    self.socket = self.socket.unwrap()
        except OSError as error:
            self.error = error
        finally:
            self.socket.close()
            self.over.set()

    def end(self) -> None:
        """Wakes a script that waits for its peer."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)  # an SSLSocket's own would take TLS from the script


class ScriptedServer:
    """Plays `scripts` on the connections in their order of arrival; further connections play the last one again.

    Attributes:
        port, url: where it listens ("http://127.0.0.1:port", or https with `context`).
        connections: accepted so far, oldest first.
    """

    def __init__(
        self, *scripts: Script, context: ssl.SSLContext | None = None, listener: socket.socket | None = None
    ) -> None:
        """`listener` is a socket that listens already, elsewhere than on a port of 127.0.0.1 that is free."""
        self._scripts = scripts
        self._context = context
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self.connections: list[Connection] = []
        self.port: int = 0 if isinstance(self._listener.getsockname(), str) else self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._spawn(self._accept)

    def _spawn(self, function: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:  # closed
                return
            if accepted.family != socket.AF_UNIX:
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(accepted)
            script = self._scripts[min(len(self.connections), len(self._scripts) - 1)]
            with self._changed:
                self.connections.append(connection)
                self._changed.notify_all()
            self._spawn(connection.play, script, self._context)

    @property
    def requests(self) -> list[bytes]:
        """What was recorded, connection by connection."""
        return [request for connection in self.connections for request in connection.requests]

    def connection(self, number: int) -> Connection:
        """The connection with this number, counted from 0; awaits its arrival."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.connections) > number, PATIENCE):
                raise TimeoutError(f"connection {number} never came")
        return self.connections[number]

    def close(self) -> None:
        """Ends every connection and thread; any number of times."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            connection.end()
        for thread in self._threads:
            thread.join(PATIENCE)

    def __enter__(self) -> "ScriptedServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

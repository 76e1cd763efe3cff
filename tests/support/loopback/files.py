"""A server of one large file, by RFC 9110 section 14, that can cut its answers, change the file, die and come back."""

import contextlib
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 20.0
_PIECE = 2**16

Head = dict[str, str]  # fields of a request by lower-case name; "" has the request line


def content_of(size: int, seed: int = 1) -> bytes:
    """Bytes that do not repeat."""
    return random.Random(seed).randbytes(size)


@dataclass
class Entity:
    """What is served. Without validators it cannot be resumed."""

    content: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True  # whether parts are given, and said to be
    length: bool = True  # False: chunked
    fields: Head = field(default_factory=dict)  # further ones


class FileServer:
    """Serves `entity` at every path.

    Attributes:
        entity: may be replaced at any time.
        cuts: gives the number of body bytes after which the next answer breaks off; None lets it be.
        respond: for answers that are all wrong: gets the request's fields, and gives the whole answer or None.
        watch: told how many body bytes of an answer were sent so far, and how many there are, after each piece.
        heads: fields of the requests so far.
    """

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.cuts: Iterator[int | None] = iter(())
        self.respond: Callable[[Head], bytes | None] = lambda head: None
        self.watch: Callable[[int, int], None] = lambda sent, size: None
        self.heads: list[Head] = []
        self.port = 0
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listens (again), on the port that it had."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Dies: all connections break."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PIECE)  # so that `watch` is about the truth
            with self._lock:
                self._open.add(accepted)
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, StopIteration), sock:
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    if not (more := sock.recv(65536)):
                        raise StopIteration
                    data += more
                text, _, data = data.partition(b"\r\n\r\n")
                first, *lines = text.decode("latin-1").split("\r\n")
                head = {"": first} | {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
                }
                self.heads.append(head)
                answer = self.respond(head)
                if answer is not None:
                    sock.sendall(answer)
                    if b"\r\nConnection: close\r\n" in answer:
                        break
                elif not self._answer(sock, head):
                    break
        with self._lock:
            self._open.discard(sock)

    def _answer(self, sock: socket.socket, head: Head) -> bool:
        """Whether the connection goes on."""
        entity = self.entity
        content, fields = entity.content, dict(entity.fields)
        fields |= {"ETag": entity.etag} if entity.etag else {}
        fields |= {"Last-Modified": entity.modified} if entity.modified else {}
        fields["Date"] = "Sun, 01 Nov 2026 10:00:00 GMT"
        status, start, stop = "200 OK", 0, len(content)
        wanted = re.fullmatch(r"bytes=([0-9]+)-([0-9]*)", head.get("range", "")) if entity.ranges else None
        if entity.ranges:
            fields["Accept-Ranges"] = "bytes"
        if entity.modified and head.get("if-modified-since") == entity.modified and not wanted:
            sock.sendall(f"HTTP/1.1 304 Not Modified\r\n{_lines(fields)}\r\n".encode())
            return True
        if wanted and head.get("if-range", entity.etag) in (entity.etag, entity.modified):
            start = int(wanted[1])
            stop = min(int(wanted[2]) + 1, stop) if wanted[2] else stop
            if start >= len(content):
                fields |= {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"}
                sock.sendall(f"HTTP/1.1 416 Range Not Satisfiable\r\n{_lines(fields)}\r\n".encode())
                return True
            status = "206 Partial Content"
            fields["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        fields |= {"Content-Length": str(stop - start)} if entity.length else {"Transfer-Encoding": "chunked"}
        sock.sendall(f"HTTP/1.1 {status}\r\n{_lines(fields)}\r\n".encode())
        cut = next(self.cuts, None)
        end = stop if cut is None else min(stop, start + cut)
        for at in range(start, end, _PIECE):
            piece = content[at : min(at + _PIECE, end)]
            sock.sendall(piece if entity.length else b"%x\r\n%b\r\n" % (len(piece), piece))
            self.watch(at + len(piece) - start, stop - start)
        if end < stop:
            return False
        if not entity.length:
            sock.sendall(b"0\r\n\r\n")
        return True

    def __enter__(self) -> "FileServer":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.stop()


def _lines(fields: Head) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())

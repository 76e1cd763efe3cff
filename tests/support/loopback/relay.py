"""A proxy that works: HTTP or SOCKS 5, plain or over TLS, with or without a password. What lies or refuses is scripted.

Every name leads to this machine, so that a test sees who has looked a name up.
"""

import contextlib
import json
import select
import socket
import ssl
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

PATIENCE = 20.0  # seconds until a silent relay gives up: a guard for broken tests, not a pause


@dataclass
class Way:
    """One connection of a client through the proxy.

    Attributes:
        target: "host:port" as it was asked for.
        head: of the request that asked, b"" for SOCKS.
        login: (user, password) that a SOCKS client gave.
    """

    target: str
    head: bytes = b""
    login: tuple[bytes, bytes] | None = None


@dataclass
class Relay:
    """The proxy. `context` has it speak TLS; with `auth` it wants (user, password).

    Attributes:
        port, url: where it listens; `url` has no userinfo.
        ways: what was asked for so far, oldest first.
        on_tls: told of each connection whose handshake is done.
    """

    scheme: str = "http"
    context: ssl.SSLContext | None = None
    auth: tuple[str, str] | None = None
    ways: list[Way] = field(default_factory=list)
    on_tls: Callable[[ssl.SSLSocket], object] = lambda connection: None

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:  # closed
                return
            thread = threading.Thread(target=self._serve, args=(accepted,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, accepted: Any) -> None:
        accepted.settimeout(PATIENCE)
        self._open.add(accepted)
        with contextlib.suppress(OSError, EOFError):
            if self.context is not None:
                bare, accepted = accepted, self.context.wrap_socket(accepted, server_side=True)
                self._open.discard(bare)
                self._open.add(accepted)
                self.on_tls(accepted)
            serve = self._serve_socks if self.scheme.startswith("socks") else self._serve_http
            serve(accepted)
        accepted.close()

    def _serve_http(self, client: Any) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _exactly(client, 1)
        method, target, rest = head.split(b" ", 2)
        if method == b"CONNECT":
            authority, onward = target, b""
        else:
            authority, slash, path = target.split(b"://", 1)[1].partition(b"/")
            onward = method + b" " + slash + path + b" " + rest
        self.ways.append(Way(authority.decode(), head))
        if self.auth is not None:
            wanted = b64encode(":".join(self.auth).encode())
            if b"\r\nproxy-authorization: basic " + wanted.lower() not in head.lower():
                client.sendall(b"HTTP/1.1 407 Who Are You\r\nContent-Length: 6\r\n\r\nsecret")
                return
        port = int(authority.rpartition(b":")[2]) if b":" in authority else 80
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as origin:
            if onward:
                origin.sendall(onward)
            else:
                client.sendall(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            relay(client, origin)

    def _serve_socks(self, client: Any) -> None:
        """RFC 1928, RFC 1929."""
        version, count = _exactly(client, 2)
        assert version == 5
        ways = _exactly(client, count)
        wanted = 0 if self.auth is None else 2
        if wanted not in ways:
            client.sendall(b"\x05\xff")
            return
        client.sendall(bytes((5, wanted)))
        login = None
        if wanted == 2:
            user = _exactly(client, _exactly(client, 2)[1])
            login = (user, _exactly(client, _exactly(client, 1)[0]))
            right = login == tuple(part.encode() for part in self.auth or ())
            client.sendall(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return
        kind = _exactly(client, 4)[3]
        length = _exactly(client, 1)[0] if kind == 3 else 4 if kind == 1 else 16
        raw = _exactly(client, length)
        host = raw.decode() if kind == 3 else str(ip_address(raw))
        port = int.from_bytes(_exactly(client, 2), "big")
        self.ways.append(Way(f"{host}:{port}", login=login))
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as origin:
            client.sendall(b"\x05\x00\x00\x03\x04name\x00\x00")
            relay(client, origin)

    def close(self) -> None:
        """Ends every connection and thread."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)


def _exactly(client: Any, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = client.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def relay(client: Any, origin: Any) -> None:
    """Passes bytes on in both directions until either side ends."""
    while True:
        ready = [client] if isinstance(client, ssl.SSLSocket) and client.pending() else []
        for source in ready or select.select([client, origin], [], [], PATIENCE)[0]:
            data = source.recv(65536)
            if not data:
                return
            (origin if source is client else client).sendall(data)


class RelayProcess:
    """One proxy of each kind in a process of their own, so that every socket of the test's process is the client's.

    Attributes:
        urls: of the kinds "http", "https" and "socks5h".
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, str(chain), str(key)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.urls: dict[str, str] = json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def _serve(chain: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    relays = [Relay(kind, context if kind == "https" else None) for kind in ("http", "https", "socks5h")]
    print(json.dumps({each.scheme: each.url for each in relays}), flush=True)
    sys.stdin.read()  # ends with the process that started this one


if __name__ == "__main__":
    _serve(*sys.argv[1:])

"""The clients that `peers.py` compares, each behind one function; nothing here measures.

A contender is a context manager: given the URL and the number of connections it may hold, it yields a `fetch` that
makes one GET, reads the body and checks both. All keep connections alive and follow their own defaults otherwise.
"""

import asyncio
import contextlib
import http.client
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

BODY = b"0123456789abcdef" * 64
IDLE = 600.0  # seconds that idle connections are kept, for all alike

SyncFetch = Callable[[], None]
AsyncFetch = Callable[[], Awaitable[None]]


class WrongAnswer(Exception):
    """A contender got something else than the page."""


def checked(status: int, body: Any) -> None:
    """Raises unless this is the page; runs for every response of every contender."""
    if status != 200 or body != BODY:
        raise WrongAnswer(f"status {status}, {len(body)} bytes")


@contextlib.contextmanager
def smartclient_sync(url: str, connections: int) -> Iterator[SyncFetch]:
    import smartclient

    limits = smartclient.Limits(max_connections=connections, keepalive_expiry=IDLE)
    with smartclient.Session(limits=limits) as session:

        def fetch() -> None:
            response = session.get(url)
            checked(response.status_code, response.content)

        yield fetch


@contextlib.asynccontextmanager
async def smartclient_async(url: str, connections: int) -> AsyncIterator[AsyncFetch]:
    import smartclient

    limits = smartclient.Limits(max_connections=connections, keepalive_expiry=IDLE)
    async with smartclient.AsyncSession(limits=limits) as session:

        async def fetch() -> None:
            response = await session.get(url)
            checked(response.status_code, response.content)

        yield fetch


@contextlib.contextmanager
def raw_sync(url: str, connections: int) -> Iterator[SyncFetch]:
    """The floor: a socket, one send, and reads until the page is whole."""
    parts = urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def fetch() -> None:
            connection.sendall(request)
            received = connection.recv(65536)
            while not received.endswith(BODY):
                received += connection.recv(65536)
            checked(int(received[9:12]), received[-len(BODY) :])

        yield fetch


class _RawProtocol(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.received = b""
        self.answer: asyncio.Future[bytes] | None = None

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.answer is not None and self.received.endswith(BODY):
            self.answer.set_result(self.received)
            self.received, self.answer = b"", None


@contextlib.asynccontextmanager
async def raw_async(url: str, connections: int) -> AsyncIterator[AsyncFetch]:
    """The floor: a bare asyncio protocol on each connection, handed from caller to caller."""
    parts = urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    idle: asyncio.LifoQueue[_RawProtocol] = asyncio.LifoQueue()
    for _ in range(connections):
        _, protocol = await loop.create_connection(_RawProtocol, parts.hostname, parts.port)
        idle.put_nowait(protocol)

    async def fetch() -> None:
        protocol = await idle.get()
        answer = protocol.answer = loop.create_future()
        protocol.transport.write(request)
        received = await answer
        idle.put_nowait(protocol)
        checked(int(received[9:12]), received[-len(BODY) :])

    yield fetch
    while not idle.empty():
        idle.get_nowait().transport.close()


@contextlib.contextmanager
def http_client(url: str, connections: int) -> Iterator[SyncFetch]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)

    def fetch() -> None:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        checked(response.status, response.read())

    yield fetch
    connection.close()


@contextlib.contextmanager
def urllib3_sync(url: str, connections: int) -> Iterator[SyncFetch]:
    import urllib3

    with urllib3.PoolManager(maxsize=connections) as pool:

        def fetch() -> None:
            response = pool.request("GET", url)
            checked(response.status, response.data)

        yield fetch


@contextlib.contextmanager
def requests_sync(url: str, connections: int) -> Iterator[SyncFetch]:
    import requests

    with requests.Session() as session:

        def fetch() -> None:
            response = session.get(url)
            checked(response.status_code, response.content)

        yield fetch


@contextlib.contextmanager
def httpx_sync(url: str, connections: int) -> Iterator[SyncFetch]:
    import httpx

    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=IDLE)
    with httpx.Client(limits=limits) as client:

        def fetch() -> None:
            response = client.get(url)
            checked(response.status_code, response.content)

        yield fetch


@contextlib.asynccontextmanager
async def httpx_async(url: str, connections: int) -> AsyncIterator[AsyncFetch]:
    import httpx

    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=IDLE)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def fetch() -> None:
            response = await client.get(url)
            checked(response.status_code, response.content)

        yield fetch


@contextlib.asynccontextmanager
async def aiohttp_async(url: str, connections: int) -> AsyncIterator[AsyncFetch]:
    import aiohttp

    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=IDLE)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def fetch() -> None:
            async with session.get(url) as response:
                checked(response.status, await response.read())

        yield fetch


@contextlib.contextmanager
def pyreqwest_sync(url: str, connections: int) -> Iterator[SyncFetch]:
    from pyreqwest.client import SyncClientBuilder

    with _pyreqwest_limits(SyncClientBuilder(), connections).build() as client:

        def fetch() -> None:
            response = client.get(url).build().send()
            checked(response.status, response.bytes())

        yield fetch


@contextlib.asynccontextmanager
async def pyreqwest_async(url: str, connections: int) -> AsyncIterator[AsyncFetch]:
    from pyreqwest.client import ClientBuilder

    async with _pyreqwest_limits(ClientBuilder(), connections).build() as client:

        async def fetch() -> None:
            response = await client.get(url).build().send()
            checked(response.status, await response.bytes())

        yield fetch


def _pyreqwest_limits(builder: Any, connections: int) -> Any:
    from datetime import timedelta

    idle = timedelta(seconds=IDLE)
    return builder.max_connections(connections).pool_max_idle_per_host(connections).pool_idle_timeout(idle)


OURS = "smartclient"
FLOOR = "raw"

SYNC: dict[str, Callable[[str, int], contextlib.AbstractContextManager[SyncFetch]]] = {
    OURS: smartclient_sync,
    FLOOR: raw_sync,
    "http.client": http_client,
    "pyreqwest": pyreqwest_sync,
    "urllib3": urllib3_sync,
    "httpx": httpx_sync,
    "requests": requests_sync,
}
ASYNC: dict[str, Callable[[str, int], contextlib.AbstractAsyncContextManager[AsyncFetch]]] = {
    OURS: smartclient_async,
    FLOOR: raw_async,
    "aiohttp": aiohttp_async,
    "pyreqwest": pyreqwest_async,
    "httpx": httpx_async,
}

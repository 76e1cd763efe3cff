"""Clients for asyncio and uvloop, each fetching the small page; nothing here measures."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from contenders import BODY, FLOOR, IDLE, OURS, AsyncContender, AsyncFetch, Target, checked
from contenders_sync import httpx_client, pyreqwest_client, smartclient_session


def aiohttp_session(target: Target) -> Any:
    """One whose pool may hold as many connections as the target says."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=target.connections, keepalive_timeout=IDLE, ssl=target.context or True)
    return aiohttp.ClientSession(connector=connector)


@contextlib.asynccontextmanager
async def smartclient_async(target: Target) -> AsyncIterator[AsyncFetch]:
    async with smartclient_session("AsyncSession", target) as session:

        async def fetch() -> None:
            response = await session.get(target.url)
            checked(response.status_code, response.content)

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
async def raw_async(target: Target) -> AsyncIterator[AsyncFetch]:
    """The floor: a bare asyncio protocol on each connection, handed from caller to caller."""
    parts = urlsplit(target.url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    idle: asyncio.LifoQueue[_RawProtocol] = asyncio.LifoQueue()
    for _ in range(target.connections):
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


@contextlib.asynccontextmanager
async def aiohttp_async(target: Target) -> AsyncIterator[AsyncFetch]:
    async with aiohttp_session(target) as session:

        async def fetch() -> None:
            async with session.get(target.url) as response:
                checked(response.status, await response.read())

        yield fetch


@contextlib.asynccontextmanager
async def pyreqwest_async(target: Target) -> AsyncIterator[AsyncFetch]:
    from pyreqwest.client import ClientBuilder

    async with pyreqwest_client(ClientBuilder(), target) as client:

        async def fetch() -> None:
            response = await client.get(target.url).build().send()
            checked(response.status, await response.bytes())

        yield fetch


@contextlib.asynccontextmanager
async def primp_async(target: Target) -> AsyncIterator[AsyncFetch]:
    """Has no limit of connections: it is held to the target's by a semaphore, as a user would do it."""
    import primp

    client = primp.AsyncClient(ca_cert_file=target.ca_file)
    slots = asyncio.Semaphore(target.connections)

    async def fetch() -> None:
        async with slots:
            response = await client.get(target.url)
        checked(response.status_code, response.content)

    yield fetch


def httpx_async(module: str) -> AsyncContender:
    """The contender for httpx, or for the fork of the same interface."""

    @contextlib.asynccontextmanager
    async def contender(target: Target) -> AsyncIterator[AsyncFetch]:
        async with httpx_client(module, "AsyncClient", target) as client:

            async def fetch() -> None:
                response = await client.get(target.url)
                checked(response.status_code, response.content)

            yield fetch

    return contender


ASYNC: dict[str, AsyncContender] = {
    OURS: smartclient_async,
    FLOOR: raw_async,
    "aiohttp": aiohttp_async,
    "pyreqwest": pyreqwest_async,
    "primp": primp_async,
    "httpx": httpx_async("httpx"),
    "httpx2": httpx_async("httpx2"),
}

"""Clients that download a large file in pieces and keep none; nothing here measures.

Each is read in the pieces that come; where a size must be named it is `PIECE`.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

from contenders import DOWNLOAD, FLOOR, OURS, PIECE, AsyncContender, AsyncFetch, SyncContender, SyncFetch, Tally, Target
from contenders_async import aiohttp_session
from contenders_sync import httpx_client, pycurl_handle, pyreqwest_client, smartclient_session, urllib3_pool


def _request(target: Target) -> bytes:
    parts = urlsplit(target.url)
    return f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()


@contextlib.contextmanager
def smartclient_sync(target: Target) -> Iterator[SyncFetch]:
    tally = Tally()
    with smartclient_session("Session", target) as session:

        def fetch() -> None:
            with session.stream("GET", target.url) as response:
                for piece in response.iter_content(None):
                    tally(piece)
            tally.finish(response.status_code)

        yield fetch


@contextlib.contextmanager
def raw_sync(target: Target) -> Iterator[SyncFetch]:
    """The floor: a socket, perhaps wrapped, and its bytes."""
    parts = urlsplit(target.url)
    request, tally = _request(target), Tally()
    with contextlib.ExitStack() as stack:
        connection: Any = stack.enter_context(socket.create_connection((parts.hostname, parts.port)))
        if context := target.context:
            connection = stack.enter_context(context.wrap_socket(connection, server_hostname=parts.hostname))

        def fetch() -> None:
            connection.sendall(request)
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(PIECE)
            body = re.split(rb"\r\n\r\n", head, maxsplit=1)[1]
            left = len(DOWNLOAD) - len(body)
            tally(body)
            while left > 0:
                piece = connection.recv(PIECE)
                left -= len(piece)
                tally(piece)
            tally.finish(int(head[9:12]))

        yield fetch


@contextlib.contextmanager
def pycurl_sync(target: Target) -> Iterator[SyncFetch]:
    handle, tally = pycurl_handle(target), Tally()
    handle.setopt(handle.WRITEFUNCTION, tally)

    def fetch() -> None:
        handle.perform()
        tally.finish(handle.getinfo(handle.RESPONSE_CODE))

    yield fetch
    handle.close()


@contextlib.contextmanager
def pyreqwest_sync(target: Target) -> Iterator[SyncFetch]:
    from pyreqwest.client import SyncClientBuilder

    tally = Tally()
    with pyreqwest_client(SyncClientBuilder(), target) as client:

        def fetch() -> None:
            with client.get(target.url).build_streamed() as response:
                while (piece := response.body_reader.read_chunk()) is not None:
                    tally(piece)
            tally.finish(response.status)

        yield fetch


@contextlib.contextmanager
def primp_sync(target: Target) -> Iterator[SyncFetch]:
    import primp

    client, tally = primp.Client(ca_cert_file=target.ca_file), Tally()

    def fetch() -> None:
        with client.get(target.url, stream=True) as response:
            for piece in response.iter_bytes(PIECE):
                tally(piece)
        tally.finish(response.status_code)

    yield fetch


@contextlib.contextmanager
def urllib3_sync(target: Target) -> Iterator[SyncFetch]:
    tally = Tally()
    with urllib3_pool(target) as pool:

        def fetch() -> None:
            response = pool.request("GET", target.url, preload_content=False)
            for piece in response.stream(PIECE):
                tally(piece)
            response.release_conn()
            tally.finish(response.status)

        yield fetch


@contextlib.contextmanager
def requests_sync(target: Target) -> Iterator[SyncFetch]:
    import requests

    tally = Tally()
    with requests.Session() as session:
        session.verify = target.ca_file or True

        def fetch() -> None:
            with session.get(target.url, stream=True) as response:
                for piece in response.iter_content(PIECE):
                    tally(piece)
            tally.finish(response.status_code)

        yield fetch


def httpx_sync(module: str) -> SyncContender:
    """The contender for httpx, or for the fork of the same interface."""

    @contextlib.contextmanager
    def contender(target: Target) -> Iterator[SyncFetch]:
        tally = Tally()
        with httpx_client(module, "Client", target) as client:

            def fetch() -> None:
                with client.stream("GET", target.url) as response:
                    for piece in response.iter_bytes():
                        tally(piece)
                tally.finish(response.status_code)

            yield fetch

    return contender


@contextlib.asynccontextmanager
async def smartclient_async(target: Target) -> AsyncIterator[AsyncFetch]:
    tally = Tally()
    async with smartclient_session("AsyncSession", target) as session:

        async def fetch() -> None:
            async with session.stream("GET", target.url) as response:
                async for piece in response.iter_content(None):
                    tally(piece)
            tally.finish(response.status_code)

        yield fetch


class _RawDownload(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.tally = Tally()
        self.head = b""
        self.left = 0
        self.whole: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        if not self.left:
            self.head += data
            if b"\r\n\r\n" not in self.head:
                return
            data = re.split(rb"\r\n\r\n", self.head, maxsplit=1)[1]
            self.left = len(DOWNLOAD)
        self.tally(data)
        self.left -= len(data)
        if not self.left and self.whole is not None:
            self.whole.set_result(None)


@contextlib.asynccontextmanager
async def raw_async(target: Target) -> AsyncIterator[AsyncFetch]:
    """The floor: a bare asyncio protocol."""
    parts, request = urlsplit(target.url), _request(target)
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(_RawDownload, parts.hostname, parts.port, ssl=target.context)

    async def fetch() -> None:
        protocol.head = b""
        whole = protocol.whole = loop.create_future()
        protocol.transport.write(request)
        await whole
        protocol.tally.finish(int(protocol.head[9:12]))

    yield fetch
    protocol.transport.close()


@contextlib.asynccontextmanager
async def aiohttp_async(target: Target) -> AsyncIterator[AsyncFetch]:
    tally = Tally()
    async with aiohttp_session(target) as session:

        async def fetch() -> None:
            async with session.get(target.url) as response:
                async for piece in response.content.iter_any():
                    tally(piece)
            tally.finish(response.status)

        yield fetch


@contextlib.asynccontextmanager
async def pyreqwest_async(target: Target) -> AsyncIterator[AsyncFetch]:
    from pyreqwest.client import ClientBuilder

    tally = Tally()
    async with pyreqwest_client(ClientBuilder(), target) as client:

        async def fetch() -> None:
            async with client.get(target.url).build_streamed() as response:
                while (piece := await response.body_reader.read_chunk()) is not None:
                    tally(piece)
            tally.finish(response.status)

        yield fetch


def httpx_async(module: str) -> AsyncContender:
    """The contender for httpx, or for the fork of the same interface."""

    @contextlib.asynccontextmanager
    async def contender(target: Target) -> AsyncIterator[AsyncFetch]:
        tally = Tally()
        async with httpx_client(module, "AsyncClient", target) as client:

            async def fetch() -> None:
                async with client.stream("GET", target.url) as response:
                    async for piece in response.aiter_bytes():
                        tally(piece)
                tally.finish(response.status_code)

            yield fetch

    return contender


SYNC: dict[str, SyncContender] = {
    OURS: smartclient_sync,
    FLOOR: raw_sync,
    "pycurl": pycurl_sync,
    "pyreqwest": pyreqwest_sync,
    "primp": primp_sync,
    "urllib3": urllib3_sync,
    "httpx": httpx_sync("httpx"),
    "httpx2": httpx_sync("httpx2"),
    "requests": requests_sync,
}
ASYNC: dict[str, AsyncContender] = {
    OURS: smartclient_async,
    FLOOR: raw_async,
    "aiohttp": aiohttp_async,
    "pyreqwest": pyreqwest_async,
    "httpx": httpx_async("httpx"),
    "httpx2": httpx_async("httpx2"),
}

"""Blocking clients, each fetching the small page; nothing here measures."""

import contextlib
import http.client
import importlib
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from contenders import BODY, FLOOR, IDLE, OURS, PIECE, SyncContender, SyncFetch, Target, checked


def smartclient_session(kind: str, target: Target) -> Any:
    """`kind` is Session or AsyncSession."""
    import smartclient

    limits = smartclient.Limits(max_connections=target.connections, keepalive_expiry=IDLE)
    return getattr(smartclient, kind)(limits=limits, verify=target.ca_file or True)


def httpx_client(module: str, kind: str, target: Target) -> Any:
    """`module` is httpx or httpx2, `kind` is Client or AsyncClient."""
    httpx = importlib.import_module(module)
    count = target.connections
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=count, keepalive_expiry=IDLE)
    return getattr(httpx, kind)(limits=limits, timeout=60, verify=target.context or True)


def pyreqwest_client(builder: Any, target: Target) -> Any:
    """`builder` is a new one, blocking or not."""
    from datetime import timedelta
    from pathlib import Path

    if target.ca_file:
        builder = builder.add_root_certificate_pem(Path(target.ca_file).read_bytes())
    count = target.connections
    return (
        builder.max_connections(count).pool_max_idle_per_host(count).pool_idle_timeout(timedelta(seconds=IDLE)).build()
    )


def urllib3_pool(target: Target) -> Any:
    """A pool that lends its connections and opens no others."""
    import urllib3

    return urllib3.PoolManager(maxsize=target.connections, block=True, ca_certs=target.ca_file)


def pycurl_handle(target: Target) -> Any:
    """One handle, which keeps its connection."""
    import pycurl

    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, target.url)
    handle.setopt(pycurl.BUFFERSIZE, PIECE)
    if target.ca_file:
        handle.setopt(pycurl.CAINFO, target.ca_file)
    return handle


@contextlib.contextmanager
def smartclient_sync(target: Target) -> Iterator[SyncFetch]:
    with smartclient_session("Session", target) as session:

        def fetch() -> None:
            response = session.get(target.url)
            checked(response.status_code, response.content)

        yield fetch


@contextlib.contextmanager
def raw_sync(target: Target) -> Iterator[SyncFetch]:
    """The floor: a socket, one send, and reads until the page is whole."""
    parts = urlsplit(target.url)
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


@contextlib.contextmanager
def http_client(target: Target) -> Iterator[SyncFetch]:
    parts = urlsplit(target.url)
    connection = http.client.HTTPConnection(parts.netloc)

    def fetch() -> None:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        checked(response.status, response.read())

    yield fetch
    connection.close()


@contextlib.contextmanager
def pycurl_sync(target: Target) -> Iterator[SyncFetch]:
    handle = pycurl_handle(target)
    pieces: list[bytes] = []
    handle.setopt(handle.WRITEFUNCTION, pieces.append)

    def fetch() -> None:
        pieces.clear()
        handle.perform()
        checked(handle.getinfo(handle.RESPONSE_CODE), b"".join(pieces))

    yield fetch
    handle.close()


@contextlib.contextmanager
def pyreqwest_sync(target: Target) -> Iterator[SyncFetch]:
    from pyreqwest.client import SyncClientBuilder

    with pyreqwest_client(SyncClientBuilder(), target) as client:

        def fetch() -> None:
            response = client.get(target.url).build().send()
            checked(response.status, response.bytes())

        yield fetch


@contextlib.contextmanager
def primp_sync(target: Target) -> Iterator[SyncFetch]:
    """Has no limit of connections; one caller opens one."""
    import primp

    client = primp.Client(ca_cert_file=target.ca_file)

    def fetch() -> None:
        response = client.get(target.url)
        checked(response.status_code, response.content)

    yield fetch


@contextlib.contextmanager
def urllib3_sync(target: Target) -> Iterator[SyncFetch]:
    with urllib3_pool(target) as pool:

        def fetch() -> None:
            response = pool.request("GET", target.url)
            checked(response.status, response.data)

        yield fetch


@contextlib.contextmanager
def requests_sync(target: Target) -> Iterator[SyncFetch]:
    import requests

    with requests.Session() as session:

        def fetch() -> None:
            response = session.get(target.url)
            checked(response.status_code, response.content)

        yield fetch


def httpx_sync(module: str) -> SyncContender:
    """The contender for httpx, or for the fork of the same interface."""

    @contextlib.contextmanager
    def contender(target: Target) -> Iterator[SyncFetch]:
        with httpx_client(module, "Client", target) as client:

            def fetch() -> None:
                response = client.get(target.url)
                checked(response.status_code, response.content)

            yield fetch

    return contender


SYNC: dict[str, SyncContender] = {
    OURS: smartclient_sync,
    FLOOR: raw_sync,
    "pycurl": pycurl_sync,
    "pyreqwest": pyreqwest_sync,
    "primp": primp_sync,
    "http.client": http_client,
    "urllib3": urllib3_sync,
    "httpx": httpx_sync("httpx"),
    "httpx2": httpx_sync("httpx2"),
    "requests": requests_sync,
}

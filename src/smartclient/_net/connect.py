"""From a route to an open stream: look-up, TCP to one address after the other, TLS. All of it inside one limit."""

from collections.abc import Callable
from typing import NamedTuple

from .._model.errors import ConnectionError, ConnectTimeout, RequestException, ResolveError
from .._model.options import TLS
from .._model.proxy import Proxy
from .._model.url import Origin
from .._runtime.base import Runtime, Stream
from .resolve import RESOLVER
from .tls import context_for


class Route(NamedTuple):
    """What a connection may serve: an origin, reached one way. Everything that decides about trust is part of it."""

    origin: Origin
    tls: TLS | None  # None where nothing on the way is verified: for http, but through a proxy of https
    proxy: Proxy | None = None

    @property
    def is_forwarded(self) -> bool:
        """Whether the peer is a proxy that takes requests in absolute form and passes them on."""
        return self.proxy is not None and not self.proxy.is_socks and self.origin.scheme == "http"


async def connect(runtime: Runtime, route: Route, timeout: float | None) -> Stream:
    """An open stream for `route`, TLS verified, within `timeout` seconds in all.

    Raises:
        ConnectTimeout, ResolveError, ProxyError, ConnectionError, SSLError: with the origin in the text; nothing was
            sent.
    """
    started = runtime.now()

    def left() -> float | None:
        return None if timeout is None else timeout - (runtime.now() - started)

    try:
        # A bad file fails before anything is opened.
        context = context_for(route.tls) if route.tls is not None and route.origin.scheme == "https" else None
        if route.proxy is None:
            stream = await connect_tcp(runtime, route.origin.host, route.origin.port, left)
        else:
            from .proxy import connect_through

            stream = await connect_through(runtime, route, route.proxy, left)
        if context is None:
            return stream
        name = route.origin.host.partition("%")[0]  # a zone is no part of what a certificate names
        return await runtime.start_tls(stream, context, name, left())
    except RequestException as error:
        took = runtime.now() - started
        raise type(error)(f"connect to {route.origin} failed after {took:.1f} s: {error} (nothing sent)") from error


async def connect_tcp(runtime: Runtime, host: str, port: int, left: Callable[[], float | None]) -> Stream:
    """An open stream to the first address of `host` that takes one, within `left()` seconds."""
    addresses = await RESOLVER.addresses(runtime, host, port, left())
    failures: list[ConnectionError] = []
    for family, address in addresses:
        remaining = left()
        if remaining is not None and remaining <= 0:
            raise ConnectTimeout(f"timed out ({_tried(len(failures))})")
        try:
            return await runtime.connect(family, address, remaining)
        except ConnectTimeout as error:
            raise ConnectTimeout(f"timed out ({_tried(len(failures) + 1)})") from error
        except ConnectionError as error:
            failures.append(error)
    if not failures:
        raise ResolveError(f"look-up of {host} gave no address")
    raise ConnectionError(f"{failures[-1]} ({_tried(len(failures))})") from failures[-1]


def _tried(count: int) -> str:
    return f"{count} address{'es' if count != 1 else ''} tried"

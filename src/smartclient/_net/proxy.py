"""Through a proxy: TLS to it, CONNECT tunnels, requests in absolute form; never which proxy, never SOCKS itself.

What a proxy says instead of opening a tunnel is an error that names its status, never a response: its body would pose
as the origin's. Sources: RFC 9110 sections 9.3.6 and 11.7, RFC 9112 sections 3.2.2 and 3.2.3.
"""

from .._model.basic import basic_credentials
from .._model.errors import (
    ConnectionError,
    ConnectTimeout,
    ProxyError,
    RequestException,
    SSLError,
    Timeout,
)
from .._model.headers import NO_FIELDS, Fields
from .._model.message import Head
from .._model.proxy import Proxy
from .._model.request import Request
from .._model.timings import Notes
from .._model.url import Origin
from .._runtime.base import Left, Runtime, Stream, counted_down
from .connect import Route, check_protocol
from .http1 import Http1Connection
from .http1_head import shown
from .http1_request import request_head
from .http1_wire import ResponseReader
from .socks import ask_for_way, socks_address
from .tcp import open_tcp
from .tls import certified_name, context_for

_READ = 2**16


async def connect_through(
    runtime: Runtime, route: Route, proxy: Proxy, timeout: float | None, notes: Notes | None = None
) -> Stream:
    """A stream that leads through `proxy` to the route's origin, or that ends at a proxy which forwards.

    TLS to the origin is still to be made. All of it within `timeout` seconds.

    Raises:
        ConnectTimeout, SSLError: of the way to the proxy.
        ResolveError: SOCKS 5 without "h" has this side look the origin's name up, and it has no address.
        ProxyError: it has no address, refuses, or does not do what it was asked for.
    """
    left = counted_down(runtime, timeout)
    target = await socks_address(runtime, route, proxy, left()) if proxy.is_socks else b""
    stream: Stream | None = None
    try:
        stream = await open_tcp(runtime, proxy.host, proxy.port, route.reach, left(), notes)
        if proxy.scheme == "https":
            assert route.tls is not None
            # The client's certificate says who asks: that is for the origin alone.
            context = context_for(route.tls._replace(cert=None))
            stream = await runtime.start_tls(stream, context, certified_name(proxy.host), left())
            check_protocol(stream)
        if target:
            await ask_for_way(stream, target, proxy, left)
        elif not route.is_forwarded:
            await _open_tunnel(stream, route.origin, proxy, left)
        if not route.is_forwarded and stream.is_readable():  # we speak first: what is there, is not the origin's
            raise ProxyError("sent bytes of its own into the tunnel, or closed it")
        return stream
    except RequestException as error:
        _abort(stream)
        raise _explained(error, proxy) from error
    except BaseException:
        _abort(stream)
        raise


def _abort(stream: Stream | None) -> None:
    if stream is not None:
        stream.abort()


def _explained(error: RequestException, proxy: Proxy) -> RequestException:
    kind = type(error)
    if isinstance(error, Timeout):
        kind = ConnectTimeout
    elif isinstance(error, ConnectionError) and not isinstance(error, SSLError):
        kind = ProxyError
    told = kind(f"through proxy {proxy}: {error}")
    if isinstance(told, SSLError) and isinstance(error, SSLError):
        told.check = error.check
    return told


async def _open_tunnel(stream: Stream, origin: Origin, proxy: Proxy, left: Left) -> None:
    """CONNECT (RFC 9110 section 9.3.6)."""
    host = origin.host.partition("%")[0]  # a zone means nothing to another machine
    authority = f"{f'[{host}]' if ':' in host else host}:{origin.port}"
    reader = ResponseReader()
    reader.start("CONNECT")
    await stream.write(request_head("CONNECT", authority, authority, credentials_of(proxy), b""), left())
    head: Head | None = None
    while head is None:
        data = await stream.read(_READ, left())
        events = reader.feed(data) if data else reader.feed_eof()
        head = next((event for event in events if isinstance(event, Head)), None)
    if not 200 <= head.status <= 299:
        raise ProxyError(f"answered {head.status} {shown(head.reason)[1:-1]} to CONNECT {authority}")
    if reader.surplus:
        raise ProxyError("sent bytes of its own into the tunnel")


def credentials_of(proxy: Proxy) -> Fields:
    """The Proxy-Authorization field for `proxy`, if it has one (RFC 9110 section 11.7.2)."""
    value = proxy.authorization if proxy.auth is None else basic_credentials(proxy.auth)
    return NO_FIELDS if value is None else Fields([("Proxy-Authorization", value)])


class ForwardedConnection(Http1Connection):
    """To a proxy that takes plain requests for one origin and passes them on (RFC 9112 section 3.2.2)."""

    __slots__ = ()

    def _head_of(self, request: Request) -> bytes:
        proxy = self.route.proxy
        assert proxy is not None
        fields = request.fields
        for name, value in credentials_of(proxy):
            fields = fields.replace(name, value)
        return super()._head_of(request.replace(url=request.url.absolute, fields=fields))

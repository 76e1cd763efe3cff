"""From a route to an open stream: TCP, a proxy, TLS, inside one limit. The race between addresses is `tcp`'s."""

from .._model.declared import NamedTuple
from .._model.errors import InvalidOption, RequestException, SSLError
from .._model.options import TLS, Reach
from .._model.proxy import Proxy
from .._model.timings import Notes
from .._model.url import Origin
from .._runtime.base import Runtime, Stream, counted_down
from .tcp import open_tcp
from .tls import certified_name, context_for


class Route(NamedTuple):
    """What a connection may serve: an origin, reached one way. Everything that decides about trust is part of it."""

    origin: Origin
    tls: TLS | None  # None where nothing on the way is verified: for http, but through a proxy of https
    proxy: Proxy | None = None
    reach: Reach | None = None
    http2: bool = False  # offered in the handshake
    lenient: bool = False  # how its answers are read

    @property
    def is_forwarded(self) -> bool:
        """Whether the peer is a proxy that takes requests in absolute form and passes them on."""
        return self.proxy is not None and not self.proxy.is_socks and self.origin.scheme == "http"


async def connect(runtime: Runtime, route: Route, timeout: float | None, notes: Notes | None = None) -> Stream:
    """An open stream for `route`, TLS verified, within `timeout` seconds in all.

    `notes` takes down what its parts took.

    Raises:
        ConnectTimeout, ResolveError, ProxyError, ConnectionError, SSLError: with the origin in the text; nothing was
            sent.
    """
    started, left = runtime.now(), counted_down(runtime, timeout)
    try:
        # A bad file fails before anything is opened.
        tls = route.tls if route.origin.scheme == "https" else None
        context = None if tls is None else context_for(tls, http2=route.http2)
        stream = await _open(runtime, route, timeout, notes)
        opened = runtime.now()
        if notes is not None:
            notes.connect = opened - started - (notes.dns or 0.0)
        if context is None:
            return stream
        name = certified_name(route.origin.host)
        try:
            stream = await runtime.start_tls(stream, context, name, left())
        except SSLError as error:
            if error.check in (None, "protocol"):
                raise
            from .refusal import explained

            raise await explained(error, runtime, name, lambda limit: _open(runtime, route, limit), left()) from error
        check_protocol(stream, http2=route.http2)
        if notes is not None:
            notes.tls = runtime.now() - opened
        return stream
    except InvalidOption:  # a file that is not there, in requests' words; nothing was tried
        raise
    except RequestException as error:
        raise _explained(error, route.origin, runtime.now() - started) from error


def _explained(error: RequestException, origin: Origin, took: float) -> RequestException:
    told = type(error)(f"connect to {origin} failed after {took:.1f} s: {error} (nothing sent)")
    if isinstance(told, SSLError) and isinstance(error, SSLError):
        told.check = error.check
    return told


async def _open(runtime: Runtime, route: Route, timeout: float | None, notes: Notes | None = None) -> Stream:
    """The stream below TLS with the origin: to the origin itself, or through the route's proxy."""
    if route.proxy is None:
        return await open_tcp(runtime, route.origin.host, route.origin.port, route.reach, timeout, notes)
    from .proxy import connect_through

    return await connect_through(runtime, route, route.proxy, timeout, notes)


def check_protocol(stream: Stream, *, http2: bool = False) -> None:
    """Raises SSLError where the server chose what is not spoken here: only a context of the caller's can ask for it."""
    alpn = stream.get_extra_info("ssl_object").selected_alpn_protocol()
    if alpn not in (None, "http/1.1", "http/1.0") and not (http2 and alpn == "h2"):
        stream.abort()
        raise SSLError(f"the SSLContext had the server choose {alpn}; ask for http/1.1 with set_alpn_protocols")

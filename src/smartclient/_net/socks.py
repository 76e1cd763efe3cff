"""SOCKS 5 over an open stream: the way to one origin, with user and password where the proxy asks; never a listener.

Written here because it is forty lines: the packages that have them neither frame what arrives nor keep to a limit.
Sources: RFC 1928, RFC 1929.
"""

from .._model.errors import ProxyError
from .._model.proxy import Proxy
from .._runtime.base import Left, Runtime, Stream
from .connect import Route
from .reach import named_addresses
from .resolve import numeric_address

_VERSION, _CONNECT = 5, 1
_NO_LOGIN, _PASSWORD, _NOTHING_SUITS = 0, 2, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
_FAILURES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


async def ask_for_way(stream: Stream, target: bytes, proxy: Proxy, left: Left) -> None:
    """Has the proxy at the other end of `stream` connect it to `target`, as `socks_address` gave it.

    Raises:
        ProxyError: it will not, or does not speak SOCKS 5.
        RequestException: from the stream.
    """
    await _log_in(stream, proxy, left)
    await stream.write(bytes((_VERSION, _CONNECT, 0)) + target, left())
    version, failure, _, kind = await _exactly(stream, 4, left)
    if version != _VERSION:
        raise ProxyError("does not speak SOCKS 5")
    if failure:
        raise ProxyError(f"cannot reach the origin: {_FAILURES.get(failure, f'failure {failure}')}")
    if kind not in (_IPV4, _NAME, _IPV6):
        raise ProxyError("answered with an address of no known kind")
    length = (await _exactly(stream, 1, left))[0] if kind == _NAME else 4 if kind == _IPV4 else 16
    await _exactly(stream, length + 2, left)  # the address and port it connects from, which mean nothing here


async def _log_in(stream: Stream, proxy: Proxy, left: Left) -> None:
    """Method and credentials (RFC 1928 section 3, RFC 1929)."""
    ways = [_NO_LOGIN] if proxy.auth is None else [_NO_LOGIN, _PASSWORD]
    await stream.write(bytes((_VERSION, len(ways), *ways)), left())
    version, way = await _exactly(stream, 2, left)
    if version != _VERSION:
        raise ProxyError("does not speak SOCKS 5")
    if way == _NOTHING_SUITS or way not in ways:
        raise ProxyError("wants a user and password" if proxy.auth is None else "takes no user and password")
    if way == _PASSWORD and proxy.auth is not None:
        user, password = (part.encode("utf-8") for part in proxy.auth)
        await stream.write(bytes((1, len(user))) + user + bytes((len(password),)) + password, left())
        if (await _exactly(stream, 2, left))[1] != 0:
            raise ProxyError("refused user or password")


async def socks_address(runtime: Runtime, route: Route, proxy: Proxy, timeout: float | None) -> bytes:
    """Type, address and port of the route's origin, as the proxy is asked for it (RFC 1928 section 5).

    Raises:
        ResolveError, ConnectTimeout: this side is to look the name up, and gets no address in time.
    """
    origin = route.origin
    host, port = origin.host.partition("%")[0], origin.port.to_bytes(2, "big")  # a zone means nothing elsewhere
    numeric = numeric_address(host, origin.port)
    if numeric is None:
        if proxy.scheme == "socks5h":
            return bytes((_NAME, len(host))) + host.encode("ascii") + port
        # Which kinds of addresses the proxy can reach, nobody knows: IPv4 is the likelier one.
        found = await named_addresses(runtime, host, origin.port, route.reach, timeout)
        numeric = min(found, key=lambda address: ":" in address.remote[0])
    from ipaddress import ip_address

    packed = ip_address(numeric.remote[0].partition("%")[0]).packed
    return bytes((_IPV4 if len(packed) == 4 else _IPV6,)) + packed + port


async def _exactly(stream: Stream, count: int, left: Left) -> bytes:
    """The next `count` bytes, and none of those behind them, which are the origin's."""
    data = b""
    while len(data) < count:
        piece = await stream.read(count - len(data), left())
        if not piece:
            raise ProxyError("closed the connection")
        data += piece
    return data

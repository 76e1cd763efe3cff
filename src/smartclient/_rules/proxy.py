"""Which proxy serves a URL, and which hosts are reached without one; never how a proxy is spoken to.

There is no standard: this is what curl, Python and requests agree on, without the holes of CVE-2016-5385 (a request
field that poses as HTTP_PROXY) and CVE-2025-62718 (NO_PROXY evaded by another spelling of the host).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .._model.declared import NamedTuple
from .._model.errors import InvalidProxyURL
from .._model.frozen import replace
from .._model.patterns import later
from .._model.proxy import Environment, Proxies, Proxy, parse_proxy
from .._model.request import Request
from .._model.url import URL

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""Without any of these the environment says nothing of proxies."""

_CACHED = 64
_SEPARATORS = later(r"[,\s]+")
_WITH_PORT = later(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?")


def environment_from(variables: Mapping[str, str]) -> Environment | None:
    """What environment variables say of proxies; None for nothing.

    Of two spellings the lower case counts, even when it is empty. HTTP_PROXY is what a web server makes of a request's
    Proxy field: where REQUEST_METHOD tells of a CGI script, it is ignored (CVE-2016-5385).
    """

    def variable(name: str) -> str:
        upper = "" if name == "http_proxy" and "REQUEST_METHOD" in variables else variables.get(name.upper(), "")
        return variables.get(name, upper).strip()

    http, https, every = variable("http_proxy"), variable("https_proxy"), variable("all_proxy")
    return Environment(http, https, every, variable("no_proxy")) if http or https or every else None


def proxy_for(proxies: Proxies, url: URL) -> Proxy | None:
    """The proxy for `url`, None for a direct connection. What was given beats the environment.

    The nearest key counts: scheme://host, scheme, all://host, all.

    Raises:
        InvalidProxyURL: the environment names none that can be used.
    """
    proxy: Proxy | None = None
    if proxies.given:
        given = dict(proxies.given)
        for key in (f"{url.scheme}://{url.host}", url.scheme, f"all://{url.host}", "all"):
            if key in given:
                proxy = given[key]
                if proxy is None or bypasses(proxies.no_proxy, url):
                    return None
                break
    if proxy is None and proxies.environment is not None:
        proxy = _from_environment(proxies.environment, url)
    if proxy is not None and proxy.auth is None and proxies.authorization is not None:
        proxy = proxy._replace(authorization=proxies.authorization)
    return proxy


def routed(request: Request) -> Request:
    """`request` with the proxy for its URL, where its options say anything of proxies."""
    options = request.options
    if options.proxies is None:
        return request
    return request.replace(options=replace(options, proxy=proxy_for(options.proxies, request.url)), fresh=request.fresh)


def _from_environment(environment: Environment, url: URL) -> Proxy | None:
    name, text = f"{url.scheme}_proxy", environment.http if url.scheme == "http" else environment.https
    if not text:
        name, text = "all_proxy", environment.all
    if not text or bypasses(environment.no_proxy, url):
        return None
    try:
        return parse_proxy(text)
    except InvalidProxyURL as error:
        raise InvalidProxyURL(f"{error} (from the environment variable {name})") from error


class _Exceptions(NamedTuple):
    """NO_PROXY, read. A port of None is any port."""

    everything: bool
    names: tuple[tuple[str, int | None], ...]
    networks: tuple[tuple["Network", int | None], ...]


def bypasses(no_proxy: str, url: URL) -> bool:
    """Whether `no_proxy` has `url` reached without a proxy.

    Its entries are separated by commas or spaces: "*" for every host; a name for itself and all names below it, with
    or without a leading dot; an address; a network such as 10.0.0.0/8; each but "*" with or without ":port". An IPv4
    address and the same mapped into IPv6 are one. Whatever is none of these says nothing.
    """
    if not no_proxy:
        return False
    exceptions = _parsed(no_proxy)
    if exceptions.everything:
        return True
    host, port = _plain(url.host), url.port
    if not url.is_address:
        return any(
            only in (None, port) and (host == name or host.endswith("." + name)) for name, only in exceptions.names
        )
    return any(
        only in (None, port) and address.version == network.version and address in network
        for address in _spellings(host)
        for network, only in exceptions.networks
    )


@lru_cache(_CACHED)
def _parsed(no_proxy: str) -> _Exceptions:
    entries = [entry for entry in _SEPARATORS.split(no_proxy) if entry]
    names: list[tuple[str, int | None]] = []
    networks: list[tuple[Network, int | None]] = []
    for entry in entries:
        network, port = _network(entry), None
        if network is None:
            match = _WITH_PORT.fullmatch(entry)
            if match is None:
                continue
            entry = match[1]
            port = int(match[2]) if match[2] else None
            network = _network(entry)
        if network is not None:
            networks.append((network, port))
        elif name := _plain(entry.removeprefix("*").removeprefix(".").lower()):
            names.append((name, port))
    return _Exceptions("*" in entries, tuple(names), tuple(networks))


def _plain(host: str) -> str:
    """`host` without the dot of the root, which changes nothing of where it leads."""
    return host.removesuffix(".")


def _network(text: str) -> "Network | None":
    """The network that an address or a CIDR names, host bits ignored; None for anything else."""
    from ipaddress import ip_network

    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    try:
        return ip_network(text.partition("%")[0], strict=False)
    except ValueError:
        return None


def _spellings(host: str) -> "list[Address]":
    """The address that `host` is, in IPv4 and mapped into IPv6 where it has both forms; nothing for a name."""
    from ipaddress import IPv4Address, IPv6Address, ip_address

    try:
        address: Any = ip_address(host)
    except ValueError:
        return []
    if isinstance(address, IPv4Address):
        return [address, IPv6Address(f"::ffff:{address}")]
    return [address] if address.ipv4_mapped is None else [address, address.ipv4_mapped]

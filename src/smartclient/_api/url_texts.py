"""What `utils` has for URLs, hosts and proxies as texts, the way requests' own functions take and give them."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlparse, urlunparse
from urllib.request import getproxies

from .._model.errors import InvalidURL, RequestException
from .._model.url import URL
from .._rules.proxy import bypasses
from .netrc import netrc_auth

UNRESERVED_SET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_RESERVED = "!#$%&'()*+,/:;=?@[]~"


def unquote_unreserved(uri: str) -> str:
    """`uri` without escapes of characters that need none (RFC 3986 section 2.3).

    Raises:
        InvalidURL: an escape that is none, such as %zz.
    """

    def plain(escape: re.Match[str]) -> str:
        char = chr(int(escape[1], 16))
        return char if char in UNRESERVED_SET else escape[0]

    for part in uri.split("%")[1:]:
        if len(part) >= 2 and part[:2].isalnum() and not re.fullmatch("[0-9A-Fa-f]{2}", part[:2]):
            raise InvalidURL(f"Invalid percent-escape sequence: '{part[:2]}'")
    return _ESCAPE.sub(plain, uri)


def requote_uri(uri: str) -> str:
    """`uri` with escapes where it needs them, and only there."""
    try:
        return quote(unquote_unreserved(uri), safe=_RESERVED)
    except InvalidURL:
        return quote(uri, safe=_RESERVED.replace("%", ""))


def prepend_scheme_if_needed(url: str, new_scheme: str) -> str:
    """`url`, with `new_scheme` where it has no scheme."""
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url):
        url = f"{new_scheme}://{url.removeprefix('//')}"
    scheme, netloc, path, params, query, fragment = urlparse(url)
    return urlunparse((scheme, netloc or path, "" if not netloc else path, params, query, fragment))


def get_auth_from_url(url: str) -> tuple[str, str]:
    """(user, password) of a URL, decoded; ("", "") unless it has both."""
    parsed = urlparse(url)
    if parsed.username is None or parsed.password is None:
        return "", ""
    return unquote(parsed.username), unquote(parsed.password)


def urldefragauth(url: str) -> str:
    """`url` without fragment, user and password."""
    scheme, netloc, path, params, query, _ = urlparse(url)
    if not netloc:
        netloc, path = path, netloc
    return urlunparse((scheme, netloc.rpartition("@")[2], path, params, query, ""))


def get_netrc_auth(url: str, raise_errors: bool = False) -> tuple[str, str] | None:
    """(user, password) that a netrc file has for the very host of `url`, else None.

    Raises:
        RequestException: with `raise_errors`, a URL that cannot be read.
    """
    try:
        return netrc_auth(URL.parse(url))
    except RequestException:
        if raise_errors:
            raise
        return None


def is_ipv4_address(string_ip: str) -> bool:
    """Whether a text is an IPv4 address."""
    return _network_of(string_ip) is not None and "/" not in string_ip


def is_valid_cidr(string_network: str) -> bool:
    """Whether a text is an IPv4 network with a prefix length of 1 to 32."""
    prefix = string_network.partition("/")[2]
    return _network_of(string_network) is not None and prefix.isdigit() and 1 <= int(prefix) <= 32


def address_in_network(ip: str, net: str) -> bool:
    """Whether an IPv4 address lies in a network such as 192.168.1.0/24."""
    address, network = _network_of(ip), _network_of(net)
    return bool(address is not None and network is not None and address.subnet_of(network))


def dotted_netmask(mask: int) -> str:
    """The mask of a prefix length: 24 gives 255.255.255.0."""
    return str(_network_of(f"0.0.0.0/{mask}").netmask)


def _network_of(text: str) -> Any:
    from ipaddress import IPv4Network

    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None


@contextlib.contextmanager
def set_environ(env_name: str, value: str | None) -> Iterator[None]:
    """Has an environment variable have another value for a while; nothing happens for None."""
    old = os.environ.get(env_name)
    if value is not None:
        os.environ[env_name] = value
    try:
        yield
    finally:
        if value is not None:
            if old is None:
                os.environ.pop(env_name, None)
            else:
                os.environ[env_name] = old


def should_bypass_proxies(url: str, no_proxy: str | None) -> bool:
    """Whether `url` is reached directly: by `no_proxy`, else by the environment's NO_PROXY."""
    if no_proxy is None:
        no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    try:
        target = URL.parse(url)
    except RequestException:  # such as file:///path: there is no host to be reached
        return urlparse(url).hostname is None
    return bypasses(no_proxy, target)


def get_environ_proxies(url: str, no_proxy: str | None = None) -> dict[str, str]:
    """The proxies of the environment by scheme; none where `url` is reached directly."""
    return {} if should_bypass_proxies(url, no_proxy) else getproxies()


def select_proxy(url: str, proxies: Mapping[str, str] | None) -> str | None:
    """The proxy for `url`: by scheme://host, scheme, all://host or all."""
    given, parsed = proxies or {}, urlparse(url)
    if parsed.hostname is None:
        return given.get(parsed.scheme, given.get("all"))
    keys = (f"{parsed.scheme}://{parsed.hostname}", parsed.scheme, f"all://{parsed.hostname}", "all")
    return next((given[key] for key in keys if key in given), None)


def resolve_proxies(request: Any, proxies: Mapping[str, str] | None, trust_env: bool = True) -> dict[str, str]:
    """`proxies` with what the environment says for the URL of a prepared request, where they say nothing."""
    found = dict(proxies or {})
    if trust_env:
        scheme = urlparse(request.url).scheme
        environment = get_environ_proxies(request.url, found.get("no_proxy"))
        proxy = environment.get(scheme, environment.get("all"))
        if proxy:
            found.setdefault(scheme, proxy)
    return found

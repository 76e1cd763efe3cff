"""Proxies as nouns: how one is reached (`Proxy`), and everything a call says about them (`Proxies`).

Never which of them serves a URL: that is `_rules.proxy`. Sources: RFC 9110 sections 3.7 and 7.3, RFC 1928, RFC 1929.
"""

from functools import lru_cache
from typing import Any

from .declared import NamedTuple
from .errors import InvalidProxyURL, InvalidURL
from .patterns import later
from .url import URL

DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

_CACHED = 64
_SCHEME = later(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SOCKS_SECRET_MAX = 255  # user and password have one byte for their length (RFC 1929 section 2)


class Proxy(NamedTuple):
    """One proxy; part of the route, so that what went through one never mixes with another. Hides its secrets.

    Attributes:
        scheme: http, https (TLS to the proxy), socks5, or socks5h (which looks names up itself).
        host, port: where it listens.
        auth: (user, password), or None.
        authorization: value of a Proxy-Authorization field that the caller wrote; `auth` goes before it.
    """

    scheme: str
    host: str
    port: int
    auth: tuple[str, str] | None = None
    authorization: str | None = None

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, which carries any connection."""
        return self.scheme.startswith("socks")

    def __str__(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"<Proxy {self}>"


class Environment(NamedTuple):
    """What the environment says of proxies: texts as they stand there, "" for none."""

    http: str = ""
    https: str = ""
    all: str = ""
    no_proxy: str = ""

    def __repr__(self) -> str:
        return "<Environment>"  # proxy URLs may have a password


class Proxies(NamedTuple):
    """Which proxies a call may take.

    Attributes:
        given: (key, proxy) pairs of `proxies=`; the key is a scheme, "all", "scheme://host" or "all://host" in lower
            case, None for the proxy means a direct connection.
        no_proxy: hosts that `given` does not serve.
        environment: asked where `given` says nothing; None when it has nothing to say or is not trusted.
        authorization: for proxies without user and password of their own.
    """

    given: tuple[tuple[str, Proxy | None], ...] = ()
    no_proxy: str = ""
    environment: Environment | None = None
    authorization: str | None = None

    def __repr__(self) -> str:
        return f"<Proxies {', '.join(key for key, _ in self.given)}>"


def parse_proxy(value: Any, auth: tuple[str, str] | None = None) -> Proxy:
    """The proxy that a URL names; without a scheme it is http. Path, query and fragment mean nothing here.

    Args:
        value: str, bytes, or anything whose `str()` is a URL; its userinfo, percent-decoded, becomes `auth`.
        auth: (user, password), beats the userinfo.

    Raises:
        InvalidProxyURL: no proxy URL, a scheme that nobody here speaks, or credentials that SOCKS cannot carry.
    """
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError:
        raise InvalidProxyURL("Invalid proxy URL: the bytes are not UTF-8") from None
    proxy = _parsed(text.strip())
    if auth is not None:
        proxy = proxy._replace(auth=auth)
    if proxy.auth is not None:
        try:
            lengths = [len(part.encode("utf-8")) for part in proxy.auth]
        except UnicodeEncodeError:  # half of a surrogate pair
            raise InvalidProxyURL(f"proxy {proxy}: user or password is no text that UTF-8 can carry") from None
        if proxy.is_socks and (not lengths[0] or max(lengths) > _SOCKS_SECRET_MAX):
            raise InvalidProxyURL(f"proxy {proxy}: SOCKS takes users of 1 to 255 bytes and passwords of at most 255")
    return proxy


@lru_cache(_CACHED)
def _parsed(text: str) -> Proxy:
    match = _SCHEME.match(text)
    scheme = match[1].lower() if match else "http"
    if scheme not in DEFAULT_PORTS:
        raise InvalidProxyURL(f"proxy scheme {scheme[:20]!a} is none of {', '.join(DEFAULT_PORTS)}")
    try:
        url = URL.parse("http://" + (text[match.end() :] if match else text))
        user_and_password = url.userinfo
    except InvalidURL as error:
        raise InvalidProxyURL(f"Invalid proxy URL: {error}") from error
    port = DEFAULT_PORTS[scheme] if url.explicit_port is None else url.explicit_port
    return Proxy(scheme, url.connect_host, port, user_and_password)

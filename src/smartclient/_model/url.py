"""URLs: one parser for route, Host, cookies and cache key; never a socket, a resolver or a guess.

Sources: RFC 3986 (syntax, reference resolution), RFC 6874 (zone identifiers), RFC 5891 (IDNA), RFC 9110 section 4.2.
"""

import re
from functools import lru_cache
from typing import Any, NoReturn

from .declared import NamedTuple
from .errors import InvalidSchema, InvalidURL, MissingSchema
from .patterns import later
from .percent import CONTROL, PATH, QUERY, USERINFO, encoded, query_from

DEFAULT_PORTS = {"http": 80, "https": 443}

_CACHED_URLS = 1024
_CACHED_SITES = 256
_CACHED_SITE_LENGTH = 512
_CACHED_LENGTH = 2048  # longer texts are rarely asked for twice, and would hold megabytes
_SHOWN = 80

_PARTS = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+-]*):)?(?://([^/?#\\]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)  # matches every text; a dot in the scheme is left out so that "host.example:80" has none
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_ADDRESS_LIKE = later(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
_LITERAL = later(r"\[([0-9A-Fa-f:.]{2,45})(?:%(?:25)?([A-Za-z0-9._~-]{1,64}))?\](?::([0-9]*))?")


class Origin(NamedTuple):
    """Scheme, host and port (RFC 9110 section 4.3.1). An IPv6 zone stays in `host`: two zones are two peers."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host.replace('%', '%25')}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{_port_suffix(self.scheme, self.port)}"


class URL:
    """An absolute http or https URL; immutable, compared and hashed by its text.

    Attributes:
        origin: scheme, `connect_host` and port.
        host_field: value of the Host field: no userinfo, no zone, the port only where it is not the scheme's own.
        path: percent-encoded, dot segments removed, never empty.
        query: percent-encoded, None when absent or empty.
        target: path and query as sent in the request line.
        without_fragment: the text without userinfo and fragment, an implied port left out: the form for cache keys.
        fragment: percent-encoded, "" when absent; never sent.
        raw_userinfo: percent-encoded "user:password" as it stands in `str()`, "" when absent.
    """

    __slots__ = (
        "_authority",
        "_text",
        "fragment",
        "host_field",
        "origin",
        "path",
        "query",
        "raw_userinfo",
        "target",
        "without_fragment",
    )

    origin: Origin
    host_field: str
    path: str
    query: str | None
    target: str
    without_fragment: str
    fragment: str
    raw_userinfo: str
    _authority: "_Authority"
    _text: str

    def __init__(self, scheme: str, authority: "_Authority", path: str, query: str, fragment: str) -> None:
        """Takes parts that are checked and encoded already; `parse` is the way in."""
        put = object.__setattr__
        site = (_site if len(authority.userinfo) < _CACHED_SITE_LENGTH else _site.__wrapped__)(scheme, authority)
        target = f"{path}?{query}" if query else path
        put(self, "_authority", authority)
        put(self, "origin", site.origin)
        put(self, "host_field", site.host_field)
        put(self, "path", path)
        put(self, "query", query or None)
        put(self, "target", target)
        put(self, "without_fragment", site.root + target)
        put(self, "fragment", fragment)
        put(self, "raw_userinfo", authority.userinfo)
        put(self, "_text", f"{site.root_as_given}{target}#{fragment}" if fragment else site.root_as_given + target)

    @staticmethod
    def parse(text: Any) -> "URL":
        """The URL that `text` (str, bytes in UTF-8, or anything whose `str()` is one) spells.

        White space around it is dropped, characters that may not stand in a URL are percent-encoded, and escapes of
        unreserved characters are decoded (RFC 3986 section 6.2.2), as requests does.

        Raises:
            MissingSchema: there is no scheme.
            InvalidSchema: it is neither http nor https.
            InvalidURL: the text cannot be read in one way only.
        """
        if type(text) is not str:
            if isinstance(text, URL):
                return text
            text = _text_of(text)
        return _parse_cached(text) if len(text) < _CACHED_LENGTH else _parse(text)

    def join(self, reference: Any) -> "URL":
        """What `reference` means seen from this URL (RFC 3986 section 5.2, strict); as `parse` in all else."""
        reference = _cleaned(reference if type(reference) is str else _text_of(reference))
        scheme, authority, raw_path, query, fragment = _split(reference)
        if scheme:
            return _parse(reference)
        if authority is not None:
            return _parse(f"{self.scheme}:{reference}")
        path = _encoded_path(raw_path, reference)
        if not path:
            path = self.path
            query = self.query if query is None else query
        elif path[0] != "/":
            path = self.path[: self.path.rindex("/") + 1] + path
        return self._with(_without_dots(path), encoded(query or "", QUERY), encoded(fragment or "", QUERY))

    def with_params(self, params: Any, array_style: str = "repeat") -> "URL":
        """A copy with `params` appended to the query.

        Args:
            params: mapping or pairs (form-encoded; None values are skipped), or str or bytes that are a query
                already. Nothing in it gives this URL itself.
            array_style: what becomes of list values, one of `ARRAY_STYLES`.

        Raises:
            InvalidOption: `params` is none of these.
        """
        added = query_from(params, array_style)
        if not added:
            return self
        return self._with(self.path, f"{self.query}&{added}" if self.query else added, self.fragment)

    def with_fragment(self, fragment: str) -> "URL":
        """A copy with another fragment ("" for none)."""
        return self._with(self.path, self.query or "", encoded(fragment, QUERY))

    def with_userinfo(self, raw_userinfo: str) -> "URL":
        """A copy with another user and password, as `raw_userinfo` has them ("" for none)."""
        if raw_userinfo == self.raw_userinfo:
            return self
        authority = self._authority._replace(userinfo=encoded(raw_userinfo, USERINFO))
        return URL(self.scheme, authority, self.path, self.query or "", self.fragment)

    @property
    def scheme(self) -> str:
        """http or https."""
        return self.origin.scheme

    @property
    def host(self) -> str:
        """Lower-case ASCII (A-labels); IPv6 without brackets and zone."""
        return self._authority.host

    @property
    def connect_host(self) -> str:
        """`host`, with "%zone" when the URL names one."""
        return self.origin.host

    @property
    def port(self) -> int:
        """The effective port number."""
        return self.origin.port

    @property
    def explicit_port(self) -> int | None:
        """The port number that the text names, None where it leaves it to the scheme."""
        return self._authority.port

    @property
    def userinfo(self) -> tuple[str, str] | None:
        """(user, password), percent-decoded; None when the URL has none."""
        if not self.raw_userinfo:
            return None
        from urllib.parse import unquote

        user, _, password = self.raw_userinfo.partition(":")
        return unquote(user), unquote(password)

    @property
    def safe(self) -> str:
        """The text without userinfo, query and fragment: the form for errors and logs."""
        return f"{self.scheme}://{self.host_field}{self.path}"

    @property
    def absolute(self) -> "URL":
        """A copy whose `target` is the absolute form, as a proxy that forwards wants it (RFC 9112 section 3.2.2)."""
        copy = self._with(self.path, self.query or "", self.fragment)
        object.__setattr__(copy, "target", f"{self.scheme}://{self.host_field}{self.target}")
        return copy

    @property
    def over_tls(self) -> "URL":
        """A copy with https in the place of http; port 80 becomes 443, another one stays (RFC 6797 section 8.3)."""
        port = self._authority.port
        authority = self._authority._replace(port=None if port == 80 else port)
        return URL("https", authority, self.path, self.query or "", self.fragment)

    @property
    def is_address(self) -> bool:
        """Whether the host is no domain name: IPv6, or what a resolver may read as IPv4 (last label a number)."""
        return ":" in self.host or _ADDRESS_LIKE.fullmatch(self.host) is not None

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"URL({self.safe!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URL) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"URL is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"URL is immutable: cannot delete {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return URL.parse, (self._text,)

    def _with(self, path: str, query: str, fragment: str) -> "URL":
        return URL(self.scheme, self._authority, path, query, fragment)


class _Authority(NamedTuple):
    """userinfo@host:port, checked; `port` is None when the URL leaves it to the scheme."""

    userinfo: str
    host: str
    zone: str
    port: int | None


class _Site(NamedTuple):
    """What all URLs of one authority have in common."""

    origin: Origin
    host_field: str
    root: str  # an implied port left out; with its zone, since two zones are two hosts
    root_as_given: str


@lru_cache(_CACHED_SITES)
def _site(scheme: str, authority: _Authority) -> _Site:
    userinfo, host, zone, port = authority
    effective_port = DEFAULT_PORTS[scheme] if port is None else port
    bracketed = f"[{host}]" if ":" in host else host
    netloc = f"[{host}%25{zone}]" if zone else bracketed
    if userinfo:
        netloc = f"{userinfo}@{netloc}"
    if port is not None:
        netloc = f"{netloc}:{port}"
    origin = Origin(scheme, f"{host}%{zone}" if zone else host, effective_port)
    return _Site(origin, bracketed + _port_suffix(scheme, effective_port), str(origin), f"{scheme}://{netloc}")


def _port_suffix(scheme: str, port: int) -> str:
    return "" if DEFAULT_PORTS[scheme] == port else f":{port}"


def _text_of(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidURL("Invalid URL: the bytes are not UTF-8") from None
    try:
        return str.__str__(value) if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):  # a number of too many digits, or nested too deeply
        raise InvalidURL(f"Invalid URL: {type(value).__name__} has no text") from None


def _shown(text: str) -> str:
    """`text` fit for an error: escaped, cut, and without whatever could be userinfo, query or fragment."""
    before, at, after = text.rpartition("@")
    if at:
        scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]{0,31}://", before)
        text = f"{scheme[0] if scheme else ''}***@{after}"
    return ascii(re.split(r"[?#]", text, maxsplit=1)[0][:_SHOWN])


def _refuse(text: str, reason: str) -> NoReturn:
    raise InvalidURL(f"Invalid URL {_shown(text)}: {reason}")


def _cleaned(text: str) -> str:
    text = text.lstrip().rstrip(" \t\r\n\f\v")  # what else there is at the end belongs to the path or the query
    if CONTROL.search(text):
        _refuse(text, "control characters")
    return text


def _split(text: str) -> tuple[str | None, str | None, str, str | None, str | None]:
    match = _PARTS.fullmatch(text)
    assert match is not None  # the pattern matches every text
    return match.groups()  # type: ignore[return-value]


def _parse(text: str) -> URL:
    text = _cleaned(text)
    scheme, netloc, path, query, fragment = _split(text)
    if scheme not in DEFAULT_PORTS:
        scheme = _checked_scheme(scheme, text)
    if not netloc:
        _refuse(text, "backslash in the authority" if "\\" in path else "No host supplied")
    try:
        authority = (_known_authority if len(netloc) < _CACHED_SITE_LENGTH else _known_authority.__wrapped__)(netloc)
    except InvalidURL:
        authority = _parse_authority(netloc, text)  # says so of the whole text
    return URL(
        scheme,
        authority,
        _without_dots(_encoded_path(path, text)) if path else "/",
        encoded(query, QUERY) if query else "",
        encoded(fragment, QUERY) if fragment else "",
    )


_parse_cached = lru_cache(_CACHED_URLS)(_parse)


def _checked_scheme(scheme: str | None, text: str) -> str:
    lower = (scheme or "").lower()
    if lower in DEFAULT_PORTS:
        return lower
    # requests decides by the colon, so that "localhost:8080" is an unknown scheme rather than a missing one
    if scheme or (":" in text and not text[:4].lower() == "http"):
        raise InvalidSchema(f"No connection adapters were found for {_shown(text)}")
    shown = _shown(text)
    raise MissingSchema(f"Invalid URL {shown}: No scheme supplied. Perhaps you meant https://{shown[1:-1]}?")


def _parse_authority(netloc: str, text: str) -> _Authority:
    userinfo, _, host_port = netloc.rpartition("@")
    if " " in netloc:
        _refuse(text, "space in the authority")
    if userinfo:
        userinfo = encoded(userinfo, USERINFO)
    if host_port[:1] == "[":
        literal = _LITERAL.fullmatch(host_port)
        if literal is None:
            _refuse(text, "bad IPv6 address or port")
        return _Authority(userinfo, _address(literal[1], text), literal[2] or "", _port(literal[3] or "", text))
    host, _, port = host_port.partition(":")
    if not host:
        _refuse(text, "No host supplied")
    return _Authority(userinfo, _domain(host), "", _port(port, text) if port else None)


@lru_cache(_CACHED_SITES)
def _known_authority(netloc: str) -> _Authority:
    return _parse_authority(netloc, netloc)


def _port(digits: str, text: str) -> int | None:
    if not digits:
        return None
    significant = digits.lstrip("0") or "0"
    if len(significant) > 5 or not (significant.isascii() and significant.isdigit()) or int(significant) > 65535:
        _refuse(text, "the port is not a number from 0 to 65535")
    return int(significant)


def _address(literal: str, text: str) -> str:
    from ipaddress import IPv6Address

    try:
        IPv6Address(literal)
    except ValueError:
        _refuse(text, "bad IPv6 address")
    return literal.lower()


def _domain(host: str) -> str:
    name = host.lower() if host.isascii() else _a_labels(host)
    if len(name) > 254 or (len(name) == 254 and name[-1] != ".") or not _HOST.fullmatch(name):
        raise InvalidURL("URL has an invalid label.")
    return name


def _a_labels(host: str) -> str:
    if len(host) > 254:  # A-labels are longer still
        raise InvalidURL("URL has an invalid label.")
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii").lower()
    except UnicodeError:
        raise InvalidURL("URL has an invalid label.") from None


def _encoded_path(path: str, text: str) -> str:
    if "\\" in path:
        _refuse(text, "backslash in the path")  # browsers read it as "/", others do not
    return encoded(path, PATH)


def _without_dots(path: str) -> str:
    """`path` with "." and ".." segments resolved (RFC 3986 section 5.2.4), never empty."""
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)

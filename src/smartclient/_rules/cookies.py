"""Cookies: which are accepted, where they are sent, in which order and how many; never the clock.

Source: RFC 6265bis (draft-ietf-httpbis-rfc6265bis) sections 5.1.3, 5.1.4, 5.7, 5.8 and 6.1.
"""

from collections.abc import Iterable
from heapq import nsmallest

from .._model.cookies import Cookie, SetCookie, parse_set_cookie
from .._model.declared import NamedTuple
from .._model.url import URL
from .suffixes import is_public_suffix

PAIR_MAX = 4096  # octets of name and value together
LIFETIME_MAX = 400 * 86400.0
FIELD_MAX = 32 * 1024
PER_DOMAIN_MAX = 150
IN_ALL_MAX = 3000


class Refusal(NamedTuple):
    """Why a cookie was not stored: one sentence without the value, and the rule."""

    reason: str
    rule: str


def accept(set_cookie_line: str, url: URL, now: float) -> Cookie | Refusal:
    """The cookie that a response from `url` sets, or why not. One that has expired already deletes its like.

    Args:
        set_cookie_line: value of one Set-Cookie line, as received.
        url: of the request; its host counts, not a Host field.
        now: wall time.
    """
    parsed = parse_set_cookie(set_cookie_line)
    if parsed is None:
        return Refusal("control characters, or nothing at all", "RFC 6265bis 5.6")
    if len(parsed.name) + len(parsed.value) > PAIR_MAX:
        return Refusal(f"name and value are longer than {PAIR_MAX} bytes", "RFC 6265bis 5.6")
    if parsed.secure and url.scheme != "https":
        return Refusal("Secure, but not from https", "RFC 6265bis 5.7")
    domain = parsed.domain
    if domain:
        if url.is_address:
            return Refusal("Domain names an IP address", "RFC 6265bis 5.1.3")
        if not domain_matches(url.host, domain):
            return Refusal("Domain does not cover the host", "RFC 6265bis 5.7")
        if is_public_suffix(domain):
            if domain != url.host:
                return Refusal("Domain is a public suffix", "RFC 6265bis 5.7")
            domain = None  # such a host keeps cookies for itself
    refusal = _prefix_refusal(parsed)
    if refusal is not None:
        return refusal
    return Cookie(
        parsed.name,
        parsed.value,
        domain or url.host,
        parsed.path or default_path(url.path),
        expires=_expiry(parsed, now),
        secure=parsed.secure,
        http_only=parsed.http_only,
        host_only=not domain,
        same_site=parsed.same_site,
        created=now,
    )


def matches(cookie: Cookie, url: URL, now: float) -> bool:
    """Whether `cookie` goes with a request for `url` at wall time `now`."""
    if cookie.is_expired(now) or (cookie.secure and url.scheme != "https"):
        return False
    if not path_matches(url.path, cookie.path):
        return False
    if cookie.host_only or not cookie.domain:
        return cookie.domain in (url.host, "")
    return cookie.domain == url.host or (not url.is_address and domain_matches(url.host, cookie.domain))


def why_not_sent(cookie: Cookie, url: URL, now: float) -> Refusal | None:
    """Which rule keeps `cookie` from a request for `url` at wall time `now`: `matches` with its reason."""
    if cookie.is_expired(now):
        return Refusal("expired", "RFC 6265bis 5.7")
    if cookie.secure and url.scheme != "https":
        return Refusal("Secure, and the request is not over https", "RFC 6265bis 5.8.3")
    if not path_matches(url.path, cookie.path):
        return Refusal("for another path", "RFC 6265bis 5.1.4")
    if not matches(cookie, url, now):
        return Refusal("for its own host only" if cookie.host_only else "for another domain", "RFC 6265bis 5.8.3")
    return None


def cookie_field(cookies: Iterable[Cookie]) -> str:
    """The Cookie field: longest path first, then oldest; what does not fit into 32 KiB is left out."""
    pairs: list[str] = []
    room = FIELD_MAX
    for cookie in sorted(cookies, key=_sending_order):
        pair = cookie.pair
        if len(pair) <= room:
            pairs.append(pair)
            room -= len(pair) + 2
    return "; ".join(pairs)


def may_replace(new: Cookie, stored: Iterable[Cookie], url: URL) -> bool:
    """Whether `new` leaves the Secure cookies among `stored` alone: from http it may not even shadow one."""
    if url.scheme == "https":
        return True
    return not any(
        cookie.secure
        and cookie.name == new.name
        and (domain_matches(cookie.domain, new.domain) or domain_matches(new.domain, cookie.domain))
        and path_matches(new.path, cookie.path)
        for cookie in stored
    )


def first_to_leave(cookies: Iterable[Cookie], count: int) -> list[Cookie]:
    """Of too many cookies those to give up: the least recently used, Secure ones last."""
    return nsmallest(count, cookies, key=lambda cookie: (cookie.secure, cookie.last_used))


def domain_matches(host: str, domain: str) -> bool:
    """Whether the name `host` is `domain` or lies below it (RFC 6265bis section 5.1.3)."""
    return host == domain or host.endswith(f".{domain}")


def path_matches(path: str, cookie_path: str) -> bool:
    """Whether `path` is `cookie_path` or lies below it, by whole segments (RFC 6265bis section 5.1.4)."""
    if not path.startswith(cookie_path):
        return False
    return len(path) == len(cookie_path) or cookie_path[-1] == "/" or path[len(cookie_path)] == "/"


def default_path(path: str) -> str:
    """The path of a cookie that names none: that of the request up to its last "/"."""
    return path[: path.rindex("/")] or "/"


def _prefix_refusal(parsed: SetCookie) -> Refusal | None:
    """__Secure- and __Host- promise what the attributes must then say (RFC 6265bis section 4.1.3)."""
    rule = "RFC 6265bis 4.1.3"
    name = parsed.name.lower()
    if not name and (parsed.value.lower().startswith(("__secure-", "__host-")) or "=" in parsed.value):
        return Refusal("without a name, and its value would pass for one", rule)
    if name.startswith("__secure-") and not parsed.secure:
        return Refusal("__Secure- without Secure", rule)
    if name.startswith("__host-") and not (parsed.secure and parsed.path == "/" and not parsed.domain):
        return Refusal("__Host- without Secure and Path=/, or with Domain", rule)
    return None


def _expiry(parsed: SetCookie, now: float) -> float | None:
    """Max-Age over Expires, 400 days at most; a deletion is as old as can be."""
    if parsed.max_age is not None:
        return now + min(float(parsed.max_age), LIFETIME_MAX) if parsed.max_age > 0 else 0.0
    return None if parsed.expires is None else min(parsed.expires, now + LIFETIME_MAX)


def _sending_order(cookie: Cookie) -> tuple[int, float]:
    return -len(cookie.path), cookie.created

"""The jar: cookies kept between calls, found by domain, safe for many threads; never a file, a clock or a parser.

Source: RFC 6265bis (draft-ietf-httpbis-rfc6265bis) sections 5.7 and 5.8.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from .._model.cookies import Cookie, checked_pair
from .._model.url import URL
from .cookies import (
    IN_ALL_MAX,
    PER_DOMAIN_MAX,
    Refusal,
    accept,
    cookie_field,
    first_to_leave,
    matches,
    may_replace,
)

_Identity = tuple[str, str, bool]  # path, name, host-only


class Jar:
    """Cookies of a session. Falsy while empty, so that a request without cookies pays one test.

    Attributes:
        version: counts changes, so that what was computed from the jar can be kept.
    """

    __slots__ = ("_by_domain", "_count", "_lock", "version")

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        """`lock` guards every look and change; never held while anything waits."""
        self._by_domain: dict[str, dict[_Identity, Cookie]] = {}
        self._count = 0
        self._lock = lock
        self.version = 0

    def store(self, url: URL, lines: Iterable[str], now: float) -> list[Refusal]:
        """Keeps the cookies of Set-Cookie `lines` that a response from `url` carried; returns why others were refused.

        Args:
            url: of the request that was answered.
            lines: values of the Set-Cookie lines, one each.
            now: wall time.
        """
        refusals: list[Refusal] = []
        for line in lines:
            cookie = accept(line, url, now)
            if isinstance(cookie, Refusal):
                refusals.append(cookie)
                continue
            with self._lock:
                if may_replace(cookie, self._all(), url):
                    self._put(cookie, now)
                else:
                    refusals.append(Refusal("would hide a Secure cookie from http", "RFC 6265bis 5.7"))
        return refusals

    def field_for(self, url: URL, now: float) -> str | None:
        """The Cookie field of a request for `url` at wall time `now`, None when no cookie goes there."""
        if not self._count:
            return None
        with self._lock:
            chosen: list[Cookie] = []
            for domain in _domains(url):
                bucket = self._by_domain.get(domain)
                if bucket is not None:
                    chosen += [cookie for cookie in bucket.values() if matches(cookie, url, now)]
            for cookie in chosen:
                cookie.last_used = now
        return cookie_field(chosen) or None

    def set(self, name: str, value: str, domain: str = "", path: str = "/") -> None:
        """Keeps a cookie given by hand, without the checks of `store`; for every host when `domain` is "".

        Raises:
            InvalidHeader: sent like this it would be no cookie, or more than one.
        """
        name, value = checked_pair(name, value)
        self.add(Cookie(name, value, domain.removeprefix(".").lower(), path if path[:1] == "/" else "/"))

    def add(self, cookie: Cookie) -> None:
        """Keeps `cookie` as it is, without the checks of `store`."""
        with self._lock:
            self._put(cookie, 0.0)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of the newest cookie called `name`, on whatever domain, else `default`."""
        found = [cookie for cookie in self if cookie.name == name]
        return max(found, key=lambda cookie: cookie.created).value if found else default

    def items(self) -> list[tuple[str, str]]:
        """(name, value) of every cookie, repeats included."""
        return [(cookie.name, cookie.value) for cookie in self]

    def clear(self) -> None:
        with self._lock:
            self._by_domain.clear()
            self._count = 0
            self.version += 1

    def __iter__(self) -> Iterator[Cookie]:
        with self._lock:
            return iter(list(self._all()))

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<Jar {self._count} cookies>"

    def _all(self) -> Iterator[Cookie]:
        return (cookie for bucket in self._by_domain.values() for cookie in bucket.values())

    def _put(self, cookie: Cookie, now: float) -> None:
        """Keeps `cookie` in the place of its like, whose age it takes over; an expired one only removes it."""
        self.version += 1
        old = self._by_domain.get(cookie.domain, {}).get(_identity(cookie))
        if old is not None:
            cookie.created = old.created
            self._remove(old)
        if cookie.is_expired(now):
            return
        bucket = self._by_domain.setdefault(cookie.domain, {})
        bucket[_identity(cookie)] = cookie
        self._count += 1
        if len(bucket) > PER_DOMAIN_MAX or self._count > IN_ALL_MAX:
            self._make_room(bucket, now)

    def _make_room(self, bucket: dict[_Identity, Cookie], now: float) -> None:
        for cookie in [cookie for cookie in self._all() if cookie.is_expired(now)]:
            self._remove(cookie)
        if len(bucket) > PER_DOMAIN_MAX:
            self._remove(first_to_leave(bucket.values()))
        if self._count > IN_ALL_MAX:
            self._remove(first_to_leave(self._all()))

    def _remove(self, cookie: Cookie) -> None:
        bucket = self._by_domain[cookie.domain]
        del bucket[_identity(cookie)]
        if not bucket:
            del self._by_domain[cookie.domain]
        self._count -= 1


def _identity(cookie: Cookie) -> _Identity:
    return cookie.path, cookie.name, cookie.host_only


def _domains(url: URL) -> Iterator[str]:
    """Every domain under which a cookie for `url` can be filed: "" for all hosts, the host, the domains above it."""
    yield ""
    domain = url.host
    yield domain
    while not url.is_address and "." in domain:
        domain = domain.partition(".")[2]
        if domain:
            yield domain

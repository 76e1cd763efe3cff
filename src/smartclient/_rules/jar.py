"""The jar: cookies kept between calls, found by domain, safe for many threads; never a file, a clock or a parser.

Source: RFC 6265bis (draft-ietf-httpbis-rfc6265bis) sections 5.7 and 5.8.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from .._model.cookies import Cookie, checked_pair, parse_set_cookie
from .._model.declared import NamedTuple
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
    why_not_sent,
)

_Identity = tuple[str, str, bool]  # path, name, host-only
_REMEMBERED = 64  # refusals
_AT_A_TIME = 30  # leave a full jar, since each time all are looked at: hostile hosts could have that done in every line
ANOTHER_POLICY = Refusal("the jar's policy says no", "http.cookiejar")
HIDES_SECURE = Refusal("would hide a Secure cookie from http", "RFC 6265bis 5.7")


class CookieVerdict(NamedTuple):
    """What was decided of a cookie, and why; its value is nobody's business here.

    Attributes:
        name, domain, path: of the cookie; of one that was refused, `domain` is the host that tried to set it.
        stored, sent: whether it is in the jar, and whether it goes with the request that was asked about.
        reason: one sentence, "" for what is sent.
        rule: the section that says so.
    """

    name: str
    domain: str
    path: str
    stored: bool
    sent: bool
    reason: str
    rule: str


class Jar:
    """Cookies of a session. Falsy while empty, so that a request without cookies pays one test.

    Attributes:
        version: counts changes, so that what was computed from the jar can be kept.
        guard: a policy of the caller's, asked after our own rules with (cookie, URL, whether it is to be stored), or
            None.
        view: the object by which callers see the jar, once they have looked.
    """

    __slots__ = ("_by_domain", "_count", "_lock", "_refused", "guard", "version", "view")

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        """`lock` guards every look and change; never held while anything waits."""
        self._by_domain: dict[str, dict[_Identity, Cookie]] = {}
        self._count = 0
        self._lock = lock
        self._refused: deque[CookieVerdict] = deque(maxlen=_REMEMBERED)
        self.guard: Callable[[Cookie, URL, bool], bool] | None = None
        self.view: Any = None
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
            refusal = self._store(line, url, now)
            if refusal is not None:
                refusals.append(refusal)
                parsed = parse_set_cookie(line)
                name, path = (parsed.name, parsed.path or "") if parsed else ("", "")
                self._refused.append(CookieVerdict(name, url.host, path, False, False, *refusal))
        return refusals

    def _store(self, line: str, url: URL, now: float) -> Refusal | None:
        cookie = accept(line, url, now)
        if isinstance(cookie, Refusal):
            return cookie
        if self.guard is not None and not self.guard(cookie, url, True):
            return ANOTHER_POLICY
        with self._lock:
            if not may_replace(cookie, self._all(), url):
                return HIDES_SECURE
            self._put(cookie, now)
        return None

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
        guard = self.guard
        if guard is not None:
            chosen = [cookie for cookie in chosen if guard(cookie, url, False)]
        return cookie_field(chosen) or None

    def explain(self, url: URL, now: float) -> list[CookieVerdict]:
        """What of the jar goes to `url` at wall time `now`, and why not the rest; then what its host could not set."""
        verdicts: list[CookieVerdict] = []
        for cookie in self:
            refusal = why_not_sent(cookie, url, now)
            if refusal is None and self.guard is not None and not self.guard(cookie, url, False):
                refusal = ANOTHER_POLICY
            about = cookie.name, cookie.domain, cookie.path, True
            verdicts.append(CookieVerdict(*about, refusal is None, *(refusal or ("", "RFC 6265bis 5.8.3"))))
        return verdicts + [verdict for verdict in list(self._refused) if verdict.domain == url.host]

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

    def remove(self, cookie: Cookie) -> None:
        """Takes `cookie` out; nothing happens when it is gone already."""
        with self._lock:
            if self._by_domain.get(cookie.domain, {}).get(_identity(cookie)) is cookie:
                self._remove(cookie)
                self.version += 1

    def clear(self) -> None:
        """Takes everything out."""
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
        if cookie.is_expired(now):
            if old is not None:
                self._remove(old)
            return
        bucket = self._by_domain.setdefault(cookie.domain, {})
        bucket[_identity(cookie)] = cookie  # in the old one's place: of those of one moment the first is sent first
        self._count += old is None
        if len(bucket) > PER_DOMAIN_MAX or self._count > IN_ALL_MAX:
            self._make_room(bucket, now)

    def _make_room(self, bucket: dict[_Identity, Cookie], now: float) -> None:
        if len(bucket) > PER_DOMAIN_MAX:
            self._give_up(bucket.values(), 1, now)
        if self._count > IN_ALL_MAX:
            self._give_up(self._all(), _AT_A_TIME, now)

    def _give_up(self, cookies: Iterable[Cookie], count: int, now: float) -> None:
        """Removes those of `cookies` that have expired, or else `count` of them."""
        candidates = list(cookies)
        expired = [cookie for cookie in candidates if cookie.is_expired(now)]
        for cookie in expired or first_to_leave(candidates, count):
            self._remove(cookie)

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

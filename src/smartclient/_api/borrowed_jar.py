"""Jars of `http.cookiejar` that callers give a session: they stay the place where the cookies are."""

import contextlib
from collections.abc import Iterator
from http.cookiejar import CookieJar
from typing import Any

from .._model.cookies import Cookie
from .._model.url import URL
from .._rules.cookies import Refusal, accept, cookie_field, matches, may_replace
from .._rules.jar import ANOTHER_POLICY, HIDES_SECURE, Jar
from .._runtime.base import new_lock
from .cookie_forms import Guard, shown
from .cookiejar import RequestsCookieJar
from .cookies import cookie_from


class BorrowedJar(Jar):
    """A jar of `http.cookiejar` that a caller gave a session: the cookies stay there, our rules decide."""

    __slots__ = ("_given",)

    def __init__(self, given: CookieJar) -> None:
        super().__init__(new_lock())
        self._given = given
        self.view = given
        self.guard = Guard(given)

    def _store(self, line: str, url: URL, now: float) -> Refusal | None:
        cookie = accept(line, url, now)
        if isinstance(cookie, Refusal):
            return cookie
        with self._lock:
            if not may_replace(cookie, self._all(), url):
                return HIDES_SECURE
            if cookie.is_expired(now):
                self._drop(cookie)
                return None
        if self.guard is not None and not self.guard(cookie, url, True):
            return ANOTHER_POLICY
        self._given.set_cookie(shown(cookie))
        return None

    def _drop(self, cookie: Cookie) -> None:
        asked = shown(cookie)
        with contextlib.suppress(KeyError):  # there is none
            self._given.clear(asked.domain, asked.path, asked.name)

    def field_for(self, url: URL, now: float) -> str | None:
        chosen = [cookie for cookie in self if matches(cookie, url, now)]
        guard = self.guard
        return cookie_field([each for each in chosen if guard is None or guard(each, url, False)]) or None

    def add(self, cookie: Cookie) -> None:
        self._given.set_cookie(shown(cookie))

    def remove(self, cookie: Cookie) -> None:
        self._drop(cookie)

    def clear(self) -> None:
        self._given.clear()

    def __iter__(self) -> Iterator[Cookie]:
        return self._all()

    def __len__(self) -> int:
        return len(self._given)

    def _all(self) -> Iterator[Cookie]:
        with self._given._cookies_lock:  # type: ignore[attr-defined]
            return iter([_as_kept(cookie) for cookie in self._given])


def _as_kept(cookie: Any) -> Cookie:
    kept = cookie_from(cookie)
    kept.shown = cookie  # the other jar finds it by this one's spelling
    return kept


def jar_over(given: CookieJar) -> Jar:
    """What a session keeps its cookies in when it is given `given`."""
    return given.kept if isinstance(given, RequestsCookieJar) else BorrowedJar(given)

"""Cookies as callers give them: for one call, or a jar for a session. What is sent and kept is decided elsewhere."""

import sys
from collections.abc import Mapping
from typing import Any

from .._model.cookies import Cookie, checked_pair
from .._model.errors import InvalidOption
from .._model.url import URL
from .._rules.cookies import matches
from .._rules.jar import Jar
from .._runtime.base import new_lock


def cookie_pairs(cookies: Any, url: URL, now: float) -> tuple[tuple[str, str], ...]:
    """The (name, value) pairs of `cookies=` that go to `url` at wall time `now`.

    Of a mapping and of pairs all do; of a jar, ours or one of `http.cookiejar`, only those that belong there: the
    jar of a browser has the cookies of every other site too.

    Raises:
        InvalidOption: none of these.
        InvalidHeader: a name or value that a Cookie field cannot carry (RFC 6265 section 4.2.1).
    """
    found = _cookies_in(cookies)
    return tuple([checked_pair(cookie.name, cookie.value) for cookie in found if matches(cookie, url, now)])


def jar_from(cookies: Any, host: str) -> Jar | None:
    """The jar of a session: None keeps no cookies, jars are taken as they are, all else is copied.

    Cookies that are given without a domain go to `host` only; to every host when that is "".

    Raises:
        InvalidOption, InvalidHeader: as `cookie_pairs` does.
    """
    if cookies is None or isinstance(cookies, Jar):
        return cookies
    stdlib = sys.modules.get("http.cookiejar")  # whoever has such a jar has loaded it
    if stdlib is not None and isinstance(cookies, stdlib.CookieJar):
        from .borrowed_jar import jar_over

        return jar_over(cookies)
    jar = Jar(new_lock())
    for cookie in _cookies_in(cookies):
        checked_pair(cookie.name, cookie.value)
        if host and not cookie.domain:
            cookie = Cookie(cookie.name, cookie.value, host, cookie.path, host_only=True)
        jar.add(cookie)
    return jar


def _cookies_in(source: Any) -> list[Cookie]:
    try:
        items = list(source)
        if items and hasattr(items[0], "domain"):
            return [cookie_from(item) for item in items]
        pairs = source.items() if isinstance(source, Mapping) else items
        return [Cookie(str(name), str(value)) for name, value in pairs if value is not None]
    except (TypeError, ValueError, AttributeError, RecursionError):
        raise InvalidOption("cookies must be a mapping, a jar, or (name, value) pairs") from None


def cookie_from(item: Any) -> Cookie:
    """A cookie in our own words: one of ours as it is, one of `http.cookiejar` translated."""
    if isinstance(item, Cookie):
        return item
    domain = item.domain.removeprefix(".").lower()
    rest = {str(name).lower(): value for name, value in getattr(item, "_rest", {}).items()}
    return Cookie(
        item.name,
        str(item.value or ""),
        domain,
        item.path,
        expires=item.expires,
        secure=bool(item.secure),
        http_only="httponly" in rest,
        host_only=not item.domain_specified and domain != "",
        same_site=str(rest.get("samesite") or "").lower(),
    )

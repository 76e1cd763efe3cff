"""Cookies under requests' names: the jar that sessions show, and functions around jars of `http.cookiejar`."""

from collections.abc import Mapping
from http.cookiejar import CookieJar
from typing import Any

from ._api.cookie_forms import MockRequest, MockResponse, create_cookie, morsel_to_cookie, remove_cookie_by_name
from ._api.cookiejar import CookieConflictError, RequestsCookieJar

__all__ = [
    "CookieConflictError",
    "MockRequest",
    "MockResponse",
    "RequestsCookieJar",
    "cookiejar_from_dict",
    "create_cookie",
    "extract_cookies_to_jar",
    "get_cookie_header",
    "merge_cookies",
    "morsel_to_cookie",
    "remove_cookie_by_name",
]


def cookiejar_from_dict(
    cookie_dict: Mapping[str, Any] | None, cookiejar: CookieJar | None = None, overwrite: bool = True
) -> CookieJar:
    """A jar with the names and values of a mapping, or `cookiejar` with them added.

    Args:
        cookie_dict: names to values.
        cookiejar: where to add them; a new `RequestsCookieJar` by default.
        overwrite: whether names that are there already get the new value.
    """
    jar = RequestsCookieJar() if cookiejar is None else cookiejar
    there = {cookie.name for cookie in jar}
    for name, value in (cookie_dict or {}).items():
        if overwrite or name not in there:
            jar.set_cookie(create_cookie(name, value))
    return jar


def merge_cookies(cookiejar: CookieJar, cookies: Any) -> CookieJar:
    """`cookiejar` with `cookies`, a mapping (whose names do not replace others) or a jar, added.

    Raises:
        ValueError: `cookiejar` is no jar.
    """
    if not isinstance(cookiejar, CookieJar):
        raise ValueError("You can only merge into CookieJar")
    if isinstance(cookies, Mapping) and not isinstance(cookies, CookieJar):
        return cookiejar_from_dict(cookies, cookiejar, overwrite=False)
    if isinstance(cookiejar, RequestsCookieJar) and isinstance(cookies, CookieJar):
        cookiejar.update(cookies)
    else:
        for cookie in cookies or ():
            cookiejar.set_cookie(cookie)
    return cookiejar


def extract_cookies_to_jar(jar: CookieJar, request: Any, response: Any) -> None:
    """Keeps in `jar` what a response of urllib3 sets; nothing without its `_original_response`.

    Args:
        jar: of `http.cookiejar`, ours included.
        request: what was asked, with `url` and `headers`.
        response: with `_original_response.msg`, the fields.
    """
    original = getattr(response, "_original_response", None)
    if original:
        jar.extract_cookies(MockResponse(original.msg), MockRequest(request))  # type: ignore[arg-type]


def get_cookie_header(jar: CookieJar, request: Any) -> str | None:
    """The Cookie field that `jar` has for a request with `url` and `headers`, None for none."""
    asked = MockRequest(request)
    jar.add_cookie_header(asked)  # type: ignore[arg-type]
    return asked.get_new_headers().get("Cookie")

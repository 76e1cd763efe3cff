"""Cookies, requests and responses in the forms that `http.cookiejar` has for them, and back; never a jar."""

import time
from copy import copy
from http.cookiejar import Cookie as StdlibCookie
from http.cookiejar import DefaultCookiePolicy
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from .._model.cookies import Cookie, checked_pair, parse_cookie_date
from .._model.url import URL
from .cookies import cookie_from


class ShownCookie(StdlibCookie):
    """A cookie of our jar in the form of `http.cookiejar`; setting value, expires or secure changes it there, too."""

    def __setattr__(self, name: str, value: Any) -> None:
        kept = self.__dict__.get("kept")
        if kept is not None:
            if name == "value":
                kept.value = checked_pair(kept.name or "-", "" if value is None else value)[1]
            elif name == "expires":
                kept.expires = None if value is None else float(value)
            elif name == "secure":
                kept.secure = bool(value)
        object.__setattr__(self, name, value)


def shown(kept: Cookie) -> StdlibCookie:
    """`kept` as `http.cookiejar` has cookies; always the same object."""
    if kept.shown is None:
        below = not kept.host_only and kept.domain != ""
        rest: dict[str, Any] = {"HttpOnly": None} if kept.http_only else {}
        if kept.same_site:
            rest["SameSite"] = kept.same_site.capitalize()
        domain = f".{kept.domain}" if below else kept.domain
        kept.shown = _new_shown(
            kept, domain=domain, domain_specified=below, domain_initial_dot=below, rest=rest, value=kept.value
        )
    return kept.shown  # type: ignore[no-any-return]


def _new_shown(kept: Cookie, **attributes: Any) -> ShownCookie:
    expires = None if kept.expires is None else int(kept.expires)
    given = {
        "version": 0,
        "name": kept.name,
        "port": None,
        "port_specified": False,
        "path": kept.path,
        "path_specified": True,
        "secure": kept.secure,
        "expires": expires,
        "discard": expires is None,
        "comment": None,
        "comment_url": None,
        "rfc2109": False,
        **attributes,
    }
    cookie = ShownCookie(**given)
    cookie.__dict__["kept"] = kept
    return cookie


def kept_from(cookie: Any) -> Cookie:
    """A cookie of `http.cookiejar` as our jar keeps it, with what only the other form has in `shown`."""
    if cookie.name or "=" in str(cookie.value):
        checked_pair(cookie.name, "" if cookie.value is None else cookie.value)
    else:  # as a server may set them
        checked_pair("-", cookie.value or "")
    kept = cookie_from(cookie)
    shown_as = {key: value for key, value in vars(cookie).items() if key not in ("_rest", "kept")}
    kept.shown = _new_shown(kept, **shown_as | {"rest": dict(getattr(cookie, "_rest", {}))})
    return kept


def create_cookie(name: str, value: Any, **kwargs: Any) -> StdlibCookie:
    """A cookie that goes to every host, unless the keywords say otherwise.

    Args:
        name, value: of the cookie.
        kwargs: version, port, domain, path, secure, expires (seconds since the epoch), discard, comment, comment_url,
            rest (further attributes), rfc2109.

    Raises:
        TypeError: an unknown keyword.
    """
    given: dict[str, Any] = {
        "version": 0,
        "port": None,
        "domain": "",
        "path": "/",
        "secure": False,
        "expires": None,
        "discard": True,
        "comment": None,
        "comment_url": None,
        "rest": {"HttpOnly": None},
        "rfc2109": False,
    }
    unknown = sorted(kwargs.keys() - given.keys())
    if unknown:
        raise TypeError(f"create_cookie() got unexpected keyword arguments: {unknown}")
    given.update(kwargs)
    return StdlibCookie(
        name=name,
        value=value,
        port_specified=bool(given["port"]),
        domain_specified=bool(given["domain"]),
        domain_initial_dot=given["domain"].startswith("."),
        path_specified=bool(given["path"]),
        **given,
    )


def morsel_to_cookie(morsel: Any) -> StdlibCookie:
    """A cookie of `http.cookies` as one of `http.cookiejar`.

    Raises:
        TypeError: its max-age is no number.
    """
    expires: int | None = None
    if morsel["max-age"]:
        try:
            expires = int(time.time() + int(morsel["max-age"]))
        except ValueError:
            raise TypeError(f"max-age: {morsel['max-age']} must be integer") from None
    elif morsel["expires"]:
        moment = parse_cookie_date(morsel["expires"])
        expires = None if moment is None else int(moment)
    return create_cookie(
        morsel.key,
        morsel.value,
        comment=morsel["comment"],
        domain=morsel["domain"],
        path=morsel["path"],
        secure=bool(morsel["secure"]),
        expires=expires,
        discard=False,
        rest={"HttpOnly": morsel["httponly"]},
        version=morsel["version"] or 0,
    )


def remove_cookie_by_name(cookiejar: Any, name: str, domain: str | None = None, path: str | None = None) -> None:
    """Takes the cookies called `name` out of a jar, of one domain or path where these are given."""
    doomed = [
        (cookie.domain, cookie.path, cookie.name)
        for cookie in cookiejar
        if cookie.name == name and domain in (None, cookie.domain) and path in (None, cookie.path)
    ]
    for each in dict.fromkeys(doomed):
        cookiejar.clear(*each)


class Guard:
    """The policy that a jar of `http.cookiejar` has, in the form in which our own jar asks."""

    def __init__(self, jar: Any) -> None:
        self._jar = jar

    def __call__(self, cookie: Cookie, url: URL, storing: bool) -> bool:
        policy = self._jar._policy
        if is_default(policy):
            return True
        request = MockRequest(SimpleNamespace(url=str(url), headers={}))
        asked = shown(cookie)
        if "." not in asked.domain != "":
            asked = copy(asked)
            asked.__dict__["domain"] += ".local"  # the name that those policies know such hosts by
        policy._now = int(time.time())  # as the jars of http.cookiejar say it
        if storing:
            return bool(policy.set_ok(asked, request))
        return bool(
            policy.domain_return_ok(asked.domain, request)
            and policy.path_return_ok(asked.path, request)
            and policy.return_ok(asked, request)
        )


def is_default(policy: Any) -> bool:
    """Whether `policy` is that of `http.cookiejar` as it comes, whose place our own rules take."""
    if type(policy) is not DefaultCookiePolicy:
        return False
    theirs, usual = vars(policy) | {"_now": 0}, vars(DefaultCookiePolicy()) | {"_now": 0}
    return theirs == usual


class MockRequest:
    """A request in the form that `http.cookiejar` asks; its URL tells where it goes, not a Host field.

    `request` has `url` and `headers`, a mapping.
    """

    def __init__(self, request: Any) -> None:
        self._r = request
        self._new_headers: dict[str, str] = {}
        self.type: str = urlsplit(str(self._r.url)).scheme

    def get_type(self) -> str:
        """The scheme."""
        return self.type

    def get_host(self) -> str:
        """Host and port."""
        return urlsplit(str(self._r.url)).netloc.rpartition("@")[2]

    def get_origin_req_host(self) -> str:
        """The host by whose will the request is made: its own."""
        return self.get_host()

    def get_full_url(self) -> str:
        """The URL."""
        return str(self._r.url)

    def is_unverifiable(self) -> bool:
        """Always, as in requests."""
        return True

    def has_header(self, name: str) -> bool:
        """Whether the request has the field `name`."""
        return name in self._r.headers or name in self._new_headers

    def get_header(self, name: str, default: Any = None) -> Any:
        """The value of the field `name`."""
        return self._r.headers.get(name, self._new_headers.get(name, default))

    def add_header(self, key: str, val: str) -> None:
        """Not for jars."""
        raise NotImplementedError("Cookie headers should be added with add_unredirected_header()")

    def add_unredirected_header(self, name: str, value: str) -> None:
        """Takes down a field that a jar adds."""
        self._new_headers[name] = value

    def get_new_headers(self) -> dict[str, str]:
        """What was added."""
        return self._new_headers

    unverifiable = property(is_unverifiable)
    origin_req_host = property(get_origin_req_host)
    host = property(get_host)


class MockResponse:
    """Fields of a response in the form that `http.cookiejar` asks: `headers` has `get_all`."""

    def __init__(self, headers: Any) -> None:
        self._headers = headers

    def info(self) -> Any:
        """The fields."""
        return self._headers

    def getheaders(self, name: str) -> Any:
        """The values of the field `name`."""
        return self._headers.get_all(name, [])

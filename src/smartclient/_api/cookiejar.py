"""`RequestsCookieJar`: a session's jar as `http.cookiejar` and requests know jars; what is decided stays in `_rules`.

Loaded when somebody looks at `session.cookies`: `http.cookiejar` costs tens of milliseconds.
"""

import os
import time
from collections.abc import Iterator, MutableMapping
from http.cookiejar import Cookie as StdlibCookie
from http.cookiejar import CookieJar, CookiePolicy
from typing import Any

from .._model.cookie_text import cookies_from_text, json_text, netscape_text
from .._model.cookies import checked_pair
from .._model.errors import InvalidOption, RequestException
from .._model.url import URL
from .._rules.jar import CookieVerdict, Jar
from .._runtime.base import new_lock
from .cookie_forms import (
    Guard,
    create_cookie,
    is_default,
    kept_from,
    morsel_to_cookie,
    remove_cookie_by_name,
    shown,
)
from .private_file import write_private


class CookieConflictError(RuntimeError):
    """Several cookies have the name that was asked for; `get` with `domain` and `path` tells them apart."""


class RequestsCookieJar(CookieJar, MutableMapping[str, Any]):
    """Cookies as a jar of `http.cookiejar`, which iterates over cookies, and as a mapping from names to values.

    Of a session it is a view: what either changes, the other has. A policy that is set is asked after our own rules,
    which are those of RFC 6265bis.
    """

    def __init__(self, policy: CookiePolicy | None = None) -> None:
        super().__init__(policy)
        self.kept = Jar(new_lock())
        self.kept.view = self
        if policy is not None:
            self.set_policy(policy)

    @staticmethod
    def over(jar: Jar) -> "RequestsCookieJar":
        """The view of `jar`, which has only one."""
        if jar.view is None:
            view = RequestsCookieJar()
            view.kept = jar
            jar.view = view
        return jar.view  # type: ignore[no-any-return]

    # As `http.cookiejar` has it.

    @property
    def _cookies(self) -> dict[str, dict[str, dict[str, StdlibCookie]]]:
        """By domain, path and name, as programs read it; changing it changes nothing."""
        found: dict[str, dict[str, dict[str, StdlibCookie]]] = {}
        for cookie in self:
            found.setdefault(cookie.domain, {}).setdefault(cookie.path, {})[cookie.name] = cookie
        return found

    @_cookies.setter
    def _cookies(self, value: Any) -> None:
        """The base class begins with an empty one."""

    def __iter__(self) -> Iterator[StdlibCookie]:  # type: ignore[override]
        return iter([shown(kept) for kept in self.kept])

    def __len__(self) -> int:
        return len(self.kept)

    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        """Keeps `cookie`, without the checks for what servers send."""
        value = cookie.value
        if hasattr(value, "startswith") and value.startswith('"') and value.endswith('"'):
            cookie.value = value.replace('\\"', "")
        self.kept.add(kept_from(cookie))

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        """Takes out everything, or what is of a domain, a path there, and a name there.

        Raises:
            KeyError: there is nothing of the kind.
        """
        if domain is None and path is None and name is None:
            self.kept.clear()
            return
        if domain is None or (path is None and name is not None):
            raise ValueError("a name needs a path and a domain, a path needs a domain")
        wanted = [
            kept
            for kept in self.kept
            if shown(kept).domain == domain and path in (None, kept.path) and name in (None, kept.name)
        ]
        if not wanted:
            raise KeyError(domain if path is None else path if name is None else name)
        for kept in wanted:
            self.kept.remove(kept)

    def add_cookie_header(self, request: Any) -> None:
        """Gives a request of urllib its Cookie field, unless it has one."""
        url = _url_of(request)
        field = None if url is None else self.kept.field_for(url, time.time())
        if field is not None and not request.has_header("Cookie"):
            request.add_unredirected_header("Cookie", field)

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Keeps what a response of urllib sets."""
        url = _url_of(request)
        if url is not None:
            self.kept.store(url, response.info().get_all("Set-Cookie", []), time.time())

    def set_policy(self, policy: CookiePolicy) -> None:
        """Has `policy` decide, too, after our own rules."""
        super().set_policy(policy)
        self.kept.guard = None if is_default(policy) else Guard(self)

    def get_policy(self) -> Any:
        """The policy, which was set or is the default one of `http.cookiejar`."""
        return self._policy  # type: ignore[attr-defined]

    # As requests has it.

    def get(self, name: str, default: Any = None, domain: str | None = None, path: str | None = None) -> Any:
        """The value of the cookie called `name`, else `default`.

        Raises:
            CookieConflictError: there are several.
        """
        try:
            return self._find_no_duplicates(name, domain, path)
        except KeyError:
            return default

    def set(self, name: str, value: Any, **kwargs: Any) -> Any:
        """Keeps a cookie and returns it; None as `value` takes those called `name` out; see `create_cookie`."""
        if value is None:
            remove_cookie_by_name(self, name, domain=kwargs.get("domain"), path=kwargs.get("path"))
            return None
        if hasattr(value, "coded_value"):
            cookie = morsel_to_cookie(value)
        else:
            checked_pair(name, value)
            cookie = create_cookie(name, value, **kwargs)
        self.set_cookie(cookie)
        return cookie

    def iterkeys(self) -> Iterator[str]:
        """The names, as often as they occur."""
        return iter([cookie.name for cookie in self])

    def keys(self) -> list[str]:  # type: ignore[override]
        """The names, as often as they occur."""
        return list(self.iterkeys())

    def itervalues(self) -> Iterator[Any]:
        """The values."""
        return iter([cookie.value for cookie in self])

    def values(self) -> list[Any]:  # type: ignore[override]
        """The values."""
        return list(self.itervalues())

    def iteritems(self) -> Iterator[tuple[str, Any]]:
        """(name, value) of each cookie."""
        return iter([(cookie.name, cookie.value) for cookie in self])

    def items(self) -> list[tuple[str, Any]]:  # type: ignore[override]
        """(name, value) of each cookie."""
        return list(self.iteritems())

    def list_domains(self) -> list[str]:
        """The domains that occur."""
        return list(dict.fromkeys(cookie.domain for cookie in self))

    def list_paths(self) -> list[str]:
        """The paths that occur."""
        return list(dict.fromkeys(cookie.path for cookie in self))

    def multiple_domains(self) -> bool:
        """Whether there are cookies of more than one domain."""
        return len({cookie.domain for cookie in self} - {""}) > 1

    def get_dict(self, domain: str | None = None, path: str | None = None) -> dict[str, Any]:
        """Names and values, of one domain or path where these are given."""
        return {
            cookie.name: cookie.value
            for cookie in self
            if domain in (None, cookie.domain) and path in (None, cookie.path)
        }

    def __contains__(self, name: object) -> bool:
        return any(cookie.name == name or cookie is name for cookie in self)

    def __getitem__(self, name: str) -> Any:
        return self._find_no_duplicates(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        remove_cookie_by_name(self, name)

    def update(self, other: Any = (), **kwargs: Any) -> None:  # type: ignore[override]
        """Adds the cookies of another jar, or the names and values of a mapping."""
        if isinstance(other, CookieJar):
            for cookie in other:
                self.set_cookie(cookie)
        else:
            super().update(other, **kwargs)

    def _find(self, name: str, domain: str | None = None, path: str | None = None) -> Any:
        return self._found(name, domain, path)[0].value

    def _find_no_duplicates(self, name: str, domain: str | None = None, path: str | None = None) -> Any:
        found = self._found(name, domain, path)
        if len(found) > 1:
            raise CookieConflictError(f"There are multiple cookies with name, {name!r}")
        return found[0].value

    def _found(self, name: str, domain: str | None, path: str | None) -> list[StdlibCookie]:
        found = [
            cookie
            for cookie in self
            if cookie.name == name and domain in (None, cookie.domain) and path in (None, cookie.path)
        ]
        if not found:
            raise KeyError(f"name={name!r}, domain={domain!r}, path={path!r}")
        return found

    def copy(self) -> "RequestsCookieJar":
        """Another jar with the same cookies and policy."""
        other = RequestsCookieJar()
        if self.kept.guard is not None:
            other.set_policy(self.get_policy())
        other.update(self)
        return other

    __copy__ = copy

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: the cookies and the policy."""
        return {"cookies": list(self.kept), "policy": self.get_policy() if self.kept.guard is not None else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["policy"])  # type: ignore[misc]
        for cookie in state["cookies"]:
            self.kept.add(cookie)

    def __repr__(self) -> str:
        return f"<RequestsCookieJar[{', '.join(f'{each!r}' for each in self.kept)}]>"

    # Our own.

    def explain(self, url: Any) -> list[CookieVerdict]:
        """Which cookies go to `url` now, and why the others do not; then which ones its host could not set, and why."""
        return self.kept.explain(URL.parse(url), time.time())

    def save(self, path: "str | os.PathLike[str]", *, session_cookies: bool = True) -> None:
        """Writes the cookies to `path` for its owner only, in one step: JSON where it ends with ".json", else the
        lines that browsers and curl exchange.

        Args:
            path: of the file, which is replaced.
            session_cookies: whether those without an expiry are written, too.

        Raises:
            OSError: it cannot be written; the old file stays.
        """
        now = time.time()
        cookies = [
            kept for kept in self.kept if not kept.is_expired(now) and (session_cookies or kept.expires is not None)
        ]
        is_json = os.fspath(path).lower().endswith(".json")
        write_private(path, json_text(cookies) if is_json else netscape_text(cookies))

    def load(self, path: "str | os.PathLike[str]") -> None:
        """Adds the cookies of a file that `save`, curl or a browser wrote, except those that have expired.

        Raises:
            OSError: it cannot be read.
            InvalidOption: it is no file of cookies; nothing was added.
        """
        try:
            with open(path, encoding="utf-8", newline="") as file:
                cookies = cookies_from_text(file.read())
        except UnicodeDecodeError:
            raise InvalidOption("cookies: the file is not UTF-8") from None
        now = time.time()
        for kept in cookies:
            if not kept.is_expired(now):
                self.kept.add(kept)


def _url_of(request: Any) -> URL | None:
    try:
        return URL.parse(request.get_full_url())
    except RequestException:
        return None

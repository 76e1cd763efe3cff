"""Cookies as the text of a file: JSON, or the lines that browsers and curl exchange; never the file itself."""

import json
from collections.abc import Iterable
from typing import Any

from .cookies import Cookie, parse_set_cookie
from .errors import InvalidOption

_NETSCAPE_HEAD = "# Netscape HTTP Cookie File\n"
_HTTP_ONLY = "#HttpOnly_"
_JSON_KINDS: dict[str, Any] = {
    "name": str,
    "value": str,
    "domain": str,
    "path": str,
    "expires": (int, float, type(None)),
    "secure": bool,
    "http_only": bool,
    "host_only": bool,
    "same_site": str,
    "created": (int, float),
}


def json_text(cookies: Iterable[Cookie]) -> str:
    """All that is known of `cookies`, as JSON."""
    rows = [{name: getattr(cookie, name) for name in _JSON_KINDS} for cookie in cookies]
    return json.dumps({"cookies": rows}, indent=1) + "\n"


def netscape_text(cookies: Iterable[Cookie]) -> str:
    """`cookies`, one a line: domain, whether hosts below it count, path, Secure, expiry, name, value.

    An expiry of 0 is the end of the session, as curl has it. SameSite has no place there, nor has a name with a tab,
    which is left out.
    """
    lines = [_netscape_line(cookie) for cookie in cookies if "\t" not in cookie.name + cookie.path]
    return _NETSCAPE_HEAD + "".join(lines)


def _netscape_line(cookie: Cookie) -> str:
    below = not cookie.host_only and cookie.domain != ""
    parts = (
        f".{cookie.domain}" if below else cookie.domain,
        "TRUE" if below else "FALSE",
        cookie.path,
        "TRUE" if cookie.secure else "FALSE",
        str(int(cookie.expires or 0)),
        cookie.name,
        cookie.value,
    )
    return (_HTTP_ONLY if cookie.http_only else "") + "\t".join(parts) + "\n"


def cookies_from_text(text: str) -> list[Cookie]:
    """The cookies that `json_text` or `netscape_text` wrote, or another program in the latter's form.

    Raises:
        InvalidOption: the text is neither; the message says where, and nothing of what stands there.
    """
    return _from_json(text) if text.lstrip()[:1] == "{" else _from_netscape(text)


def _from_json(text: str) -> list[Cookie]:
    try:
        rows = json.loads(text)["cookies"]
        return [_from_row(row) for row in rows]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InvalidOption("cookies: the file is no JSON of cookies") from None


def _from_row(row: dict[str, Any]) -> Cookie:
    if not all(isinstance(row[name], kind) for name, kind in _JSON_KINDS.items()):
        raise ValueError
    parts = {name: row[name] for name in _JSON_KINDS}
    if not 0 <= (parts["expires"] or 0) < 2**53:  # NaN is neither
        raise ValueError
    return _checked(Cookie(**parts))


def _from_netscape(text: str) -> list[Cookie]:
    found: list[Cookie] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        http_only = line.startswith(_HTTP_ONLY)
        if not line.strip() or (line[0] == "#" and not http_only):
            continue
        try:
            domain, below, path, secure, expires, name, value = line.removeprefix(_HTTP_ONLY).split("\t", 6)
            cookie = Cookie(
                name,
                value,
                domain.removeprefix(".").lower(),
                path,
                expires=min(float(expires or 0), 2.0**53) or None,
                secure=secure.upper() == "TRUE",
                http_only=http_only,
                host_only=below.upper() != "TRUE" and domain != "",
            )
            if not (cookie.expires or 0) >= 0:  # NaN is neither
                raise ValueError
            found.append(_checked(cookie))
        except ValueError:
            raise InvalidOption(f"cookies: line {number} of the file is no cookie") from None
    return found


def _checked(cookie: Cookie) -> Cookie:
    """`cookie`, if a server could have set it like this."""
    parsed = parse_set_cookie(cookie.pair)
    same = parsed is not None and (parsed.name, parsed.value) == (cookie.name, cookie.value)
    if not same or cookie.path[:1] != "/" or any(char <= " " or char == "\x7f" for char in cookie.domain):
        raise ValueError
    cookie.value.encode("latin-1")
    cookie.name.encode("latin-1")
    return cookie

"""Cookies as data: the noun, the Set-Cookie line taken apart, cookie dates; never the decision to keep or send one.

Source: RFC 6265bis (draft-ietf-httpbis-rfc6265bis) sections 5.1.1 and 5.6.
"""

from typing import Any

from .declared import NamedTuple
from .errors import InvalidHeader
from .fields import MONTH_NUMBERS, delta_seconds, epoch_seconds
from .patterns import later

ATTRIBUTE_MAX = 1024  # octets; longer attributes are ignored (RFC 6265bis section 5.6)

_CONTROL = later(r"[\x00-\x08\x0a-\x1f\x7f]")
_BAD_NAME = later(r"[\x00-\x1f\x7f;=]")
_BAD_VALUE = later(r"[\x00-\x1f\x7f;]")

_DATE_TOKEN = later(r"[^\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = later(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY = later(r"([0-9]{1,2})(?![0-9])")
_YEAR = later(r"([0-9]{2,4})(?![0-9])")


class Cookie:
    """One cookie of a jar; `created` and `last_used` are wall time in seconds.

    Attributes:
        name, value: as received; a cookie without name is sent as its bare value.
        domain: lower-case host, or registrable domain and below when not `host_only`; "" goes to every host.
        path: starts with "/".
        expires: wall time in seconds, None at the end of the session.
        secure, http_only, host_only: flags.
        same_site: "strict", "lax", "none" or "" as the server said; kept for saving, a client has no other site.
        shown: the object by which callers see it, once they have looked.
    """

    __slots__ = (
        "created",
        "domain",
        "expires",
        "host_only",
        "http_only",
        "last_used",
        "name",
        "path",
        "same_site",
        "secure",
        "shown",
        "value",
    )

    def __init__(
        self,
        name: str,
        value: str,
        domain: str = "",
        path: str = "/",
        *,
        expires: float | None = None,
        secure: bool = False,
        http_only: bool = False,
        host_only: bool = False,
        same_site: str = "",
        created: float = 0.0,
    ) -> None:
        self.name = name
        self.value = value
        self.domain = domain
        self.path = path
        self.expires = expires
        self.secure = secure
        self.http_only = http_only
        self.host_only = host_only
        self.same_site = same_site
        self.created = created
        self.last_used = created
        self.shown: Any = None

    @property
    def pair(self) -> str:
        """What the Cookie field says of it."""
        return f"{self.name}={self.value}" if self.name else self.value

    def is_expired(self, now: float) -> bool:
        return self.expires is not None and self.expires <= now

    def __repr__(self) -> str:
        return f"<Cookie {self.name[:80]!a} for {self.domain}{self.path[:80]}>"  # the value may be a secret


class SetCookie(NamedTuple):
    """A Set-Cookie line taken apart; absent or unreadable attributes are None, of repeated ones the last counts.

    `max_age` is in seconds, at most 2**31, 0 or below to delete; `expires` in seconds since the epoch; `domain` in
    lower case without its leading dot; `path` None unless it starts with "/".
    """

    name: str
    value: str
    domain: str | None = None
    path: str | None = None
    max_age: int | None = None
    expires: float | None = None
    secure: bool = False
    http_only: bool = False
    same_site: str = ""


def parse_set_cookie(line: str) -> SetCookie | None:
    """The parts of a Set-Cookie field line, None when it holds control characters or nothing at all."""
    if _CONTROL.search(line):
        return None
    pair, *attributes = line.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    name, value = name.strip(" \t"), value.strip(" \t")
    if not name and not value:
        return None
    found: dict[str, Any] = {}
    for attribute in attributes:
        key, _, argument = attribute.partition("=")
        argument = argument.strip(" \t")
        if len(argument) <= ATTRIBUTE_MAX:
            _read_attribute(key.strip(" \t").lower(), argument, found)
    return SetCookie(name, value, **found)


def _read_attribute(key: str, argument: str, found: dict[str, Any]) -> None:
    if key == "expires":
        moment = parse_cookie_date(argument)
        if moment is not None:
            found["expires"] = moment
    elif key == "max-age":
        seconds = _max_age(argument)
        if seconds is not None:
            found["max_age"] = seconds
    elif key == "domain":
        found["domain"] = argument.removeprefix(".").lower()
    elif key == "path":
        found["path"] = argument if argument[:1] == "/" else None
    elif key == "secure":
        found["secure"] = True
    elif key == "httponly":
        found["http_only"] = True
    elif key == "samesite":
        found["same_site"] = argument.lower() if argument.lower() in ("strict", "lax", "none") else ""


def _max_age(text: str) -> int | None:
    if text[:1] == "-":
        return None if delta_seconds(text[1:]) is None else 0
    return delta_seconds(text)


def parse_cookie_date(text: str) -> float | None:
    """Seconds since the epoch of an Expires attribute, None when unreadable (RFC 6265bis section 5.1.1).

    Far more tolerant than HTTP-date: parts in any order, the year with two digits from 1970 to 2069.
    """
    time_of_day = day = month = year = None
    for token in _DATE_TOKEN.findall(text):
        if time_of_day is None and (match := _TIME.match(token)):
            hour, minute, second = int(match[1]), int(match[2]), int(match[3])
            if hour > 23 or minute > 59 or second > 59:
                return None
            time_of_day = hour * 3600 + minute * 60 + second
        elif day is None and (match := _DAY.match(token)):
            day = int(match[1])
        elif month is None and token[:3].lower() in MONTH_NUMBERS:
            month = MONTH_NUMBERS[token[:3].lower()]
        elif year is None and (match := _YEAR.match(token)):
            year = int(match[1])
    if time_of_day is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    return None if year < 1601 else epoch_seconds(year, month, day, time_of_day)


def checked_pair(name: Any, value: Any) -> tuple[str, str]:
    """A cookie that a caller gives, as str.

    Raises:
        InvalidHeader: sent like this it would be no cookie, or more than one.
    """
    name, value = str(name), str(value)
    if not name or _BAD_NAME.search(name) or _BAD_VALUE.search(value):
        raise InvalidHeader(f"cookie {name[:80]!a}: empty name, or a control character, ';' or '=' where none may be")
    try:
        f"{name}{value}".encode("latin-1")
    except UnicodeEncodeError:
        raise InvalidHeader(f"cookie {name[:80]!a}: characters outside latin-1") from None
    return name, value

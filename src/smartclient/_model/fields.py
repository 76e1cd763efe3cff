"""Field values as data: parsers that never raise, whatever the peer wrote; never a decision about what they mean.

Sources: RFC 9110 sections 5.6 (lists, quoted strings, dates), 8.3, 8.4, 8.8.3, 10.2.3, 12.4.2; RFC 9111 sections
1.2.2, 5.2; RFC 8288 section 3 (Link).
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from .declared import NamedTuple
from .headers import TOKEN
from .patterns import later

DELTA_MAX = 2**31  # RFC 9111 section 1.2.2: what is greater counts as this

_CACHED_VALUES = 512
_CACHED_LENGTH = 256  # hostile values would fill the caches with megabytes

_DAY_SECONDS = 86400
_LAST_SECOND = 253402300799  # 9999-12-31 23:59:59, the last that the grammar can spell
_DAYS_TO_1970 = 719468  # from 0000-03-01, which the calendar arithmetic counts from
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}
"""1 to 12 by the lower-case abbreviation that dates use."""

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_QUOTED_STRING = later(_QUOTED, re.DOTALL)
_QUOTED_PAIR = later(r"\\(.)", re.DOTALL)
_MARKS = {separator: later(f'{_QUOTED}|"|{separator}', re.DOTALL) for separator in (",", ";")}
_TYPE = later(f"{TOKEN}/{TOKEN}")
_OPAQUE = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_ETAG = later(_OPAQUE)
_WEIGHT = later(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_ETAG_MEMBER = later(rf"(?:\A|,)[ \t]*{_OPAQUE}[ \t]*(?=,|\Z)")

_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DATE_FORMS = tuple(
    later(form, re.IGNORECASE | re.ASCII)
    for form in (
        rf"(?:{'|'.join(_WEEKDAYS)}), (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",
        rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",
        rf"(?:{'|'.join(_WEEKDAYS)}) {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})",
    )
)


class ETag(NamedTuple):
    """An entity tag: the text between its quotes, and whether it is a weak validator (RFC 9110 section 8.8.3)."""

    opaque: str
    weak: bool

    def __str__(self) -> str:
        return f'W/"{self.opaque}"' if self.weak else f'"{self.opaque}"'


class MediaType(NamedTuple):
    """A media type: "type/subtype" in lower case, "" when there is none, and its parameters by lower-case name."""

    name: str
    parameters: Mapping[str, str]

    def __str__(self) -> str:
        return self.name


class Weighted(NamedTuple):
    """A member of Accept, Accept-Language or Accept-Encoding, in lower case, with its weight, 0 to 1."""

    value: str
    parameters: Mapping[str, str]
    quality: float


class Link(NamedTuple):
    """A link of a Link field: its target as it stands there, and its parameters by lower-case name."""

    target: str
    parameters: Mapping[str, str]


def parse_list(text: str) -> list[str]:
    """The members of a comma-separated list, trimmed, empty ones left out; commas in quoted strings do not count.

    Quotes are kept (RFC 9110 section 5.6.1). A quote that is never closed is an ordinary character.
    """
    return [member for member in map(_trimmed, _split(text, ",")) if member]


def parse_cache_control(value: str) -> Mapping[str, str | None]:
    """Directives by lower-case name (RFC 9111 section 5.2); None where there is no argument.

    Quoted arguments come unquoted; of repeated directives the first wins. White space after "=" stays in the argument,
    which makes a number unreadable. The result is shared between callers and read-only.
    """
    return _cached_directives(value) if len(value) <= _CACHED_LENGTH else _directives(value)


def _directives(value: str) -> Mapping[str, str | None]:
    directives: dict[str, str | None] = {}
    for member in _split(value, ","):
        name, equals, argument = member.partition("=")
        name = _trimmed(name).lower()
        if name:
            directives.setdefault(name, unquoted(argument.rstrip(" \t")) if equals else None)
    return MappingProxyType(directives)


_cached_directives = lru_cache(_CACHED_VALUES)(_directives)


def delta_seconds(text: str | None) -> int | None:
    """Seconds as ASCII digits spell them, at most 2**31 (RFC 9111 section 1.2.2); None for anything else."""
    if not text or not (text.isascii() and text.isdigit()):
        return None
    return min(int(text), DELTA_MAX) if len(text) <= 10 else _long_delta(text)


def _long_delta(digits: str) -> int:
    significant = digits.lstrip("0")
    return DELTA_MAX if len(significant) > 10 else min(int(significant or "0"), DELTA_MAX)


def parse_retry_after(text: str, now: float) -> float | None:
    """Seconds to wait from `now` (wall time), None when unreadable or past (RFC 9110 section 10.2.3)."""
    seconds = delta_seconds(text)
    if seconds is not None:
        return float(seconds)
    moment = parse_http_date(text, now)
    return None if moment is None or moment < now else min(moment - now, float(DELTA_MAX))


def parse_etag(text: str) -> ETag | None:
    """The entity tag that `text` is, or None."""
    match = _ETAG.fullmatch(text)
    return None if match is None else ETag(match[2], match[1] is not None)


def parse_etag_list(text: str) -> list[ETag]:
    """The entity tags of If-Match or If-None-Match; malformed members, and "*", are left out."""
    return [ETag(match[2], match[1] is not None) for match in _ETAG_MEMBER.finditer(text)]


def parse_media_type(text: str) -> MediaType:
    """The media type of a Content-Type, its name "" when there is none (RFC 9110 section 8.3.1).

    Of repeated parameters the first wins. The result is shared between callers and read-only.
    """
    return _cached_media_type(text) if len(text) <= _CACHED_LENGTH else _media_type(text)


def _media_type(text: str) -> MediaType:
    media_type, *members = _split(text, ";")
    name = _trimmed(media_type)
    return MediaType(name.lower() if _TYPE.fullmatch(name) else "", MappingProxyType(_parameters(members)))


_cached_media_type = lru_cache(_CACHED_VALUES)(_media_type)


def parse_parameters(text: str) -> dict[str, str]:
    """The parameters after the first ";" by lower-case name, values unquoted; of repeated ones the first wins."""
    return _parameters(_split(text, ";")[1:])


def _parameters(members: Iterable[str]) -> dict[str, str]:
    """What "name=value" members say, names in lower case, values unquoted; of repeated ones the first wins."""
    parameters: dict[str, str] = {}
    for member in members:
        name, equals, value = member.partition("=")
        if equals:
            parameters.setdefault(_trimmed(name).lower(), unquoted(_trimmed(value)))
    return parameters


def parse_weighted(text: str) -> list[Weighted]:
    """The members of a list with weights (RFC 9110 section 12.4.2), in order; 1.0 where there is none.

    "q" is the weight wherever it stands among the parameters. A member whose weight cannot be read is left out.
    """
    found: list[Weighted] = []
    for member in parse_list(text):
        value, *members = _split(member, ";")
        parameters = _parameters(members)
        weight = parameters.pop("q", "1")
        if _WEIGHT.fullmatch(weight):
            found.append(Weighted(_trimmed(value).lower(), parameters, float(weight)))
    return found


def parse_links(text: str) -> list[Link]:
    """The links of a Link field, in order (RFC 8288 section 3); what is no link is left out."""
    found: list[Link] = []
    parts: list[str] = []  # of one member: a comma in its target is no end
    for part in _split(text, ","):
        parts.append(part if parts else part.lstrip(" \t"))
        if not parts[0].startswith("<"):
            parts = []
        elif ">" in part:
            target, _, members = ",".join(parts)[1:].partition(">")
            found.append(Link(_trimmed(target), _parameters(_split(members, ";"))))
            parts = []
    return found


ACCEPT_ENCODING = "gzip, deflate, br, zstd"  # asked for unless somebody says otherwise; `_codec.decoders` undoes them


def content_codings(value: str) -> list[str]:
    """Content codings in the order in which they were applied, lower case, "x-gzip" as "gzip" (RFC 9110 8.4.1.3)."""
    return ["gzip" if coding == "x-gzip" else coding for coding in map(str.lower, parse_list(value))]


def parse_http_date(text: str, now: float) -> float | None:
    """Seconds since the epoch of an HTTP-date (RFC 9110 section 5.6.7), None when it is not exactly one.

    All three forms are read, names and GMT in any case. A two-digit year is the latest that lies at most 50 years
    after `now` (wall time). The day's name is not compared with the date.
    """
    if len(text) > _CACHED_LENGTH:
        return None
    # Only the two-digit years of RFC 850, with its hyphens, depend on `now`.
    return _date(text, now) if "-" in text else _known_date(text, 0.0)


def _date(text: str, now: float) -> float | None:
    for form in _DATE_FORMS:
        match = form.fullmatch(text)
        if match is not None:
            return _seconds(match, now)
    return None


_known_date = lru_cache(_CACHED_VALUES)(_date)


def format_http_date(seconds: float) -> str:
    """IMF-fixdate of `seconds` since the epoch, whole seconds, cut to the years 1970 to 9999."""
    moment = int(min(max(seconds, 0), _LAST_SECOND))
    days, rest = divmod(moment, _DAY_SECONDS)
    year, month, day = _civil(days)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{_WEEKDAYS[(days + 3) % 7]}, {day:02} {_MONTHS[month - 1]} {year:04} {clock} GMT"


def epoch_seconds(year: int, month: int, day: int, time_of_day: int) -> float | None:
    """Seconds since the epoch of a date and the seconds of its day, None when the calendar has no such date."""
    days = _days(year, month, day)
    return float(days * _DAY_SECONDS + time_of_day) if _civil(days) == (year, month, day) else None


def _seconds(match: re.Match[str], now: float) -> float | None:
    year, day = int(match["year"]), int(match["day"])
    month = MONTH_NUMBERS[match["month"].lower()]
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    if hour > 23 or minute > 59 or second > 60:  # 60 is a leap second
        return None
    time_of_day = hour * 3600 + minute * 60 + second
    if len(match["year"]) == 2:
        year = _full_year(year, month, day, time_of_day, now)
    return epoch_seconds(year, month, day, time_of_day)


def _full_year(two_digits: int, month: int, day: int, time_of_day: int, now: float) -> int:
    latest = _civil(int(now // _DAY_SECONDS))[0] + 50
    year = latest - (latest - two_digits) % 100
    fifty_years_before = _days(year - 50, month, day) * _DAY_SECONDS + time_of_day
    return year - 100 if fifty_years_before > now else year


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that leap days come last."""
    if month <= 2:
        year -= 1
    days_before_month = (153 * ((month + 9) % 12) + 2) // 5
    return 365 * year + year // 4 - year // 100 + year // 400 + days_before_month + day - 1 - _DAYS_TO_1970


def _civil(days: int) -> tuple[int, int, int]:
    """(year, month, day) of a number of days from 1970-01-01: the inverse of `_days`."""
    cycle, day_of_cycle = divmod(days + _DAYS_TO_1970, 146097)  # 400 years
    leap_days = day_of_cycle // 1460 - day_of_cycle // 36524 + day_of_cycle // 146096
    year_of_cycle = (day_of_cycle - leap_days) // 365
    day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle // 4 - year_of_cycle // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = (month_from_march + 2) % 12 + 1
    return cycle * 400 + year_of_cycle + (month <= 2), month, day


def _split(text: str, separator: str) -> list[str]:
    if '"' not in text:
        return text.split(separator)
    members: list[str] = []
    start = 0
    for mark in _MARKS[separator].finditer(text):
        if mark[0] == separator:
            members.append(text[start : mark.start()])
            start = mark.end()
        elif mark[0] == '"':  # never closed, and then none of those that follow is: looking again would be quadratic
            members += text[start:].split(separator)
            return members
    members.append(text[start:])
    return members


def _trimmed(text: str) -> str:
    return text.strip(" \t")


def unquoted(text: str) -> str:
    """What a quoted string says (RFC 9110 section 5.6.4); any other text as it is."""
    return _QUOTED_PAIR.sub(r"\1", text[1:-1]) if _QUOTED_STRING.fullmatch(text) else text

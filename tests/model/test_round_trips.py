"""What the grammar can say is read as it was meant; and text that tempts a parser to look twice is read once."""

import calendar
import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.cookies import SetCookie, parse_cookie_date, parse_set_cookie
from smartclient._model.errors import RequestException
from smartclient._model.fields import (
    DELTA_MAX,
    ETag,
    content_codings,
    delta_seconds,
    parse_cache_control,
    parse_etag,
    parse_etag_list,
    parse_http_date,
    parse_list,
    parse_media_type,
    parse_retry_after,
)
from smartclient._model.percent import PATH, QUERY, USERINFO, encoded, query_from, text_from
from smartclient._model.url import URL
from smartclient._net.http1_head import keep_alive_timeout

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20
TOKENS = st.text("abcXYZ09-_.!#$%&'*+^`|~", min_size=1, max_size=8)
SPACE = st.text(" \t", max_size=2)
# Seconds: of the years 1974 to 2068, which two digits tell to both kinds of dates.
MOMENTS = st.integers(126_230_400, 3_124_223_999)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


MEMBERS = TOKENS | st.text('a,"\\ ;=', max_size=8).map(quoted)


@given(st.lists(st.tuples(SPACE, MEMBERS, SPACE), max_size=6))
def test_lists_come_back(members: list[tuple[str, str, str]]) -> None:
    assert parse_list(",".join(map("".join, members))) == [member for _, member, _ in members]


@given(
    st.lists(st.builds(ETag, st.text(st.characters(min_codepoint=0x23, max_codepoint=0x7E), max_size=6), st.booleans()))
)
def test_entity_tags_come_back(tags: list[ETag]) -> None:
    assert parse_etag_list(", ".join(map(str, tags))) == tags
    assert [parse_etag(str(tag)) for tag in tags] == tags


@given(TOKENS, TOKENS, st.dictionaries(TOKENS.map(str.lower), TOKENS | st.text('a,"\\ ;=\xe9', max_size=8)))
def test_media_types_come_back(kind: str, subtype: str, parameters: dict[str, str]) -> None:
    text = f"{kind}/{subtype}" + "".join([f" ;{name.upper()}={quoted(value)}" for name, value in parameters.items()])
    assert parse_media_type(text) == (f"{kind}/{subtype}".lower(), parameters)


@given(st.lists(TOKENS.filter(lambda coding: coding.lower() != "x-gzip")))
def test_codings_come_back(codings: list[str]) -> None:
    assert content_codings(", ".join(codings)) == [coding.lower() for coding in codings]


@given(st.integers(0, 10**40), st.integers(0, 30))
def test_seconds_come_back_or_are_the_most(seconds: int, zeros: int) -> None:
    text = "0" * zeros + str(seconds)
    assert delta_seconds(text) == parse_retry_after(text, NOW) == min(seconds, DELTA_MAX)
    assert keep_alive_timeout(f"max=9, timeout={text}") == min(seconds, DELTA_MAX)


@given(MOMENTS)
def test_dates_of_the_old_forms_come_back(seconds: int) -> None:
    moment = time.gmtime(seconds)
    assert parse_http_date(
        time.strftime("%a %b ", moment) + f"{moment.tm_mday:2}" + time.strftime(" %T %Y", moment), NOW
    ) == (seconds)
    assert parse_http_date(time.strftime("%A, %d-%b-%y %T GMT", moment), NOW) == seconds


@given(st.integers(-5, 105), st.integers(0, 14), st.integers(-1, 33), st.integers(0, 25), st.integers(0, 61))
def test_a_date_is_one_of_the_calendar_or_none(year: int, month: int, day: int, hour: int, second: int) -> None:
    names = ["Foo", *calendar.month_abbr[1:], "Bar"]
    text = f"Mon, {day:02} {names[min(month, 13)]} {1990 + year} {hour:02}:00:{second:02} GMT"
    real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(1990 + year, month)[1] and hour < 24 and second < 61
    assert (parse_http_date(text, NOW) is not None) is real


@given(MOMENTS, st.permutations(["%d", "%b", "%H:%M:%S"]), st.sampled_from("- ,/"), st.booleans())
def test_cookie_dates_come_back(seconds: int, parts: list[str], separator: str, short: bool) -> None:
    """The year comes after the day, or two digits would be taken for it."""
    text = separator.join([*parts, "%y" if short else "%Y"])
    assert parse_cookie_date(time.strftime("%a, " + text, time.gmtime(seconds))) == seconds


COOKIE_TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=";="), max_size=8)
COOKIES = st.builds(
    SetCookie,
    name=COOKIE_TEXT.filter(bool),
    value=COOKIE_TEXT,
    domain=st.none() | st.sampled_from(["example.org", "a.b"]),
    path=st.none() | COOKIE_TEXT.map("/".__add__),
    max_age=st.none() | st.integers(0, 2**31),
    expires=st.none() | MOMENTS.map(float),
    secure=st.booleans(),
    http_only=st.booleans(),
    same_site=st.sampled_from(["", "lax", "strict", "none"]),
)


@given(COOKIES, SPACE, st.randoms(use_true_random=False))
def test_cookies_come_back(cookie: SetCookie, space: str, chance: Any) -> None:
    said = {
        "Domain": cookie.domain,
        "Path": cookie.path,
        "Max-Age": cookie.max_age,
        "Expires": cookie.expires and time.strftime("%a, %d %b %Y %T GMT", time.gmtime(cookie.expires)),
        "SameSite": cookie.same_site or None,
    }
    attributes = [f"{name}{space}={space}{value}" for name, value in said.items() if value is not None]
    attributes += ["Secure"] * cookie.secure + ["HttpOnly"] * cookie.http_only
    chance.shuffle(attributes)
    assert parse_set_cookie(f";{space}".join([f"{cookie.name}{space}={space}{cookie.value}", *attributes])) == cookie


@given(st.text(max_size=20), st.sampled_from([USERINFO, PATH, QUERY]))
def test_encoding_twice_changes_nothing(text: str, grammar: Any) -> None:
    once = encoded(text, grammar)
    assert once.isascii()
    assert encoded(once, grammar) == once
    assert grammar.clean.fullmatch(once.replace("%", ""))


@given(st.binary(max_size=20), st.dictionaries(st.binary(max_size=4), st.binary(max_size=4)))
def test_bytes_come_back_from_urls(data: bytes, params: dict[bytes, bytes]) -> None:
    from urllib.parse import parse_qsl, unquote_to_bytes

    if b"%" not in data:
        assert unquote_to_bytes(encoded(text_from(data), PATH)) == data
    pairs = parse_qsl(query_from(params), keep_blank_values=True, encoding="latin-1")
    assert pairs == [(name.decode("latin-1"), value.decode("latin-1")) for name, value in params.items()]


SEGMENTS = st.lists(st.sampled_from(["a", "b", ".", "..", "", "c;d"]), max_size=5).map("/".join)


@given(SEGMENTS, SEGMENTS, st.sampled_from(["", "?", "?q", "#f", "?q=/../#f"]))
def test_references_join_as_in_the_standard_library(base: str, reference: str, tail: str) -> None:
    """Where both hold to RFC 3986 section 5.2: paths without empty segments, as the library drops some of them."""
    from urllib.parse import urljoin

    start = URL.parse(f"http://h.example/{base}")
    if "//" not in f"/{base}" + reference and not reference.startswith("/"):
        assert start.join(reference + tail) == URL.parse(urljoin(str(start), reference + tail))


HOSTILE = [
    '"',
    '"\\',
    ";",
    '=";',
    ",",
    "a=",
    " ",
    "\t;",
    "/",
    "a/b;",
    "%",
    "%2",
    "..",
    "../",
    "@",
    ":",
    "[",
    "-",
    "0",
    "x.",
    "\xff",
]


@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_long_text_is_read_once(piece: str) -> None:
    """A parser that looks again for every character would take minutes for these 60 KiB."""
    text = piece * (60 * 1024 // len(piece))
    for start in ("", '"', 'a="', "text/html; a=", "timeout=", "a=b; Expires="):
        for parse in (parse_list, parse_cache_control, parse_etag_list, parse_etag, parse_media_type, content_codings):
            assert parse(start + text) is not None or parse is parse_etag
        assert parse_http_date(start + text, NOW) is None
        assert parse_retry_after(start + text, NOW) in (None, 0.0)
        assert keep_alive_timeout(start + text) in (None, 0.0)
        assert parse_cookie_date(start + text) is None
        parsed = parse_set_cookie(start + text)
        assert parsed is None or len(parsed.name + parsed.value) <= len(start + text)
    for start in ("http://h/", "http://", "http://h/?", "http://[", "http://u@"):
        with contextlib.suppress(RequestException):
            assert len(str(URL.parse(start + text))) <= 6 * len(start + text)

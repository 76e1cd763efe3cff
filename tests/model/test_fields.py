"""Field values: tables by section of the RFC, and properties that hold for any text of a peer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.fields import (
    ETag,
    content_codings,
    delta_seconds,
    epoch_seconds,
    format_http_date,
    parse_cache_control,
    parse_etag,
    parse_etag_list,
    parse_http_date,
    parse_list,
    parse_media_type,
    parse_retry_after,
)

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20
fieldish = st.lists(
    st.sampled_from(
        ['"', "\\", ",", ";", "=", " ", "\t", "a", "W/", "max-age", "no-store", "0", "-", "\xff", "é", "\x00"]
    )
).map("".join) | st.text(max_size=60)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", []),
        (" , ,", []),
        ("a, b ,\tc", ["a", "b", "c"]),
        ('"a,b", c', ['"a,b"', "c"]),
        (r'"a\",b", c', [r'"a\",b"', "c"]),
        ('"a, b', ['"a', "b"]),
        ('x="y, z", w', ['x="y, z"', "w"]),
    ],
    ids=["empty", "empty members", "trimmed", "quoted comma", "quoted pair", "never closed", "parameter"],
)
def test_list(text, members):
    """RFC 9110 sections 5.6.1 and 5.6.4."""
    assert parse_list(text) == members


CACHE_CONTROL = [
    ("RFC 9111 5.2 case", "Max-Age=60, NO-STORE", {"max-age": "60", "no-store": None}),
    ("quoted argument", 'max-age="3600"', {"max-age": "3600"}),
    ("quoted pair", r'a="x\"y"', {"a": 'x"y'}),
    (
        "quoted directives are text",
        'ext="no-store, max-age=1", max-age=2',
        {"ext": "no-store, max-age=1", "max-age": "2"},
    ),
    ("first of repeated", "max-age=1, max-age=2", {"max-age": "1"}),
    ("empty argument", "max-age=", {"max-age": ""}),
    ("space before =", "max-age =1", {"max-age": "1"}),
    ("space after = is no number", "max-age= 1", {"max-age": " 1"}),
    ("single quotes are no quotes", "max-age='1'", {"max-age": "'1'"}),
    ("never closed hides nothing", 'x="y, no-store', {"x": '"y', "no-store": None}),
    ("text after the quotes", 'x="y"z', {"x": '"y"z'}),
    ("empty members", ",, ,no-cache,", {"no-cache": None}),
    ("no name", "=1", {}),
]


@pytest.mark.parametrize(
    ("value", "directives"), [row[1:] for row in CACHE_CONTROL], ids=[row[0] for row in CACHE_CONTROL]
)
def test_cache_control(value, directives):
    assert dict(parse_cache_control(value)) == directives


def test_shared_results_cannot_be_changed():
    with pytest.raises(TypeError):
        parse_cache_control("no-store")["no-store"] = "x"
    with pytest.raises(TypeError):
        parse_media_type("text/html;a=b")[1]["a"] = "c"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("003600", 3600), ("2147483648", 2**31), ("2147483649", 2**31), ("9" * 5000, 2**31), ("0" * 5000, 0)]
    + [(text, None) for text in ("", None, "-1", "+1", "1.0", " 1", "1_0", "\u0661", "²", "0x1", "1e3")],
    ids=lambda value: repr(value)[:20],
)
def test_delta_seconds(text, seconds):
    """RFC 9111 section 1.2.2."""
    assert delta_seconds(text) == seconds


DATES = [
    ("IMF-fixdate, RFC 9110 5.6.7", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0),
    ("RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777.0),
    ("asctime", "Sun Nov  6 08:49:37 1994", 784111777.0),
    ("asctime, two digits", "Wed Nov 16 08:49:37 1994", 784975777.0),
    ("any case", "SUN, 06 nov 1994 08:49:37 gmt", 784111777.0),
    ("epoch", "Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ("before the epoch", "Wed, 31 Dec 1969 23:59:59 GMT", -1.0),
    ("leap day", "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800.0),
    ("leap second", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800.0),
    ("the last", "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799.0),
    ("50 years ahead", "Tuesday, 14-Nov-73 22:13:20 GMT", 3277923200.0),
    ("more than 50 years ahead is past", "Tuesday, 14-Nov-73 22:13:21 GMT", 122163201.0),
    ("no leap day", "Wed, 29 Feb 2023 00:00:00 GMT", None),
    ("day 0", "Sun, 00 Nov 1994 08:49:37 GMT", None),
    ("day 31", "Sun, 31 Nov 1994 08:49:37 GMT", None),
    ("hour 24", "Sun, 06 Nov 1994 24:00:00 GMT", None),
    ("minute 60", "Sun, 06 Nov 1994 08:60:00 GMT", None),
    ("second 61", "Sun, 06 Nov 1994 08:49:61 GMT", None),
    ("one digit", "Sun, 6 Nov 1994 08:49:37 GMT", None),
    ("another zone", "Sun, 06 Nov 1994 08:49:37 UTC", None),
    ("offset", "Sun, 06 Nov 1994 08:49:37 +0000", None),
    ("no zone", "Sun, 06 Nov 1994 08:49:37", None),
    ("no day's name", "06 Nov 1994 08:49:37 GMT", None),
    ("no such day's name", "Xun, 06 Nov 1994 08:49:37 GMT", None),
    ("spaces", "Sun,  06 Nov 1994 08:49:37 GMT", None),
    ("trailing data", "Sun, 06 Nov 1994 08:49:37 GMT;", None),
    ("line feed at the end", "Sun, 06 Nov 1994 08:49:37 GMT\n", None),
    ("foreign digits", "Sun, \uff106 Nov 1994 08:49:37 GMT", None),
    ("long s", "\u017fun, 06 Nov 1994 08:49:37 GMT", None),
    ("two-digit year in the first form", "Sun, 06 Nov 94 08:49:37 GMT", None),
    ("ISO 8601", "1994-11-06T08:49:37Z", None),
    ("number", "0", None),
    ("empty", "", None),
]


@pytest.mark.parametrize(("text", "seconds"), [row[1:] for row in DATES], ids=[row[0] for row in DATES])
def test_http_date(text, seconds):
    assert parse_http_date(text, NOW) == seconds


@given(st.integers(0, 253402300799))
def test_dates_come_back(seconds):
    assert parse_http_date(format_http_date(seconds), NOW) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (784111777.9, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (-5.0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (float("inf"), "Fri, 31 Dec 9999 23:59:59 GMT"),
        (951782400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (951868800, "Wed, 01 Mar 2000 00:00:00 GMT"),
    ],
)
def test_date_text(seconds, text):
    assert format_http_date(seconds) == text


def test_calendar():
    assert epoch_seconds(1600, 2, 29, 0) == -11670998400.0
    assert epoch_seconds(1900, 2, 29, 0) is None


@pytest.mark.parametrize(
    ("text", "etag"),
    [
        ('"x"', ETag("x", weak=False)),
        ('W/"x"', ETag("x", weak=True)),
        ('""', ETag("", weak=False)),
        ('"a,\\b"', ETag("a,\\b", weak=False)),
        ('"\xe9"', ETag("\xe9", weak=False)),
        ('w/"x"', None),
        ("x", None),
        ('"x', None),
        ('"a"b"', None),
        ('"a b"', None),
        ('"x" ', None),
        ("*", None),
        ("", None),
    ],
)
def test_etag(text, etag):
    """RFC 9110 section 8.8.3."""
    assert parse_etag(text) == etag
    assert etag is None or str(etag) == text


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ('"a", W/"b"', ['"a"', 'W/"b"']),
        ('"a,b" ,"c"', ['"a,b"', '"c"']),
        ('a, "b", "c"d, "e"', ['"b"', '"e"']),
        (', "a",,', ['"a"']),
        ("*", []),
        ("", []),
    ],
)
def test_etag_list(text, tags):
    """RFC 9110 section 13.1.2."""
    assert [str(tag) for tag in parse_etag_list(text)] == tags


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("9" * 30, 2.0**31),
        (format_http_date(NOW + 30), 30.0),
        (format_http_date(NOW), 0.0),
        (format_http_date(NOW - 1), None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 2.0**31),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(text, seconds):
    """RFC 9110 section 10.2.3."""
    assert parse_retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "media_type", "parameters"),
    [
        ("Text/HTML", "text/html", {}),
        ("text/html;Charset=UTF-8", "text/html", {"charset": "UTF-8"}),
        ('text/html; charset="utf-8" ; a = b', "text/html", {"charset": "utf-8", "a": "b"}),
        ('m/x; boundary="a;b\\"c"; d=e', "m/x", {"boundary": 'a;b"c', "d": "e"}),
        ("a/b; c=1; C=2; d;", "a/b", {"c": "1"}),
        ("application/vnd.x+json", "application/vnd.x+json", {}),
        ("html", "", {}),
        ("text/html, text/plain", "", {}),
        ("; charset=x", "", {"charset": "x"}),
        ("", "", {}),
    ],
)
def test_media_type(text, media_type, parameters):
    """RFC 9110 section 8.3.1."""
    assert parse_media_type(text) == (media_type, parameters)


@pytest.mark.parametrize(
    ("value", "codings"),
    [
        ("gzip", ["gzip"]),
        ("GZip, X-GZIP , br", ["gzip", "gzip", "br"]),
        ("x-deflate", ["x-deflate"]),
        ("identity,", ["identity"]),
        ("", []),
    ],
)
def test_content_codings(value, codings):
    """RFC 9110 section 8.4.1."""
    assert content_codings(value) == codings


@given(fieldish)
def test_no_text_breaks_a_parser(text):
    assert all(name == name.lower() and name for name in parse_cache_control(text))
    assert all(member == member.strip(" \t") and member for member in parse_list(text))
    assert all(parse_etag(str(tag)) == tag for tag in parse_etag_list(text))
    assert parse_media_type(text)[0] == parse_media_type(text)[0].lower()
    assert len(content_codings(text)) == len(parse_list(text))
    assert parse_etag(text) is None or str(parse_etag(text)) == text
    assert parse_http_date(text, NOW) is None or len(text) > 20
    assert (parse_retry_after(text, NOW) or 0.0) >= 0.0
    assert (delta_seconds(text) or 0) >= 0


@given(st.dictionaries(st.from_regex(r"[a-z-]{1,8}", fullmatch=True), st.none() | st.text('a,"\\= ;', max_size=8)))
def test_cache_control_comes_back(directives):
    def quoted(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    value = ", ".join(name if text is None else f"{name}={quoted(text)}" for name, text in directives.items())
    assert dict(parse_cache_control(value)) == directives


@given(st.integers(0, 10_000), st.sampled_from(['"\\"', 'a="', ',"', '"x,', "\\", ",  ", '"\\",']))
def test_long_hostile_values_are_read_once(count, piece):
    """Work grows with the length, not with its square: 64 KiB of any of these takes milliseconds."""
    text = piece * count
    assert len(parse_list(text)) <= len(text)
    assert len(parse_etag_list(text)) <= len(text)

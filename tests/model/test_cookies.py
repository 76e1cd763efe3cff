"""Set-Cookie lines and cookie dates, as RFC 6265bis sections 5.1.1 and 5.6 read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.cookies import Cookie, SetCookie, checked_pair, parse_cookie_date, parse_set_cookie
from smartclient._model.errors import InvalidHeader, RequestException

LINES = [
    ("plain", "a=b", SetCookie("a", "b")),
    ("trimmed", " a \t=\t b ; Path=/x ", SetCookie("a", "b", path="/x")),
    ("value with =", "a=b=c", SetCookie("a", "b=c")),
    ("quotes are part of the value", 'a="b c"', SetCookie("a", '"b c"')),
    ("a semicolon ends, also in quotes", 'a="b;c"', SetCookie("a", '"b')),
    ("no name, 5.6", "abc", SetCookie("", "abc")),
    ("empty name", "=abc", SetCookie("", "abc")),
    ("empty value", "a=", SetCookie("a", "")),
    ("nothing", "", None),
    ("only =", " = ;Secure", None),
    ("control character, 5.6", "a=b\x00c", None),
    ("line feed in an attribute", "a=b; Path=/\n", None),
    ("tab is none", "a=b\tc", SetCookie("a", "b\tc")),
    ("flags in any case", "a=b; SECURE; httponly=x", SetCookie("a", "b", secure=True, http_only=True)),
    ("domain, 5.6.3", "a=b; Domain=.Example.ORG", SetCookie("a", "b", domain="example.org")),
    ("last domain counts", "a=b; Domain=x; Domain=y", SetCookie("a", "b", domain="y")),
    ("path without slash, 5.6.4", "a=b; Path=x", SetCookie("a", "b")),
    ("last path counts", "a=b; Path=/x; Path=", SetCookie("a", "b")),
    ("max-age, 5.6.2", "a=b; Max-Age=60", SetCookie("a", "b", max_age=60)),
    ("negative max-age", "a=b; Max-Age=-60", SetCookie("a", "b", max_age=0)),
    ("great max-age", f"a=b; Max-Age={'9' * 1000}", SetCookie("a", "b", max_age=2**31)),
    ("bad max-age", "a=b; Max-Age=6x", SetCookie("a", "b")),
    ("bad sign", "a=b; Max-Age=--6", SetCookie("a", "b")),
    ("expires", "a=b; Expires=Thu, 01 Jan 1970 00:01:00 GMT", SetCookie("a", "b", expires=60.0)),
    ("bad expires", "a=b; Expires=soon", SetCookie("a", "b")),
    ("same-site", "a=b; SameSite=LAX", SetCookie("a", "b", same_site="lax")),
    ("odd same-site", "a=b; SameSite=x", SetCookie("a", "b")),
    ("unknown attributes", "a=b; Foo; Bar=1; ;", SetCookie("a", "b")),
    ("long attribute is ignored, 5.6", f"a=b; Path=/{'x' * 1024}", SetCookie("a", "b")),
]


@pytest.mark.parametrize(("line", "parsed"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_set_cookie(line, parsed):
    assert parse_set_cookie(line) == parsed


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777.0),
        ("Sun Nov  6 08:49:37 1994", 784111777.0),
        ("1994 november 6 8:49:37x", 784111777.0),
        ("6 Nov 69 00:00:00", 3150921600.0),
        ("6 Nov 70 00:00:00", 26697600.0),
        ("31 Feb 2020 00:00:00", None),
        ("6 Nov 1600 00:00:00", None),
        ("6 Nov 1994 24:00:00", None),
        ("6 Nov 1994 00:00", None),
        ("6 Nov 00:00:00", None),
        ("Nov 1994 00:00:00", None),
        ("", None),
    ],
)
def test_cookie_date(text, seconds):
    """RFC 6265bis section 5.1.1."""
    assert parse_cookie_date(text) == seconds


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["a", "=", ";", " ", "Max-Age", "-", "9", "Expires", ":"])).map("".join)
)
def test_any_line_gives_a_cookie_or_none(line):
    parsed = parse_set_cookie(line)
    if parsed is not None:
        assert parsed.name or parsed.value
        assert ";" not in parsed.name + parsed.value
        assert "=" not in parsed.name
    assert parse_cookie_date(line) is None or any(char.isdigit() for char in line)


def test_a_cookie_shows_no_value():
    assert repr(Cookie("sid", "secret", "example.org")) == "<Cookie sid for example.org/>".replace("sid", "'sid'")


def test_pairs_given_by_hand():
    assert checked_pair("a[b]", "c d=e") == ("a[b]", "c d=e")
    assert checked_pair("n", 5) == ("n", "5")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("a;b", "x"),
        ("a=b", "x"),
        ("a", "x; b=y"),
        ("a", "x\r\nHost: y"),
        ("a\x00", "secret"),
        ("a", "\u20ac"),
    ],
)
def test_pairs_refused(name, value):
    """RFC 6265 section 4.1.1; CVE-2023-49082 is the class."""
    with pytest.raises(InvalidHeader) as caught:
        checked_pair(name, value)
    assert isinstance(caught.value, RequestException)
    assert value not in str(caught.value)

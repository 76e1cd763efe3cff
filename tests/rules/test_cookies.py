"""Cookies: storing and sending by RFC 6265bis; each row names its section."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.cookies import Cookie
from smartclient._model.url import URL
from smartclient._rules.cookies import (
    FIELD_MAX,
    Refusal,
    accept,
    cookie_field,
    default_path,
    first_to_leave,
    matches,
    path_matches,
)
from smartclient._rules.suffixes import is_public_suffix

NOW = 1_700_000_000.0
HTTPS = "https://www.example.org/a/b?q"
HTTP = "http://www.example.org/a/b"

ACCEPTED = [
    ("host-only, 5.7", HTTPS, "a=b", {"domain": "www.example.org", "host_only": True, "path": "/a", "expires": None}),
    ("its own domain", HTTPS, "a=b; Domain=www.example.org", {"domain": "www.example.org", "host_only": False}),
    ("a domain above", HTTPS, "a=b; Domain=.EXAMPLE.org", {"domain": "example.org", "host_only": False}),
    ("empty domain", HTTPS, "a=b; Domain=", {"domain": "www.example.org", "host_only": True}),
    ("on a public suffix itself, 5.7", "https://github.io/", "a=b; Domain=github.io", {"host_only": True}),
    ("localhost", "http://localhost:8080/", "a=b; Domain=localhost", {"domain": "localhost", "host_only": True}),
    ("address", "http://127.0.0.1/", "a=b", {"domain": "127.0.0.1", "host_only": True}),
    ("path", HTTPS, "a=b; Path=/x", {"path": "/x"}),
    ("max-age", HTTPS, "a=b; Max-Age=60", {"expires": NOW + 60}),
    ("max-age over expires", HTTPS, "a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", {"expires": NOW + 60}),
    ("400 days, 5.5", HTTPS, "a=b; Max-Age=99999999999", {"expires": NOW + 400 * 86400}),
    ("400 days of expires", HTTPS, "a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT", {"expires": NOW + 400 * 86400}),
    ("deletion", HTTPS, "a=; Max-Age=0", {"expires": 0.0}),
    ("secure", HTTPS, "a=b; Secure; HttpOnly; SameSite=None", {"secure": True, "http_only": True, "same_site": "none"}),
    ("__Secure-, 4.1.3.1", HTTPS, "__Secure-a=b; Secure; Domain=example.org", {"secure": True}),
    ("__Host-, 4.1.3.2", HTTPS, "__Host-a=b; Secure; Path=/", {"host_only": True, "path": "/"}),
    ("as large as may be", HTTPS, f"a={'x' * 4095}", {"name": "a"}),
    ("no name", HTTPS, "abc", {"name": "", "value": "abc"}),
]


@pytest.mark.parametrize(("url", "line", "parts"), [row[1:] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_accepted(url, line, parts):
    cookie = accept(line, URL.parse(url), NOW)
    assert isinstance(cookie, Cookie)
    assert {name: getattr(cookie, name) for name in parts} == parts


REFUSED = [
    ("control characters, 5.6", HTTPS, "a=b\x01"),
    ("nothing, 5.6", HTTPS, "=; Secure"),
    ("too large, 5.6", HTTPS, f"a={'x' * 4096}"),
    ("Secure over http, 5.7", HTTP, "a=b; Secure"),
    ("another domain, 5.7", HTTPS, "a=b; Domain=example.com"),
    ("a domain below, 5.7", HTTPS, "a=b; Domain=x.www.example.org"),
    ("a suffix that is no label, 5.1.3", "https://badexample.org/", "a=b; Domain=example.org"),
    ("top-level domain, 5.7", HTTPS, "a=b; Domain=org"),
    ("public suffix, 5.7", "https://a.example.co.uk/", "a=b; Domain=co.uk"),
    ("private suffix, 5.7", "https://me.github.io/", "a=b; Domain=github.io"),
    ("public suffix with root dot", "https://a.example.co.uk./", "a=b; Domain=co.uk."),
    ("address, 5.1.3", "http://127.0.0.1/", "a=b; Domain=127.0.0.1"),
    ("part of an address, 5.1.3", "http://127.0.0.1/", "a=b; Domain=0.0.1"),
    ("IPv6 address", "http://[::1]/", "a=b; Domain=::1"),
    ("__Secure- over http", HTTP, "__Secure-a=b"),
    ("__secure- without Secure", HTTPS, "__secure-a=b"),
    ("__Host- without Secure", HTTPS, "__Host-a=b; Path=/"),
    ("__HOST- without Path", "https://h/", "__HOST-a=b; Secure"),
    ("__Host- with another path", HTTPS, "__Host-a=b; Secure; Path=/a"),
    ("__Host- with Domain", HTTPS, "__Host-a=b; Secure; Path=/; Domain=www.example.org"),
    ("__Host- in a nameless value, 5.7", HTTPS, "=__Host-a=b; Secure; Path=/"),
    ("nameless value that would pass for a name", HTTPS, "=a=b"),
]


@pytest.mark.parametrize(("url", "line"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(url, line):
    refusal = accept(line, URL.parse(url), NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.rule.startswith("RFC 6265bis")


def cookie(**parts):
    given = {"name": "a", "value": "b", "domain": "example.org", "path": "/", **parts}
    return Cookie(given.pop("name"), given.pop("value"), given.pop("domain"), given.pop("path"), **given)


SENT = [
    ("host", {}, "http://example.org/x", True),
    ("below", {}, "http://a.b.example.org/", True),
    ("no label border, 5.1.3", {}, "http://badexample.org/", False),
    ("above", {"domain": "a.example.org"}, "http://example.org/", False),
    ("host-only", {"host_only": True}, "http://example.org/", True),
    ("host-only not below", {"host_only": True}, "http://a.example.org/", False),
    ("another port, 8.5", {}, "http://example.org:8080/", True),
    ("Secure over https", {"secure": True}, "https://example.org/", True),
    ("Secure not over http", {"secure": True}, "http://example.org/", False),
    ("expired", {"expires": NOW}, "http://example.org/", False),
    ("not yet expired", {"expires": NOW + 1}, "http://example.org/", True),
    ("path", {"path": "/a"}, "http://example.org/a?q", True),
    ("path below", {"path": "/a"}, "http://example.org/a/b", True),
    ("path by segments, 5.1.4", {"path": "/a"}, "http://example.org/ab", False),
    ("path with slash", {"path": "/a/"}, "http://example.org/a", False),
    ("for every host", {"domain": ""}, "http://elsewhere.example/", True),
    ("address is no domain", {"domain": "0.0.1"}, "http://127.0.0.1/", False),
    ("address", {"domain": "127.0.0.1", "host_only": True}, "http://127.0.0.1/", True),
]


@pytest.mark.parametrize(("parts", "url", "sent"), [row[1:] for row in SENT], ids=[row[0] for row in SENT])
def test_sent(parts, url, sent):
    assert matches(cookie(**parts), URL.parse(url), NOW) is sent


def test_order_of_the_field():
    """RFC 6265bis section 5.8.3: longest path first, then oldest."""
    cookies = [
        cookie(name="young", created=2.0),
        cookie(name="old", created=1.0),
        cookie(name="deep", path="/a", created=3.0),
        cookie(name="", value="bare", created=4.0),
    ]
    assert cookie_field(cookies) == "deep=b; old=b; young=b; bare"
    assert cookie_field([]) == ""


def test_size_of_the_field():
    field = cookie_field([cookie(name=f"n{index}", value="x" * 4000) for index in range(20)])
    assert FIELD_MAX - 4100 < len(field) <= FIELD_MAX


@pytest.mark.parametrize(
    ("path", "default"), [("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("//", "/"), ("/a/b/c", "/a/b")]
)
def test_default_path(path, default):
    """RFC 6265bis section 5.1.4."""
    assert default_path(path) == default
    assert path_matches(path, default)


def test_first_to_leave():
    used, unused, secure = cookie(created=2.0), cookie(created=1.0), cookie(created=0.0, secure=True)
    assert first_to_leave([used, secure, unused], 2) == [unused, used]


@pytest.mark.parametrize("domain", ["", ".", "..", "a..b", "\xff", "x" * 1024, "." * 1024, "\udc80"], ids=ascii)
def test_no_domain_breaks_the_list(domain):
    assert is_public_suffix(domain) in (True, False)


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(["a", "=", ";", "Domain", "Path", ".", "org", "example", "/", "__Host-", "Secure", "\xff"])
    ).map("".join)
)
def test_any_line_gives_a_cookie_or_a_refusal(line):
    url = URL.parse(HTTPS)
    made = accept(line, url, NOW)
    if isinstance(made, Cookie):
        assert made.domain in ("www.example.org", "example.org")
        assert made.path.startswith("/")
        assert ";" not in cookie_field([made])
    else:
        assert isinstance(made, Refusal)

"""What the keywords of a call mean."""

import http.cookiejar
import os
import pathlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._api.cookies import cookie_pairs, jar_from
from smartclient._api.options import (
    NOT_GIVEN,
    auth_from,
    cache_mode,
    checked_count,
    timeout_from,
    with_params,
)
from smartclient._api.tls import tls_from
from smartclient._model.errors import InvalidHeader, InvalidOption, RequestException
from smartclient._model.options import TLS, Timeout
from smartclient._model.url import URL
from smartclient._net.tls import context_for
from smartclient._rules.jar import Jar

NOW = 1_800_000_000.0
LONG = 2**31 // 1000

TIMEOUTS = [  # behaviour.md section 2: connect, read, write, pool, total
    pytest.param(NOT_GIVEN, (5, 30, 30, None, 300), id="nothing"),
    pytest.param(5, (5, 5, 5, None, 300), id="number"),
    pytest.param(0.5, (0.5, 0.5, 0.5, None, 300), id="float"),
    pytest.param(150, (150, 150, 150, None, 300), id="twice-is-300"),
    pytest.param(200, (200, 200, 200, None, 400), id="total-is-twice-the-read-limit"),
    pytest.param((3, 27), (3, 27, 27, None, 300), id="pair"),
    pytest.param([3, 27], (3, 27, 27, None, 300), id="list"),
    pytest.param((300, 3), (300, 3, 3, None, 300), id="the-read-limit-counts"),
    pytest.param((3, 600), (3, 600, 600, None, 1200), id="long-pair"),
    pytest.param((3, None), (3, None, None, None, None), id="none-lifts-that-and-the-total"),
    pytest.param((None, 27), (None, 27, 27, None, None), id="none-for-connect"),
    pytest.param((None, None), (None,) * 5, id="none-twice"),
    pytest.param(None, (None,) * 5, id="none"),
    pytest.param(float("inf"), (None,) * 5, id="inf"),
    pytest.param(0, (0, 0, 0, None, 300), id="zero"),
    pytest.param(10**400, (LONG, LONG, LONG, None, 2 * LONG), id="more-than-a-float"),
    pytest.param(Timeout(5, total=20), (5, 5, 5, None, 20), id="as-it-is"),
]


@pytest.mark.parametrize(("value", "expected"), TIMEOUTS)
def test_timeout(value, expected):
    timeout = timeout_from(value)
    assert (timeout.connect, timeout.read, timeout.write, timeout.pool, timeout.total) == expected


def test_only_a_total_that_was_asked_for_covers_streamed_bodies():
    assert not timeout_from(5).explicit_total
    assert not timeout_from((3, 27)).explicit_total
    assert timeout_from(Timeout(5, total=9)).explicit_total


@pytest.mark.parametrize("value", [(1,), (1, 2, 3), (), []], ids=repr)
def test_wrong_pair_says_so_as_requests_does(value):
    with pytest.raises(ValueError, match=r"\(connect, read\)"):
        timeout_from(value)


@pytest.mark.parametrize("value", [-1, "5", True, (1, "2"), {}, (1, -2), float("nan"), b"", object, Timeout], ids=repr)
def test_no_timeout(value):
    with pytest.raises(InvalidOption, match="timeout"):
        timeout_from(value)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.fractions(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=6,
)


@given(ANY)
def test_anything_is_a_timeout_or_our_error(value):
    try:
        timeout = timeout_from(value)
    except InvalidOption:
        return
    for limit in (timeout.connect, timeout.read, timeout.write):
        assert limit is None or 0 <= limit <= LONG
    assert timeout.total is None or timeout.total >= 300


# TLS


@pytest.fixture
def ca(tmp_path):
    path = tmp_path / "ca.pem"
    path.touch()
    return path


def test_tls(ca):
    path = str(ca)
    for verify, cert, expected in [
        (True, None, TLS()),
        (None, None, TLS()),
        (False, None, TLS(False)),
        (path, None, TLS(True, path)),
        (ca, None, TLS(True, path)),
        (os.fsencode(path), None, TLS(True, path)),
        (str(ca.parent), None, TLS(True, str(ca.parent))),
        (True, "/c.pem", TLS(cert="/c.pem")),
        (True, pathlib.PurePosixPath("/c.pem"), TLS(cert="/c.pem")),
        (False, ("/c.pem", "/k.pem"), TLS(False, cert=("/c.pem", "/k.pem"))),
        (True, ["/c.pem", b"/k.pem"], TLS(cert=("/c.pem", "/k.pem"))),
    ]:
        assert tls_from(verify, cert) == expected


@pytest.mark.parametrize("verify", [1, 0, 1.5, [], {}, object(), ("a", "b")], ids=repr)
def test_no_verify(verify):
    with pytest.raises(InvalidOption, match="verify"):
        tls_from(verify, None)


@pytest.mark.parametrize("verify", ["/no/such/file", "\0", "\ud800", b"\xff"], ids=repr)
def test_missing_bundle_is_told_as_requests_does(verify):
    with pytest.raises(OSError, match="Could not find a suitable TLS CA certificate bundle, invalid path"):
        context_for(tls_from(verify, None))


def test_no_path_is_no_bundle():
    with pytest.raises(OSError, match="Could not find a suitable TLS CA certificate bundle, invalid path"):
        tls_from("", None)


@pytest.mark.parametrize("cert", [5, True, (), ("a",), ("a", "b", "c"), ("a", 5), {"a": 1}], ids=repr)
def test_no_cert(cert):
    with pytest.raises(InvalidOption, match="cert"):
        tls_from(True, cert)


# Cookies


def stdlib_cookie(name, value, domain, path="/", secure=False, expires=None, specified=True):
    return http.cookiejar.Cookie(
        0, name, value, None, False, domain, specified, domain.startswith("."), path, True,
        secure, expires, False, None, None, {},
    )  # fmt: skip


@pytest.fixture
def browser():
    """A jar such as programs copy from a browser: with the cookies of every site."""
    jar = http.cookiejar.CookieJar()
    for cookie in (
        stdlib_cookie("mine", "1", "h.example", specified=False),
        stdlib_cookie("domain", "2", ".example"),
        stdlib_cookie("path", "3", "h.example", "/deep"),
        stdlib_cookie("secure", "4", "h.example", secure=True),
        stdlib_cookie("old", "5", "h.example", expires=int(NOW) - 1),
        stdlib_cookie("bank", "6", "bank.example", specified=False),
        stdlib_cookie("parent", "7", "example", specified=False),
        stdlib_cookie("bad\r\n", "8", "evil.example"),
        stdlib_cookie("empty", None, ".h.example"),
    ):
        jar.set_cookie(cookie)
    return jar


def names_for(cookies, url):
    return {name for name, _ in cookie_pairs(cookies, URL.parse(url), NOW)}


def test_a_jar_gives_only_what_belongs_to_the_url(browser):
    assert names_for(browser, "http://h.example/") == {"mine", "domain", "empty"}
    assert names_for(browser, "https://h.example/deep/er") == {"mine", "domain", "empty", "path", "secure"}
    assert names_for(browser, "http://sub.h.example/") == {"domain", "empty"}
    assert names_for(browser, "http://other.test/") == set()


def test_our_own_jar_too():
    jar = Jar(threading.Lock())
    jar.set("everywhere", "1")
    jar.set("mine", "2", domain="h.example")
    jar.set("other", "3", domain="other.example")
    assert names_for(jar, "http://h.example/") == {"everywhere", "mine"}


PAIRS = [
    pytest.param({"a": "1", "b": "2"}, (("a", "1"), ("b", "2")), id="mapping"),
    pytest.param([("a", "1"), ("a", "2")], (("a", "1"), ("a", "2")), id="pairs"),
    pytest.param((pair for pair in [("a", "1")]), (("a", "1"),), id="generator"),
    pytest.param({"a": 1}, (("a", "1"),), id="int"),
    pytest.param({"a": None, "b": "1"}, (("b", "1"),), id="none-is-left-out"),
    pytest.param({"a": "b=c"}, (("a", "b=c"),), id="equals-in-the-value"),
    pytest.param({}, (), id="empty"),
]


@pytest.mark.parametrize(("cookies", "expected"), PAIRS)
def test_cookie_pairs(cookies, expected):
    assert cookie_pairs(cookies, URL.parse("http://h.example/"), NOW) == expected


@pytest.mark.parametrize("cookies", [5, True, "a=1", [5], [("a",)], [("a", "b", "c")], object()], ids=repr)
def test_no_cookies(cookies):
    for read in (lambda: cookie_pairs(cookies, URL.parse("http://h.example/"), NOW), lambda: jar_from(cookies, "")):
        with pytest.raises(InvalidOption, match="cookies"):
            read()


INJECTED = [{"a": "1; b=2"}, {"a\r\nX: ": "1"}, {"a": "1\r\n"}, {"": "1"}, {"a=b": "1"}, {"a": "€"}]


@pytest.mark.parametrize("cookies", INJECTED, ids=repr)
def test_cookies_that_would_be_more(cookies):
    for read in (lambda: cookie_pairs(cookies, URL.parse("http://h.example/"), NOW), lambda: jar_from(cookies, "")):
        with pytest.raises(InvalidHeader, match="cookie"):
            read()


def test_jar_of_a_session(browser):
    assert jar_from(None, "") is None
    assert len(jar_from((), "")) == 0
    own = Jar(threading.Lock())
    assert jar_from(own, "") is own
    del browser._cookies["evil.example"]
    copied = jar_from(browser, "")
    assert sorted(copied.field_for(URL.parse("http://h.example/"), NOW).split("; ")) == ["domain=2", "empty=", "mine=1"]
    assert copied.field_for(URL.parse("http://other.test/"), NOW) is None


@given(ANY | st.dictionaries(ANY.filter(lambda key: not isinstance(key, list | dict | tuple)), ANY))
def test_anything_is_cookies_or_our_error(value):
    try:
        pairs = cookie_pairs(value or (), URL.parse("http://h.example/"), NOW)
    except RequestException:
        return
    assert not any(set("\r\n;\0") & set(name + text) for name, text in pairs)


# The rest


@pytest.mark.parametrize("value", [("u", "p"), ["u", "p"], (b"u", "p"), ("", "")], ids=repr)
def test_auth(value):
    assert auth_from(value) == tuple(value)


@pytest.mark.parametrize("value", ["up", "u:p", 5, True, (), ("u",), ("u", ["p"]), {"u": "p"}], ids=repr)
def test_no_auth(value):
    with pytest.raises(InvalidOption, match="auth") as caught:
        auth_from(value)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize("value", [("u", None), (42, 42), [None, b"p"]], ids=repr)
def test_auth_of_numbers_and_none_is_their_text(value):
    with pytest.warns(DeprecationWarning, match="no text"):
        assert [str(part) for part in auth_from(value)] == [str(part) for part in value]


def test_nobody():
    assert auth_from(None) is None


CACHE = [(NOT_GIVEN, "default"), (True, "default"), (None, None), (False, None)]


@pytest.mark.parametrize(("value", "mode"), [*CACHE, *[(name, name) for name in ("default", "refresh", "only")]])
def test_cache(value, mode):
    assert cache_mode(value) == mode


@pytest.mark.parametrize("value", ["", "off", 1, 0, [], {}, object()], ids=repr)
def test_no_cache_mode(value):
    with pytest.raises(InvalidOption, match="cache"):
        cache_mode(value)


@pytest.mark.parametrize("value", [0, 1, 10**5000], ids=["0", "1", "huge"])
def test_counts(value):
    assert checked_count("retries", value) == value


@pytest.mark.parametrize("value", [-1, 1.0, "1", True, None, [], -(10**5000)], ids=lambda value: str(type(value)))
def test_no_counts(value):
    with pytest.raises(InvalidOption, match="retries must be a whole number"):
        checked_count("retries", value)


PARAMS = [  # session, call, query
    pytest.param(None, None, None, id="none"),
    pytest.param({"a": 1}, None, "a=1", id="session"),
    pytest.param(None, {"a": 1}, "a=1", id="call"),
    pytest.param({"a": 1, "b": 2}, {"b": 3, "c": 4}, "a=1&b=3&c=4", id="the-call-wins"),
    pytest.param({"a": 1, "b": 2}, {"a": None}, "b=2", id="none-removes"),
    pytest.param({"a": [1, 2]}, {"b": [3, 4]}, "a=1&a=2&b=3&b=4", id="lists-repeat"),
    pytest.param({"a": 1}, "b=2", "a=1&b=2", id="text-is-appended"),
    pytest.param({"a": 1}, [("a", 2)], "a=2", id="pairs-win-too"),
    pytest.param("a=1", {"a": 2}, "a=1&a=2", id="text-of-the-session"),
]


@pytest.mark.parametrize(("session", "call", "query"), PARAMS)
def test_params(session, call, query):
    assert with_params(URL.parse("http://h.example/"), session, call, "repeat").query == query

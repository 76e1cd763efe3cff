"""URLs: what is read, what is refused, what is shown. Rows name their source."""

import copy
import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smartclient._model.errors import (
    InvalidOption,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    RequestException,
)
from smartclient._model.url import URL, Origin

PIECES = """http: https: // / h.example @ : 80 [::1] [ ] % %2e %zz . .. ? # é
\u3002 \udc80 \\ xn-- ß %25eth0 \U0001f600 \uff10"""
urlish = st.lists(st.sampled_from([*PIECES.split(), " ", "\t", "\x00", "a" * 70]), max_size=12).map("".join)

TEXTS = [
    ("root path, requests", "http://h", "http://h/"),
    ("scheme and host case, RFC 3986 6.2.2.1", "HTTP://Example.ORG/A", "http://example.org/A"),
    ("white space around, requests", " \t http://h/a \r\n", "http://h/a"),
    ("other white space at the end is escaped, requests", "http://h/a\u2028", "http://h/a%E2%80%A8"),
    ("explicit default port kept, requests", "http://h:80/", "http://h:80/"),
    ("zeros of the port, urllib3", "http://h:0080/", "http://h:80/"),
    ("empty port, RFC 3986 3.2.3", "http://h:/", "http://h/"),
    ("illegal characters escaped, requests", 'http://h/a b"<>^`{|}', "http://h/a%20b%22%3C%3E%5E%60%7B%7C%7D"),
    ("8-bit escaped as UTF-8, RFC 3987 3.1", "http://h/é?é#é", "http://h/%C3%A9?%C3%A9#%C3%A9"),
    ("escapes kept, upper case, RFC 3986 6.2.2.1", "http://h/%2f%20?%2f", "http://h/%2F%20?%2F"),
    ("unreserved unescaped, RFC 3986 6.2.2.2", "http://h/%41%7e?%2D", "http://h/A~?-"),
    ("a lone percent means no escapes, urllib3", "http://h/100%/%20", "http://h/100%25/%2520"),
    ("dot segments, RFC 3986 5.2.4", "http://h/a/./b/../../c/..", "http://h/"),
    ("escaped dot segments, RFC 3986 6.2.2.3", "http://h/a/%2E%2e/b", "http://h/b"),
    ("empty segments stay", "http://h//a//b/", "http://h//a//b/"),
    ("empty query and fragment, requests", "http://h/?#", "http://h/"),
    ("query without path", "http://h?a=/b?c", "http://h/?a=/b?c"),
    ("backslash in the query only", "http://h/?a\\b", "http://h/?a%5Cb"),
    ("userinfo kept in the text, requests", "http://u:p%40@h/", "http://u:p%40@h/"),
    ("last @ ends the userinfo, WHATWG", "http://a@b@h/", "http://a%40b@h/"),
    ("empty userinfo", "http://@h/", "http://h/"),
    ("IPv6, RFC 3986 3.2.2", "http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"),
    ("zone, RFC 6874", "http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/"),
    ("zone as people write it", "http://[fe80::1%eth0]/", "http://[fe80::1%25eth0]/"),
    ("dotted quad", "http://127.0.0.1/", "http://127.0.0.1/"),
    ("octal is not read, CVE-2021-29923", "http://0177.0.0.1/", "http://0177.0.0.1/"),
    ("underscore", "http://a_b.example/", "http://a_b.example/"),
    ("root dot", "http://example.org./", "http://example.org./"),
    ("IDNA, RFC 5891", "http://Bücher.example/", "http://xn--bcher-kva.example/"),
    ("ideographic full stop, UTS 46", "http://bücher。example/", "http://xn--bcher-kva.example/"),
    ("bytes, requests", b"http://h/\xc3\xa9", "http://h/%C3%A9"),
]


@pytest.mark.parametrize(("given_text", "text"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_text(given_text, text):
    assert str(URL.parse(given_text)) == text


REFUSED = [
    ("no scheme", "x", MissingSchema, "Invalid URL 'x': No scheme supplied. Perhaps you meant https://x?"),
    ("empty", "", MissingSchema, "Invalid URL '': No scheme supplied. Perhaps you meant https://?"),
    (
        "network path",
        "//h/x",
        MissingSchema,
        "Invalid URL '//h/x': No scheme supplied. Perhaps you meant https:////h/x?",
    ),
    ("dotted host and port", "http.example:80", MissingSchema, None),
    ("another scheme", "ftp://h/x", InvalidSchema, "No connection adapters were found for 'ftp://h/x'"),
    ("its secrets", "ftp://u:pw@h/x?q#f", InvalidSchema, "No connection adapters were found for 'ftp://***@h/x'"),
    (
        "host and port, requests",
        "localhost:8080",
        InvalidSchema,
        "No connection adapters were found for 'localhost:8080'",
    ),
    ("javascript", "javascript:alert(1)", InvalidSchema, None),
    ("nearly http", "httpx://h/", InvalidSchema, None),
    ("no host", "http://", InvalidURL, "Invalid URL 'http://': No host supplied"),
    ("no authority", "http:/h/", InvalidURL, "Invalid URL 'http:/h/': No host supplied"),
    ("port without host", "http://:80/", InvalidURL, None),
    ("userinfo without host", "http://u@/", InvalidURL, None),
    ("star, requests", "http://*.example/", InvalidURL, "URL has an invalid label."),
    ("leading dot, requests", "http://.example/", InvalidURL, "URL has an invalid label."),
    ("empty label", "http://a..example/", InvalidURL, None),
    ("long label, RFC 1035 2.3.4", f"http://{'a' * 64}.example/", InvalidURL, None),
    ("long host, RFC 1035 2.3.4", f"http://{'a.' * 127}b/", InvalidURL, None),
    ("long 8-bit host", f"http://{'ü.' * 200}b/", InvalidURL, None),
    ("escaped host", "http://%65xample.org/", InvalidURL, None),
    ("label that IDNA refuses", "http://a\u200db.example/", InvalidURL, "URL has an invalid label."),
    ("slash look-alike", "http://a\u2044b.example/", InvalidURL, None),
    ("surrogate in the host", "http://\udc80.example/", InvalidURL, None),
    ("space in the host", "http://a b/", InvalidURL, None),
    ("space in the userinfo", "http://a b@h/", InvalidURL, None),
    ("backslash in the authority, WHATWG", "http://good\\@evil/", InvalidURL, None),
    ("backslash in the path, WHATWG", "http://h/a\\b", InvalidURL, None),
    ("backslashes for slashes", "http:\\\\h\\", InvalidURL, None),
    ("line feed, CVE-2019-9740", "http://h/a\nb", InvalidURL, None),
    ("tab, WHATWG", "http://h\t/", InvalidURL, None),
    ("null", "http://h/\x00", InvalidURL, None),
    ("delete", "http://h/\x7f", InvalidURL, None),
    ("port of letters", "http://h:x/", InvalidURL, None),
    ("port of foreign digits", "http://h:\uff18\uff10/", InvalidURL, None),
    ("port too great", "http://h:65536/", InvalidURL, None),
    ("port far too great", f"http://h:{'9' * 5000}/", InvalidURL, None),
    ("signed port", "http://h:+80/", InvalidURL, None),
    ("two ports", "http://h:80:80/", InvalidURL, None),
    ("bare IPv6", "http://::1/", InvalidURL, None),
    ("bad IPv6", "http://[::12345]/", InvalidURL, None),
    ("open bracket", "http://[::1/", InvalidURL, None),
    ("text after the bracket", "http://[::1]x/", InvalidURL, None),
    ("future IP literal", "http://[v1.x]/", InvalidURL, None),
    ("odd zone", "http://[fe80::1%25a/b]/", InvalidURL, None),
    ("bytes that are no UTF-8", b"http://h/\xff", InvalidURL, None),
]


@pytest.mark.parametrize(("text", "error", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(text, error, message):
    with pytest.raises(error) as caught:
        URL.parse(text)
    assert message is None or str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "http://user:pa55@h:99999/",
        "http://user:pa55#word@h:x/",
        "http://user:pa55?x@h:x/",
        "http://user:pa55/x@h\\/",
        "user:pa55@h/",
        "http:/user:pa55@h/",
        "//user:pa55@h/",
        "http://h:x/?token=pa55",
        "http://h:x/#pa55",
    ],
)
def test_errors_tell_no_secret(text):
    with pytest.raises(RequestException) as caught:
        URL.parse(text)
    assert "pa55" not in str(caught.value)


def test_error_text_is_escaped_and_cut():
    with pytest.raises(InvalidURL) as caught:
        URL.parse("http://h\x1b[31m/" + "é" * 1000)
    assert str(caught.value).isascii()
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_parts():
    url = URL.parse("https://us%65r:p%3A%20w@Example.org:8443/a%20b?q=1#frag")
    assert (url.scheme, url.host, url.connect_host, url.port) == ("https", "example.org", "example.org", 8443)
    assert url.origin == Origin("https", "example.org", 8443)
    assert url.host_field == "example.org:8443"
    assert (url.path, url.query, url.target, url.fragment) == ("/a%20b", "q=1", "/a%20b?q=1", "frag")
    assert url.userinfo == ("user", "p: w")
    assert url.raw_userinfo == "user:p%3A%20w"
    assert url.safe == "https://example.org:8443/a%20b"
    assert url.without_fragment == "https://example.org:8443/a%20b?q=1"
    assert repr(url) == "URL('https://example.org:8443/a%20b')"


def test_parts_that_are_absent():
    url = URL.parse("http://h")
    assert (url.path, url.query, url.target, url.fragment, url.userinfo) == ("/", None, "/", "", None)
    assert URL.parse("http://user@h").userinfo == ("user", "")


@pytest.mark.parametrize(
    ("text", "host_field", "origin"),
    [
        ("http://h:80/", "h", "http://h"),
        ("https://h:443/", "h", "https://h"),
        ("http://h:443/", "h:443", "http://h:443"),
        ("https://h:80/", "h:80", "https://h:80"),
        ("http://[::1]/", "[::1]", "http://[::1]"),
        ("https://[fe80::1%25eth0]:1/", "[fe80::1]:1", "https://[fe80::1%25eth0]:1"),
    ],
)
def test_host_field_and_origin(text, host_field, origin):
    assert URL.parse(text).host_field == host_field
    assert str(URL.parse(text).origin) == origin


def test_zones_are_different_peers_and_stay_home():
    first, second = URL.parse("http://[fe80::1%25eth0]/"), URL.parse("http://[fe80::1%25eth1]/")
    assert first.origin != second.origin
    assert first.connect_host == "fe80::1%eth0"
    assert first.host == second.host == "fe80::1"
    assert "eth0" not in first.host_field + first.target


@pytest.mark.parametrize(
    ("host", "is_address"),
    [
        ("[::1]", True),
        ("1.2.3.4", True),
        ("1.2.3.4.", True),
        ("127.1", True),
        ("0x7f.1", True),
        ("2130706433", True),
        ("h", False),
        ("1.example", False),
        ("example.org.", False),
        ("0xg", False),
    ],
)
def test_is_address(host, is_address):
    assert URL.parse(f"http://{host}/").is_address is is_address


JOINED = [  # base http://a/b/c/d;p?q: RFC 3986 section 5.4.1 and 5.4.2
    ("g", "http://a/b/c/g"),
    ("./g", "http://a/b/c/g"),
    ("g/", "http://a/b/c/g/"),
    ("/g", "http://a/g"),
    ("//g", "http://g/"),
    ("?y", "http://a/b/c/d;p?y"),
    ("g?y", "http://a/b/c/g?y"),
    ("#s", "http://a/b/c/d;p?q#s"),
    ("g#s", "http://a/b/c/g#s"),
    (";x", "http://a/b/c/;x"),
    ("", "http://a/b/c/d;p?q"),
    (".", "http://a/b/c/"),
    ("..", "http://a/b/"),
    ("../..", "http://a/"),
    ("../../g", "http://a/g"),
    ("../../../g", "http://a/g"),
    ("/./g", "http://a/g"),
    ("g.", "http://a/b/c/g."),
    ("..g", "http://a/b/c/..g"),
    ("./g/.", "http://a/b/c/g/"),
    ("g;x=1/../y", "http://a/b/c/y"),
    ("g?y/../x", "http://a/b/c/g?y/../x"),
    ("https://h/x#f", "https://h/x#f"),
    ("50%", "http://a/b/c/50%25"),
    ("/é b", "http://a/%C3%A9%20b"),
    ("/..//evil", "http://a//evil"),
]


@pytest.mark.parametrize(("reference", "text"), JOINED)
def test_join(reference, text):
    assert str(URL.parse("http://a/b/c/d;p?q").join(reference)) == text


def test_join_leaves_the_escapes_of_the_base_alone():
    assert str(URL.parse("http://u:p@a/b%20c/d").join("50%")) == "http://u:p@a/b%20c/50%25"


@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("http:g", InvalidURL),  # strict, RFC 3986 section 5.4.2
        ("ftp://h/", InvalidSchema),
        ("mailto:a", InvalidSchema),
        ("/\\evil", InvalidURL),
        ("\\\\evil", InvalidURL),
        ("//", InvalidURL),
        ("///x", InvalidURL),
        ("/a\nb", InvalidURL),
    ],
)
def test_join_refuses(reference, error):
    with pytest.raises(error):
        URL.parse("http://a/b").join(reference)


PARAMS = [  # as requests writes them
    ("nothing", None, ""),
    ("empty mapping", {}, ""),
    ("mapping", {"a": "1", "b": 2, "c": True}, "a=1&b=2&c=True"),
    ("pairs", [("a", "1"), ("a", "2")], "a=1&a=2"),
    ("list values repeat", {"a": ["1", 2, None]}, "a=1&a=2"),
    ("None is skipped", {"a": None, "b": ""}, "b="),
    ("form encoding", {"a b": "ü&=#/+?"}, "a+b=%C3%BC%26%3D%23%2F%2B%3F"),
    ("bytes", {b"a": b"\xff"}, "a=%FF"),
    ("surrogate", {"a": "\udc80"}, "a=%ED%B2%80"),
    ("text", "a=1&b=x y%20#", "a=1&b=x%20y%20%23"),
    ("bytes text", b"a=\xc3\xa9", "a=%C3%A9"),
    ("bytes that are no UTF-8", b"a=\xff", "a=%FF"),
]


@pytest.mark.parametrize(("params", "query"), [row[1:] for row in PARAMS], ids=[row[0] for row in PARAMS])
def test_params(params, query):
    assert URL.parse("http://h/p#f").with_params(params).query == (query or None)
    assert str(URL.parse("http://h/p?x=1#f").with_params(params)) == f"http://h/p?x=1{'&' if query else ''}{query}#f"


@pytest.mark.parametrize("params", [5, [1, 2], ["abc"], [("a", "b", "c")], "a\r\nb", b"\x00"], ids=repr)
def test_params_refused(params):
    with pytest.raises(InvalidOption):
        URL.parse("http://h/").with_params(params)


def test_copies_with_other_parts():
    url = URL.parse("http://u:p@h:81/p?q#f")
    assert str(url.with_fragment("a b")) == "http://u:p@h:81/p?q#a%20b"
    assert str(url.with_fragment("")) == "http://u:p@h:81/p?q"
    assert str(url.with_userinfo("")) == "http://h:81/p?q#f"
    assert url.with_userinfo("u:p") is url


def test_value_semantics():
    first, second = URL.parse("http://H/"), URL.parse("http://h")
    assert first == second
    assert hash(first) == hash(second)
    assert first != "http://h/"
    assert copy.deepcopy(first) == pickle.loads(pickle.dumps(first)) == first
    assert URL.parse(first) is first
    with pytest.raises(AttributeError):
        first.path = "/x"
    with pytest.raises(AttributeError):
        del first.path


def test_objects_are_read_at_each_call():
    class Changing:
        text = "http://h/1"

        def __str__(self):
            return self.text

    changing = Changing()
    assert URL.parse(changing).path == "/1"
    changing.text = "http://h/2"
    assert URL.parse(changing).path == "/2"


@given(urlish | st.text(max_size=40) | st.text(max_size=40).map("http://".__add__) | st.binary(max_size=40))
@example("http://[fe80::1%25]/")
@example("http://h/%%341")
@example("http://xn--/")
def test_any_text_gives_a_url_or_our_error(text):
    try:
        url = URL.parse(text)
    except RequestException:
        return
    assert str(url).isascii()
    assert not set("\r\n \\") & set(url.target + url.host_field)
    assert URL.parse(str(url)) == url
    assert str(URL.parse(str(url))) == str(url)
    assert URL.parse(url.without_fragment).without_fragment == url.without_fragment


@given(urlish | st.text(max_size=40))
def test_any_reference_gives_a_url_or_our_error(reference):
    base = URL.parse("https://user:pw@example.org/a/b?c#d")
    try:
        joined = base.join(reference)
    except RequestException:
        return
    assert URL.parse(str(joined)) == joined
    assert joined.path.startswith("/")


@given(st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=8) | st.integers() | st.binary(max_size=8)))
def test_any_params_stay_in_the_query(params):
    url = URL.parse("http://h/p").with_params(params)
    assert url.without_fragment == str(url)
    assert URL.parse(str(url)) == url


def test_agrees_with_requests():
    requests = pytest.importorskip("requests")
    for tail in ("", "a b", "%7e%2f?%41", "x?y=é&z=[1]#f r", "a;b,c/../d?'\"", "%zz", "a//b/./c/", "?a|b", "{x}^`~"):
        text = f"HTTP://u:p@H.example:8080/{tail}"
        assert str(URL.parse(text)) == requests.Request("GET", text).prepare().url

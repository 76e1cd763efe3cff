"""Which proxy serves a URL: keys, environment, NO_PROXY."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.errors import InvalidProxyURL
from smartclient._model.proxy import Environment, Proxies, Proxy, parse_proxy
from smartclient._model.url import URL
from smartclient._rules.proxy import bypasses, environment_from, proxy_for

NO_PROXY = [
    # no_proxy, URL, reached without a proxy
    pytest.param("", "http://a.example/", False, id="empty"),
    pytest.param("*", "http://a.example/", True, id="everything"),
    pytest.param("b.example, *", "http://a.example/", True, id="everything-in-a-list"),
    pytest.param("a.example", "http://a.example/", True, id="name"),
    pytest.param("A.Example", "http://a.eXAMPLE/", True, id="name-any-case"),
    pytest.param("example", "http://a.example/", True, id="name-below"),
    pytest.param("a.example", "http://example/", False, id="name-above"),
    pytest.param("ample", "http://a.example/", False, id="not-at-a-label-border"),
    pytest.param("a.example", "http://aXa.example/", False, id="longer-label"),
    pytest.param(".example", "http://a.example/", True, id="leading-dot-below"),
    pytest.param(".a.example", "http://a.example/", True, id="leading-dot-itself"),
    pytest.param("*.example", "http://a.example/", True, id="star-and-dot"),
    pytest.param("a.example.", "http://a.example/", True, id="root-dot-in-the-list"),
    pytest.param("a.example", "http://a.example./", True, id="root-dot-in-the-url"),
    pytest.param("localhost", "http://localhost./", True, id="localhost-with-root-dot"),
    pytest.param("localhost", "http://127.0.0.1/", False, id="localhost-is-a-name"),
    pytest.param("x,a.example", "http://a.example/", True, id="commas"),
    pytest.param("x  a.example\ty", "http://a.example/", True, id="spaces"),
    pytest.param(" , ,a.example,", "http://a.example/", True, id="empty-members"),
    pytest.param("a.example:80", "http://a.example/", True, id="port-implied"),
    pytest.param("a.example:443", "https://a.example/", True, id="port-implied-https"),
    pytest.param("a.example:8080", "http://a.example/", False, id="other-port"),
    pytest.param("a.example:8080", "http://b.a.example:8080/", True, id="port-and-name-below"),
    pytest.param("a.example:808000", "http://a.example/", False, id="port-that-is-none"),
    pytest.param("a:b:c", "http://a/", False, id="nonsense"),
    pytest.param("127.0.0.1", "http://127.0.0.1:99/", True, id="ipv4"),
    pytest.param("127.0.0.1", "http://127.0.0.1./", True, id="ipv4-with-root-dot"),
    pytest.param("127.0.0.1:99", "http://127.0.0.1:99/", True, id="ipv4-port"),
    pytest.param("127.0.0.1:99", "http://127.0.0.1/", False, id="ipv4-other-port"),
    pytest.param("0.0.1", "http://127.0.0.1/", False, id="an-address-has-no-labels"),
    pytest.param("10.0.0.0/8", "http://10.255.1.2/", True, id="cidr"),
    pytest.param("10.1.2.3/8", "http://10.255.1.2/", True, id="cidr-with-host-bits"),
    pytest.param("10.0.0.0/8", "http://11.0.0.1/", False, id="cidr-outside"),
    pytest.param("10.0.0.0/8:8080", "http://10.0.0.1:8080/", True, id="cidr-port"),
    pytest.param("10.0.0.0/8", "http://10.example/", False, id="cidr-is-for-addresses"),
    pytest.param("10.0.0.0/33", "http://10.0.0.1/", False, id="cidr-that-is-none"),
    pytest.param("::1", "http://[::1]/", True, id="ipv6"),
    pytest.param("[::1]", "http://[::1]/", True, id="ipv6-in-brackets"),
    pytest.param("[::1]:99", "http://[::1]:99/", True, id="ipv6-port"),
    pytest.param("[::1]:99", "http://[::1]/", False, id="ipv6-other-port"),
    pytest.param("0:0:0:0:0:0:0:1", "http://[::1]/", True, id="ipv6-spelt-out"),
    pytest.param("fe80::1%eth0", "http://[fe80::1%25eth0]/", True, id="ipv6-zone"),
    pytest.param("fe80::/10", "http://[fe80::1]/", True, id="ipv6-cidr"),
    pytest.param("::/0", "http://10.0.0.1/", True, id="ipv6-everything-has-the-mapped"),
    pytest.param("127.0.0.1", "http://[::ffff:127.0.0.1]/", True, id="mapped-url"),
    pytest.param("::ffff:127.0.0.1", "http://127.0.0.1/", True, id="mapped-entry"),
    pytest.param("10.0.0.0/8", "http://[::ffff:a01:203]/", True, id="mapped-url-in-a-cidr"),
    pytest.param("::ffff:10.0.0.0/104", "http://10.1.2.3/", True, id="mapped-cidr"),
    pytest.param("::ffff:10.0.0.0/104", "http://11.1.2.3/", False, id="mapped-cidr-outside"),
]


@pytest.mark.parametrize(("no_proxy", "url", "direct"), NO_PROXY)
def test_no_proxy(no_proxy, url, direct):
    assert bypasses(no_proxy, URL.parse(url)) is direct
    environment = Environment("http://p:1", "http://p:1", "", no_proxy)
    assert (proxy_for(Proxies(environment=environment), URL.parse(url)) is None) is direct
    given = Proxies((("all", Proxy("http", "p", 1)),), no_proxy)
    assert (proxy_for(given, URL.parse(url)) is None) is direct


def name(proxy):
    return proxy and str(proxy)


ENVIRONMENTS = [
    pytest.param({}, None, id="empty"),
    pytest.param({"no_proxy": "*"}, None, id="no-proxy-alone"),
    pytest.param({"http_proxy": "a"}, Environment("a"), id="lower"),
    pytest.param({"HTTP_PROXY": "a"}, Environment("a"), id="upper"),
    pytest.param({"HTTP_PROXY": "a", "REQUEST_METHOD": "GET"}, None, id="cgi"),
    pytest.param({"http_proxy": "a", "REQUEST_METHOD": "GET"}, Environment("a"), id="cgi-lower"),
    pytest.param({"HTTPS_PROXY": "a", "REQUEST_METHOD": "GET"}, Environment(https="a"), id="cgi-https"),
    pytest.param({"https_proxy": "a", "HTTPS_PROXY": "b"}, Environment(https="a"), id="lower-first"),
    pytest.param({"https_proxy": "", "HTTPS_PROXY": "b"}, None, id="empty-lower-counts"),
    pytest.param({"ALL_PROXY": " a ", "NO_PROXY": "x"}, Environment(all="a", no_proxy="x"), id="all"),
]


@pytest.mark.parametrize(("variables", "environment"), ENVIRONMENTS)
def test_environment(variables, environment):
    assert environment_from(variables) == environment


def proxies(*given, **environment):
    return Proxies(
        tuple((key, value and parse_proxy(value)) for key, value in given),
        environment=Environment(**environment) if environment else None,
    )


CHOICES = [
    pytest.param(proxies(("http", "a")), "http://a:80", id="scheme"),
    pytest.param(proxies(("https", "a")), None, id="other-scheme"),
    pytest.param(proxies(("all", "a")), "http://a:80", id="all"),
    pytest.param(proxies(("all", "a"), ("http", "b")), "http://b:80", id="scheme-before-all"),
    pytest.param(proxies(("all://h.example", "a"), ("http", "b")), "http://b:80", id="scheme-before-host-of-all"),
    pytest.param(proxies(("all://h.example", "a"), ("all", "b")), "http://a:80", id="host-of-all"),
    pytest.param(proxies(("http", "b"), ("http://h.example", "a")), "http://a:80", id="host-first"),
    pytest.param(proxies(("http://other.example", "a")), None, id="other-host"),
    pytest.param(proxies(("http://h.example", None), ("http", "b")), None, id="direct-host"),
    pytest.param(proxies(("http", "a"), http="b"), "http://a:80", id="given-beats-environment"),
    pytest.param(proxies(("http", None), http="b"), None, id="direct-beats-environment"),
    pytest.param(proxies(("https", "a"), http="b"), "http://b:80", id="environment-fills-in"),
    pytest.param(proxies(http="b", all="c"), "http://b:80", id="environment-scheme-before-all"),
    pytest.param(proxies(https="b", all="c"), "http://c:80", id="environment-all"),
    pytest.param(proxies(https="b"), None, id="environment-other-scheme"),
]


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_choice(choice, expected):
    assert name(proxy_for(choice, URL.parse("http://h.example:8080/path"))) == expected


def test_authorization_is_for_proxies_without_a_password():
    given = proxies(("http", "a"), ("https", "u:p@b"))._replace(authorization="Basic x")
    plain, own = (proxy_for(given, URL.parse(url)) for url in ("http://h/", "https://h/"))
    assert (plain.authorization, own.authorization, own.auth) == ("Basic x", None, ("u", "p"))


PROXY_URLS = [
    pytest.param("p.example", Proxy("http", "p.example", 80), id="bare"),
    pytest.param("p.example:3128", Proxy("http", "p.example", 3128), id="bare-port"),
    pytest.param(" http://P.Example:3128/ ", Proxy("http", "p.example", 3128), id="case-and-space"),
    pytest.param("https://p", Proxy("https", "p", 443), id="https"),
    pytest.param("HTTPS://p:80", Proxy("https", "p", 80), id="https-on-80"),
    pytest.param("socks5://p", Proxy("socks5", "p", 1080), id="socks5"),
    pytest.param("socks5h://p:80", Proxy("socks5h", "p", 80), id="socks5h-on-80"),
    pytest.param(b"http://[::1]:8", Proxy("http", "::1", 8), id="ipv6-bytes"),
    pytest.param("http://u%40x:p%3A%25@p", Proxy("http", "p", 80, ("u@x", "p:%")), id="userinfo"),
    pytest.param("u@p:1", Proxy("http", "p", 1, ("u", "")), id="user-alone"),
]


@pytest.mark.parametrize(("text", "proxy"), PROXY_URLS)
def test_proxy_url(text, proxy):
    assert parse_proxy(text) == proxy
    assert parse_proxy(str(proxy)) == proxy._replace(auth=None)


def test_secrets_are_not_shown():
    proxy = parse_proxy("http://user:hunter2@p")._replace(authorization="Basic hunter2")
    everything = Proxies((("all", proxy),), "", Environment("http://user:hunter2@p"), "Basic hunter2")
    assert "hunter2" not in repr((proxy, str(proxy), everything, everything.environment))


@pytest.mark.parametrize(
    "text",
    ["http://u:hunter2@", "http://u:hunter2@p:x", "nope://u:hunter2@p", "http://u:hunter2@a b", "u:hunter2@p\n/"],
)
def test_bad_proxy_url(text):
    with pytest.raises(InvalidProxyURL) as caught:
        parse_proxy(text)
    assert "hunter2" not in str(caught.value)


ENTRIES = st.text("*.a:1/[]%,f- ", max_size=12) | st.text(max_size=12)


@given(ENTRIES, st.sampled_from(["http://a.a:1/", "http://1.1.1.1/", "https://[f::1]:1/", "http://[::ffff:1.1.1.1]/"]))
def test_any_no_proxy_is_an_answer(no_proxy, url):
    assert bypasses(no_proxy, URL.parse(url)) in (True, False)


@given(st.builds("{}{}".format, st.sampled_from(["", "http://", "socks5://u:p@", "HTTPS://"]), ENTRIES) | st.text())
def test_any_text_is_a_proxy_or_our_error(text):
    try:
        proxy = parse_proxy(text)
    except InvalidProxyURL:
        return
    assert parse_proxy(str(proxy)) == proxy._replace(auth=None)

"""Keys, partitions and Vary (RFC 9111 sections 2, 4.1 and 7)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._model.options import TLS, Options, OwnContext, Reach
from smartclient._model.proxy import parse_proxy
from smartclient._model.request import Request
from smartclient._model.stored import Stored
from smartclient._model.url import URL
from smartclient._rules.selection import keys_of, matches, normalised, select, selecting_values

URI = "https://h.example/a?b=1"
SALT = b"0123456789abcdef"
EMPTY = (URI, b"")


def request(*lines: tuple[str, str], url: str = URI, tls: TLS | None = None, reach: Reach | None = None) -> Request:
    options = Options(reach=reach) if tls is None else Options(tls=tls, reach=reach)
    return Request("GET", URL.parse(url), Fields(lines), options=options)


def stored(*, date: float, partition: bytes = b"", vary: tuple[tuple[str, str | None], ...] = ()) -> Stored:
    return Stored(
        key=(URI, partition),
        status=200,
        reason="OK",
        fields=Fields(),
        body=b"",
        vary=vary,
        sent_at=0.0,
        received_at=date,
        date=date,
        initial_age=0.0,
        fresh_until=1e10,
        must_revalidate=False,
        immutable=False,
        etag=None,
        last_modified=None,
    )


@pytest.mark.parametrize(
    "plain",
    [
        pytest.param(request(), id="nothing"),
        pytest.param(request(("Accept", "*/*"), ("Cache-Control", "no-cache")), id="other fields"),
        pytest.param(request(url=URI + "#part"), id="fragment"),
        pytest.param(request(tls=TLS()), id="default TLS, another object"),
    ],
)
def test_without_credentials_the_partition_is_empty(plain: Request) -> None:
    assert keys_of(plain, SALT) == (EMPTY,)


def test_without_tls_its_settings_do_not_count() -> None:
    (key,) = keys_of(request(url="http://h.example/", tls=TLS(verify=False)), SALT)
    assert key == ("http://h.example/", b"")


SEPARATE = [
    pytest.param(request(("Authorization", "Basic eDp5")), id="7 Authorization"),
    pytest.param(request(("Proxy-Authorization", "Basic eDp5")), id="Proxy-Authorization"),
    pytest.param(request(("X-API-Key", "k")), id="X-API-Key"),
    pytest.param(request(("Api-Key", "k")), id="Api-Key"),
    pytest.param(request(("X-Auth-Token", "k")), id="X-Auth-Token"),
    pytest.param(request(("X-Access-Token", "k")), id="X-Access-Token"),
    pytest.param(request(("X-Amz-Security-Token", "k")), id="X-Amz-Security-Token"),
    pytest.param(request(("X-Goog-Api-Key", "k")), id="X-Goog-Api-Key"),
    pytest.param(request(("private-token", "k")), id="Private-Token"),
    pytest.param(request(("X-Vault-Token", "k")), id="X-Vault-Token"),
    pytest.param(request(("Cookie", "a=b"), ("Authorization", "x")), id="Cookie with Authorization"),
    pytest.param(request(("Host", "other.example")), id="a Host by hand"),
    pytest.param(request(tls=TLS(verify=False)), id="verification off"),
    pytest.param(request(tls=TLS(ca="/ca.pem")), id="other trust store"),
    pytest.param(request(tls=TLS(cert=("/c.pem", "/k.pem"))), id="client certificate"),
    pytest.param(request(tls=TLS(cert=b"-----BEGIN one")), id="client certificate as PEM"),
    pytest.param(request(tls=TLS(cert=b"-----BEGIN two")), id="another one"),
    pytest.param(request(tls=TLS(trust="system")), id="trust of the system"),
    pytest.param(request(tls=TLS(min_version="1.3")), id="a newer version at least"),
    pytest.param(request(tls=TLS(own=OwnContext(object(), 1))), id="context of the caller"),
    pytest.param(request(tls=TLS(own=OwnContext(object(), 2))), id="another context"),
    pytest.param(request(reach=Reach({})), id="another way to the server"),
    pytest.param(request(reach=Reach({})), id="yet another way"),
    pytest.param(request(("Cookie", "a=b"), reach=Reach({})), id="Cookie, and another way"),
    pytest.param(request(("Cookie", "a=b"), tls=TLS(verify=False)), id="Cookie with verification off"),
]


@pytest.mark.parametrize("credentialed", SEPARATE)
def test_a_partition_of_its_own_and_no_other(credentialed: Request) -> None:
    (key,) = keys_of(credentialed, SALT)
    assert key[0] == URI
    assert len(key[1]) == 16
    assert keys_of(credentialed, SALT) == (key,)
    assert keys_of(credentialed, b"other") != (key,)


def test_all_partitions_differ() -> None:
    requests = [param.values[0] for param in SEPARATE]
    requests += [request(("Authorization", "y")), request(("Cookie", "a=b")), request(("Cookie", "a=c"))]
    requests += [request(("X-API-Key", "x")), request(("Api-Key", "x"))]
    partitions = {keys_of(each, SALT)[0] for each in requests}  # type: ignore[arg-type]
    assert len(partitions) == len(requests)


def test_cookie_alone_falls_back_to_the_empty_partition() -> None:
    own, fallback = keys_of(request(("Cookie", "a=b")), SALT)
    assert len(own[1]) == 16
    assert fallback == EMPTY


def test_no_key_holds_a_credential() -> None:
    keys = keys_of(request(("Authorization", "hunter2"), url="https://u:hunter2@h.example/a?b=1"), SALT)
    assert "hunter2" not in repr(keys)


@pytest.mark.parametrize(
    ("vary", "first", "second", "same"),
    [
        pytest.param("Foo", [("Foo", "1")], [("foo", "1")], True, id="4.1 same"),
        pytest.param("FOO", [("Foo", "1")], [("foo", "2")], False, id="4.1 other"),
        pytest.param("Foo", [], [], True, id="4.1 absent equals absent"),
        pytest.param("Foo", [("Foo", "1")], [], False, id="4.1 absent now"),
        pytest.param("Foo", [], [("Foo", "1")], False, id="4.1 absent then"),
        pytest.param("Foo", [], [("Foo", "")], False, id="4.1 empty is not absent"),
        pytest.param("Foo, Bar", [("Foo", "1"), ("Bar", "2")], [("Bar", "2"), ("Foo", "1")], True, id="4.1 two"),
        pytest.param("Foo, Bar", [("Foo", "1"), ("Bar", "2")], [("Foo", "1")], False, id="4.1 one of two"),
        pytest.param("Foo", [("Foo", "1, 2")], [("Foo", "1"), ("Foo", "2")], True, id="4.1 lines joined"),
        pytest.param("Foo", [("Foo", "1,2")], [("Foo", " 1 ,\t2")], True, id="4.1 space around members"),
        pytest.param("Foo", [("Foo", "1, 2")], [("Foo", "2, 1")], False, id="4.1 order counts in general"),
        pytest.param("Foo", [("Foo", "a")], [("Foo", "A")], False, id="4.1 case counts in general"),
        pytest.param("Foo", [("Foo", '"1, 2"')], [("Foo", '"1,2"')], False, id="4.1 space counts in quotes"),
        pytest.param(
            "Accept-Encoding", [("Accept-Encoding", "gzip, br")], [("Accept-Encoding", "BR,gzip")], True, id="12.5.3"
        ),
        pytest.param(
            "Accept-Encoding", [("Accept-Encoding", "gzip")], [("Accept-Encoding", "br")], False, id="12.5.3 other"
        ),
        pytest.param(
            "Accept-Language",
            [("Accept-Language", "en;q=0.5, de")],
            [("Accept-Language", "de,en ; q=0.5")],
            True,
            id="12.5.4",
        ),
        pytest.param("Accept", [("Accept", "text/html,a/b")], [("Accept", "a/b, Text/HTML")], True, id="12.5.1"),
        pytest.param("Accept", [("Accept", 'a/b;x="C, d"')], [("Accept", 'a/b;x="c, d"')], False, id="12.5.1 quotes"),
    ],
)
def test_vary(vary: str, first: list[tuple[str, str]], second: list[tuple[str, str]], same: bool) -> None:
    selecting = selecting_values(Fields([("Vary", vary)]), Fields(first))
    assert selecting is not None
    assert matches(selecting, Fields(first))
    assert matches(selecting, Fields(second)) is same


@pytest.mark.parametrize("vary", ["*", "*, *", ", *", "Foo, *", "*,Foo", "Foo,", "Foo,,Bar"])
def test_vary_that_never_matches(vary: str) -> None:
    assert selecting_values(Fields([("Vary", vary)]), Fields()) is None


def test_of_several_that_match_the_newest_answers() -> None:
    old, new = stored(date=1.0), stored(date=2.0)
    other = stored(date=3.0, vary=(("foo", "1"),))
    assert select([old, new, other], Fields()) is new
    assert select([new, old, other], Fields()) is new
    assert select([other], Fields()) is None
    assert select([], Fields()) is None


def test_the_own_partition_comes_before_the_empty_one() -> None:
    own, anonymous = stored(date=1.0, partition=b"own"), stored(date=2.0)
    assert select([own, anonymous], Fields()) is own
    mismatched = stored(date=1.0, partition=b"own", vary=(("foo", "1"),))
    assert select([mismatched, anonymous], Fields()) is anonymous


TEXTS = st.text(st.characters(max_codepoint=255)) | st.text('ab,; \t"\\=*')


@settings(max_examples=200, deadline=None, derandomize=True)
@given(name=st.sampled_from(["foo", "accept", "accept-encoding"]), value=TEXTS)
def test_normal_form_is_stable(name: str, value: str) -> None:
    once = normalised(name, value)
    assert normalised(name, once) == once


@settings(max_examples=200, deadline=None, derandomize=True)
@given(vary=TEXTS, value=TEXTS)
def test_a_request_matches_its_own_answer(vary: str, value: str) -> None:
    fields = Fields([("a", value), ("b", value)])
    selecting = selecting_values(Fields([("Vary", vary)]), fields)
    assert selecting is None or matches(selecting, fields)


def through(proxy: str | None, url: str, *lines: tuple[str, str]) -> Request:
    options = Options(proxy=proxy and parse_proxy(proxy))  # type: ignore[arg-type]
    return Request("GET", URL.parse(url), Fields(lines), options=options)


def test_each_proxy_of_an_http_url_has_a_partition() -> None:
    proxies = [None, "http://p", "http://p:81", "http://u:a@p", "http://u:b@p", "https://p", "socks5://p"]
    keys = [keys_of(through(proxy, "http://h/"), SALT) for proxy in proxies]
    assert len(set(keys)) == len(proxies)
    assert [len(each) for each in keys] == [1] * len(proxies)
    cookie = keys_of(through("http://p", "http://h/", ("Cookie", "a=b")), SALT)
    assert len(cookie) == 1  # what the proxy answered is nobody else's, and nobody else's answer is shown


def test_way_and_proxy_count_both() -> None:
    reaches = [None, Reach({})]
    proxies = [None, parse_proxy("http://p"), parse_proxy("http://q")]
    asked = [Options(reach=reach, proxy=proxy) for reach in reaches for proxy in proxies]
    keys = [keys_of(Request("GET", URL.parse("http://h/"), options=options), SALT) for options in asked]
    assert len(set(keys)) == len(asked)


def test_a_tunnel_needs_no_partition() -> None:
    assert keys_of(through("http://u:a@p", URI), SALT) == (EMPTY,)

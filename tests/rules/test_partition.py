"""Keys and partitions: who may see whose answers, and how they were obtained (RFC 9111 sections 2 and 7)."""

import pytest

from smartclient._api.reach import reach_from
from smartclient._model.headers import Fields
from smartclient._model.options import TLS, Options, OwnContext, Reach
from smartclient._model.proxy import parse_proxy
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._rules.partition import keys_of

URI = "https://h.example/a?b=1"
SALT = b"0123456789abcdef"
EMPTY = (URI, b"")


def request(*lines: tuple[str, str], url: str = URI, tls: TLS | None = None, reach: Reach | None = None) -> Request:
    options = Options(reach=reach) if tls is None else Options(tls=tls, reach=reach)
    return Request("GET", URL.parse(url), Fields(lines), options=options)


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


def test_a_proxy_counts_where_nothing_tells_it_from_the_origin() -> None:
    asked = [
        Options(),
        Options(tls=TLS(verify=False)),
        Options(tls=TLS(verify=False), proxy=parse_proxy("http://p")),
        Options(tls=TLS(verify=False), proxy=parse_proxy("http://q")),
    ]
    keys = [keys_of(Request("GET", URL.parse(URI), options=options), SALT) for options in asked]
    assert len(set(keys)) == len(asked)


def test_tls_to_the_proxy_counts_for_http_urls() -> None:
    proxy = parse_proxy("https://p")
    asked = [Options(proxy=proxy), Options(proxy=proxy, tls=TLS(verify=False))]
    first, second = [keys_of(Request("GET", URL.parse("http://h/"), options=options), SALT) for options in asked]
    assert first != second


class Scheme:
    """An auth object whose field changes with each request."""

    def __init__(self, identity: str | None) -> None:
        self.identity = identity


def authorized(auth: object, *lines: tuple[str, str]) -> Request:
    return Request("GET", URL.parse(URI), Fields(lines), options=Options(auth=auth))


def test_the_identity_of_an_auth_object_stands_for_its_field() -> None:
    ann = [authorized(Scheme("ann"), ("Authorization", f"Digest nc={count}")) for count in (1, 2)]
    keys = [keys_of(each, SALT) for each in (*ann, authorized(Scheme("ann")))]
    assert len(set(keys)) == 1
    assert len(keys[0]) == 1
    others = [
        authorized(Scheme("bob"), ("Authorization", "Digest nc=1")),
        authorized(Scheme(None), ("Authorization", "Digest nc=1")),
        authorized(Scheme(None), ("Authorization", "Digest nc=2")),
        authorized(Scheme("ann"), ("X-API-Key", "k")),
        authorized(("ann", "x"), ("Authorization", "Basic nc=1")),
    ]
    assert len({keys[0], *[keys_of(each, SALT) for each in others]}) == len(others) + 1


def test_an_auth_object_that_adds_nothing_asks_as_nobody() -> None:
    assert keys_of(authorized(Scheme(None)), SALT) == (EMPTY,)


NAMED = [
    pytest.param("ann", request(("Authorization", "x")), request(("Authorization", "y")), True, id="credentials"),
    pytest.param("ann", request(("Cookie", "a=b")), request(), True, id="Cookie"),
    pytest.param("ann", request(), request(tls=TLS(verify=False)), False, id="the way"),
    pytest.param("ann", request(), request(reach=Reach({})), False, id="another way"),
    pytest.param("ann", request(), request(("Host", "x")), False, id="Host"),
    pytest.param("ann", request(), request(tls=TLS(cert="/c.pem")), False, id="a client certificate"),
    pytest.param("", request(("Authorization", "x")), request(), True, id="nobody"),
    pytest.param("", request(("Authorization", "x")), request(reach=Reach({})), False, id="nobody, another way"),
]


@pytest.mark.parametrize(("named", "first", "second", "same"), NAMED)
def test_of_a_named_partition_only_the_way_counts(named: str, first: Request, second: Request, same: bool) -> None:
    one, other = keys_of(first, SALT, named), keys_of(second, SALT, named)
    assert len(one) == len(other) == 1
    assert (one == other) is same
    assert (one == (EMPTY,)) is (named == "")


def test_names_and_credentials_do_not_meet() -> None:
    asked = [
        keys_of(request(), SALT, "ann"),
        keys_of(request(), SALT, "bob"),
        keys_of(request(("Cookie", "ann")), SALT),
    ]
    assert len({keys[0] for keys in asked}) == len(asked)


def test_the_same_way_has_the_same_mark_in_every_process() -> None:
    first, second = [reach_from({"h": "127.0.0.1"}, None, None) for _ in range(2)]
    other = reach_from({"h": "127.0.0.2"}, None, None)
    socket = [reach_from(None, "/a", None), reach_from(None, "/a", None), reach_from(None, "/b", None)]
    assert first is not None
    marks = [each and each.mark for each in (first, second, other, *socket)]
    assert marks[0] == marks[1] != marks[2]
    assert marks[3] == marks[4] != marks[5]


def test_a_function_has_a_mark_that_no_other_process_can_have() -> None:
    marks = [reach.mark for _ in range(2) if (reach := reach_from(lambda host, port: "127.0.0.1", None, None))]
    assert marks[0] != marks[1]
    assert [len(mark) for mark in marks] == [16, 16]

"""Through proxies: plain, over TLS, with a password, SOCKS; and those that refuse or lie."""

import os
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin
from loopback.relay import Relay
from loopback.scripted import CUT, HOLD, READ_HEAD, RESET, ScriptedServer, Send, Tell, Wait
from loopback.ways import new_session, run, settled
from smartclient.exceptions import (
    ConnectTimeout,
    IncompleteBody,
    InsecureRequestWarning,
    InvalidOption,
    InvalidProxyURL,
    ProxyError,
    ResolveError,
    SSLError,
)

KINDS = ("http", "https", "socks5", "socks5h")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OPEN = b"HTTP/1.1 200 Connection Established\r\n\r\n"
Scripted = Callable[..., ScriptedServer]


@pytest.fixture
def relay(authority: Authority) -> Iterator[Callable[..., Relay]]:
    """`relay(kind, auth=None)`: a proxy that works."""
    started: list[Relay] = []

    def start(kind: str = "http", auth: Any = None) -> Relay:
        started.append(Relay(kind, authority.server_context() if kind == "https" else None, auth))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def trusting(client: Client, authority: Authority) -> Any:
    """A session that trusts the proxies and origins of these tests."""
    return client.session(verify=str(authority.ca_file), timeout=10, retries=0)


def with_userinfo(url: str, userinfo: str) -> str:
    return url.replace("://", f"://{userinfo}@")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("secure", [False, True], ids=["http-origin", "https-origin"])
def test_through(
    trusting: Any, origin: Origin, tls_origin: Origin, relay: Callable[..., Relay], kind: str, secure: bool
) -> None:
    target, proxy = (tls_origin if secure else origin), relay(kind)
    response = trusting.post(target.url + "/echo?a=1", data=b"x" * 100_000, proxies={"all": proxy.url})
    echo = response.json()
    assert (response.status_code, echo["target"]) == (200, "/echo?a=1")
    assert len(target.seen.requests[0].body) == 100_000
    assert [way.target for way in proxy.ways] == [f"127.0.0.1:{target.port}"]
    assert not [name for name, _ in echo["headers"] if name.lower().startswith("proxy-")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("secure", [False, True], ids=["http-origin", "https-origin"])
def test_password_is_for_the_proxy_alone(
    trusting: Any, origin: Origin, tls_origin: Origin, relay: Callable[..., Relay], kind: str, secure: bool
) -> None:
    target, proxy = (tls_origin if secure else origin), relay(kind, ("us er", "p:ss/"))
    url = with_userinfo(proxy.url, "us%20er:p%3Ass%2F")
    assert trusting.get(target.url + "/bytes/5", proxies={"all": url}).content == b"01234"
    if secure or kind.startswith("socks"):  # a forwarding proxy of these tests passes all fields on
        assert target.seen.requests[0].header("proxy-authorization") is None
    assert proxy.ways[0].login in (None, (b"us er", b"p:ss/"))
    pair = {"all": (proxy.url, ("us er", "p:ss/"))}
    assert trusting.get(target.url + "/bytes/6", proxies=pair).content == b"012345"


def test_field_by_hand_goes_to_the_proxy_alone(trusting: Any, tls_origin: Origin, relay: Callable[..., Relay]) -> None:
    proxy = relay("http", ("user", "pass"))
    options = {"headers": {"Proxy-Authorization": "Basic dXNlcjpwYXNz"}, "proxies": {"https": proxy.url}}
    assert trusting.get(tls_origin.url + "/redirect/2", **options).status_code == 200
    options["proxies"] = {"https": proxy.url, "no_proxy": "127.0.0.0/8"}
    assert trusting.get(tls_origin.url + "/echo", **options).status_code == 200
    assert len(tls_origin.seen.requests) == 4
    assert {seen.header("proxy-authorization") for seen in tls_origin.seen.requests} == {None}


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_password(trusting: Any, tls_origin: Origin, relay: Callable[..., Relay], kind: str) -> None:
    proxy = relay(kind, ("user", "pass"))
    with pytest.raises(ProxyError) as caught:
        trusting.get(tls_origin.url + "/echo", proxies={"all": with_userinfo(proxy.url, "user:hunter2")})
    assert ("refused user or password" if kind.startswith("socks") else "407 Who Are You") in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert (caught.value.sent, caught.value.response) == ("nothing", None)
    assert tls_origin.seen.requests == []


@pytest.mark.parametrize("kind", ["socks5", "socks5h"])
def test_who_looks_the_name_up(trusting: Any, origin: Origin, relay: Callable[..., Relay], kind: str) -> None:
    proxy = relay(kind)
    url = f"http://name.invalid:{origin.port}/bytes/2"
    if kind == "socks5":
        with pytest.raises(ResolveError, match=r"name\.invalid"):
            trusting.get(url, proxies={"http": proxy.url})
        assert proxy.ways == []
    else:
        assert trusting.get(url, proxies={"http": proxy.url}).content == b"01"
        assert proxy.ways[0].target == f"name.invalid:{origin.port}"


@pytest.mark.parametrize("kind", KINDS)
def test_connections_are_kept_and_never_mixed(
    trusting: Any, tls_origin: Origin, relay: Callable[..., Relay], kind: str
) -> None:
    one, other = relay(kind), relay(kind)
    ways = [one.url, one.url, other.url, None, one.url, with_userinfo(one.url, "a:b"), None, other.url]
    for url in ways:
        assert trusting.get(tls_origin.url + "/bytes/9", proxies={"https": url}).status_code == 200
    assert (len(one.ways), len(other.ways), tls_origin.seen.connections) == (2, 1, 4)


def test_forwarded_connection_is_kept(client: Client, scripted: Scripted) -> None:
    proxy = scripted([OK, OK])
    session = client.session(proxies={"http": with_userinfo(proxy.url, "u:p")})
    for path in ("/a?b=c#d", "/e"):
        assert session.get(f"http://user:secret@name.invalid{path}").content == b"ok"
    assert [request.split(b"\r\n")[:2] for request in proxy.requests] == [
        [b"GET http://name.invalid/a?b=c HTTP/1.1", b"Host: name.invalid"],
        [b"GET http://name.invalid/e HTTP/1.1", b"Host: name.invalid"],
    ]
    assert all(b"\r\nProxy-Authorization: Basic dTpw\r\n" in request for request in proxy.requests)
    assert len(proxy.connections) == 1


def test_answers_of_a_forwarding_proxy_stay_with_it(client: Client, scripted: Scripted, origin: Origin) -> None:
    fresh = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3\r\n\r\n"
    proxy = scripted([fresh + b"lie"])
    session = client.session()
    url = origin.url + "/page/tea"
    through = [session.get(url, proxies={"http": proxy.url}).content for _ in range(2)]
    assert through == [b"lie", b"lie"]
    assert session.get(url).content == b"page tea, hit 1\n"
    assert len(proxy.requests) == 1


def socks(*answers: bytes) -> list[Any]:
    return [Send(b"".join(answers)), HOLD]


REFUSALS = [
    pytest.param("http", [b"HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno"], "answered 407 Who to", id="407"),
    pytest.param("http", [b"HTTP/1.1 302 Found\r\nLocation: http://evil/\r\n\r\n"], "answered 302 Found", id="302"),
    pytest.param("http", [b"HTTP/1.0 503 \x1b[2J\r\n\r\n"], r"answered 503 \\x1b\[2J to", id="503-escaped"),
    pytest.param("http", [OPEN + b"HTTP/1.1 200 OK\r\n\r\n<html>"], "bytes of its own", id="body-for-a-tunnel"),
    pytest.param("http", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], "bytes of its own", id="length-and-body"),
    pytest.param("http", [b"HTTP/1.1 101 Switch\r\n\r\n"], "switched protocols", id="101"),
    pytest.param("http", [b"SSH-2.0-OpenSSH\r\n"], "no HTTP/1.1 status line", id="no-http"),
    pytest.param("http", [b"HTTP/1.1 100 Go\r\n\r\n" * 17], "interim responses", id="interims"),
    pytest.param("http", [b"HTTP/1.1 200 OK\r\nA: " + b"a" * 2**17], "through proxy", id="endless-head"),
    pytest.param("http", [READ_HEAD, CUT], "closed the connection without", id="closed"),
    pytest.param("http", [READ_HEAD, Send(b"HTTP/1.1 200"), CUT], "in the middle of the head", id="half-a-head"),
    pytest.param("http", [READ_HEAD, RESET], "through proxy", id="reset"),
    pytest.param("socks5", socks(b"\x05\xff"), "wants a user and password", id="socks-no-way-in"),
    pytest.param("socks5", socks(b"\x05\x02"), "wants a user and password", id="socks-way-not-offered"),
    pytest.param("socks5", socks(b"\x04\x00"), "not speak SOCKS 5", id="socks-4"),
    pytest.param("socks5", socks(b"\x05\x00\x05\x02\x00\x01"), "not allowed by its rules", id="socks-rules"),
    pytest.param("socks5", socks(b"\x05\x00\x05\x77\x00\x01"), "failure 119", id="socks-unknown-failure"),
    pytest.param("socks5", socks(b"\x05\x00\x05\x00\x00\x07"), "no known kind", id="socks-unknown-address"),
    pytest.param("socks5", socks(b"\x05\x00\x04\x00\x00\x01"), "not speak SOCKS 5", id="socks-changes-its-mind"),
    pytest.param("socks5", [Send(b"\x05\x00\x05"), CUT], "through proxy", id="socks-cut"),
    pytest.param("socks5", socks(b"\x05\x00\x05\x00\x00\x01" + bytes(6) + OK), "bytes of its own", id="socks-lies"),
]


@pytest.mark.parametrize(("scheme", "script", "told"), REFUSALS)
def test_refused_or_lied_to(client: Client, scripted: Scripted, scheme: str, script: Any, told: str) -> None:
    proxy = scripted(script)
    url = with_userinfo(f"{scheme}://127.0.0.1:{proxy.port}", "user:hunter2" if scheme == "http" else "")
    session = client.session(proxies={"all": url.replace("://@", "://")}, retries=0, timeout=10)
    with pytest.raises(ProxyError, match=told) as caught:
        session.get("https://127.0.0.1:1/secret?token=1")
    text = str(caught.value)
    assert f"through proxy {scheme}://127.0.0.1:{proxy.port}" in text
    assert caught.value.sent == "nothing"
    assert not [secret for secret in ("hunter2", "secret", "token") if secret in text]


def test_late_lie_is_no_response(client: Client, scripted: Scripted) -> None:
    said, go_on = threading.Event(), threading.Event()
    proxy = scripted([READ_HEAD, Send(OPEN), Tell(said), Wait(go_on), Send(OK), HOLD])
    go_on.set()
    with pytest.raises((ProxyError, SSLError)):
        client.get("https://127.0.0.1:1/", proxies={"https": proxy.url}, retries=0, timeout=10)


@pytest.mark.parametrize("scheme", ["http", "socks5", "https"])
def test_connect_limit_covers_the_tunnel(client: Client, scripted: Scripted, scheme: str) -> None:
    proxy = scripted([HOLD])
    session = client.session(proxies={"all": f"{scheme}://127.0.0.1:{proxy.port}"})
    with pytest.raises(ConnectTimeout, match="through proxy"):
        session.get("https://127.0.0.1:1/", timeout=smartclient.Timeout(connect=0.1))
    assert proxy.connection(0).over.wait(20)


@pytest.mark.parametrize("proxy", ["http://name.invalid", "http://127.0.0.1:1", "socks5h://127.0.0.1:1"])
def test_proxy_out_of_reach(client: Client, proxy: str) -> None:
    with pytest.raises(ProxyError, match="through proxy"):
        client.get("http://localhost/", proxies={"http": proxy}, retries=0)


def test_proxy_of_a_stranger(client: Client, relay: Callable[..., Relay], origin: Origin) -> None:
    proxy = relay("https", ("user", "pass"))
    with pytest.raises(SSLError, match="through proxy"):
        client.get(origin.url + "/echo", proxies={"http": with_userinfo(proxy.url, "user:pass")}, retries=0)
    assert proxy.ways == []


BAD = [
    pytest.param({"http": "ftp://p"}, InvalidProxyURL, id="scheme"),
    pytest.param({"http": "socks4://p:1"}, InvalidProxyURL, id="socks4"),
    pytest.param({"http": "http://"}, InvalidProxyURL, id="no-host"),
    pytest.param({"all": "http://u:hunter2@p:99999"}, InvalidProxyURL, id="port"),
    pytest.param({"all://h": "http://u:hunter2@[::1"}, InvalidProxyURL, id="literal"),
    pytest.param({"all": b"\xff"}, InvalidProxyURL, id="bytes"),
    pytest.param({"all": ("socks5://p", ("", "hunter2"))}, InvalidProxyURL, id="socks-without-user"),
    pytest.param({"all": ("socks5://p", ("u", "hunter2" * 40))}, InvalidProxyURL, id="socks-long-password"),
    pytest.param({"all": ("http://p", ("u", "hunter2\ud800"))}, InvalidProxyURL, id="surrogate"),
    pytest.param({"all": ("http://p", "hunter2")}, InvalidOption, id="no-pair"),
    pytest.param("http://u:hunter2@p", InvalidOption, id="no-mapping"),
]


@pytest.mark.parametrize(("proxies", "kind"), BAD)
def test_bad_proxies_are_told_at_the_call(client: Client, proxies: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        client.get("http://127.0.0.1:1/", proxies=proxies)
    assert "hunter2" not in repr(caught.value)


def test_environment_is_read_at_each_call(
    client: Client, origin: Origin, relay: Callable[..., Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = relay(), relay()
    session = client.session(cache=None)
    url = origin.url + "/bytes/3"

    def proxies_asked() -> tuple[int, int]:
        assert session.get(url).content == b"012"
        return len(first.ways), len(second.ways)

    monkeypatch.setenv("HTTP_PROXY", first.url)
    assert proxies_asked() == (1, 0)
    monkeypatch.setenv("http_proxy", second.url)
    assert proxies_asked() == (1, 1)
    monkeypatch.setenv("no_proxy", "127.0.0.0/8")
    assert proxies_asked() == (1, 1)
    monkeypatch.delenv("no_proxy")
    session.trust_env = False
    assert proxies_asked() == (1, 1)


def test_given_beats_the_environment(
    client: Client, origin: Origin, relay: Callable[..., Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, unwanted = relay(), relay()
    monkeypatch.setenv("all_proxy", unwanted.url)
    session = client.session(proxies={"http": wanted.url}, cache=None)
    assert session.get(origin.url + "/bytes/1").content == b"0"
    assert session.get(origin.url + "/bytes/1", proxies={"http": None}).content == b"0"
    assert (len(wanted.ways), unwanted.ways) == (1, [])


def test_bad_environment_names_its_variable(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "gopher://u:hunter2@p")
    with pytest.raises(InvalidProxyURL, match="all_proxy") as caught:
        client.get("http://127.0.0.1:1/")
    assert "hunter2" not in str(caught.value)


def test_environment_that_was_replaced(
    client: Client, origin: Origin, relay: Callable[..., Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = relay()
    monkeypatch.setattr(os, "environ", {"HTTP_PROXY": proxy.url})
    assert client.get(origin.url + "/bytes/1").content == b"0"
    assert len(proxy.ways) == 1


def test_unverified_proxy_is_warned_of(client: Client, origin: Origin, relay: Callable[..., Relay]) -> None:
    with pytest.warns(InsecureRequestWarning, match="127"):
        client.get(origin.url + "/bytes/1", verify=False, proxies={"http": relay("https").url})
    client.get(origin.url + "/bytes/1", verify=False, proxies={"http": relay("http").url})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("secure", [False, True], ids=["http-origin", "https-origin"])
def test_name_of_the_proxy_is_resolved_as_others(
    client: Client,
    origin: Origin,
    tls_origin: Origin,
    relay: Callable[..., Relay],
    authority: Authority,
    kind: str,
    secure: bool,
) -> None:
    """By `resolve=`, with the race between its addresses; `response.tls` tells of the origin alone."""
    target, proxy = (tls_origin if secure else origin), relay(kind)
    session = client.session(verify=str(authority.ca_file), resolve={"localhost": ["127.0.0.9", "127.0.0.1"]})
    response = session.get(target.url + "/bytes/3", proxies={"all": proxy.url.replace("127.0.0.1", "localhost")})
    assert response.content == b"012"
    assert (response.tls is not None) is secure
    assert len(proxy.ways) == 1


@pytest.mark.parametrize("way", ["blocking", "asyncio", "trio"])
@pytest.mark.parametrize("kind", KINDS)
def test_proxied_connections_are_prewarmed_and_counted(
    way: str, kind: str, origin: Origin, relay: Callable[..., Relay], authority: Authority
) -> None:
    proxy = relay(kind)

    async def scenario() -> None:
        session = new_session(way, verify=str(authority.ca_file), proxies={"http": proxy.url})
        assert await settled(session.prewarm(origin.url, 2)) == 2
        for each in (session, session, session.derive()):
            response = await settled(each.get(f"{origin.url}/bytes/3", cache=None))
            assert response.content == b"012"
        assert session.stats() == (0, 2, 0, 2, 3, 2)
        await settled(session.close())

    run(way, scenario)


def test_redirects_choose_anew(
    client: Client, origin: Origin, other_origin: Origin, relay: Callable[..., Relay]
) -> None:
    proxy = relay()
    url = f"{origin.url}/to?url=http://localhost:{other_origin.port}/echo"
    response = client.get(url, proxies={"http://localhost": proxy.url})
    assert response.status_code == 200
    assert [way.target for way in proxy.ways] == [f"localhost:{other_origin.port}"]


@pytest.mark.parametrize("steps", [[], [CUT]], ids=["close_notify", "cut"])
def test_end_of_tls_in_tls(
    client: Client, scripted: Scripted, relay: Callable[..., Relay], authority: Authority, steps: list[Any]
) -> None:
    """The end of the inner layer counts: without it a body that ends with the connection may be cut."""
    origin = scripted([b"HTTP/1.1 200 OK\r\n\r\nhalf", *steps], context=authority.server_context())
    session = client.session(verify=str(authority.ca_file), proxies={"https": relay("https").url}, retries=0)
    if steps:
        with pytest.raises(IncompleteBody):
            session.get(origin.url)
    else:
        assert session.get(origin.url).content == b"half"


def test_certificate_behind_the_proxy_is_checked(
    client: Client, scripted: Scripted, relay: Callable[..., Relay], authority: Authority
) -> None:
    origin = scripted([OK], context=authority.server_context("other.example"))
    session = client.session(verify=str(authority.ca_file), proxies={"https": relay("https").url}, retries=0)
    with pytest.raises(
        SSLError, match=r"certificate of 127\.0\.0\.1 has another name: it is for .*other\.example"
    ) as caught:
        session.get(origin.url)
    assert caught.value.check == "name"
    assert origin.requests == []


def test_client_certificate_is_not_shown_to_the_proxy(
    client: Client, relay: Callable[..., Relay], authority: Authority
) -> None:
    shown: list[Any] = []
    proxy = relay("https")
    proxy.context = authority.server_context(ask_client=True)
    proxy.context.verify_mode = ssl.CERT_OPTIONAL
    proxy.on_tls = lambda connection: shown.append(connection.getpeercert())
    origin = Origin(authority.server_context(ask_client=True))
    session = client.session(verify=str(authority.ca_file), cert=tuple(map(str, authority.files("client"))))
    assert session.get(origin.url + "/bytes/1", proxies={"https": proxy.url}).content == b"0"
    origin.close()
    assert shown == [None]


@pytest.mark.parametrize("way", ["blocking", "asyncio", "uvloop", "trio"])
def test_tls_in_tls_carries_much(
    way: str, tls_origin: Origin, relay: Callable[..., Relay], authority: Authority
) -> None:
    """More than fits into any buffer, both ways, over one connection that is then still good."""
    proxy = relay("https")
    sent = bytes(range(256)) * 8192

    async def scenario() -> list[int]:
        session = new_session(way, verify=str(authority.ca_file), proxies={"https": proxy.url}, cache=None, timeout=20)
        sizes = []
        for _ in range(2):
            sizes.append(len((await settled(session.put(tls_origin.url + "/status/200", data=sent))).content))
            sizes.append(len((await settled(session.get(tls_origin.url + "/bytes/2000000"))).content))
            sizes.append(len((await settled(session.get(tls_origin.url + "/chunked/1000"))).content))
        await settled(session.close())
        return sizes

    assert run(way, scenario) == [3, 2_000_000, 10_000] * 2
    assert [each.body == sent for each in tls_origin.seen.requests if each.method == "PUT"] == [True, True]
    assert (len(proxy.ways), tls_origin.seen.connections) == (1, 1)

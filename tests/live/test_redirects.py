"""Redirects with servers: who gets which credentials, what is refused, what becomes of old bodies; in all modes."""

import pytest

from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin, Page
from smartclient import Redirects, Session
from smartclient.exceptions import InvalidOption, RequestException, TooManyRedirects

SECRETS = {"Authorization": "secret", "X-API-Key": "secret", "X-Mine": "secret"}


def sent_to(origin: Origin, number: int = -1) -> list[str]:
    return sorted(name for name, value in origin.seen.requests[number].headers if "secret" in value)


def test_credentials_stay_with_their_origin(client: Client, origin: Origin, other_origin: Origin) -> None:
    session = client.session(headers=SECRETS, cookies={}, credential_fields=["X-Mine", "X-API-Key"])
    away = f"{origin.url}/to?url={other_origin.url}/to?url={origin.url}/echo"
    session.get(away, cookies={"a": "secret"})
    assert sent_to(origin, 0) == ["Authorization", "Cookie", "X-API-Key", "X-Mine"]
    assert sent_to(other_origin) == sent_to(origin) == []


def test_the_option_of_session_and_call(client: Client, origin: Origin, other_origin: Origin) -> None:
    away = f"{origin.url}/to?url={other_origin.url}/echo"
    client.session(headers=SECRETS).get(away)
    assert sent_to(other_origin) == ["X-Mine"]
    client.session(headers=SECRETS, credential_fields=()).get(away)
    assert sent_to(other_origin) == ["X-API-Key", "X-Mine"]
    client.session(headers=SECRETS).get(away, credential_fields=["x-mine"])
    assert sent_to(other_origin) == ["X-API-Key"]
    rule = Redirects(max=0, credential_fields=["x-mine"])
    session = client.session(headers=SECRETS, redirects=rule)
    with pytest.raises(TooManyRedirects, match="Exceeded 0 redirects"):
        session.get(away)
    session.get(away, redirects=Redirects(max=1))
    assert sent_to(other_origin) == ["X-Mine"]


@pytest.mark.parametrize("downgrade", ["strip", "refuse", "follow"])
def test_https_to_http(
    client: Client, tls_origin: Origin, origin: Origin, authority: Authority, downgrade: str
) -> None:
    session = client.session(verify=str(authority.ca_file), redirects=Redirects(downgrade=downgrade), headers=SECRETS)
    url = tls_origin.route("/here", lambda seen: Page(status=307, headers=(("Location", origin.url + "/echo"),)))
    if downgrade == "refuse":
        with pytest.raises(RequestException, match="refused to go on over http"):
            session.get(url)
    else:
        assert session.get(url).status_code == 200
        assert sent_to(origin) == ["X-Mine"]
    if downgrade == "follow":
        session.post(url, data=b"content")
        assert origin.seen.requests[-1].body == b"content"
    else:
        with pytest.raises(RequestException, match="over http") as caught:
            session.post(url, data=b"content")
        assert caught.value.sent == "wholly"
    assert all(seen.header("authorization") is None for seen in origin.seen.requests)


def test_https_to_http_on_the_long_way(tls_origin: Origin, origin: Origin, authority: Authority) -> None:
    url = tls_origin.route("/here", lambda seen: Page(status=307, headers=(("Location", origin.url + "/echo"),)))
    with Session(verify=str(authority.ca_file), headers=SECRETS) as session:
        session.hooks["response"] = [lambda response, **options: None]
        assert session.get(url).status_code == 200
        assert sent_to(origin) == ["X-Mine"]
        for options in ({"redirects": Redirects(downgrade="refuse")}, {"data": b"content"}):
            with pytest.raises(RequestException, match="over http"):
                session.request("POST", url, **options)  # type: ignore[arg-type]
        session.get(url, credential_fields=["X-Mine"])
        assert sent_to(origin) == ["X-API-Key"]


def test_secure_cookies_do_not_go_down(
    client: Client, tls_origin: Origin, origin: Origin, authority: Authority
) -> None:
    target = origin.url.replace("127.0.0.1", "localhost") + "/echo"
    headers = (("Location", target), ("Set-Cookie", "a=secret; Secure; Path=/"), ("Set-Cookie", "b=plain; Path=/"))
    tls_origin.route("/here", lambda seen: Page(status=302, headers=headers))
    session = client.session(verify=str(authority.ca_file))
    session.get(f"https://localhost:{tls_origin.port}/here")
    assert origin.seen.requests[-1].header("cookie") == "b=plain"


def test_a_body_is_drained_if_it_is_small(client: Client, origin: Origin) -> None:
    def page(size: int) -> Page:
        return Page(b"x" * size, 302, (("Location", "/bytes/1"),))

    small, large = (origin.route(f"/{size}", lambda seen, size=size: page(size)) for size in (50_000, 5_000_000))
    for url, opened in ((small, 1), (small, 1), (large, 2)):
        client.get(url)
        assert origin.seen.connections == opened


def test_the_settings_of_a_session() -> None:
    session = Session(redirects=Redirects(max=7, downgrade="refuse"))
    assert session.max_redirects == 7
    assert session.redirects == Redirects(max=7, downgrade="refuse")
    session.credential_fields = ["X-Mine"]
    assert session.credential_fields == {"x-mine"}
    assert session.derive().redirects == Redirects(max=7, downgrade="refuse", credential_fields=["x-mine"])
    for options in ({"redirects": 5}, {"redirects": True}, {"credential_fields": "X-Mine"}):
        with pytest.raises(InvalidOption):
            Session(**options)  # type: ignore[arg-type]


def test_own_credential_fields_stay_with_the_base_and_in_their_partition(client: Client, origin: Origin) -> None:
    session = client.session(base_url="http://h.example/", headers=SECRETS, credential_fields=["X-Mine"])
    session.get(origin.url + "/echo")
    assert sent_to(origin) == ["X-API-Key"]
    session = client.session(credential_fields=["X-Mine"])
    told = [session.get(origin.url + "/page/x", headers={"X-Mine": who}).cache.status for who in ("a", "b", "a")]
    assert told == ["miss", "miss", "hit"]

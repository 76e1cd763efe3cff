"""The cache as a caller sees it: the four steps of its conversation, and what is never shared."""

import time
from pathlib import Path
from typing import Any

import httpcore
import pytest

from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin, Page, Seen
from smartclient import Cache

FRESH = ("Cache-Control", "max-age=60")


@pytest.fixture(params=["memory", "disk"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """What to give as `cache=`."""
    return True if request.param == "memory" else str(tmp_path / "cache")


def test_the_conversation_in_four_steps(
    client: Client, origin: Origin, cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, passed = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + passed)
    version = 1

    def answer(seen: Seen) -> Page:
        tag = f'"{version}"'
        known = seen.header("if-none-match") == tag
        return Page(b"" if known else f"version {version}".encode(), 304 if known else 200, (FRESH, ("ETag", tag)))

    url = origin.route("/four", answer)
    session = client.session(cache=cache)

    def step() -> tuple[str, str | None, str, str | None]:
        before = len(origin.seen.requests)
        response = session.get(url)
        asked = origin.seen.requests[before:]
        assert response.status_code == 200
        sent = asked[0].header("if-none-match") if asked else "no request"
        return response.text, response.headers["ETag"], response.cache.status, sent

    assert step() == ("version 1", '"1"', "miss", None)
    passed += 30
    assert step() == ("version 1", '"1"', "hit", "no request")
    passed += 60
    assert step() == ("version 1", '"1"', "revalidated", '"1"')
    assert step() == ("version 1", '"1"', "hit", "no request")
    passed += 90
    version = 2
    assert step() == ("version 2", '"2"', "miss", '"1"')
    assert step() == ("version 2", '"2"', "hit", "no request")


USERS: list[Any] = [
    pytest.param({"auth": ("ann", "x")}, {"auth": ("bob", "x")}, id="auth"),
    pytest.param({"headers": {"Authorization": "Bearer a"}}, {"headers": {"Authorization": "Bearer b"}}, id="bearer"),
    pytest.param({"headers": {"X-API-Key": "a"}}, {"headers": {"X-API-Key": "b"}}, id="key field"),
    pytest.param({"headers": {"private-token": "a"}}, {"headers": {"private-token": "b"}}, id="another key field"),
    pytest.param({"cookies": {"sid": "a"}}, {"cookies": {"sid": "b"}}, id="cookies"),
]


def echoed(seen: Seen) -> Page:
    names = ("authorization", "x-api-key", "private-token", "cookie")
    return Page("|".join(seen.header(name) or "-" for name in names).encode(), headers=(FRESH,))


@pytest.mark.parametrize(("ann", "bob"), USERS)
def test_users_never_share(client: Client, origin: Origin, cache: Any, ann: Any, bob: Any) -> None:
    url = origin.route("/mine", echoed)
    session, other = client.session(cache=cache), client.session(cache=cache)
    texts = [session.get(url, **who).text for who in (ann, bob, ann, bob)]
    assert texts[0] == texts[2] != texts[1] == texts[3]
    assert origin.seen.hits["/mine"] == 2
    assert session.get(url).text == "-|-|-|-"  # nobody in particular sees neither
    assert origin.seen.hits["/mine"] == 3
    if cache is not True:
        assert other.get(url, **bob).text == texts[1]
        assert origin.seen.hits["/mine"] == 3


def test_what_nobody_asked_for_serves_a_cookie_and_no_other_credential(client: Client, origin: Origin) -> None:
    url = origin.route("/public", echoed)
    session = client.session()
    session.get(url)
    assert session.get(url, cookies={"tracking": "1"}).cache.status == "hit"
    assert session.get(url, headers={"X-API-Key": "k"}).cache.status == "miss"
    assert session.get(url, cookies={"a": "b"}, auth=("u", "p")).cache.status == "miss"


def tagged(origin: Origin, tag: str) -> str:
    return origin.route("/way", lambda seen: Page(tag.encode(), headers=(FRESH,)))


def test_what_came_without_verification_serves_no_call_with_it(
    client: Client, tls_origin: Origin, authority: Authority, cache: Any
) -> None:
    url = tagged(tls_origin, "tls")
    session = client.session(cache=cache, verify=str(authority.ca_file))
    with pytest.warns(Warning, match="Unverified"):
        assert session.get(url, verify=False).cache.status == "miss"
    assert session.get(url).cache.status == "miss"
    assert session.get(url).cache.status == "hit"
    with pytest.warns(Warning, match="Unverified"):
        assert session.get(url, verify=False).cache.status == "hit"


@pytest.mark.parametrize("way", ["resolve", "resolver", "proxy"])
def test_what_came_another_way_serves_no_call_without_it(
    client: Client, origin: Origin, other_origin: Origin, cache: Any, way: str
) -> None:
    """The same URL, reached as usual and by another way: each has answers of its own."""
    url = tagged(origin, "usual")
    shared = Cache() if cache is True else cache
    options: dict[str, Any] = {
        "resolve": {"resolve": {"127.0.0.1": "127.0.0.1"}},
        "resolver": {"resolve": lambda host, port: "127.0.0.1"},
        "proxy": {"proxies": {"http": other_origin.url}},
    }[way]
    other_origin.route("/way", lambda seen: Page(b"by proxy", headers=(FRESH,)))
    usual, unusual = client.session(cache=shared), client.session(cache=shared, **options)
    first = unusual.get(url)
    assert first.cache.status == "miss"
    second = usual.get(url)
    assert (second.cache.status, second.text) == ("miss", "usual")
    assert (usual.get(url).cache.status, unusual.get(url).cache.status) == ("hit", "hit")
    assert unusual.get(url).text == first.text


class Transport:
    """Answers everything itself."""

    def handle_request(self, request: Any) -> Any:
        return httpcore.Response(200, headers=[(b"Cache-Control", b"max-age=60")], content=b"by transport")

    async def handle_async_request(self, request: Any) -> Any:
        return self.handle_request(request)


def test_what_a_transport_answers_serves_no_call_without_it(client: Client, origin: Origin, cache: Any) -> None:
    url = tagged(origin, "usual")
    shared = Cache() if cache is True else cache
    usual = client.session(cache=shared)
    own, another = [client.session(cache=shared, transport=Transport()) for _ in range(2)]
    assert [own.get(url).cache.status for _ in range(2)] == ["miss", "hit"]
    assert another.get(url).cache.status == "miss"
    assert (usual.get(url).cache.status, usual.get(url).text) == ("miss", "usual")
    assert own.get(url).text == "by transport"

"""Credentials against servers: basic, digest, bearer, netrc and callers' own flows; in all modes."""

import asyncio
import contextlib
import hashlib
import itertools
import logging
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin, Page, Seen
from loopback.relay import Relay
from smartclient._model.challenges import parse_challenges
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime
from smartclient.auth import AuthBase, BearerAuth, HTTPBasicAuth, HTTPDigestAuth, HTTPProxyAuth
from smartclient.exceptions import ConnectionError, DeadlineExceeded, InvalidOption, RemoteProtocolError, SessionMisuse


class DigestPage:
    """A page behind digest credentials of user "user", password "pass"; each nonce is good for `uses` requests."""

    def __init__(
        self, algorithm: str = "MD5", qop: str = "auth", uses: int = 1000, next_nonce: str = "", proves: str = ""
    ) -> None:
        """`proves`: the password that the page shows to know."""
        self.algorithm, self.qop, self.uses, self.next_nonce, self.proves = algorithm, qop, uses, next_nonce, proves
        self.counts: dict[str, int] = {}
        self.numbers = itertools.count(1)

    def __call__(self, seen: Seen) -> Page:
        field = seen.header("authorization")
        if field is None:
            return self.asking()
        (challenge,) = parse_challenges(field)
        sent = challenge.parameters
        nonce = sent["nonce"]
        if nonce not in self.counts or self.counts[nonce] >= self.uses:
            return self.asking(stale=True)
        self.counts[nonce] += 1
        if int(sent["nc"], 16) != self.counts[nonce] or sent["response"] != self.expected(seen, sent):
            return self.asking()
        told = []
        if self.next_nonce:
            told = [f'nextnonce="{self.next_nonce}"']
            self.counts.setdefault(self.next_nonce, 0)
        if self.proves:
            told += [f'rspauth="{self.digested(self.proves, f":{seen.target}", sent)}"', f"nc={sent['nc']}", "qop=auth"]
        return Page(b"welcome", headers=(("Authentication-Info", ", ".join(told)),) if told else ())

    def asking(self, stale: bool = False) -> Page:
        nonce = f"nonce{next(self.numbers)}"
        self.counts[nonce] = 0
        field = f'Digest realm="r", nonce="{nonce}", qop="{self.qop}", algorithm={self.algorithm}, opaque="o"'
        return Page(b"who?", 401, (("WWW-Authenticate", field + ", stale=true" * stale),))

    def hashed(self, text: str) -> str:
        kind = self.algorithm.lower().removesuffix("-sess").replace("-", "")
        return hashlib.new("sha512_256" if kind == "sha512256" else kind, text.encode()).hexdigest()

    def expected(self, seen: Seen, sent: Any) -> str:
        action = f"{seen.method}:{seen.target}"
        if sent["qop"] == "auth-int":
            action += ":" + self.hashed(seen.body.decode())
        assert sent["uri"] == seen.target
        return self.digested("pass", action, sent)

    def digested(self, password: str, action: str, sent: Any) -> str:
        hashed = self.hashed
        secret = hashed(f"user:r:{password}")
        if self.algorithm.endswith("-sess"):
            secret = hashed(f"{secret}:{sent['nonce']}:{sent['cnonce']}")
        return hashed(f"{secret}:{sent['nonce']}:{sent['nc']}:{sent['cnonce']}:{sent['qop']}:{hashed(action)}")


ALGORITHMS = ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"]


@pytest.mark.parametrize(("algorithm", "qop"), [*((each, "auth") for each in ALGORITHMS), ("SHA-256", "auth-int")])
def test_digest(client: Client, origin: Origin, algorithm: str, qop: str) -> None:
    url = origin.route("/digest", DigestPage(algorithm, qop))
    session = client.session(auth=HTTPDigestAuth("user", "pass"))
    first = session.post(url + "?a=b", data=b"content")
    second = session.get(url)
    assert (first.content, second.content) == (b"welcome", b"welcome")
    assert [response.status_code for response in first.history] == [401]
    assert len(origin.seen.requests) == 3  # the second call knew the nonce
    assert origin.seen.connections == 1


def test_digest_with_wrong_password_asks_once(client: Client, origin: Origin) -> None:
    url = origin.route("/digest", DigestPage())
    assert client.get(url, auth=HTTPDigestAuth("user", "wrong")).status_code == 401
    assert len(origin.seen.requests) == 2


def test_digest_with_stale_nonce(client: Client, origin: Origin) -> None:
    """RFC 7616 section 3.3: stale says that name and password were right."""
    url = origin.route("/digest", DigestPage(uses=1))
    auth = HTTPDigestAuth("user", "pass")
    assert [client.get(url, auth=auth).status_code for _ in range(3)] == [200] * 3
    assert len(origin.seen.requests) == 6


def test_digest_takes_the_next_nonce(client: Client, origin: Origin) -> None:
    """RFC 7616 section 3.5."""
    url = origin.route("/digest", DigestPage(uses=1, next_nonce="told"))
    auth = HTTPDigestAuth("user", "pass")
    assert [client.get(url, auth=auth).status_code for _ in range(2)] == [200] * 2
    assert len(origin.seen.requests) == 3


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256-sess"])
def test_a_server_that_shows_that_it_knows_the_password(client: Client, origin: Origin, algorithm: str) -> None:
    """RFC 7616 section 3.5."""
    url = origin.route("/digest", DigestPage(algorithm, proves="pass"))
    auth = HTTPDigestAuth("user", "pass", mutual=True)
    assert [client.get(url + "?a=b", auth=auth).status_code for _ in range(2)] == [200, 200]
    assert client.get(url, auth=HTTPDigestAuth("user", "wrong", mutual=True)).status_code == 401


@pytest.mark.parametrize("page", [DigestPage(proves="guessed"), DigestPage(), lambda seen: Page(b"just so")])
def test_a_server_that_does_not(client: Client, origin: Origin, page: Any) -> None:
    url = origin.route("/digest", page)
    with pytest.raises(RemoteProtocolError, match="has not shown that it knows the password"):
        client.get(url, auth=HTTPDigestAuth("user", "pass", mutual=True))
    assert client.get(url, auth=HTTPDigestAuth("user", "pass")).status_code == 200


def test_a_nonce_of_a_server_that_does_not_know_the_password(client: Client, origin: Origin) -> None:
    url = origin.route("/digest", DigestPage(uses=2, next_nonce="told", proves="guessed"))
    auth = HTTPDigestAuth("user", "pass")
    assert [client.get(url, auth=auth).status_code for _ in range(2)] == [200] * 2
    assert not [seen for seen in origin.seen.requests if 'nonce="told"' in (seen.header("authorization") or "")]


def test_digest_gives_up_where_every_nonce_is_stale(client: Client, origin: Origin) -> None:
    page = DigestPage(uses=0)
    url = origin.route("/digest", page)
    assert client.get(url, auth=HTTPDigestAuth("user", "pass")).status_code == 401
    assert len(origin.seen.requests) == 3


def test_digest_does_not_answer_another_origin(client: Client, origin: Origin, other_origin: Origin) -> None:
    away = other_origin.route("/digest", DigestPage())
    url = f"{origin.url}/to?url={away}"
    assert client.get(url, auth=HTTPDigestAuth("user", "pass")).status_code == 401
    assert [seen.header("authorization") for seen in other_origin.seen.requests] == [None]


def test_digest_leaves_a_body_that_cannot_be_sent_again(client: Client, origin: Origin) -> None:
    url = origin.route("/digest", DigestPage())
    response = client.post(url, data=iter([b"a"]), auth=HTTPDigestAuth("user", "pass"))
    assert (response.status_code, len(origin.seen.requests)) == (401, 1)


def test_digest_in_threads_and_tasks(client: Client, origin: Origin) -> None:
    url = origin.route("/digest", DigestPage())
    auth = HTTPDigestAuth("user", "pass")
    assert client.get(url, auth=auth).status_code == 200
    # The counts may arrive out of order; this strict server then asks anew.
    responses = client.together([("GET", url, {"auth": auth})] * 8)
    assert {response.status_code for response in responses} <= {200, 401}
    assert 200 in {response.status_code for response in responses}


def test_digest_and_the_cache(client: Client, origin: Origin) -> None:
    """Its field is new for every request; whose answers they are stays."""
    page = DigestPage()

    def cacheable(seen: Seen) -> Page:
        told = page(seen)
        return Page(told.body, told.status, (*told.headers, ("Cache-Control", "max-age=60, private")))

    url = origin.route("/digest", lambda seen: cacheable(seen) if seen.header("authorization") else page(seen))
    session = client.session()
    auth = HTTPDigestAuth("user", "pass")
    first, second = (session.get(url, auth=auth) for _ in range(2))
    assert (first.content, second.content) == (b"welcome", b"welcome")
    assert (second.cache.status, len(origin.seen.requests)) == ("hit", 2)
    assert session.get(url, auth=HTTPDigestAuth("user", "other")).status_code == 401
    assert session.get(url).status_code == 401


class Tokens:
    """A token service: `fresh()` gives the next token; `page` takes the latest only."""

    def __init__(self, lifetime: float | None = None, now: Callable[[], float] | None = None) -> None:
        self.given = 0
        self.lifetime, self.now = lifetime, now

    def fresh(self) -> Any:
        self.given += 1
        token = f"token{self.given}"
        return (token, self.now() + self.lifetime) if self.now and self.lifetime is not None else token

    async def fresh_later(self) -> Any:
        return self.fresh()

    def page(self, seen: Seen) -> Page:
        right = seen.header("authorization") == f"Bearer token{self.given}"
        return Page(b"welcome") if right else Page(b"", 401)


def test_bearer_token(client: Client, origin: Origin) -> None:
    for token in ("abc", b"abc"):
        client.get(origin.url + "/echo", auth=BearerAuth(token))
    assert {seen.header("authorization") for seen in origin.seen.requests} == {"Bearer abc"}


def test_bearer_token_that_is_refused_is_not_sent_again(client: Client, origin: Origin) -> None:
    assert client.get(origin.url + "/status/401", auth=BearerAuth("abc")).status_code == 401
    assert len(origin.seen.requests) == 1


def test_bearer_refreshes_after_a_401(client: Client, origin: Origin) -> None:
    tokens = Tokens()
    url = origin.route("/page", tokens.page)
    auth = BearerAuth(tokens.fresh)
    assert client.get(url, auth=auth).status_code == 200
    tokens.fresh()  # the server has forgotten ours
    response = client.post(url, data=b"x", auth=auth)
    assert (response.status_code, [each.status_code for each in response.history]) == (200, [401])
    assert tokens.given == 3


def test_one_refresh_for_many_waiting_calls(client: Client, origin: Origin) -> None:
    tokens = Tokens()
    url = origin.route("/page", tokens.page)
    auth = BearerAuth(tokens.fresh if client.mode == "blocking" else tokens.fresh_later)
    session = client.session(auth=auth)
    calls = [("GET", url, {})] * 12
    assert [response.status_code for response in client.together(calls, session)] == [200] * 12
    assert tokens.given == 1
    gate = threading.Barrier(12)  # no answer before all have asked with the old token

    def held_back(seen: Seen) -> Page:
        if seen.header("authorization") == "Bearer token1":
            gate.wait(20)
            return Page(b"", 401)
        return Page(b"welcome")

    origin.route("/page", held_back)
    assert [response.status_code for response in client.together(calls, session)] == [200] * 12
    assert tokens.given == 2


def test_bearer_refreshes_before_the_end(client: Client, origin: Origin) -> None:
    moment = [0.0]
    tokens = Tokens(60.0, lambda: time.time() + moment[0])
    auth = BearerAuth(tokens.fresh)
    url = origin.route("/page", tokens.page)
    assert [client.get(url, auth=auth).status_code for _ in range(2)] == [200, 200]
    assert tokens.given == 1
    moment[0] = -3600.0  # tokens that are past their end when they come are used once
    late = BearerAuth(tokens.fresh)
    assert [client.get(url, auth=late).status_code for _ in range(2)] == [200, 200]
    assert tokens.given == 3
    assert len(origin.seen.requests) == 4


def test_failing_refresh_is_the_error_of_the_call(client: Client, origin: Origin) -> None:
    def fail(failure: Exception) -> str:
        raise failure

    async def fail_later(failure: Exception) -> str:
        fail(failure)
        raise AssertionError("never reached")

    for function in (fail,) if client.mode == "blocking" else (fail, fail_later):
        for failure in (LookupError("no token today"), TimeoutError("no token today")):
            with pytest.raises(type(failure), match="today"):  # a time-out of its own is no limit of the call's
                client.get(origin.url + "/echo", auth=BearerAuth(lambda f=function, e=failure: f(e)))
    for bad in ("", "a b", "a\nb", 5, ("a",), ("a", "b", "c"), ("a", "soon")):
        with pytest.raises(InvalidOption, match="BearerAuth"):
            client.get(origin.url + "/echo", auth=BearerAuth(lambda bad=bad: bad))
    assert origin.seen.requests == []


def test_the_token_function_may_use_the_session(client: Client, origin: Origin) -> None:
    """Its own calls go without a token: else it would wait for itself."""
    session = client.session()
    url = origin.url + "/echo"
    if client.mode == "blocking":
        session.auth = BearerAuth(lambda: f"t{session.get(url).status_code}")
    else:

        async def ask() -> str:
            return f"t{(await session.inner.get(url)).status_code}"

        session.inner.auth = BearerAuth(ask)
    session.get(url)
    assert [seen.header("authorization") for seen in origin.seen.requests] == [None, "Bearer t200"]


def test_async_token_function_is_refused_where_nothing_can_await(origin: Origin) -> None:
    async def token() -> str:
        await asyncio.sleep(0)
        raise AssertionError("never reached")

    with smartclient.Session() as session, pytest.raises(SessionMisuse):
        session.get(origin.url + "/echo", auth=BearerAuth(token))


def test_token_that_does_not_come(loop_client: Client, origin: Origin) -> None:
    session = loop_client.session(timeout=smartclient.Timeout(5, total=0.05), retries=0)
    with pytest.raises(DeadlineExceeded, match="no token in time"):
        session.get(origin.url + "/echo", auth=BearerAuth(anyio.sleep_forever))


def test_cancelled_refresh_is_taken_over(loop_client: Client, origin: Origin) -> None:
    """Who waits for a call that is cancelled refreshes itself."""

    async def scenario() -> int:
        waiting, asked = anyio.Event(), 0

        async def token() -> str:
            nonlocal asked
            asked += 1
            if asked == 1:
                waiting.set()
                await anyio.sleep_forever()
            return "second"

        auth = BearerAuth(token)
        async with smartclient.AsyncSession(auth=auth) as session, anyio.create_task_group() as group:
            first = anyio.CancelScope()

            async def leader() -> None:
                with first:
                    await session.get(origin.url + "/echo")

            group.start_soon(leader)
            await waiting.wait()
            group.start_soon(session.get, origin.url + "/echo")
            while not auth._waiting:
                await anyio.lowlevel.checkpoint()
            first.cancel()
        return asked

    assert loop_client.run(scenario) == 2
    assert [seen.header("authorization") for seen in origin.seen.requests] == ["Bearer second"]


def test_basic_objects_and_pairs(client: Client, origin: Origin) -> None:
    for auth in (("user", "pass"), ["user", "pass"], HTTPBasicAuth("user", "pass")):
        assert client.get(origin.url + "/basic", auth=auth).content == b"welcome\n"
    auth = HTTPBasicAuth("user", "wrong")
    session = client.session(auth=auth)
    assert session.get(origin.url + "/basic").status_code == 401
    auth.password = "pass"
    assert session.get(origin.url + "/basic").status_code == 200


class Signed(AuthBase):
    """A signature over the request as it is."""

    def __call__(self, r: Any) -> Any:
        r.headers["X-Signature"] = f"{r.method} {r.url} {len(r.body or b'')}"
        return r


def test_any_callable(client: Client, origin: Origin) -> None:
    def plain(r: Any) -> Any:
        r.url += "&key=k"
        r.headers["X-Mine"] = "1"
        r.body = b"replaced"
        return r

    url = origin.url + "/echo?a=b"
    client.post(url, data=b"content", auth=Signed())
    client.post(url, data=b"content", auth=plain)
    client.post(url, data=b"content", auth=lambda r: None)
    signed, changed, same = origin.seen.requests
    assert signed.header("x-signature") == f"POST {url} 7"
    assert (changed.target, changed.header("x-mine"), changed.body) == ("/echo?a=b&key=k", "1", b"replaced")
    assert (same.target, same.body) == ("/echo?a=b", b"content")


def test_async_callable(loop_client: Client, origin: Origin) -> None:
    async def later(r: Any) -> Any:
        r.headers["X-Mine"] = "1"
        return r

    loop_client.get(origin.url + "/echo", auth=later)
    assert origin.seen.requests[0].header("x-mine") == "1"


def test_what_is_no_request_is_refused(client: Client, origin: Origin) -> None:
    with pytest.raises(SessionMisuse, match="auth made 5"):
        client.get(origin.url + "/echo", auth=lambda r: 5)


class Login:
    """A flow: asks for a session's key when it is refused, and goes on with it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[Any] = []

    def auth_flow(self, request: Any) -> Any:
        response = yield request
        self.seen.append((response.status_code, response.text))
        if response.status_code == 401:
            request.headers["X-Key"] = response.headers["X-Hint"]
            response = yield request
            self.seen.append(response.status_code)


def test_flow(client: Client, origin: Origin) -> None:
    def page(seen: Seen) -> Page:
        if seen.header("x-key") == "k":
            return Page(b"welcome")
        return Page(b"hint", 401, (("X-Hint", "k"), ("Set-Cookie", "a=b")))

    login = Login(origin.route("/page", page))
    response = client.post(login.url, data=b"content", auth=login)
    assert (response.content, [each.status_code for each in response.history]) == (b"welcome", [401])
    assert login.seen == [(401, "hint"), 200]
    assert [seen.body for seen in origin.seen.requests] == [b"content"] * 2
    assert origin.seen.requests[1].header("cookie") == "a=b"
    assert origin.seen.connections == 1


def test_flow_as_a_plain_function_leaves_streams_alone(client: Client, origin: Origin) -> None:
    def flow(request: Any) -> Any:
        response = yield request
        assert response.status_code == 200

    with client.stream("GET", origin.url + "/chunked/3", auth=flow) as response:
        assert b"".join(response.iter_content(7)) == b"0123456789" * 3


def test_flow_that_keeps_the_401(client: Client, origin: Origin) -> None:
    def flow(request: Any) -> Any:
        response = yield request
        assert response.content == b"401"

    response = client.get(origin.url + "/status/401", auth=flow)
    assert (response.status_code, response.content) == (401, b"401")


def test_flow_that_fetches_a_token_elsewhere(client: Client, origin: Origin, other_origin: Origin) -> None:
    tokens = other_origin.route("/token", lambda seen: Page(b"fetched"))

    def flow(request: Any) -> Any:
        asked = smartclient.Request("POST", tokens, data={"grant": "x"})
        answer = yield asked
        assert answer.text == (yield asked.prepare()).text
        request.headers["Authorization"] = f"Bearer {answer.text}"
        yield request

    response = client.post(origin.url + "/echo", data=b"content", headers={"X-API-Key": "k"}, auth=flow)
    sent = dict(response.json()["headers"])
    assert (sent["Authorization"], sent["X-API-Key"]) == ("Bearer fetched", "k")
    assert [each.status_code for each in response.history] == [200, 200]
    asked = other_origin.seen.requests[0]
    assert (asked.method, asked.body, asked.header("x-api-key")) == ("POST", b"grant=x", None)


def test_flow_ends_with_its_deadline(client: Client, origin: Origin) -> None:
    def flow(request: Any) -> Any:
        while True:
            yield request

    session = client.session(timeout=smartclient.Timeout(5, total=0.2), retries=0)
    with pytest.raises(DeadlineExceeded):
        session.get(origin.url + "/status/401", auth=flow)


def test_flow_that_raises(client: Client, origin: Origin) -> None:
    def flow(request: Any) -> Any:
        yield request
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        client.get(origin.url + "/echo", auth=flow)

    def nothing(request: Any) -> Any:
        return
        yield

    with pytest.raises(SessionMisuse, match="gave no request"):
        client.get(origin.url + "/echo", auth=nothing)


def test_flow_is_closed_when_the_call_fails(client: Client, origin: Origin) -> None:
    closed = []

    def flow(request: Any) -> Any:
        try:
            yield request
        finally:
            closed.append(True)

    with pytest.raises(InvalidOption):
        client.get(origin.url + "/echo", auth=flow, timeout=-1)
    with pytest.raises(ConnectionError):
        client.get("http://127.0.0.1:1/", auth=flow, retries=0)
    assert closed == [True]


def test_proxy_auth_does_not_reach_the_origin(client: Client, origin: Origin) -> None:
    client.get(origin.url + "/echo", auth=HTTPProxyAuth("user", "pass"))
    assert origin.seen.requests[0].header("proxy-authorization") is None


def test_proxy_auth_is_for_the_proxy(client: Client, origin: Origin, tls_origin: Origin, authority: Authority) -> None:
    with contextlib.closing(Relay("http", None, ("user", "pass"))) as proxy:
        session = client.session(
            proxies={"all": proxy.url}, auth=HTTPProxyAuth("user", "pass"), verify=str(authority.ca_file)
        )
        assert session.get(origin.url + "/echo").status_code == 200
        assert session.get(tls_origin.url + "/echo").status_code == 200
        assert len(proxy.ways) == 2
        assert session.get(origin.url + "/echo", auth=HTTPProxyAuth("user", "wrong")).status_code == 407
    assert tls_origin.seen.requests[0].header("proxy-authorization") is None


def test_prepared_by_itself_and_sent(origin: Origin) -> None:
    """As with requests, whose objects hang hooks on the request."""
    tokens = Tokens()
    with smartclient.Session() as session:
        for url, auth in [
            (origin.route("/digest", DigestPage()), HTTPDigestAuth("user", "pass")),
            (origin.route("/page", tokens.page), BearerAuth(tokens.fresh)),
        ]:
            prepared = smartclient.Request("GET", url, auth=auth).prepare()
            tokens.fresh()  # a token that was taken before is old now
            assert session.send(prepared).status_code == 200


def test_digest_of_requests_itself(origin: Origin) -> None:
    auth = pytest.importorskip("requests").auth.HTTPDigestAuth("user", "pass")
    with smartclient.Session() as session:
        response = session.get(origin.route("/digest", DigestPage()), auth=auth, cookies={"a": "b"})
    assert (response.status_code, [each.status_code for each in response.history]) == (200, [401])
    assert origin.seen.requests[1].header("cookie") == "a=b"


def test_refresh_in_a_forked_child() -> None:
    """A child does not wait for a thread of its parent."""
    auth = BearerAuth(lambda: "fresh")
    auth._waiting, auth._process = [], -1  # as fork leaves it while another thread refreshes
    runtime = BlockingRuntime()
    current = auth._current(Request("GET", URL.parse("http://h.example/")), runtime, time.time, refused=-1)
    assert run_blocking(current) == ("fresh", 1)


def test_flow_stays_behind_on_another_origin(client: Client, origin: Origin, other_origin: Origin) -> None:
    called = []

    def sign(r: Any) -> Any:
        called.append(r.url)
        r.headers["X-Signature"] = "s"
        return r

    client.get(f"{origin.url}/to?url={other_origin.url}/echo", auth=sign)
    assert len(called) == 1
    assert other_origin.seen.requests[0].header("x-signature") is None


@pytest.mark.parametrize(
    "auth", [HTTPDigestAuth("user", "hunter2"), BearerAuth("hunter2"), HTTPBasicAuth("user", "hunter2")], ids=repr
)
def test_credentials_do_not_show_and_can_be_pickled(auth: Any) -> None:
    assert "hunter2" not in repr(auth)
    copy = pickle.loads(pickle.dumps(auth))
    prepared = type("Prepared", (), {"headers": {}, "method": "GET", "url": "http://h.example/"})()
    copy(prepared)
    assert ("Authorization" in prepared.headers) is not isinstance(auth, HTTPDigestAuth)


NETRC = (
    "machine 127.0.0.1 login user password pass\nmachine other.example login o password p\ndefault login d password d\n"
)


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "netrc"
    path.write_text(NETRC)
    monkeypatch.setenv("NETRC", str(path))
    return path


def test_netrc(client: Client, origin: Origin, netrc: Path) -> None:
    url = origin.url + "/basic"
    assert client.get(url).status_code == 200
    assert client.get(url, auth=("user", "wrong")).status_code == 401
    assert client.get(url, headers={"Authorization": "mine"}).status_code == 401
    assert client.get(url.replace("//", "//user:wrong@")).status_code == 401
    assert client.session(trust_env=False).get(url).status_code == 401
    assert origin.seen.requests[2].header("authorization") == "mine"
    netrc.write_text(NETRC.replace("password pass", "password changed"))
    assert client.get(url).status_code == 401
    netrc.unlink()
    assert client.get(url).status_code == 401
    assert origin.seen.requests[-1].header("authorization") is None


def test_netrc_is_for_the_very_host_and_not_after_redirects(client: Client, origin: Origin, netrc: Path) -> None:
    """CVE-2024-11053: what another origin leads to gets nothing, whatever the file has for it."""
    netrc.write_text(f"machine localhost login user password pass\n{NETRC}")
    away = origin.url.replace("127.0.0.1", "localhost") + "/echo"
    sent = [client.get(url).json() for url in (away, f"{origin.url}/to?url={away}", f"{origin.url}/to?url=/echo")]
    fields = [dict(echo["headers"]).get("Authorization") for echo in sent]
    assert fields[0] is not None
    assert fields[1] is None
    assert fields[2] is not None
    netrc.write_text("default login d password d\n")
    client.get(origin.url + "/echo")
    assert origin.seen.requests[-1].header("authorization") is None


def test_netrc_in_the_home_directory(
    client: Client, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("smartclient._api.netrc._PAUSE", 0.0)
    client.get(origin.url + "/basic")
    (tmp_path / ".netrc").write_text(NETRC)
    from smartclient._api.netrc import FOUND

    FOUND.look_now()
    assert client.get(origin.url + "/basic").status_code == 200


@pytest.mark.parametrize(
    "text",
    [b"machine 127.0.0.1 login user password\npass word hunter2", b"\xff\xfe\x00", b"hunter2"],
    ids=["split-password", "not-text", "not-netrc"],
)
def test_broken_netrc_is_logged_and_passed_over(
    client: Client, origin: Origin, netrc: Path, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    netrc.write_bytes(text)
    with caplog.at_level(logging.WARNING, "smartclient"):
        assert client.get(origin.url + "/basic").status_code == 401
    assert "cannot be read" in caplog.text
    assert "hunter2" not in caplog.text

"""Keywords of sessions and calls: unknown ones, those that make no sense, and what becomes of the request."""

import asyncio
import pickle
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import smartclient
from outgoing import Sent, sent
from smartclient import AsyncSession, RetryPolicy, Session
from smartclient._api.tls import ISSUERS
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient.exceptions import InvalidHeader, InvalidOption, InvalidSchema, MissingSchema

NOWHERE = "http://127.0.0.1:9/"


def built(session: Session, url: Any = NOWHERE, **options: Any) -> Request:
    return sent(session, url, **options)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        pytest.param(lambda: Session(timout=3), "'timout'; did you mean 'timeout'", id="session"),
        pytest.param(lambda: AsyncSession(header={}), "'header'; did you mean 'headers'", id="async session"),
        pytest.param(
            lambda: Session(xyzzy=1), r"Session\(\) got an unexpected keyword argument 'xyzzy'$", id="nothing near"
        ),
        pytest.param(lambda: Session().get(NOWHERE, timout=3), "'timout'; did you mean 'timeout'", id="get"),
        pytest.param(lambda: Session().post(NOWHERE, jsn={}), "'jsn'; did you mean 'json'", id="post"),
        pytest.param(lambda: smartclient.get(NOWHERE, acept="a/b"), "'acept'; did you mean 'accept'", id="module"),
        pytest.param(
            lambda: Session().stream("GET", NOWHERE, Header=1), "did you mean 'headers'", id="stream, in any case"
        ),
        pytest.param(lambda: Session().derive(base_ulr="x"), "'base_ulr'; did you mean 'base_url'", id="derive"),
        pytest.param(
            lambda: asyncio.run(AsyncSession().get(NOWHERE, param={})), "did you mean 'params'", id="async get"
        ),
    ],
)
def test_unknown_keyword(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        call()


async def waits(request: Any, next: Any) -> Any:
    return await next(request)


class Waits:
    async def __call__(self, request: Any, next: Any) -> Any:
        return await next(request)


@pytest.mark.parametrize(
    "options",
    [
        {"limits": 5},
        {"limits": {"max_connections": 5}},
        {"base_url": "not a URL"},
        {"base_url": "ftp://h.example/"},
        {"accept": "json"},
        {"accept_language": [("de", 2)]},
        {"json_lib": object()},
        {"codecs": {"json": (len, len)}},
        {"stages": 5},
        {"stages": ["f"]},
        {"stages": [waits]},
        {"stages": [partial(waits)]},
        {"stages": [Waits()]},
        {"transport": object()},
    ],
    ids=str,
)
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises((InvalidOption, InvalidSchema, MissingSchema)):
        Session(**options)
    with pytest.raises((InvalidOption, InvalidSchema, MissingSchema)):
        Session().derive(**options)


def test_limits_set_later_are_checked_too() -> None:
    session = Session()
    session.limits = 5  # type: ignore[assignment]
    with pytest.raises(InvalidOption, match="limits"):
        built(session)


def test_async_session_takes_async_stages() -> None:
    assert AsyncSession(stages=[waits, Waits()]).stages[0] is waits


@pytest.mark.parametrize(
    ("session", "call", "accept"),
    [
        pytest.param({}, {}, "*/*", id="default"),
        pytest.param({"accept": "a/b"}, {}, "a/b", id="session"),
        pytest.param({"accept": "a/b"}, {"accept": [("c/d", 0.5)]}, "c/d;q=0.5", id="call"),
        pytest.param({"accept": "a/b"}, {"headers": {"accept": "c/d"}}, "c/d", id="a field of the call"),
        pytest.param({"accept": "a/b"}, {"headers": {"accept": "c/d"}, "accept": "e/f"}, "e/f", id="both"),
        pytest.param({"headers": {"accept": "c/d"}, "accept": "a/b"}, {}, "a/b", id="both in the session"),
        pytest.param({"accept": "a/b"}, {"accept": None}, "a/b", id="None is the session's"),
    ],
)
def test_accept(session: dict[str, Any], call: dict[str, Any], accept: str) -> None:
    assert built(Session(**session), **call).fields.getlist("accept") == [accept]


def test_strict_accept_and_array_style_of_session_and_call() -> None:
    session = Session(strict_accept=True, array_style="comma", params={"a": [1, 2]})
    assert built(session).options.strict_accept
    assert built(session).url.query == "a=1,2"
    assert not built(session, strict_accept=False).options.strict_accept
    assert built(session, array_style="repeat").url.query == "a=1&a=2"
    session.strict_accept = False
    assert not built(session).options.strict_accept


API = "https://api.example/v1/"
BASES = [  # base, reference, result
    pytest.param(API, "users", "https://api.example/v1/users", id="5.2 relative"),
    pytest.param(API, "/users", "https://api.example/users", id="5.2 absolute path"),
    pytest.param(API, "../v2/users?x=1", "https://api.example/v2/users?x=1", id="5.2 dots"),
    pytest.param(API, "?x=1", "https://api.example/v1/?x=1", id="5.2 query"),
    pytest.param(API, "", API, id="5.2 empty"),
    pytest.param("https://api.example/v1", "users", "https://api.example/users", id="5.2 no slash at the end"),
    pytest.param(API, b"users", "https://api.example/v1/users", id="bytes"),
    pytest.param(API, "http://other.example/x", "http://other.example/x", id="absolute"),
    pytest.param(API, "//other.example/x", "https://other.example/x", id="network path"),
]


@pytest.mark.parametrize(("base", "reference", "expected"), BASES)
def test_base_url(base: str, reference: Any, expected: str) -> None:
    assert str(built(Session(base_url=base), reference).url) == expected


def test_no_base_url() -> None:
    with pytest.raises(MissingSchema):
        built(Session(), "users")
    with pytest.raises(MissingSchema):
        built(Session(), "")


STRANGERS = ["https://other.example/", "//other.example/", "http://api.example/", "https://api.example:444/"]


@pytest.mark.parametrize("url", STRANGERS)
@pytest.mark.parametrize("call", [{}, {"headers": {"X-Other": "1"}}], ids=["plain", "headers"])
def test_session_credentials_stay_with_the_base(url: str, call: dict[str, Any]) -> None:
    headers = {"Authorization": "Bearer hunter2", "X-API-Key": "hunter2", "X-Trace": "7"}
    session = Session(base_url=API, auth=("user", "hunter2"), headers=headers)
    home = built(session, "users", **call)
    assert (home.options.auth, home.fields.get("x-api-key")) == (("user", "hunter2"), "hunter2")
    away = built(session, url, **call)
    assert away.options.auth is None
    assert "hunter2" not in str(away.fields.lines)
    assert away.fields.get("x-trace") == "7"
    assert away.fields.get("x-other") == call.get("headers", {}).get("X-Other")


def test_what_the_call_itself_gives_goes_where_it_goes() -> None:
    session = Session(base_url=API, auth=("user", "hunter2"))
    away = built(session, "https://other.example/", auth=("a", "b"), headers={"X-API-Key": "mine"})
    assert (away.options.auth, away.fields.get("x-api-key")) == (("a", "b"), "mine")


def test_cookies_given_to_a_session_stay_with_its_base() -> None:
    session = Session(base_url=API, cookies={"a": "b"})
    assert session._jar is not None
    assert session._jar.field_for(URL.parse(API), 0.0) == "a=b"
    assert session._jar.field_for(URL.parse("https://other.example/"), 0.0) is None
    assert session._jar.field_for(URL.parse("https://sub.api.example/"), 0.0) is None


def loud(request: Any, next: Any) -> Any:
    return next(request)


@pytest.mark.parametrize("kind", [Session, AsyncSession])
def test_pickle(kind: type[Any]) -> None:
    import json

    session = kind(
        headers={"X-A": "1"},
        cookies={"c": "d"},
        auth=("user", "pass"),
        params={"p": 1},
        base_url=API,
        timeout=smartclient.Timeout(3),
        json_lib=json,
        strict_accept=True,
        accept="a/b",
        limits=smartclient.Limits(max_connections=7),
        stages=[] if kind is AsyncSession else [loud],
    )
    session.max_redirects = 3
    copy = pickle.loads(pickle.dumps(session))
    assert type(copy) is kind
    assert (copy.headers, copy.auth, copy.params, copy.timeout) == (
        session.headers,
        ("user", "pass"),
        {"p": 1},
        session.timeout,
    )
    assert (copy.base_url, copy.json_lib, copy.strict_accept, copy.accept) == (API, json, True, "a/b")
    assert (copy.max_redirects, copy.limits, copy.stages) == (3, session.limits, session.stages)
    assert [(each.name, each.value, each.domain) for each in copy.cookies] == [("c", "d", "api.example")]
    assert copy._pool is None
    assert copy._cache is not None
    assert copy._cache is not session._cache
    if kind is Session:
        copy.stages = []
        assert str(built(copy, "x").url) == API + "x?p=1"


def test_pickle_without_jar_and_cache() -> None:
    copy = pickle.loads(pickle.dumps(Session(cookies=None, cache=None)))
    assert (copy.cookies, copy._cache) == (None, None)


def test_derive_takes_settings_and_changes_its_own() -> None:
    parent = Session(headers={"X-A": "1", "X-B": "2"}, auth=("u", "p"), params={"a": 1}, cookies={"c": "d"}, retries=5)
    parent.max_redirects = 7
    child = parent.derive(headers={"X-B": None, "X-C": "3"}, timeout=4, accept="a/b", base_url=API, stages=[loud])
    assert [child.headers.get(name) for name in ("X-A", "X-B", "X-C", "Accept")] == ["1", None, "3", "a/b"]
    assert (child.auth, child.retries, child.max_redirects, child.timeout) == (("u", "p"), 5, 7, 4)
    assert (child.base_url, child.stages, len(child.cookies or ())) == (API, (loud,), 0)
    child.headers["X-A"] = "changed"
    child.params["a"] = 2  # type: ignore[index]
    assert (parent.headers["X-A"], parent.params, parent.base_url, parent.stages) == ("1", {"a": 1}, None, ())
    assert child._cache is parent._cache


@pytest.mark.parametrize("kind", [Session, AsyncSession])
def test_proxies_go_along(kind: type[Any]) -> None:
    session = kind(proxies={"http": "http://p:1"}, trust_env=False)
    child = session.derive()
    child.proxies["http"] = "http://q:2"
    assert session.proxies == {"http": "http://p:1"}
    assert session.derive(proxies=None).proxies == {}
    copy = pickle.loads(pickle.dumps(session))
    assert (copy.proxies, copy.trust_env) == ({"http": "http://p:1"}, False)


class Transport:
    """Answers nothing."""

    def handle_request(self, request: Any) -> None:
        raise Sent(request)


def test_transport_goes_to_derived_sessions_and_into_no_pickle() -> None:
    session = Session(transport=Transport())
    with pytest.raises(Sent):
        session.derive().get(NOWHERE)
    with pytest.raises(InvalidOption, match="transport"):
        Session().derive(transport=Transport())
    with pytest.raises(TypeError, match="transport="):
        pickle.dumps(session)
    with pytest.raises(InvalidOption, match="transport"):
        session.prewarm(NOWHERE)


@pytest.mark.parametrize(
    ("session", "call", "implied"),
    [
        pytest.param({}, {}, True, id="default"),
        pytest.param({"cache": True}, {}, False, id="asked for"),
        pytest.param({}, {"cache": True}, False, id="asked for by the derived"),
    ],
)
def test_cache_that_nobody_asked_for_stays_so(session: Any, call: Any, implied: bool) -> None:
    child = Session(**session).derive(**call)
    assert (child._cache_implied, child._cache is not None) == (implied, True)


PROXY = {"http": "http://p.example:8080"}


def test_base_url_does_not_keep_credentials_from_the_proxy() -> None:
    session = Session(base_url=API, headers={"Proxy-Authorization": "Basic x"}, proxies=PROXY)
    for url in (API, NOWHERE):
        request = built(session, url)
        assert "proxy-authorization" not in request.fields
        assert request.options.proxies is not None
        assert request.options.proxies.authorization == "Basic x"


def test_unix_socket_leads_past_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", PROXY["http"])
    session = Session(unix_socket="/s", proxies=PROXY)
    assert built(session, proxies=PROXY).options.proxy is None
    assert built(Session()).options.proxy is not None


@pytest.mark.parametrize("variable", ["http_proxy", "SSL_CERT_FILE"])
def test_trust_env_is_one_option(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ISSUERS, "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    usual = built(Session(trust_env=False)).options
    monkeypatch.setenv(variable, "http://p.example:8080")
    trusting = built(Session()).options
    assert (trusting.proxy is None, trusting.tls == usual.tls) == (variable != "http_proxy", variable == "http_proxy")
    assert built(Session(trust_env=False)).options == usual


def test_derive_without_cache_and_cookies() -> None:
    parent = Session()
    assert parent.derive(cache=None)._cache is None
    assert parent.derive(cookies=None).cookies is None
    assert Session(cookies=None).derive().cookies is None
    assert Session(cache=None).derive()._cache is None
    assert Session(cache=None).derive(cache=True)._cache is not None


def test_derived_limits_belong_to_bodies() -> None:
    parent = Session(limits=smartclient.Limits(max_connections=3))
    assert parent.derive(limits=smartclient.Limits(max_connections=3, body_max=9)).limits.body_max == 9
    with pytest.raises(InvalidOption, match="max_connections"):
        parent.derive(limits=smartclient.Limits(body_max=9))


class Subclass(Session):
    """With a constructor of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(headers={"X-Name": name})
        self.name = name


def test_subclasses_are_derived_and_pickled() -> None:
    child = Subclass("a").derive(timeout=1)
    assert (type(child), child.name, child.headers["X-Name"]) == (Subclass, "a", "a")
    assert pickle.loads(pickle.dumps(child)).name == "a"


@pytest.mark.parametrize("count", [0, -1, True, "2", None])
def test_prewarm_of_no_number(count: Any) -> None:
    with pytest.raises(InvalidOption, match="connections"):
        Session().prewarm(NOWHERE, count)


def test_retries_are_a_number_or_a_policy() -> None:
    policy = RetryPolicy(7, on_timeout=True)
    with Session(retries=policy) as session:
        assert built(session).options.retries is policy
        assert built(session, retries=1).options.retries == RetryPolicy(1)
        assert built(session, retries=0).options.retries.retries == 0
    with pytest.raises(InvalidOption, match="a RetryPolicy, not 'often'"):
        Session().get(NOWHERE, retries="often")


def test_idempotency_key() -> None:
    session = Session()
    assert "idempotency-key" not in built(session).fields
    first, second = (built(session, idempotency_key=True) for _ in range(2))
    keys = [request.fields.get("idempotency-key") for request in (first, second)]
    assert all(re.fullmatch('"[0-9a-f]{32}"', key) for key in keys)
    assert keys[0] != keys[1]
    assert first.options.idempotent
    assert built(session, idempotency_key="mine").fields.get("idempotency-key") == "mine"
    by_hand = built(session, idempotency_key=True, headers={"Idempotency-Key": "hand"})
    assert by_hand.fields.getlist("idempotency-key") == ["hand"]
    with pytest.raises(InvalidHeader):
        session.get(NOWHERE, idempotency_key="a\r\nb")
    with pytest.raises(InvalidOption, match="idempotency_key"):
        session.get(NOWHERE, idempotency_key=7)


def test_derived_sessions_share_the_budget_of_retries() -> None:
    session = Session()
    assert session.derive()._budget is session._budget
    assert pickle.loads(pickle.dumps(session))._budget is not session._budget

"""The origin stage: cookies and credentials on the way down, Set-Cookie on the way up."""

import base64
import threading

import pytest

from smartclient._model.basic import basic_credentials
from smartclient._model.errors import InvalidOption, ReadTimeout
from smartclient._model.headers import Fields
from smartclient._model.message import Head
from smartclient._model.options import Options
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._pipeline.origin import OriginStage
from smartclient._rules.jar import Jar
from smartclient._runtime.base import run_blocking

NOW = 1_800_000_000.0


@pytest.fixture
def jar():
    return Jar(threading.Lock())


def run(below, jar, url="http://h.example/a/b", fields=(), **options):
    stage = OriginStage(jar, lambda: NOW, below)
    return run_blocking(stage(Request("GET", URL.parse(url), Fields(fields), options=Options(**options))))


def sent(below, name):
    return below.requests[-1].fields.getlist(name)


def test_nothing_to_add_hands_the_same_request_on(below, jar):
    below.will(200)
    reply = run(below, jar)
    assert reply is below.replies[0]
    assert below.requests[0].fields.lines == ()


def test_cookie_is_kept_and_sent_where_it_belongs(below, jar):
    below.will(200, ("Set-Cookie", "a=1; Path=/a"), ("Set-Cookie", "b=2; Secure"), ("Set-Cookie", "c=3"))
    run(below, jar, "https://h.example/a/b")
    for url, cookies in [
        ("https://h.example/a/c", ["a=1; b=2; c=3"]),
        ("http://h.example/a/c", ["a=1; c=3"]),
        ("https://h.example/", []),
        ("https://sub.h.example/a/c", []),
    ]:
        below.will(200)
        run(below, jar, url)
        assert sent(below, "cookie") == cookies


COOKIES = [  # jar, cookies of the call, field of the caller, what is sent
    pytest.param([("a", "1")], (), (), ["a=1"], id="jar"),
    pytest.param([], (("x", "1"), ("y", "2")), (), ["x=1; y=2"], id="call"),
    pytest.param([("a", "1")], (("x", "2"),), (), ["a=1; x=2"], id="both"),
    pytest.param([("a", "1"), ("b", "2")], (("a", "9"),), (), ["b=2; a=9"], id="the-call-wins-a-name"),
    pytest.param([("a", "1")], (("a", "9"),), (), ["a=9"], id="the-call-wins-all"),
    pytest.param([("a", "1")], (("x", "2"),), [("Cookie", "mine=1")], ["mine=1"], id="written-by-hand"),
]


@pytest.mark.parametrize(("kept", "given", "fields", "expected"), COOKIES)
def test_cookie_field(below, jar, kept, given, fields, expected):
    for name, value in kept:
        jar.set(name, value)
    below.will(200)
    run(below, jar, fields=fields, cookies=given)
    assert sent(below, "cookie") == expected


def test_cookies_of_a_call_are_not_kept(below, jar):
    below.will(200)
    run(below, jar, cookies=(("x", "1"),))
    assert len(jar) == 0


def test_without_a_jar_nothing_is_kept_but_the_call_may_send(below):
    for _ in range(2):
        below.will(200, ("Set-Cookie", "a=1"))
        run(below, None, cookies=(("x", "1"),))
    assert sent(below, "cookie") == ["x=1"]


PROVENANCES = [  # RFC 9111 section 3: a stored Set-Cookie was told once already
    pytest.param("network", None, True, id="network"),
    pytest.param("cache", None, False, id="cache"),
    pytest.param("revalidated", Head(304, Fields([("Set-Cookie", "a=1")])), True, id="304-sets-it"),
    pytest.param("revalidated", Head(304), False, id="304-does-not"),
]


@pytest.mark.parametrize(("provenance", "network_head", "kept"), PROVENANCES)
def test_only_the_network_sets_cookies(below, jar, provenance, network_head, kept):
    async def stored(request):
        reply = await below(request)
        reply.provenance = provenance
        reply.network_head = network_head
        return reply

    below.will(200, ("Set-Cookie", "a=1"))
    run(stored, jar)
    assert bool(jar) is kept


def test_failure_passes(below, jar):
    below.will(ReadTimeout("no"))
    with pytest.raises(ReadTimeout):
        run(below, jar)


CREDENTIALS = [  # RFC 7617 section 2: UTF-8
    pytest.param(("user", "pass"), b"user:pass", id="ascii"),
    pytest.param(("Jürgen", "pä:ss"), "Jürgen:pä:ss".encode(), id="utf-8"),
    pytest.param((b"\xff", b"\xfe"), b"\xff:\xfe", id="bytes-as-they-are"),
    pytest.param(("", ""), b":", id="empty"),
    pytest.param(["user", b"pass"], b"user:pass", id="list-and-mixed"),
]


@pytest.mark.parametrize(("auth", "pair"), CREDENTIALS)
def test_basic_credentials(auth, pair):
    assert basic_credentials(auth) == "Basic " + base64.b64encode(pair).decode()


@pytest.mark.parametrize(
    "auth", [5, (), ("user",), ("a", "b", "c"), ("\ud800", "x")], ids=["int", "empty", "one", "three", "surrogate"]
)
def test_credentials_that_are_none(auth):
    with pytest.raises(InvalidOption, match="auth must be"):
        basic_credentials(auth)


def basic(pair):
    return "Basic " + base64.b64encode(pair).decode()


AUTH = [  # URL, auth option, field of the caller, what is sent
    pytest.param("http://h.example/", ("u", "p"), (), [basic(b"u:p")], id="option"),
    pytest.param("http://u:p%40@h.example/", None, (), [basic(b"u:p@")], id="userinfo"),
    pytest.param("http://u:p@h.example/", ("v", "q"), (), [basic(b"v:q")], id="option-over-userinfo"),
    pytest.param("http://h.example/", ("u", "p"), [("Authorization", "mine")], [basic(b"u:p")], id="option-over-field"),
    pytest.param("http://h.example/", None, [("Authorization", "mine")], ["mine"], id="field"),
    pytest.param("http://h.example/", None, (), [], id="none"),
]


@pytest.mark.parametrize(("url", "auth", "fields", "expected"), AUTH)
def test_authorization(below, jar, url, auth, fields, expected):
    below.will(200)
    run(below, jar, url, fields, auth=auth)
    assert sent(below, "authorization") == expected

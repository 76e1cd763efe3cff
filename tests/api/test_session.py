"""Sessions: what is wrong with a call raises at the call, attributes may change between calls, threads may share."""

import datetime
import decimal
import http.cookiejar
import pathlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

import smartclient
from smartclient._api.async_session import AsyncSession
from smartclient._api.session import Session
from smartclient._model.errors import (
    ConnectionError,
    HTTPError,
    IncompleteBody,
    InsecureRequestWarning,
    InvalidHeader,
    InvalidOption,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    RequestException,
    SessionMisuse,
    TooManyRedirects,
)
from smartclient._model.options import DEFAULT_TIMEOUT, Limits, Timeout
from smartclient._pipeline.chain import build_chain
from smartclient._pipeline.together import Together
from smartclient._rules.jar import Jar
from smartclient._runtime.base import run_blocking

URL = "http://h.example/path"


# What is wrong with a call


BAD_CALLS = [  # method, URL, options, error
    pytest.param("", URL, {}, InvalidOption, id="no-method"),
    pytest.param("G ET", URL, {}, InvalidOption, id="method-with-space"),
    pytest.param("GET\r\nX: 1", URL, {}, InvalidOption, id="method-with-line-end"),
    pytest.param("GÉT", URL, {}, InvalidOption, id="method-with-letters"),
    pytest.param(None, URL, {}, InvalidOption, id="none-as-method"),
    pytest.param(["GET"], URL, {}, InvalidOption, id="list-as-method"),
    pytest.param("GET", None, {}, MissingSchema, id="none-as-url"),
    pytest.param("GET", "", {}, MissingSchema, id="empty-url"),
    pytest.param("GET", "h.example", {}, MissingSchema, id="no-scheme"),
    pytest.param("GET", 5, {}, MissingSchema, id="number-as-url"),
    pytest.param("GET", "ftp://h/", {}, InvalidSchema, id="scheme"),
    pytest.param("GET", "http://", {}, InvalidURL, id="no-host"),
    pytest.param("GET", "http://h:99999/", {}, InvalidURL, id="port"),
    pytest.param("GET", "http://a b/", {}, InvalidURL, id="space-in-host"),
    pytest.param("GET", "http://[::1/", {}, InvalidURL, id="bracket"),
    pytest.param("GET", "http://h/\r\n", {"params": 5}, InvalidOption, id="params"),
    pytest.param("GET", URL, {"headers": {"A": 1}}, InvalidHeader, id="header-value"),
    pytest.param("GET", URL, {"headers": {"A": "1\r\nB: 2"}}, InvalidHeader, id="header-injection"),
    pytest.param("GET", URL, {"headers": 5}, InvalidHeader, id="headers"),
    pytest.param("GET", URL, {"headers": {"Content-Length": "5"}}, InvalidHeader, id="length-of-nothing"),
    pytest.param("POST", URL, {"data": b"x", "headers": {"Content-Length": "2"}}, InvalidHeader, id="wrong-length"),
    pytest.param("GET", URL, {"headers": {"Transfer-Encoding": "gzip"}}, InvalidHeader, id="transfer-coding"),
    pytest.param("GET", URL, {"headers": {"Host": "a b"}}, InvalidHeader, id="host"),
    pytest.param("GET", URL, {"cookies": "a=1"}, InvalidOption, id="cookies"),
    pytest.param("GET", URL, {"cookies": {"a": "1; b"}}, InvalidHeader, id="cookie-injection"),
    pytest.param("GET", URL, {"auth": "user:pass"}, InvalidOption, id="auth"),
    pytest.param("GET", URL, {"timeout": -1}, InvalidOption, id="timeout"),
    pytest.param("GET", URL, {"timeout": (1, 2, 3)}, InvalidOption, id="timeout-of-three"),
    pytest.param("GET", URL, {"cert": 5}, InvalidOption, id="cert"),
    pytest.param("GET", URL, {"retries": -1}, InvalidOption, id="retries"),
    pytest.param("GET", URL, {"cache": "sometimes"}, InvalidOption, id="cache"),
    pytest.param("POST", URL, {"json": float("nan")}, RequestException, id="json"),
    pytest.param("POST", URL, {"data": 5}, InvalidOption, id="data"),
]


@pytest.mark.parametrize(("method", "url", "options", "error"), BAD_CALLS)
def test_wrong_calls_raise_before_anything_is_sent(session, far, method, url, options, error):
    with pytest.raises(error) as caught:
        session.request(method, url, **options)
    assert caught.value.sent == "nothing"
    assert far.requests == []


class _Untrue:
    """Compares like an array: with something that has no truth."""

    def __eq__(self, other):
        return self

    def __bool__(self):
        raise ValueError("ambiguous")

    __hash__ = None


@pytest.mark.parametrize("name", ["auth", "timeout", "verify", "cert", "retries"])
def test_arrays_are_no_options(session, name):
    session.get(URL)
    with pytest.raises(InvalidOption):
        session.get(URL, **{name: _Untrue()})
    assert session.get(URL).ok


def nested(depth=50_000):
    value = []
    for _ in range(depth):
        value = [value]
    return value


ODD = [
    *(object(), object, len, 10**400, -(10**400), 1j, b"\xff", "\ud800", "\0", "\r\n", range(3)),
    *(float("nan"), decimal.Decimal("sNaN"), datetime.timedelta(1), pathlib.Path("/x"), slice(1), memoryview(b"x")),
    *(Timeout, Timeout(3), Limits(), URL, {"a": {"b": [1]}}, [("a",)], [("a", "b")], {1: 2}, {b"a": b"b"}, {None}),
]
ANY = st.recursive(
    st.sampled_from(ODD) | st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.binary(), inner, max_size=2)
    ),
    max_leaves=5,
)
KEYWORDS = [
    *("params", "data", "headers", "cookies", "auth", "timeout", "allow_redirects", "stream", "verify", "cert"),
    *("json", "retries", "cache"),
]


def quiet_origin():
    """A chain that answers and looks at the body, made once for a whole property."""
    from smartclient._model.body import BytesReader
    from smartclient._model.message import Head, Reply

    async def answer(request):
        b"".join(request.body.pieces())
        assert request.fields.block.count(b"\r\n") == len(request.fields)
        return Reply(Head(200), BytesReader(b""), request)

    return answer


@pytest.fixture(scope="module")
def hostile():
    """A session with all stages but the cache."""
    import time

    class Runtime:
        now = staticmethod(time.monotonic)

    session = Session()
    session._chain = build_chain(
        quiet_origin(),
        together=Together(Runtime),
        wall_clock=time.time,
        jar=session.cookies,
        caching=None,
        budget=session._budget,
    )
    return session


@given(st.dictionaries(st.sampled_from(KEYWORDS), ANY, min_size=1, max_size=3))
def test_anything_as_an_option_gives_a_response_or_our_error(hostile, options):
    try:
        response = hostile.request("POST", URL, **options)
    except RequestException:
        return
    assert response.status_code == 200


@pytest.mark.parametrize("name", [*KEYWORDS, "method", "url"])
@pytest.mark.parametrize("value", [nested(), 10**5000, -(10**5000)], ids=["deep", "digits", "minus-digits"])
def test_values_that_have_no_repr(hostile, name, value):
    arguments = {"method": "POST", "url": URL} | {name: value}
    try:
        said = repr(hostile.request(**arguments))
    except RequestException as error:
        said = str(error)
    assert len(said) < 300


@pytest.mark.parametrize("name", ["params", "data", "cookies"])
@pytest.mark.parametrize("value", [[nested()], 10**5000], ids=["deep", "digits"])
def test_values_of_fields_that_have_no_text(hostile, name, value):
    with pytest.raises(InvalidOption, match=name):
        hostile.post(URL, **{name: {"a": value}})


@given(ANY)
def test_anything_as_a_method_gives_a_response_or_our_error(hostile, value):
    try:
        response = hostile.request(value, URL)
    except RequestException:
        return
    assert response.request.method.isascii()


@given(st.text() | st.binary() | st.text("htps:/@[]?#%.\\ 0123456789é"))
def test_any_text_as_a_url_gives_a_response_or_our_error(hostile, value):
    try:
        response = hostile.request("GET", value)
    except RequestException:
        return
    assert response.url.startswith(("http://", "https://"))


# What is sent


def test_defaults(session, far):
    session.get(URL)
    fields = far.requests[0].fields
    assert [name for name, _ in fields] == ["User-Agent", "Accept-Encoding", "Accept", "Connection"]
    assert fields.get("user-agent") == f"smartclient/{smartclient.__version__}"


@pytest.mark.parametrize("method", ["get", b"GET", "Get"], ids=repr)
def test_methods_go_in_upper_case(session, far, method):
    session.request(method, URL)
    assert far.requests[0].method == "GET"


def test_headers_of_a_call_replace_and_remove(session, far):
    session.headers["X-Mine"] = "1"
    session.get(URL, headers={"x-mine": "2", "accept": None, "X-More": "3"})
    session.get(URL)
    first, second = (request.fields for request in far.requests)
    assert (first.get("x-mine"), first.get("accept"), first.get("x-more")) == ("2", None, "3")
    assert (second.get("x-mine"), second.get("accept"), second.get("x-more")) == ("1", "*/*", None)


CONTENT_TYPES = [
    pytest.param({"json": 1}, "application/json", id="json"),
    pytest.param({"data": {"a": 1}}, "application/x-www-form-urlencoded", id="form"),
    pytest.param({"data": "x"}, None, id="text"),
    pytest.param({"json": 1, "headers": {"content-type": "a/b"}}, "a/b", id="own"),
]


@pytest.mark.parametrize(("options", "expected"), CONTENT_TYPES)
def test_content_type(session, far, options, expected):
    session.post(URL, **options)
    assert far.requests[0].fields.get("content-type") == expected


def test_framing_by_the_caller(session, far):
    session.post(URL, data=iter([b"abc"]), headers={"Content-Length": "3"})
    session.post(URL, data=b"abc", headers={"Transfer-Encoding": "chunked"})
    session.get(URL, headers={"Host": "other.example:81"})
    assert [request.body.length for request in far.requests] == [3, None, 0]
    assert far.sent == [b"abc", b"abc", b""]
    assert far.requests[2].fields.get("host") == "other.example:81"


def test_framing_by_the_session(session, far):
    """It is checked like that of a call; what a session says of lengths holds for no body in particular."""
    session.headers["Host"] = "other.example"
    session.headers["Content-Length"] = "0"
    session.post(URL, data=b"abc")
    assert far.requests[0].fields.get("host") == "other.example"
    assert "content-length" not in far.requests[0].fields
    session.headers["Host"] = "a b"
    with pytest.raises(InvalidHeader):
        session.get(URL)
    del session.headers["host"]
    session.headers["Content-Length"] = "5"
    with pytest.raises(InvalidHeader):
        session.get(URL)
    assert len(far.requests) == 1


def test_deadline(session_to, far):
    before = smartclient._api.making.time.monotonic()
    session = session_to(timeout=Timeout(total=50))
    session.get(URL)
    session.get(URL, timeout=None)
    session.get(URL, timeout=200)
    deadlines = [request.deadline - before for request in far.requests]
    assert deadlines[1] == float("inf")
    assert 50 <= deadlines[0] < 80
    assert 400 <= deadlines[2] < 430


def test_insecure_calls_warn(session, far):
    with pytest.warns(InsecureRequestWarning, match="host 'h.example'"):
        session.get("https://h.example/?token=secret", verify=False)
    session.get(URL, verify=False)  # nothing is verified there


# Options of the session


def test_options_of_the_constructor(session_to, far):
    session = session_to(
        headers={"User-Agent": None, "X": "1"},
        cookies={"a": "1"},
        auth=("u", "p"),
        params={"q": 1},
        timeout=7,
        verify=False,
        stream=True,
        max_redirects=3,
        retries=0,
        cache=None,
        limits=Limits(body_max=9),
    )
    session.get(URL, params={"r": 2})
    request = far.requests[0]
    options = request.options
    assert "user-agent" not in request.fields
    assert request.fields.get("x") == "1"
    assert request.url.target == "/path?q=1&r=2"
    assert (options.auth, options.timeout.read, options.tls.verify, options.stream) == (("u", "p"), 7, False, True)
    assert (options.max_redirects, options.retries.retries, options.limits.body_max) == (3, 0, 9)
    assert session.cookies.items() == [("a", "1")]
    assert session._cache is None


def test_repeated_fields_of_a_session(session_to, far):
    session_to(headers=[("X", "1"), ("X", "2")]).get(URL)
    assert far.requests[0].fields.getlist("x") == ["1", "2"]


@pytest.mark.parametrize("cache", ["refresh", "only", 5], ids=repr)
def test_a_session_has_no_cache_mode(cache):
    with pytest.raises(InvalidOption, match="cache"):
        Session(cache=cache)


@pytest.mark.parametrize("kind", [Session, AsyncSession])
def test_unknown_option(kind):
    with pytest.raises(TypeError, match="time_out"):
        kind(time_out=5)


# Attributes that change between calls


def test_headers_may_be_replaced_by_a_dict(session, far):
    session.get(URL)
    session.headers = {"x-one": "1"}
    session.get(URL)
    session.headers["X-One"] = "2"
    session.headers.update({"X-Two": "3"})
    session.get(URL)
    assert [request.fields.get("x-one") for request in far.requests] == [None, "1", "2"]
    assert far.requests[2].fields.get("x-two") == "3"
    assert "user-agent" not in far.requests[1].fields


def test_as_many_changes_to_other_headers_are_seen(session, far):
    """Another mapping with the same count of changes is another mapping."""
    for value in ("1", "2"):
        session.headers = {"X": value}
        session.get(URL)
    assert [request.fields.get("x") for request in far.requests] == ["1", "2"]


CHANGES = [  # attribute, value, what the next call has
    ("auth", ("u", "p"), lambda request: request.options.auth == ("u", "p")),
    ("verify", False, lambda request: request.options.tls.verify is False),
    ("cert", "/c.pem", lambda request: request.options.tls.cert == "/c.pem"),
    ("params", {"a": 1}, lambda request: request.url.query == "a=1"),
    ("timeout", 3, lambda request: request.options.timeout.read == 3),
    ("max_redirects", 1, lambda request: request.options.max_redirects == 1),
    ("retries", 9, lambda request: request.options.retries.retries == 9),
    ("stream", True, lambda request: request.options.stream),
    ("limits", Limits(body_max=1), lambda request: request.options.limits.body_max == 1),
]


@pytest.mark.parametrize(("name", "value", "holds"), CHANGES, ids=[change[0] for change in CHANGES])
def test_changes_are_seen_and_taken_back(session, far, name, value, holds):
    before = bool(session.stream) if name == "stream" else getattr(session, name)
    for each in (before, value, before):
        setattr(session, name, each)
        session.get(URL)
    assert [bool(holds(request)) for request in far.requests] == [False, True, False]


def test_what_changes_inside_is_seen_too(session, far):
    cookies, auth, params = {"a": "1"}, ["u", "p"], {"q": 1}
    session.get(URL, cookies=cookies, auth=auth, params=params)
    cookies["a"], auth[1], params["q"] = "2", "q", 2
    session.get(URL, cookies=cookies, auth=auth, params=params)
    assert [dict(request.options.cookies) for request in far.requests] == [{"a": "1"}, {"a": "2"}]
    assert [request.options.auth for request in far.requests] == [("u", "p"), ("u", "q")]
    assert [request.url.query for request in far.requests] == ["q=1", "q=2"]


def test_options_of_a_call_do_not_stay(session, far):
    session.get(URL, cookies={"a": "1"}, auth=("u", "p"), timeout=1, retries=0, cache=None, allow_redirects=False)
    session.get(URL)
    assert far.requests[1].options == smartclient._model.options.Options()


@pytest.fixture
def chained(session, far, monkeypatch):
    """A session with all its stages over `far`, which are built by the session's own rules."""
    import smartclient._api.session as module

    monkeypatch.setattr(module, "SyncExchangeStage", lambda transport, runtime: far)
    session._chain = None
    return session


def test_cookies_may_be_replaced(chained, far):
    chained.get(URL)
    pool = chained._pool
    far.will(200, ("Set-Cookie", "kept=1"))
    chained.get(URL)
    stdlib = http.cookiejar.CookieJar()
    own = Jar(threading.Lock())
    own.set("own", "3")
    for value in ({"a": "1"}, [("b", "2")], stdlib, own, None):
        chained.cookies = value
        chained.get(URL, cache=None)
    sent = [request.fields.get("cookie") for request in far.requests]
    assert sent == [None, None, "a=1", "b=2", None, "own=3", None]
    assert chained._pool is pool
    far.will(200, ("Set-Cookie", "kept=1"))
    chained.get(URL)
    assert chained.cookies is None
    chained.close()


def test_a_jar_can_be_shared(session_to):
    first = session_to()
    second = session_to(cookies=first.cookies)
    assert second.cookies is first.cookies


@pytest.mark.parametrize("value", [5, "a=1", [5]], ids=repr)
def test_no_jar(session, value):
    jar = session.cookies
    with pytest.raises(InvalidOption, match="cookies"):
        session.cookies = value
    assert session.cookies is jar


def test_a_foreign_jar_gives_its_cookies_to_their_sites_only(session, far):
    jar = http.cookiejar.CookieJar()
    for domain in ("h.example", "bank.example"):
        jar.set_cookie(
            http.cookiejar.Cookie(
                0, domain, "1", None, False, domain, False, False, "/", True, False, None, False, None, None, {}
            )
        )
    session.get(URL, cookies=jar)
    assert far.requests[0].options.cookies == (("h.example", "1"),)


# Errors


def test_error_says_which_call(session, far):
    far.will(ConnectionError("refused"))
    with pytest.raises(ConnectionError) as caught:
        session.post(f"{URL}?token=secret", data=b"x", auth=("user", "secret"))
    error = caught.value
    assert (error.request.method, error.request.url, error.request.body) == ("POST", f"{URL}?token=secret", b"x")
    assert (error.response, error.attempts, error.sent) == (None, (), "nothing")
    assert error.elapsed >= 0
    assert "secret" not in f"{error}{error!r}{error.request!r}"


def test_error_of_a_body_says_so_too(session, far, streamed):
    far.will(200, body=streamed(b"x", failure=IncompleteBody("broke", sent="wholly")))
    with pytest.raises(IncompleteBody) as caught:
        session.get(URL)
    assert (caught.value.request.url, caught.value.sent) == (URL, "wholly")
    assert caught.value.elapsed >= 0


def test_error_with_a_response(chained, far):
    for _ in range(2):
        far.will(302, ("Location", "/again"), body=b"x")
    chained.max_redirects = 1
    with pytest.raises(TooManyRedirects) as caught:
        chained.get(URL)
    response = caught.value.response
    assert (response.status_code, [each.status_code for each in response.history]) == (302, [302])
    assert caught.value.request is not None
    chained.close()


def test_what_the_caller_s_iterable_raises_passes(session):
    failure = ZeroDivisionError("mine")

    def broken():
        yield b"a"
        raise failure

    with pytest.raises(ZeroDivisionError) as caught:
        session.post(URL, data=broken())
    assert caught.value is failure


def test_statuses_are_no_errors_until_asked(session, far):
    far.will(500)
    with pytest.raises(HTTPError, match="500 Server Error"):
        session.get(URL).raise_for_status()


# The facade


def test_stream_is_a_flag_and_a_function(session, far, streamed):
    assert not session.stream
    assert repr(session.stream) == "False"
    body = streamed(b"x")
    far.will(200, body=body)
    with session.stream("GET", URL) as response:
        pass
    assert body.aborted
    session.stream = True
    assert session.stream
    far.will(200, body=streamed(b"y"))
    assert session.get(URL).content == b"y"
    assert response.status_code == 200


def test_usable_again_after_close(session):
    with session:
        assert session._open() is not None
    assert session._chain is None
    assert session._open() is session._open()
    session.close()


def test_repr_shows_no_secret():
    session = Session(auth=("user", "secret"), headers={"Authorization": "secret"}, params={"key": "secret"})
    session._open()
    assert repr(session) == "<Session <Pool 0 active, 0 idle, 0 waiting>>"
    session.close()


def test_threads_open_it_once():
    session = Session()
    gate = threading.Barrier(8)

    def first():
        gate.wait()
        return session._open()

    with ThreadPoolExecutor(8) as threads:
        chains = {id(each.result()) for each in [threads.submit(first) for _ in range(8)]}
    assert len(chains) == 1
    session.close()


def test_threads_see_their_own_options(session):
    """Two threads with other options at the same time never get each other's."""

    def calls(number):
        return all(
            session.get(URL, timeout=number, auth=("u", str(number)), headers={"X": str(number)})._reply.request.options
            == smartclient._model.options.Options(
                timeout=smartclient._api.options.timeout_from(number),
                session_timeout=DEFAULT_TIMEOUT,
                auth=("u", str(number)),
            )
            for _ in range(200)
        )

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(calls, range(1, 5)))


def test_async_session_needs_a_loop():
    session = AsyncSession()
    with pytest.raises(SessionMisuse, match="event loop"):
        run_blocking(session.get(URL))
    with pytest.raises(InvalidOption):  # but what is wrong with the call comes first
        run_blocking(session.get(URL, timeout=-1))

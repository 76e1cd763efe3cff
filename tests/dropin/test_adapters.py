"""Adapters: the seam under redirects, cookies and the cache; ours with other settings, and those of other people."""

import io
import pickle
import ssl
from datetime import timedelta

import pytest
import urllib3
from urllib3.util.retry import Retry

import smartclient
from loopback.origin import Page
from loopback.scripted import READ_HEAD, RESET
from smartclient import RetryPolicy, Session
from smartclient.adapters import BaseAdapter, HTTPAdapter
from smartclient.exceptions import ConnectionError, ConnectTimeout, InvalidSchema, ReadTimeout, RetryError
from smartclient.structures import CaseInsensitiveDict

URL = "http://h.example/path"
REFUSED = "http://127.0.0.1:1/"


class Answer:
    """A response with no more than the documented attributes."""

    def __init__(self, request, status=200, headers=None, content=b"theirs"):
        self.status_code = status
        self.headers = CaseInsensitiveDict(headers or {})
        self.url = request.url
        self.reason = "Fine"
        self.raw = None
        self.history = []
        self.cookies = {}
        self.elapsed = timedelta(1)
        self.request = request
        self.connection = None
        self.encoding = None
        self.closed = False
        self._bytes = content

    def iter_content(self, chunk_size=1, decode_unicode=False):
        file = io.BytesIO(self._bytes)
        return iter(lambda: file.read(chunk_size), b"")

    def close(self):
        self.closed = True


class Foreign:
    """An adapter that is none of ours: answers by path, and remembers what it was given."""

    def __init__(self, answers):
        self.answers = answers
        self.given = []

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        self.given.append((request, stream, timeout, verify, cert, proxies))
        status, headers, content = self.answers[request.path_url]
        return Answer(request, status, headers, content)

    def close(self):
        self.given.append("closed")


def test_longest_prefix_first():
    session = Session()
    assert list(session.adapters) == ["https://", "http://"]
    one, two, three = BaseAdapter(), BaseAdapter(), BaseAdapter()
    session.mount("http://h.example", one)
    session.mount("http://h.example/path", two)
    session.mount("http://", three)
    assert list(session.adapters) == ["http://h.example/path", "http://h.example", "https://", "http://"]
    assert session.get_adapter("HTTP://H.example/Path?x") is two
    assert session.get_adapter("http://h.example/") is one
    assert session.get_adapter("http://other.example/") is three


def test_no_adapter():
    with pytest.raises(InvalidSchema, match=r"^No connection adapters were found for 'ftp://h\.example/'$"):
        Session().get_adapter("ftp://h.example/?secret=1")


def test_foreign_adapter_gets_the_six_keywords_and_answers_plainly():
    foreign = Foreign({"/path?a=1": (200, {"X-A": "1"}, b"content")})
    with Session() as session:
        session.mount("http://", foreign)
        response = session.get(URL, params={"a": "1"}, timeout=(1, 2), verify=False, proxies={"http": "http://p:1"})
    (request, *told), closed = foreign.given
    assert told == [False, (1, 2), False, None, {"http": "http://p:1"}]
    assert (request.method, request.url, closed) == ("GET", f"{URL}?a=1", "closed")
    assert type(response) is smartclient.Response
    assert (response.content, response.headers["x-a"], response.reason) == (b"content", "1", "Fine")
    assert response.request is request
    assert response.connection is foreign


def test_redirects_cookies_and_hooks_go_over_foreign_adapters():
    foreign = Foreign(
        {
            "/path": (302, {"Location": "/next", "Set-Cookie": "a=1"}, b""),
            "/next": (200, {}, b"there"),
        }
    )
    seen = []
    with Session() as session:
        session.mount("http://", foreign)
        response = session.get(URL, hooks=lambda response, **_: seen.append(response.status_code))
        assert session.cookies["a"] == "1"
    assert foreign.given[1][0].headers["Cookie"] == "a=1"
    assert [each.status_code for each in response.history] == [302]
    assert (response.text, response.url, seen) == ("there", "http://h.example/next", [302, 200])


def test_foreign_answers_are_decoded_already_and_not_kept():
    headers = {"Content-Encoding": "gzip", "Cache-Control": "max-age=60"}
    foreign = Foreign({"/path": (200, headers, b"plain")})
    with Session() as session:
        session.mount("http://", foreign)
        assert [session.get(URL).content for _ in range(2)] == [b"plain", b"plain"]
    assert len(foreign.given) == 3


def test_adapter_with_a_scheme_of_its_own():
    foreign = Foreign({"/a?b=c": (200, {}, b"mine")})
    with Session() as session:
        session.mount("mock://", foreign)
        response = session.post("mock://somewhere/a?b=c", data={"d": "e"})
    assert (response.text, response.url) == ("mine", "mock://somewhere/a?b=c")
    assert foreign.given[0][0].body == "d=e"


def test_streams_of_foreign_adapters_are_closed():
    foreign = Foreign({"/path": (200, {}, b"0123456789")})
    with Session() as session:
        session.mount("http://", foreign)
        with session.get(URL, stream=True) as response:
            assert next(response.iter_content(4)) == b"0123"
    assert foreign.given[0][1] is True


@pytest.mark.parametrize("status", [None, "200"])
def test_what_is_no_response_is_told(status):
    foreign = Foreign({"/path": (status, {}, b"")})
    session = Session()
    session.mount("http://", foreign)
    with pytest.raises(smartclient.exceptions.InvalidOption, match="an adapter must give a response"):
        session.get(URL)


# Ours


def test_subclass_sets_the_timeout_that_nobody_gave(origin, silent):
    class Patient(HTTPAdapter):
        def send(self, request, **kwargs):
            seen.append(kwargs["timeout"])
            kwargs["timeout"] = kwargs["timeout"] or 0.05
            return super().send(request, **kwargs)

    seen = []
    with Session() as session:
        session.mount("http://", Patient())
        with pytest.raises(ReadTimeout):
            session.get(silent)
        assert session.get(f"{origin.url}/bytes/1", timeout=20).ok
    assert seen == [None, 20]


def test_call_options_survive_the_adapter(origin, silent):
    class Plain(HTTPAdapter):
        def send(self, request, **kwargs):
            return super().send(request, **kwargs)

    with Session() as session:
        session.mount("http://", Plain())
        with pytest.raises(smartclient.exceptions.DeadlineExceeded):
            session.get(silent, timeout=smartclient.Timeout(10, total=0.05))
        assert session.get(f"{origin.url}/page/tea").text == "page tea, hit 1\n"
        assert session.get(f"{origin.url}/page/tea").cache.status == "hit"
        assert session.get(f"{origin.url}/page/tea", cache=None).text == "page tea, hit 2\n"


def test_subclass_changes_the_response(origin):
    class Marking(HTTPAdapter):
        def send(self, request, **kwargs):
            response = super().send(request, **kwargs)
            response.headers["X-Marked"] = "1"
            response.mark = 5
            return response

    with Session() as session:
        session.mount("http://", Marking())
        response = session.get(f"{origin.url}/gzip")
    assert (response.headers["x-marked"], response.mark) == ("1", 5)
    assert response.content == b"a gzip page\n" * 100


def test_subclass_reads_the_content(origin):
    class Reading(HTTPAdapter):
        def send(self, request, **kwargs):
            response = super().send(request, **kwargs)
            seen.append(len(response.content))
            return response

    seen = []
    with Session() as session:
        session.mount("http://", Reading())
        assert session.get(f"{origin.url}/gzip").content == b"a gzip page\n" * 100
    assert seen == [1200]


def test_adapter_without_a_session(origin):
    adapter = HTTPAdapter()
    prepared = smartclient.Request("GET", f"{origin.url}/gzip").prepare()
    response = adapter.send(prepared, timeout=5)
    assert (response.text, response.request) == ("a gzip page\n" * 100, prepared)
    adapter.close()
    assert adapter.send(prepared).ok
    adapter.close()


def test_built_response():
    found = urllib3.HTTPResponse(
        body=io.BytesIO(b"content"),
        headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-A", "c")],
        status=203,
        reason="Told",
        preload_content=False,
    )
    prepared = smartclient.Request("GET", URL).prepare()
    response = HTTPAdapter().build_response(prepared, found)
    assert (response.status_code, response.reason, response.url) == (203, "Told", URL)
    assert (response.headers["x-a"], response.raw is found, response.request is prepared) == ("c", True, True)
    assert response.cookies.get_dict() == {"a": "1", "b": "2"}
    assert response.content == b"content"


def test_pool_keywords_are_taken_over(tls_origin, authority):
    context = ssl.create_default_context(cafile=str(authority.ca_file))

    class Own(HTTPAdapter):
        def init_poolmanager(self, *args, **kwargs):
            kwargs["ssl_context"] = context
            super().init_poolmanager(*args, **kwargs)

    with Session() as session:
        session.mount("https://", Own())
        assert session.get(f"{tls_origin.url}/bytes/3").content == b"012"


def test_adapters_and_their_sessions_survive_pickling(origin):
    session = Session()
    session.mount("http://h.example", HTTPAdapter(max_retries=3, pool_maxsize=5))
    session.hooks["response"].append(print)
    again = pickle.loads(pickle.dumps(session))
    assert list(again.adapters) == ["http://h.example", "https://", "http://"]
    assert again.adapters["http://h.example"].max_retries.total == 3
    assert again.hooks == {"response": [print]}
    again.hooks["response"].clear()
    with again:
        assert again.get(f"{origin.url}/bytes/1").ok


# Retries


def test_number_of_retries_replaces_the_policy_of_the_session(scripted):
    server = scripted(*[[READ_HEAD, RESET]] * 5)
    with Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=3))
        with pytest.raises(ConnectionError):
            session.get(f"http://127.0.0.1:{server.port}/")
    assert len(server.connections) == 4


@pytest.mark.parametrize("retries", [0, False, RetryPolicy(0)])
def test_no_retries(origin, retries):
    url = origin.route("/busy", lambda seen: Page(status=503))
    with Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retries))
        assert session.get(url).status_code == 503
    assert origin.seen.hits["/busy"] == 1


def test_retry_object_counts_and_is_asked(origin):
    class Counting(Retry):
        def increment(self, *args, **kwargs):
            asked.append((args[0], kwargs.get("response") and kwargs["response"].status))
            return super().increment(*args, **kwargs)

    asked = []
    url = origin.route("/busy", lambda seen: Page(status=503))
    with Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Counting(total=2, status_forcelist=[503])))
        with pytest.raises(RetryError, match="too many 503 error responses"):
            session.get(url)
    assert asked == [("GET", 503)] * 3
    assert origin.seen.hits["/busy"] == 3


def test_retry_object_gives_the_last_answer_when_told_so(origin):
    url = origin.route("/busy", lambda seen: Page(status=503))
    retry = Retry(total=1, status_forcelist=[503], raise_on_status=False)
    with Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retry))
        assert session.get(url).status_code == 503
        assert session.post(url).status_code == 503
    assert origin.seen.hits["/busy"] == 3


def test_retry_object_succeeds_in_the_end(origin):
    statuses = [503, 429, 200]
    url = origin.route("/busy", lambda seen: Page(status=statuses.pop(0), headers=(("Retry-After", "0"),)))
    with Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(total=5, status_forcelist=[503])))
        response = session.get(url)
    assert (response.status_code, len(response.attempts)) == (200, 3)


@pytest.mark.parametrize(
    ("options", "connections"), [({"total": 2}, 3), ({"total": 5, "read": 1}, 2), ({"total": False}, 1)]
)
def test_retry_object_and_broken_connections(scripted, options, connections):
    server = scripted(*[[READ_HEAD, RESET]] * 5)
    with Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(**options)))
        with pytest.raises(ConnectionError):
            session.get(f"http://127.0.0.1:{server.port}/")
    assert len(server.connections) == connections


def test_retry_object_and_refused_connections():
    with Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(connect=1)))
        with pytest.raises(ConnectionError) as caught:
            session.get(REFUSED)
    assert not isinstance(caught.value, ConnectTimeout)
    assert len(caught.value.attempts) == 2


def test_retries_that_are_none():
    session = Session()
    session.mount("http://", HTTPAdapter(max_retries="3"))
    with pytest.raises(smartclient.exceptions.InvalidOption, match="max_retries"):
        session.get(REFUSED)

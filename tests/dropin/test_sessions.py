"""`Session` as programs written for requests know it; on the short and on the long way, with equal results."""

import inspect
import io
import pathlib
import pickle

import pytest

import smartclient
from loopback.origin import Page
from smartclient import Session, exceptions, sessions
from smartclient.cookies import RequestsCookieJar

CALLED = ["method", "url", "params", "data", "headers", "cookies", "files", "auth", "timeout", "allow_redirects"]
CALLED += ["proxies", "hooks", "stream", "verify", "cert", "json"]


def echoed(response):
    """(method, target, fields, body in base64) as the server saw them."""
    seen = response.json()
    return seen["method"], seen["target"], dict(map(tuple, seen["headers"])), seen["body"]


def test_attributes_of_a_new_session():
    session = Session()
    assert set(session.headers) == {"User-Agent", "Accept-Encoding", "Accept", "Connection"}
    assert (session.auth, session.proxies, session.params, session.cert) == (None, {}, {}, None)
    assert (session.verify, session.max_redirects, session.trust_env) == (True, 30, True)
    assert not session.stream
    assert session.hooks == {"response": []}
    assert list(session.adapters) == ["https://", "http://"]
    assert isinstance(session.cookies, RequestsCookieJar)
    assert isinstance(sessions.session(), Session)


def test_arguments_have_the_order_of_requests():
    parameters = list(inspect.signature(Session.request).parameters.values())[1:]
    assert [each.name for each in parameters[: len(CALLED)]] == CALLED
    assert all(each.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD for each in parameters[len(CALLED) :])
    in_async = list(inspect.signature(smartclient.AsyncSession.request).parameters)[1:]
    assert in_async == [each.name for each in parameters]


def test_arguments_by_position(session, origin):
    hooks = {"response": lambda response, **_: None}
    response = session.request(
        *("PUT", f"{origin.url}/echo", {"a": "1"}, {"b": "2"}, {"X": "3"}, {"c": "4"}, None, ("u", "p")),
        *(5, True, {}, hooks, False, True, None, None),
    )
    method, target, fields, body = echoed(response)
    assert (method, target, body) == ("PUT", "/echo?a=1", "Yj0y")
    assert (fields["X"], fields["Cookie"], fields["Authorization"]) == ("3", "c=4", "Basic dTpw")


@pytest.mark.parametrize(
    ("of_session", "of_call", "target"),
    [
        ({"a": "1"}, {"b": "2"}, "/echo?a=1&b=2"),
        ({"a": "1", "b": "0"}, {"b": None}, "/echo?a=1"),
        ({"a": "1"}, [("a", "2"), ("a", "3")], "/echo?a=2&a=3"),
        ({}, "raw=text", "/echo?raw=text"),
    ],
)
def test_params_are_merged(session, origin, of_session, of_call, target):
    session.params.update(of_session)
    assert echoed(session.get(f"{origin.url}/echo", params=of_call))[1] == target


def test_headers_are_merged_and_removed(session, origin):
    session.headers.update({"X-A": "1", "X-B": "2"})
    fields = echoed(session.get(f"{origin.url}/echo", headers={"x-a": "3", "X-B": None, "Accept": None}))[2]
    assert fields.get("x-a") == "3"
    assert not {"X-A", "X-B", "Accept"} & set(fields)


def test_auth_of_a_call_goes_before_that_of_the_session_and_any_field(session, origin):
    session.auth = ("s", "s")
    assert echoed(session.get(f"{origin.url}/echo"))[2]["Authorization"] == "Basic czpz"
    headers = {"Authorization": "Mine"}
    assert (
        echoed(session.get(f"{origin.url}/echo", auth=("c", "c"), headers=headers))[2]["Authorization"] == "Basic Yzpj"
    )
    session.auth = None
    assert echoed(session.get(f"{origin.url}/echo", headers=headers))[2]["Authorization"] == "Mine"
    with_user = origin.url.replace("//", "//u:p@")
    assert echoed(session.get(f"{with_user}/echo"))[2]["Authorization"] == "Basic dTpw"


def test_cookies_are_kept_and_merged(session, origin):
    session.get(f"{origin.url}/cookies/set?kept=1&both=2")
    assert session.get(f"{origin.url}/cookies", cookies={"own": "3"}).json() == {"kept": "1", "both": "2", "own": "3"}
    assert session.get(f"{origin.url}/cookies", cookies={"both": "4"}).json() == {"kept": "1", "both": "4"}
    assert "own" not in session.cookies.get_dict()


def test_cookies_of_a_response(session, origin):
    response = session.get(f"{origin.url}/cookies/set?a=1&b=2")
    assert isinstance(response.cookies, RequestsCookieJar)
    assert response.cookies.get_dict() == {"a": "1", "b": "2"}
    assert response.cookies["a"] == "1"


def test_cookies_set_on_the_way_are_sent_on(session, origin):
    url = origin.route("/login", lambda seen: redirect("/cookies", ("Set-Cookie", "k=v; Path=/")))
    assert session.get(url, cookies={"own": "1"}).json() == {"k": "v", "own": "1"}


def test_functions_send_on_what_is_set_on_the_way_and_keep_nothing(way, origin):
    url = origin.route("/login", lambda seen: redirect("/cookies", ("Set-Cookie", "k=v; Path=/")))
    assert smartclient.get(url, cookies={"own": "1"}).json() == {"k": "v", "own": "1"}
    assert smartclient.get(f"{origin.url}/cookies").json() == {}


def redirect(to, *headers, status=302):
    """A page that leads to another."""
    return Page(status=status, headers=(("Location", to), *headers))


BODIES = [  # arguments, body as sent, Content-Type, Content-Length
    pytest.param({"data": {"a": "1"}}, b"a=1", "application/x-www-form-urlencoded", "3", id="form"),
    pytest.param({"data": "text"}, b"text", None, "4", id="text"),
    pytest.param({"data": b"bytes"}, b"bytes", None, "5", id="bytes"),
    pytest.param({"data": io.BytesIO(b"file")}, b"file", None, "4", id="file"),
    pytest.param({"json": [1]}, b"[1]", "application/json", "3", id="json"),
    pytest.param({"json": {}}, b"{}", "application/json", "2", id="empty-json"),
    pytest.param({"data": {}, "json": 1}, b"1", "application/json", "1", id="no-data"),
    pytest.param({"data": b"d", "json": 1}, b"d", None, "1", id="data-wins"),
    pytest.param({}, b"", None, "0", id="nothing"),
]


@pytest.mark.parametrize(("arguments", "body", "content_type", "length"), BODIES)
def test_bodies(session, origin, arguments, body, content_type, length):
    for value in arguments.values():
        if isinstance(value, io.BytesIO):
            value.seek(0)
    session.post(f"{origin.url}/echo", **arguments)
    (seen,) = origin.seen.requests
    assert (seen.body, seen.header("content-type"), seen.header("content-length")) == (body, content_type, length)


def test_generators_are_sent_in_chunks(session, origin):
    session.post(f"{origin.url}/echo", data=(piece for piece in (b"a", b"b")))
    (seen,) = origin.seen.requests
    assert (seen.body, seen.header("transfer-encoding"), seen.header("content-length")) == (b"ab", "chunked", None)


class Counted:
    """An object with `len` and `read`, as encoders have them."""

    def __init__(self, content):
        self._file = io.BytesIO(content)
        self.len = len(content)

    def read(self, size=-1):
        return self._file.read(size)


def test_objects_with_length_and_read(session, origin):
    session.post(f"{origin.url}/echo", data=Counted(b"12345"))
    (seen,) = origin.seen.requests
    assert (seen.body, seen.header("content-length")) == (b"12345", "5")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda path: path, id="path"),
        pytest.param(lambda path: ("n.txt", b"content"), id="two"),
        pytest.param(lambda path: ("n.txt", io.BytesIO(b"content"), "text/x"), id="three"),
        pytest.param(lambda path: ("n.txt", "content", "text/x", {"X-Part": "1"}), id="four"),
    ],
)
def test_files(session, origin, tmp_path, value):
    path = pathlib.Path(tmp_path / "n.txt")
    path.write_bytes(b"content")
    response = session.post(f"{origin.url}/echo", files={"f": value(path), "nothing": None}, data={"n": 5})
    (seen,) = origin.seen.requests
    assert b'name="f"; filename="n.txt"' in seen.body
    assert b"content" in seen.body
    assert b'name="n"\r\n\r\n5\r\n' in seen.body
    assert seen.header("content-type").startswith("multipart/form-data; boundary=")
    assert isinstance(response.request.body, bytes)
    assert response.request.body == seen.body


def test_history_url_and_elapsed(session, origin):
    response = session.get(f"{origin.url}/redirect/3")
    assert [each.url.removeprefix(origin.url) for each in response.history] == [
        "/redirect/3",
        "/redirect/2",
        "/redirect/1",
    ]
    assert [len(each.history) for each in response.history] == [0, 1, 2]
    assert isinstance(response.history, list)
    assert response.url == f"{origin.url}/echo"
    assert response.elapsed.total_seconds() > 0
    assert response.request.url == response.url


def test_redirect_that_is_not_followed_has_its_next_request(session, origin):
    response = session.get(f"{origin.url}/redirect/1", allow_redirects=False)
    assert (response.status_code, response.is_redirect, response.history) == (302, True, [])
    assert response.next.url == f"{origin.url}/echo"
    assert session.send(response.next).status_code == 200
    assert session.head(f"{origin.url}/redirect/1").status_code == 302


@pytest.mark.parametrize(
    ("status", "method", "following", "body"),
    [
        (301, "POST", "GET", False),
        (302, "PUT", "GET", False),
        (303, "DELETE", "GET", False),
        (307, "POST", "POST", True),
        (308, "PUT", "PUT", True),
        (302, "HEAD", "HEAD", False),
    ],
)
def test_methods_after_redirects(session, origin, status, method, following, body):
    session.request(method, f"{origin.url}/to?url=/echo&status={status}", data="x" if method != "HEAD" else None)
    last = origin.seen.requests[-1]
    assert (last.method, last.path, bool(last.body)) == (following, "/echo", body)
    if not body:
        assert last.header("content-type") is None


def test_too_many_redirects(session, origin):
    session.max_redirects = 3
    with pytest.raises(exceptions.TooManyRedirects, match=r"^Exceeded 3 redirects\.$") as caught:
        session.get(f"{origin.url}/redirect/9")
    assert caught.value.response.status_code == 302
    assert len(origin.seen.requests) == 4


def test_credentials_stay_with_their_origin(session, origin, other_origin):
    url = f"{origin.url}/to?url={other_origin.url}/echo"
    headers = {"X-API-Key": "k", "X-Other": "o"}
    fields = echoed(session.get(url, auth=("u", "p"), headers=headers, cookies={"c": "1"}))[2]
    assert fields["X-Other"] == "o"
    assert not {"Authorization", "Cookie", "X-API-Key"} & set(fields)
    back = f"{origin.url}/to?url={origin.url}/echo"
    assert echoed(session.get(back, auth=("u", "p")))[2]["Authorization"] == "Basic dTpw"


def test_body_that_cannot_be_sent_again(session, origin):
    with pytest.raises(exceptions.UnrewindableBodyError, match=r"^Unable to rewind request body"):
        session.post(f"{origin.url}/to?url=/echo&status=307", data=iter([b"x"]))


def test_file_is_sent_again_from_where_it_began(session, origin):
    file = io.BytesIO(b"0123")
    file.seek(2)
    session.post(f"{origin.url}/to?url=/echo&status=308", data=file)
    assert [seen.body for seen in origin.seen.requests] == [b"23", b"23"]


ERRORS = [  # URL or path, options, error, text
    pytest.param("h.example", {}, exceptions.MissingSchema, "No scheme supplied", id="no-scheme"),
    pytest.param("ftp://h.example/", {}, exceptions.InvalidSchema, "No connection adapters were found", id="scheme"),
    pytest.param("http://", {}, exceptions.InvalidURL, "No host supplied", id="no-host"),
    pytest.param("/echo", {"headers": {"A": 1}}, exceptions.InvalidHeader, "str or bytes", id="header"),
    pytest.param("/echo", {"timeout": (1, 2, 3)}, ValueError, r"\(connect, read\)", id="timeout"),
    pytest.param("http://127.0.0.1:1/", {"retries": 0}, exceptions.ConnectionError, "127.0.0.1", id="refused"),
]


@pytest.mark.parametrize(("url", "options", "error", "text"), ERRORS)
def test_errors(session, origin, url, options, error, text):
    with pytest.raises(error, match=text):
        session.get(origin.url + url if url[:1] == "/" else url, **options)
    assert origin.seen.requests == []


def test_errors_know_request_and_response(session, origin):
    with pytest.raises(exceptions.HTTPError) as caught:
        session.get(f"{origin.url}/status/404?secret=1").raise_for_status()
    assert str(caught.value) == f"404 Client Error: Not Found for url: {origin.url}/status/404"
    assert caught.value.response.status_code == 404
    assert caught.value.request.method == "GET"
    with pytest.raises(exceptions.ConnectionError) as caught:
        session.post("http://127.0.0.1:1/", data="x", retries=0)
    assert (caught.value.request.method, caught.value.request.body, caught.value.response) == ("POST", "x", None)


def test_read_timeout(session, silent):
    with pytest.raises(exceptions.ReadTimeout) as caught:
        session.get(f"{silent}/a", timeout=(5, 0.02))
    assert not isinstance(caught.value, exceptions.ConnectionError)
    assert caught.value.request.url == f"{silent}/a"


def test_stream_of_a_session_and_of_a_call(session, origin):
    with session.get(f"{origin.url}/bytes/10", stream=True) as response:
        assert response._content is False
        assert list(response.iter_content(4)) == [b"0123", b"4567", b"89"]
    session.stream = True
    with session.get(f"{origin.url}/bytes/10") as response:
        assert response.raw.read() == b"0123456789"


def test_verify_is_heeded(session, tls_origin, authority):
    with pytest.raises(exceptions.SSLError):
        session.get(f"{tls_origin.url}/bytes/1")
    assert session.get(f"{tls_origin.url}/bytes/1", verify=str(authority.ca_file)).ok
    session.verify = str(authority.ca_file)
    assert session.get(f"{tls_origin.url}/bytes/1").ok
    with pytest.warns(exceptions.InsecureRequestWarning):
        assert session.get(f"{tls_origin.url}/bytes/1", verify=False).ok


def test_a_bundle_must_be_there_where_it_is_needed(session, origin, tls_origin):
    session.verify = "/no/such/file"
    assert session.get(f"{origin.url}/bytes/1").ok
    with pytest.raises(OSError, match=r"^Could not find a suitable TLS CA .* invalid path: /no/such/file$"):
        session.get(f"{tls_origin.url}/bytes/1")
    assert tls_origin.seen.requests == []
    with pytest.raises(OSError, match="invalid path"):
        smartclient.adapters.HTTPAdapter().cert_verify(None, tls_origin.url, "/no/such/file", None)


def test_environment_is_read_in_each_call(session, tls_origin, authority, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    assert session.get(f"{tls_origin.url}/bytes/1").ok
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
    with pytest.raises(OSError, match="invalid path"):
        session.get(f"{tls_origin.url}/bytes/1")


def test_proxies_of_call_session_and_environment(session, origin, monkeypatch):
    proxy = {"http": origin.url}
    assert session.get("http://far.example/echo", proxies=proxy).status_code == 200
    session.proxies.update(proxy)
    assert session.get("http://far.example/echo").status_code == 200
    session.proxies.clear()
    monkeypatch.setenv("http_proxy", origin.url)
    assert session.get("http://far.example/echo").status_code == 200
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert session.get(f"{origin.url}/echo").status_code == 200
    assert [seen.target for seen in origin.seen.requests] == ["http://far.example/echo"] * 3 + ["/echo"]


def test_settings_by_requests_table(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://env.example:1")
    monkeypatch.setenv("CURL_CA_BUNDLE", "/curl")
    session = Session()
    session.proxies = {"http": "http://session.example:2"}
    merged = session.merge_environment_settings("https://h.example/", {}, None, None, None)
    assert merged["proxies"] == {"http": "http://session.example:2", "https": "http://env.example:1"}
    assert (merged["stream"], merged["verify"], merged["cert"]) == (False, "/curl", None)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/requests")
    assert session.merge_environment_settings("https://h.example/", {}, True, None, None)["verify"] == "/requests"
    assert session.merge_environment_settings("https://h.example/", {}, None, False, None)["verify"] is False
    session.trust_env = False
    assert session.merge_environment_settings("https://h.example/", {}, None, None, "c")["verify"] is True


def test_sessions_survive_pickling(session, origin):
    session.headers["X-A"] = "1"
    session.auth = ("u", "p")
    session.cookies.set("c", "1")
    with pickle.loads(pickle.dumps(session)) as again:
        fields = echoed(again.get(f"{origin.url}/echo"))[2]
    assert (fields["X-A"], fields["Authorization"], fields["Cookie"]) == ("1", "Basic dTpw", "c=1")


def test_cache_is_the_same(session, origin):
    url = f"{origin.url}/page/tea"
    assert [session.get(url).cache.status for _ in range(2)] == ["miss", "hit"]
    assert session.get(url, cache=None).text == "page tea, hit 2\n"


def test_stages_are_around_both(way, origin):
    def stage(request, next):
        request.headers["X-Stage"] = "1"
        response = next(request)
        response.seen = True
        return response

    with Session(stages=[stage]) as session:
        response = session.get(f"{origin.url}/redirect/1")
    assert response.seen
    assert echoed(response)[2]["X-Stage"] == "1"


# Overridden methods of redirects


def test_rebuild_auth_is_overridden(origin, other_origin):
    class Trusting(Session):
        def rebuild_auth(self, prepared_request, response):
            seen.append((response.request.url, prepared_request.url))

    seen = []
    url = f"{origin.url}/to?url={other_origin.url}/echo"
    with Trusting() as session:
        assert echoed(session.get(url, auth=("u", "p")))[2]["Authorization"] == "Basic dTpw"
    assert seen == [(url, f"{other_origin.url}/echo")]


def test_should_strip_auth_is_overridden(origin, other_origin):
    class Trusting(Session):
        def should_strip_auth(self, old_url, new_url):
            return False

    with Trusting() as session:
        response = session.get(f"{origin.url}/to?url={other_origin.url}/echo", headers={"Authorization": "mine"})
    assert echoed(response)[2]["Authorization"] == "mine"
    assert Session().should_strip_auth("http://h.example/", "http://h.example:81/")
    assert not Session().should_strip_auth("http://h.example/", "https://h.example/")


def test_rebuild_method_is_overridden(origin):
    class Keeping(Session):
        def rebuild_method(self, prepared_request, response):
            """The method stays."""

    with Keeping() as session:
        assert echoed(session.post(f"{origin.url}/redirect/1", data="x"))[0] == "POST"


def test_get_redirect_target_is_overridden(origin):
    class Elsewhere(Session):
        def get_redirect_target(self, resp):
            target = super().get_redirect_target(resp)
            return target and "/bytes/5"

    with Elsewhere() as session:
        assert session.get(f"{origin.url}/redirect/7").content == b"01234"


def test_resolve_redirects_one_by_one(origin):
    with Session() as session:
        first = session.get(f"{origin.url}/redirect/2", allow_redirects=False)
        rest = list(session.resolve_redirects(first, first.request))
        requests = list(session.resolve_redirects(first, first.request, yield_requests=True))
    assert [each.status_code for each in rest] == [302, 200]
    assert [each.url for each in requests] == [f"{origin.url}/redirect/1"]


def test_rebuild_proxies_is_overridden_and_reads_the_environment(origin, monkeypatch):
    class Told(Session):
        def rebuild_proxies(self, prepared_request, proxies):
            seen.append(prepared_request.url)
            return super().rebuild_proxies(prepared_request, proxies)

    seen = []
    with Told() as session:
        assert session.get(f"{origin.url}/redirect/1").ok
    assert seen == [f"{origin.url}/echo"]
    monkeypatch.setenv("all_proxy", "socks5://user:pa%20ss@proxy.example:9876")
    monkeypatch.setenv("no_proxy", "near.example")
    prepared = smartclient.Request("GET", "https://far.example/").prepare()
    assert Session().rebuild_proxies(prepared, {}) == {"https": "socks5://user:pa%20ss@proxy.example:9876"}
    prepared = smartclient.Request("GET", "https://near.example/").prepare()
    assert Session().rebuild_proxies(prepared, None) == {}


def test_files_of_text_have_a_length(session, origin, tmp_path):
    (tmp_path / "t.txt").write_text("täxt", encoding="utf-8")
    with (tmp_path / "t.txt").open(encoding="utf-8") as file:
        session.post(f"{origin.url}/echo", files={"f": file})
    (seen,) = origin.seen.requests
    assert seen.header("content-length") == str(len(seen.body))
    assert "täxt".encode() in seen.body


def test_files_may_be_closed_once_a_request_is_prepared(session, origin, tmp_path):
    (tmp_path / "b").write_bytes(b"content")
    with (tmp_path / "b").open("rb") as file:
        prepared = session.prepare_request(smartclient.Request("POST", f"{origin.url}/echo", files={"f": file}))
    session.send(prepared)
    assert b"content" in origin.seen.requests[0].body


def test_closed_file_is_told(session, origin):
    file = io.BytesIO(b"x")
    prepared = session.prepare_request(smartclient.Request("POST", f"{origin.url}/echo", data=file))
    file.close()
    with pytest.raises(exceptions.UnrewindableBodyError, match="the file is closed"):
        session.send(prepared)


def test_closed_response_has_no_content(session, origin):
    with session.get(f"{origin.url}/bytes/9", stream=True) as response:
        assert not response.raw.closed
    assert response.raw.closed
    assert response._content_consumed is False
    with pytest.raises(exceptions.StreamConsumedError):
        response.content  # noqa: B018


def test_timeout_of_urllib3(session, silent):
    urllib3 = pytest.importorskip("urllib3")
    with pytest.raises(exceptions.ReadTimeout):
        session.get(silent, timeout=urllib3.Timeout(connect=5, read=0.02))


class Named(smartclient.Session):
    """A session of a program that has its own idea of names which are ours as well, and sets them first."""

    base_url = None

    def __init__(self, base_url):
        self.base_url, self.timeout, self.cache = base_url, 7, {"own": 1}
        super().__init__()
        self.auth = ("user", "pass")

    def request(self, method, url, **arguments):
        return super().request(method, self.base_url + url, **arguments)


def test_names_of_ours_in_a_class_that_was_written_for_requests(way, origin):
    with Named(origin.url) as session:
        assert session.get("/echo").status_code == 200
        assert (session.base_url, session.timeout, session.cache) == (origin.url, 7, {"own": 1})
    assert origin.seen.requests[0].target == "/echo"


def test_names_of_ours_that_are_set_later(way, origin, other_origin):
    class Later(smartclient.Session):
        def __init__(self):
            super().__init__()
            self.base_url, self.cache, self.timeout = origin.url, [], (3, 7)

    with Later() as session:
        session.get(f"{session.base_url}/echo", auth=("user", "pass"))
        session.auth = ("user", "pass")
        session.get(f"{other_origin.url}/echo")
        assert session.cache == []
    assert [seen.target for seen in origin.seen.requests] == ["/echo"]
    assert other_origin.seen.requests[0].header("authorization") == "Basic dXNlcjpwYXNz"


def test_a_base_url_is_given_back_as_it_was_given(session, origin):
    session.base_url = origin.url
    assert session.base_url == origin.url
    session.get("echo")
    assert origin.seen.requests[0].target == "/echo"

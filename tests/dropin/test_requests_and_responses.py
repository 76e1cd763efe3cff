"""`Request`, `PreparedRequest` and `Response()` as objects that programs make, change, copy and pickle."""

import io
import pickle
import shutil

import pytest

from smartclient import PreparedRequest, Request, Response, Session
from smartclient.exceptions import HTTPError, InvalidHeader, InvalidURL, MissingSchema, StreamConsumedError

URL = "http://h.example/path"


# Request


def test_request_needs_no_argument_and_takes_all_as_attributes():
    request = Request()
    request.method, request.url, request.params = "get", URL, {"a": "1"}
    request.headers["X-A"] = "b"
    prepared = request.prepare()
    assert (prepared.method, prepared.url, prepared.headers["x-a"]) == ("GET", f"{URL}?a=1", "b")


def test_request_shows_its_method():
    assert repr(Request("POST", URL)) == "<Request [POST]>"
    assert repr(Request("POST", URL).prepare()) == "<PreparedRequest [POST]>"


def test_hooks_are_registered_and_taken_out_again():
    request = Request("GET", URL)
    request.register_hook("response", print)
    request.register_hook("response", [len, repr])
    assert request.hooks == {"response": [print, len, repr]}
    assert request.deregister_hook("response", print)
    assert not request.deregister_hook("response", print)
    assert request.prepare().hooks == {"response": [len, repr]}


def test_unknown_events_are_refused():
    with pytest.raises(ValueError, match="Unsupported event"):
        Request("GET", URL).register_hook("request", print)


# What is sent


BODIES = [  # arguments, body, Content-Type, Content-Length, Transfer-Encoding
    pytest.param({"data": {"a": "1 2"}}, "a=1+2", "application/x-www-form-urlencoded", "5", None, id="form"),
    pytest.param(
        {"data": [("a", "1"), ("a", "2")]}, "a=1&a=2", "application/x-www-form-urlencoded", "7", None, id="pairs"
    ),
    pytest.param({"json": {"a": 1}}, b'{"a":1}', "application/json", "7", None, id="json"),
    pytest.param({"json": {}}, b"{}", "application/json", "2", None, id="empty-json"),
    pytest.param({"data": "text"}, "text", None, "4", None, id="text"),
    pytest.param({"data": b"bytes"}, b"bytes", None, "5", None, id="bytes"),
    pytest.param({"data": b"x", "json": 1}, b"x", None, "1", None, id="data-wins"),
    pytest.param({}, None, None, "0", None, id="nothing"),
]


@pytest.mark.parametrize(("arguments", "body", "content_type", "length", "coding"), BODIES)
def test_bodies_are_what_programs_look_at(arguments, body, content_type, length, coding):
    prepared = Request("POST", URL, **arguments).prepare()
    assert prepared.body == body
    assert type(prepared.body) is type(body)
    assert prepared.headers.get("Content-Type") == content_type
    assert prepared.headers.get("Content-Length") == length
    assert prepared.headers.get("Transfer-Encoding") == coding


def test_streams_are_their_own_body():
    pieces = iter([b"a"])
    prepared = Request("POST", URL, data=pieces).prepare()
    assert prepared.body is pieces
    assert prepared.headers["Transfer-Encoding"] == "chunked"
    file = io.BytesIO(b"0123")
    file.seek(1)
    prepared = Request("POST", URL, data=file).prepare()
    assert prepared.body is file
    assert prepared.headers["Content-Length"] == "3"
    assert prepared._body_position == 1


def test_multipart_is_bytes_when_it_is_looked_at():
    prepared = Request("POST", URL, data={"a": "1"}, files={"f": ("n.txt", io.BytesIO(b"content"))}).prepare()
    assert isinstance(prepared.body, bytes)
    assert b"content" in prepared.body
    assert str(len(prepared.body)) == prepared.headers["Content-Length"]
    boundary = prepared.headers["Content-Type"].partition("boundary=")[2]
    assert prepared.body.startswith(f"--{boundary}".encode())


def test_get_without_body_announces_none():
    assert "Content-Length" not in Request("GET", URL).prepare().headers


@pytest.mark.parametrize(
    ("url", "prepared"),
    [
        pytest.param("http://h.example", "http://h.example/", id="no-path"),
        pytest.param(b"http://h.example/a", "http://h.example/a", id="bytes"),
        pytest.param("http://h.example/a b?c d", "http://h.example/a%20b?c%20d", id="spaces"),
        pytest.param("http://ü.example/", "http://xn--tda.example/", id="idna"),
        pytest.param("http://[::1]:80/", "http://[::1]:80/", id="ipv6"),
        pytest.param("  http://h.example/", "http://h.example/", id="white-space-before"),
        pytest.param("mailto:somebody@h.example", "mailto:somebody@h.example", id="no-http"),
        pytest.param("mock://h.example/a", "mock://h.example/a", id="scheme-of-an-adapter"),
        pytest.param("http+unix://%2Ftmp%2Fs/x", "http+unix://%2Ftmp%2Fs/x", id="scheme-like-http"),
    ],
)
def test_urls(url, prepared):
    assert Request("GET", url).prepare().url == prepared


@pytest.mark.parametrize(
    ("url", "error", "text"),
    [
        (
            "h.example",
            MissingSchema,
            "Invalid URL 'h.example': No scheme supplied. Perhaps you meant https://h.example?",
        ),
        ("http://", InvalidURL, "No host supplied"),
        ("http://*.example", InvalidURL, "invalid label"),
    ],
)
def test_urls_that_are_none(url, error, text):
    with pytest.raises(error, match=text.replace("?", r"\?").replace("*", r"\*")):
        Request("GET", url).prepare()


def test_path_of_a_url():
    assert Request("GET", "http://h.example?a=1").prepare().path_url == "/?a=1"
    assert Request("GET", "http://h.example/p/q?a=1#f").prepare().path_url == "/p/q?a=1"


@pytest.mark.parametrize("value", [5, "a\r\nb", "a\nb", " a", b" a", ["a"]])
def test_headers_that_cannot_be_sent(value):
    with pytest.raises(InvalidHeader):
        Request("GET", URL, headers={"X-A": value}).prepare()


def test_headers_may_be_bytes():
    prepared = Request("GET", URL, headers={b"X-A": b"b", "X-C": "d"}).prepare()
    assert dict(prepared.headers) == {"X-A": "b", "X-C": "d"}


def test_auth_and_cookies_become_fields():
    prepared = Request("GET", URL, auth=("user", "pass"), cookies={"a": "1", "b": "2"}).prepare()
    assert prepared.headers["Authorization"] == "Basic dXNlcjpwYXNz"
    assert prepared.headers["Cookie"] == "a=1; b=2"
    of_url = Request("GET", "http://user:pass@h.example/").prepare()
    assert of_url.headers["Authorization"] == "Basic dXNlcjpwYXNz"


def test_auth_is_called_with_the_request_last():
    def sign(request):
        request.headers["X-Signed"] = f"{request.method} {request.body}"
        request.body = "signed"
        return request

    prepared = Request("POST", URL, data={"a": "1"}, auth=sign).prepare()
    assert prepared.headers["X-Signed"] == "POST a=1"
    assert (prepared.body, prepared.headers["Content-Length"]) == ("signed", "6")


def test_copies_are_apart():
    prepared = Request("POST", URL, data="x", headers={"A": "1"}, hooks={"response": print}).prepare()
    copy = prepared.copy()
    copy.headers["A"] = "2"
    copy.register_hook("response", len)
    copy.url = "http://other.example/"
    assert (prepared.headers["A"], prepared.url, prepared.hooks) == ("1", URL, {"response": [print]})
    assert copy.body == "x"


def test_prepared_requests_survive_pickling():
    prepared = Request("POST", URL, json={"a": 1}, hooks={"response": print}).prepare()
    again = pickle.loads(pickle.dumps(prepared))
    assert (again.method, again.url, again.body) == (prepared.method, prepared.url, prepared.body)
    assert dict(again.headers) == dict(prepared.headers)
    assert again.hooks == {"response": [print]}


def test_prepared_request_is_empty_at_first():
    prepared = PreparedRequest()
    assert (prepared.method, prepared.url, prepared.headers, prepared.body) == (None, None, None, None)


# Response()


def test_every_attribute_of_a_response_may_be_set():
    response = Response()
    response.status_code = 404
    response.url = "http://h.example/?secret=1"
    response.reason = "Not Found"
    response.headers["Content-Type"] = "text/plain; charset=latin-1"
    response._content = "é".encode("latin-1")
    assert (response.text, response.encoding, response.ok, bool(response)) == ("é", "latin-1", False, False)
    assert repr(response) == "<Response [404]>"
    with pytest.raises(HTTPError) as caught:
        response.raise_for_status()
    assert str(caught.value) == "404 Client Error: Not Found for url: http://h.example/"
    assert caught.value.response is response
    response.encoding = "utf-8"
    assert response.text == "\N{REPLACEMENT CHARACTER}"


def test_response_without_anything():
    response = Response()
    assert (response.status_code, response.url, response.reason, response.request) == (None, None, None, None)
    assert (response.content, response.text, response.history, dict(response.headers)) == (None, "", [], {})
    assert not response.is_redirect


def test_json_of_a_made_response():
    response = Response()
    response._content = b'{"a": [1]}'
    assert response.json() == {"a": [1]}


def test_raw_of_a_made_response_is_its_body():
    response = Response()
    response.raw = io.BytesIO(b"line 1\r\nline 2")
    assert list(response.iter_lines()) == [b"line 1", b"line 2"]
    with pytest.raises(StreamConsumedError):
        response.iter_content(3)
    with pytest.raises(RuntimeError):
        response.content  # noqa: B018


def test_content_may_be_iterated_again_once_it_is_there():
    response = Response()
    response.raw = io.BytesIO(b"0123456789")
    assert response.content == b"0123456789"
    assert list(response.iter_content(4)) == [b"0123", b"4567", b"89"]


def test_redirects_are_told_by_status_and_field():
    response = Response()
    response.status_code = 308
    assert not response.is_redirect
    response.headers["location"] = "/x"
    assert response.is_redirect
    assert response.is_permanent_redirect


def test_responses_are_equal_to_themselves_only():
    assert Response() != Response()
    assert len({Response(), Response()}) == 2


# What came over the wire


def test_raw_is_a_file(session, origin, tmp_path):
    with session.get(f"{origin.url}/gzip", stream=True) as response:
        assert response.raw.status == 200
        assert response.raw.headers["Content-Encoding"] == "gzip"
        response.raw.decode_content = True
        with (tmp_path / "copy").open("wb") as file:
            shutil.copyfileobj(response.raw, file)
    assert (tmp_path / "copy").read_bytes() == b"a gzip page\n" * 100


def test_raw_is_as_received_unless_told_otherwise(session, origin):
    with session.get(f"{origin.url}/gzip", stream=True) as response:
        assert response.raw.read(2) == b"\x1f\x8b"
        assert not response.raw.closed
    with session.get(f"{origin.url}/bytes/100", stream=True) as response:
        assert [len(piece) for piece in response.raw.stream(30)] == [30, 30, 30, 10]


def test_responses_survive_pickling(session, origin):
    response = session.get(f"{origin.url}/redirect/1", stream=True)
    again = pickle.loads(pickle.dumps(response))
    assert (again.status_code, again.url, again.content) == (200, response.url, response.content)
    assert [each.status_code for each in again.history] == [302]
    assert again.request.headers["User-Agent"] == response.request.headers["User-Agent"]


def test_prepared_request_of_a_response(session, origin):
    response = session.post(f"{origin.url}/echo", data={"a": "1"}, headers={"X-Case": "Kept"})
    request = response.request
    assert (request.method, request.url, request.body) == ("POST", f"{origin.url}/echo", "a=1")
    assert request.headers["Content-Length"] == "3"
    assert ["X-Case", "Kept"] in response.json()["headers"]


def test_sending_the_request_of_a_response_again(session, origin):
    response = session.post(f"{origin.url}/echo", json={"a": 1})
    again = session.send(response.request)
    assert again.json() == response.json()


def test_session_prepares_with_its_settings(way, origin):
    with Session(headers={"X-S": "1"}, params={"p": "q"}, auth=("user", "pass"), cookies={"c": "d"}) as session:
        prepared = session.prepare_request(
            Request("GET", f"{origin.url}/echo", headers={"X-R": "2"}, params={"r": "s"})
        )
        assert prepared.url == f"{origin.url}/echo?p=q&r=s"
        fields = {"X-S": "1", "X-R": "2", "Authorization": "Basic dXNlcjpwYXNz", "Cookie": "c=d"}
        assert fields.items() <= dict(prepared.headers).items()
        seen = dict(map(tuple, session.send(prepared).json()["headers"]))
        assert fields.items() <= seen.items()


def test_a_changed_prepared_request_is_sent_as_it_is_then(session, origin):
    prepared = session.prepare_request(Request("POST", f"{origin.url}/nothing", data="x"))
    prepared.url, prepared.method, prepared.body = f"{origin.url}/echo", "PUT", b"other"
    prepared.headers["X-New"] = "1"
    del prepared.headers["User-Agent"]
    echo = session.send(prepared).json()
    assert (echo["method"], echo["body"]) == ("PUT", "b3RoZXI=")
    assert ["X-New", "1"] in echo["headers"]
    assert "User-Agent" not in dict(map(tuple, echo["headers"]))


def test_send_adds_no_settings_of_the_session(way, origin):
    with Session(headers={"X-S": "1"}, auth=("user", "pass"), cookies={"c": "d"}) as session:
        prepared = Request("GET", f"{origin.url}/echo", headers={"X-R": "2"}).prepare()
        echo = session.send(prepared).json()
    assert [name for name, _ in echo["headers"]] == ["Host", "X-R"]


@pytest.mark.parametrize("what", [None, "GET", Request("GET", URL)])
def test_only_prepared_requests_are_sent(session, what):
    with pytest.raises(ValueError, match=r"^You can only send PreparedRequests\.$"):
        session.send(what)

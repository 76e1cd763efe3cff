"""Every option of a call, in all three modes, against an origin that tells what arrived."""

import base64
import io
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin, Page
from loopback.scripted import CUT, HOLD, READ, READ_HEAD, ScriptedServer
from smartclient import api as verbs
from smartclient.exceptions import (
    HTTPError,
    InsecureRequestWarning,
    InvalidHeader,
    InvalidOption,
    InvalidURL,
    JSONDecodeError,
    ReadTimeout,
    RequestException,
    ServerDisconnected,
    StreamConsumedError,
    TooManyRedirects,
    UnrewindableBodyError,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def echoed(response: Any) -> tuple[str, str, dict[str, str], bytes]:
    """Method, target, fields (lower case) and body as they arrived."""
    echo = response.json()
    fields = {name.lower(): value for name, value in echo["headers"]}
    return echo["method"], echo["target"], fields, base64.b64decode(echo["body"])


@pytest.mark.parametrize("method", ["get", "options", "post", "put", "patch", "delete", "query"])
def test_verbs(client: Client, origin: Origin, method: str) -> None:
    sent, target, fields, body = echoed(getattr(client, method)(origin.url + "/echo"))
    assert (sent, target, body) == (method.upper(), "/echo", b"")
    assert fields["host"] == f"127.0.0.1:{origin.port}"
    assert fields.get("content-length") == ("0" if method in ("post", "put", "patch") else None)


def test_head(client: Client, origin: Origin) -> None:
    response = client.head(origin.url + "/redirect/1")
    assert (response.status_code, response.content, response.history) == (302, b"", [])
    assert client.head(origin.url + "/redirect/1", allow_redirects=True).status_code == 200


def test_other_methods(client: Client, origin: Origin) -> None:
    assert echoed(client.request("propfind", origin.url + "/echo"))[0] == "PROPFIND"


def test_params(client: Client, origin: Origin) -> None:
    session = client.session(params={"a": 1, "b": 2})
    response = session.get(f"{origin.url}/echo?z=0#part", params={"b": None, "c": ["é", "&"]})
    assert echoed(response)[1] == "/echo?z=0&a=1&c=%C3%A9&c=%26"
    assert response.url.endswith("#part")


def test_headers(client: Client, origin: Origin) -> None:
    session = client.session(headers={"X-Session": "1", "Accept": None})
    fields = echoed(session.get(origin.url + "/echo", headers={"x-session": "2", b"X-Call": b"\xe9"}))[2]
    assert (fields["x-session"], fields["x-call"], fields.get("accept")) == ("2", "é", None)
    assert fields["accept-encoding"].startswith("gzip, deflate")


def a_file(content: bytes, position: int = 0) -> Any:
    file = tempfile.TemporaryFile()  # noqa: SIM115, closed when it is forgotten
    file.write(content)
    file.seek(position)
    return file


BODIES = [  # options, body, Content-Length, Content-Type
    pytest.param(lambda: {"data": b"x\0"}, b"x\0", "2", None, id="bytes"),
    pytest.param(lambda: {"data": "é"}, b"\xc3\xa9", "2", None, id="str"),
    pytest.param(lambda: {"data": {"a": "1 2"}}, b"a=1+2", "5", "application/x-www-form-urlencoded", id="form"),
    pytest.param(lambda: {"json": {"a": [1]}}, b'{"a":[1]}', "9", "application/json", id="json"),
    pytest.param(lambda: {"data": io.BytesIO(b"012345")}, b"012345", "6", None, id="bytes-io"),
    pytest.param(lambda: {"data": iter([b"01", "é", b""])}, b"01\xc3\xa9", None, None, id="iterable"),
    pytest.param(lambda: {"data": io.StringIO("é")}, b"\xc3\xa9", "2", None, id="text-file"),
    pytest.param(lambda: {"data": iter([b"01"]), "headers": {"Content-Length": "2"}}, b"01", "2", None, id="length"),
    pytest.param(lambda: {"data": b"01", "headers": {"Transfer-Encoding": "chunked"}}, b"01", None, None, id="chunked"),
    pytest.param(lambda: {"data": b"x" * 300_000}, b"x" * 300_000, "300000", None, id="large"),
]


@pytest.mark.parametrize(("options", "body", "length", "content_type"), BODIES)
def test_bodies(
    client: Client,
    origin: Origin,
    options: Callable[[], Any],
    body: bytes,
    length: str | None,
    content_type: str | None,
) -> None:
    _, _, fields, arrived = echoed(client.post(origin.url + "/echo", **options()))
    assert arrived == body
    assert (fields.get("content-length"), fields.get("content-type")) == (length, content_type)
    assert fields.get("transfer-encoding") == (None if length else "chunked")


def test_file_from_its_position_again_after_a_redirect(client: Client, origin: Origin) -> None:
    with a_file(b"0123456789", 4) as file:
        response = client.put(origin.url + "/to", params={"url": "/echo", "status": 307}, data=file)
        assert (response.status_code, echoed(response)[3]) == (200, b"456789")
    assert [request.body for request in origin.seen.requests] == [b"456789"] * 2


def test_iterable_cannot_be_sent_again(client: Client, origin: Origin) -> None:
    with pytest.raises(UnrewindableBodyError) as caught:
        client.put(origin.url + "/to", params={"url": "/echo", "status": 307}, data=iter([b"x"]))
    assert (caught.value.sent, caught.value.response.status_code) == ("wholly", 307)


def test_what_an_iterable_raises_passes_and_costs_its_connection(
    client: Client, scripted: Callable[..., ScriptedServer]
) -> None:
    server = scripted([READ_HEAD, HOLD], [OK])
    session = client.session(limits=smartclient.Limits(max_connections=1))
    failure = ZeroDivisionError("mine")

    def broken() -> Any:
        yield b"a" * 100
        raise failure

    with pytest.raises(ZeroDivisionError) as caught:
        session.post(server.url, data=broken())
    assert caught.value is failure
    assert session.get(server.url, timeout=20).content == b"ok"
    assert server.connection(0).over.wait(20)
    assert not server.connection(0).received.endswith(b"0\r\n\r\n")  # nobody may take it for a whole one


def test_pieces_that_are_no_bytes(client: Client, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted([READ_HEAD, HOLD], [OK])
    session = client.session(limits=smartclient.Limits(max_connections=1))
    with pytest.raises(InvalidOption, match="gave int"):
        session.post(server.url, data=iter([b"a", 5]))
    assert session.get(server.url, timeout=20).content == b"ok"


def test_cookies(client: Client, origin: Origin) -> None:
    session = client.session(cookies={"a": "1", "b": "2"})
    assert session.get(origin.url + "/cookies", cookies={"b": "3", "c": "4"}).json() == {"a": "1", "b": "3", "c": "4"}
    assert session.get(origin.url + "/cookies").json() == {"a": "1", "b": "2"}
    session.get(origin.url + "/cookies/set?d=5")
    assert session.get(origin.url + "/cookies").json() == {"a": "1", "b": "2", "d": "5"}


def test_cookies_that_are_replaced_or_none(client: Client, origin: Origin) -> None:
    session = client.session()
    inner = getattr(session, "inner", session)
    session.get(origin.url + "/cookies/set?a=1")
    inner.cookies = {"b": "2"}
    assert session.get(origin.url + "/cookies").json() == {"b": "2"}
    inner.cookies = None
    session.get(origin.url + "/cookies/set?a=1")
    assert session.get(origin.url + "/cookies").json() == {}
    assert origin.seen.connections == 1


def test_auth(client: Client, origin: Origin) -> None:
    with_userinfo = origin.url.replace("http://", "http://user:pass@")
    assert client.get(origin.url + "/basic").status_code == 401
    assert client.get(origin.url + "/basic", auth=("user", b"pass")).ok
    assert client.get(with_userinfo + "/basic").ok
    assert client.session(auth=("user", "pass")).get(origin.url + "/basic").ok
    assert all("@" not in f"{request.target}{request.header('host')}" for request in origin.seen.requests)


def test_attributes_changed_between_calls(client: Client, origin: Origin) -> None:
    session = client.session()
    inner = getattr(session, "inner", session)
    session.get(origin.url + "/echo")
    inner.headers = {"X-One": "1"}
    inner.params = {"a": 1}
    inner.auth = ("u", "p")
    _, target, fields, _ = echoed(session.get(origin.url + "/echo"))
    assert target == "/echo?a=1"
    assert (fields["x-one"], fields["authorization"], fields.get("user-agent")) == ("1", "Basic dTpw", None)
    assert origin.seen.connections == 1


def test_redirects(client: Client, origin: Origin) -> None:
    response = client.get(origin.url + "/redirect/3")
    assert ([each.status_code for each in response.history], response.url) == ([302] * 3, origin.url + "/echo")
    session = client.session(max_redirects=2)
    with pytest.raises(TooManyRedirects, match=r"Exceeded 2 redirects\.") as caught:
        session.get(origin.url + "/redirect/3")
    assert (caught.value.response.status_code, len(caught.value.response.history)) == (302, 2)
    assert session.get(origin.url + "/bytes/5").content == b"01234"


def test_verify_and_cert(client: Client, tls_origin: Origin, authority: Authority) -> None:
    assert client.get(tls_origin.url + "/bytes/5", verify=str(authority.ca_file)).content == b"01234"
    with pytest.warns(InsecureRequestWarning):
        assert client.get(tls_origin.url + "/bytes/5", verify=False).content == b"01234"
    with pytest.raises(OSError, match="Could not find the TLS certificate file, invalid path"):
        client.get(tls_origin.url + "/bytes/5", verify=str(authority.ca_file), cert="/no/such/cert")
    assert tls_origin.seen.connections == 2


def test_cache(client: Client, origin: Origin) -> None:
    session = client.session()
    for options in ({}, {}, {"cache": None}, {"cache": "refresh"}, {"cache": "only"}):
        assert session.get(origin.url + "/page/tea", **options).ok
    assert origin.seen.hits["/page/tea"] == 3
    assert client.session(cache=None).get(origin.url + "/page/tea").cache is None


def test_limits(client: Client, origin: Origin) -> None:
    session = client.session(limits=smartclient.Limits(body_max=100, max_connections=1))
    assert len(session.get(origin.url + "/bytes/100").content) == 100
    with pytest.raises(RequestException, match=r"Limits\(body_max=100\)"):
        session.get(origin.url + "/bytes/101")
    assert len(session.get(origin.url + "/bytes/100", timeout=20).content) == 100


WRONG = [
    pytest.param("GE T", "", {}, InvalidOption, id="method"),
    pytest.param("GET", "/\\", {}, InvalidURL, id="url"),
    pytest.param("GET", "/", {"headers": {"A": "1\r\nB: 2"}}, InvalidHeader, id="headers"),
    pytest.param("GET", "/", {"headers": {"Host": "a b"}}, InvalidHeader, id="host"),
    pytest.param("GET", "/", {"headers": {"Content-Length": "1"}}, InvalidHeader, id="length"),
    pytest.param("GET", "/", {"timeout": "soon"}, InvalidOption, id="timeout"),
    pytest.param("GET", "/", {"cookies": {"a": "1\r\n"}}, InvalidHeader, id="cookies"),
    pytest.param("GET", "/", {"auth": "user:pass"}, InvalidOption, id="auth"),
    pytest.param("GET", "/", {"auth": ("\ud800", "")}, InvalidOption, id="auth-without-utf-8"),
    pytest.param("POST", "/", {"json": object()}, RequestException, id="json"),
    pytest.param("POST", "/", {"data": 5}, InvalidOption, id="data"),
]


@pytest.mark.parametrize(("method", "path", "options", "error"), WRONG)
def test_what_is_wrong_never_reaches_the_network(
    client: Client, origin: Origin, method: str, path: str, options: Any, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        client.request(method, origin.url + path, **options)
    assert caught.value.sent == "nothing"  # type: ignore[attr-defined]
    assert origin.seen.connections == 0


READS: list[Any] = [
    pytest.param(lambda r: b"".join(r.iter_content(7)), b"0123456789" * 5, id="iter_content"),
    pytest.param(lambda r: b"".join(r.iter_raw()), b"0123456789" * 5, id="iter_raw"),
    pytest.param(lambda r: list(r.iter_lines()), [b"0123456789" * 5], id="iter_lines"),
    pytest.param(lambda r: list(r.iter_lines(delimiter="9")), [b"012345678"] * 5, id="delimiter"),
    pytest.param(lambda r: "".join(r.iter_content(3, decode_unicode=True)), "0123456789" * 5, id="text"),
]


@pytest.mark.parametrize(("read", "expected"), READS)
def test_streams(client: Client, origin: Origin, read: Callable[[Any], Any], expected: Any) -> None:
    session = client.session(limits=smartclient.Limits(max_connections=1))
    with session.stream("GET", origin.url + "/chunked/5") as response:
        assert read(response) == expected
        with pytest.raises(StreamConsumedError):
            list(response.iter_content())
    assert session.get(origin.url + "/bytes/5", timeout=20).content == b"01234"
    assert origin.seen.connections == 1


def test_stream_as_an_option(client: Client, origin: Origin) -> None:
    response = client.get(origin.url + "/bytes/5", stream=True)
    assert list(response.iter_content(2)) == [b"01", b"23", b"4"]
    response.close()


def test_long_limits_are_taken(client: Client, origin: Origin) -> None:
    """What the system cannot count is as good as no limit."""
    for timeout in (10**400, 1e300, (3, 10**8), smartclient.Timeout(10**9, pool=1e9, total=1e300), None):
        assert client.get(origin.url + "/bytes/5", timeout=timeout).ok


def test_time_out_tells_what_happened(client: Client, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted([READ, HOLD])
    with pytest.raises(ReadTimeout) as caught:
        client.post(f"{server.url}/path?token=secret", data=b"x", timeout=0.05)
    error = caught.value
    assert (error.request.method, error.response, error.sent) == ("POST", None, "wholly")
    assert [each.error for each in error.attempts] == ["ReadTimeout"]
    assert error.elapsed is not None
    assert error.elapsed >= 0.05
    assert "secret" not in str(error)


def test_retries_and_what_they_leave(client: Client, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted([READ, CUT], [OK])
    response = client.get(server.url, retries=1)
    assert (response.content, [each.error for each in response.attempts]) == (b"ok", ["ServerDisconnected", None])
    with pytest.raises(ServerDisconnected) as caught:
        client.post(scripted([READ, CUT]).url, data=b"x")
    assert (caught.value.sent, len(caught.value.attempts)) == ("wholly", 1)


def test_no_retries_means_no_replay_of_what_may_have_arrived(
    client: Client, scripted: Callable[..., ScriptedServer]
) -> None:
    server = scripted([OK, READ, CUT], [OK])
    session = client.session(retries=0)
    assert session.get(server.url).content == b"ok"
    with pytest.raises(ServerDisconnected):
        session.get(server.url)
    assert len(server.connections) == 1


def test_statuses_and_json(client: Client, origin: Origin) -> None:
    response = client.get(origin.url + "/status/503?token=secret")
    with pytest.raises(HTTPError, match="503 Server Error") as caught:
        response.raise_for_status()
    assert caught.value.response.content == b"503"
    assert "secret" not in str(caught.value)
    origin.route("/digits", lambda seen: Page(b"1" * 10_000))
    with pytest.raises(JSONDecodeError):
        client.get(origin.url + "/digits").json()


def test_module_functions_share_a_pool_and_keep_no_cookies(monkeypatch: pytest.MonkeyPatch, origin: Origin) -> None:
    monkeypatch.setattr(verbs, "_shared", None)
    assert smartclient.get(origin.url + "/cookies/set", params={"a": "1"}).cookies == {"a": "1"}
    assert smartclient.get(origin.url + "/cookies").json() == {}
    assert smartclient.get(origin.url + "/cookies", cookies={"b": "2"}).json() == {"b": "2"}
    assert smartclient.post(origin.url + "/echo", json=1).ok
    with smartclient.stream("GET", origin.url + "/bytes/5") as response:
        assert response.content == b"01234"
    assert origin.seen.connections == 1
    verbs._session().close()


@pytest.mark.parametrize("content", [b"short", b"much too long"], ids=["short", "long"])
def test_body_of_another_length_is_sent_once(client: Client, origin: Origin, content: bytes) -> None:
    with pytest.raises(InvalidOption, match="bytes") as caught:
        client.put(origin.url + "/echo", data=iter([content]), headers={"Content-Length": "8"})
    assert caught.value.sent == "partly"
    assert len(caught.value.attempts) == 1


@pytest.mark.parametrize(
    "error", [ReadTimeout("of another call"), JSONDecodeError("no JSON", "doc", 0)], ids=["read timeout", "json"]
)
def test_what_the_body_raises_passes_as_it_is(client: Client, origin: Origin, error: RequestException) -> None:
    def body() -> Any:
        yield b"first"
        raise error

    with pytest.raises(type(error)) as caught:
        client.post(origin.url + "/echo", data=body())
    assert caught.value is error
    assert error.sent == "nothing"  # as it was: it is about something else than this call


def test_connection_close_is_kept_to(client: Client, origin: Origin) -> None:
    session = client.session()
    for _ in range(2):
        assert session.get(origin.url + "/bytes/5", headers={"Connection": "Close"}).content == b"01234"
    assert len({each.connection for each in origin.seen.requests}) == 2

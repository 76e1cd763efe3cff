"""One call from end to end, against real servers."""

import base64
from collections.abc import Callable

import pytest

import smartclient
from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin, Page
from loopback.pages import KILOBYTE, MEGABYTES, TEXT
from loopback.scripted import CUT, ScriptedServer
from smartclient.exceptions import IncompleteBody, SSLError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_plain(client: Client, nginx: str) -> None:
    response = client.get(nginx + "/1k")
    assert (response.status_code, response.reason, response.content) == (200, "OK", KILOBYTE)
    assert response.headers["content-length"] == "1024"
    assert response.url == nginx + "/1k"


def test_tls(client: Client, nginx_tls: str, authority: Authority) -> None:
    response = client.get(nginx_tls + "/1k", verify=str(authority.ca_file))
    assert (response.status_code, response.content) == (200, KILOBYTE)


def test_tls_of_a_stranger_is_refused(client: Client, tls_origin: Origin) -> None:
    with pytest.raises(SSLError) as caught:
        client.get(tls_origin.url + "/echo")
    assert caught.value.sent == "nothing"
    assert tls_origin.seen.requests == []


def test_404_is_a_response(client: Client, nginx: str) -> None:
    response = client.get(nginx + "/status/404")
    assert (response.status_code, response.ok, response.text) == (404, False, "404\n")
    with pytest.raises(Exception, match="404 Client Error"):
        response.raise_for_status()


@pytest.mark.parametrize("path", ["/text", "/gzip", "/chunked"])
def test_framing_and_coding_are_not_seen(client: Client, nginx: str, path: str) -> None:
    assert client.get(nginx + path).content == TEXT


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(client: Client, nginx: str, status: int) -> None:
    response = client.get(f"{nginx}/redirect/{status}")
    assert (response.status_code, response.content) == (200, KILOBYTE)
    assert [each.status_code for each in response.history] == [status]


def test_redirect_not_followed(client: Client, nginx: str) -> None:
    response = client.get(nginx + "/redirect/302", allow_redirects=False)
    assert response.status_code == 302
    assert response.history == []


def test_redirect_across_origins_leaves_the_password(client: Client, origin: Origin, other_origin: Origin) -> None:
    response = client.get(f"{origin.url}/to", params={"url": other_origin.url + "/echo"}, auth=("user", "pass"))
    assert response.status_code == 200
    assert origin.seen.requests[0].header("authorization") is not None
    assert other_origin.seen.requests[0].header("authorization") is None


def test_post_arrives_whole(client: Client, origin: Origin) -> None:
    response = client.post(origin.url + "/echo", data=b"\x00body\xff", headers={"X-Trace-Id": "7"})
    echo = response.json()
    assert echo["method"] == "POST"
    assert base64.b64decode(echo["body"]) == b"\x00body\xff"
    assert ["X-Trace-Id", "7"] in echo["headers"]


def test_cookies_come_back(client: Client, origin: Origin) -> None:
    session = client.session()
    session.get(origin.url + "/cookies/set", params={"tea": "green"})
    assert session.get(origin.url + "/cookies").json() == {"tea": "green"}


def test_basic_auth(client: Client, origin: Origin) -> None:
    assert client.get(origin.url + "/basic").status_code == 401
    assert client.get(origin.url + "/basic", auth=("user", "pass")).content == b"welcome\n"


def test_connection_is_kept(client: Client, origin: Origin) -> None:
    session = client.session()
    for _ in range(5):
        assert session.get(origin.url + "/bytes/1000").status_code == 200
    assert origin.seen.connections == 1


def test_fresh_page_is_asked_for_once(client: Client, origin: Origin) -> None:
    session = client.session()
    bodies = {session.get(origin.url + "/page/tea").content for _ in range(3)}
    assert bodies == {b"page tea, hit 1\n"}
    assert origin.seen.hits["/page/tea"] == 1


@pytest.mark.parametrize("path", ["/page/tea?max_age=0", "/dated"], ids=["etag", "last-modified"])
def test_stale_page_is_validated(client: Client, origin: Origin, path: str) -> None:
    session = client.session()
    first, second = (session.get(origin.url + path) for _ in range(2))
    assert (second.status_code, second.content) == (200, first.content)
    conditions = [each.header("if-none-match") or each.header("if-modified-since") for each in origin.seen.requests]
    assert conditions[0] is None
    assert conditions[1] is not None


def test_stream_in_pieces(client: Client, nginx: str) -> None:
    with client.stream("GET", nginx + "/big") as response:
        pieces = list(response.iter_content(65536))
    assert sum(map(len, pieces)) == MEGABYTES * 2**20
    assert max(map(len, pieces)) <= 65536


def test_stream_left_early_costs_only_its_connection(client: Client, nginx: str) -> None:
    session = client.session(limits=smartclient.Limits(max_connections=1))
    with session.stream("GET", nginx + "/100m") as response:
        next(iter(response.iter_content(1000)))
    assert session.get(nginx + "/1k", timeout=20).content == KILOBYTE


def test_many_at_once(client: Client, origin: Origin) -> None:
    origin.route("/nth", lambda seen: Page(seen.query["n"].encode()))
    responses = client.together([("GET", f"{origin.url}/nth?n={n}", {}) for n in range(20)])
    assert [response.content for response in responses] == [b"%d" % n for n in range(20)]


def test_kept_connection_that_died_is_replaced(client: Client, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted([OK, CUT], [OK])
    session = client.session()
    assert session.get(server.url).content == b"ok"
    assert server.connection(0).over.wait(20)
    assert session.get(server.url).content == b"ok"
    assert len(server.connections) == 2


def test_cut_body_is_an_error(client: Client, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", CUT])
    with pytest.raises(IncompleteBody):
        client.get(server.url, retries=0)

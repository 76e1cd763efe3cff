"""What is exported of a request: its bytes, a command of curl that sends the same, and a HAR file."""

import base64
import gzip
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loopback.clients import Client
from loopback.origin import Origin
from loopback.scripted import CUT, READ, ScriptedServer
from smartclient import RetryPolicy, har
from smartclient.exceptions import IncompleteBody

Scripted = Callable[..., ScriptedServer]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PATH = "/a/../b%20c;p[1]{x}?q=it's&r=%00&s=$HOME`id`!#fragment"

REQUESTS: list[Any] = [
    pytest.param("GET", {}, id="get"),
    pytest.param("HEAD", {}, id="head"),
    pytest.param("DELETE", {}, id="delete"),
    pytest.param("OPTIONS", {"headers": {"Accept": None, "User-Agent": None}}, id="fewer-fields"),
    pytest.param("POST", {}, id="empty-post"),
    pytest.param("POST", {"json": {"tea": "grün", "it's": '"x"'}}, id="json"),
    pytest.param("POST", {"data": {"a": "b c", "d": "é"}, "auth": ("user", "pass")}, id="form-auth"),
    pytest.param("PUT", {"data": b"@/etc/passwd"}, id="at-sign"),
    pytest.param("PUT", {"data": bytes(range(256)) * 4}, id="all-bytes"),
    pytest.param("PATCH", {"data": b"line\r\nline\n\x1b'\\%s\t"}, id="controls"),
    pytest.param("QUERY", {"data": b"%s%%d\\0"}, id="query"),
    pytest.param("PUT", {"data": b"\0%s\\'\n", "headers": {"Content-Type": "a/b"}}, id="nul"),
    pytest.param(
        "GET", {"headers": {"X-Quote": 'it\'s "so" $HOME \\', "X-Empty": "", "X-Latin": "caf\xe9"}}, id="values"
    ),
    pytest.param("GET", {"headers": [("X-Two", "1"), ("X-Two", "2")], "cookies": {"a": "b"}}, id="repeated"),
    pytest.param("BREW", {"data": b"x", "headers": {"Host": "other.example"}}, id="host"),
]


def parts_of(raw: bytes) -> tuple[bytes, Counter[bytes], bytes]:
    """Request line, multiset of field lines with names in lower case, body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    pairs = [each.partition(b":") for each in fields]
    return line, Counter(name.lower() + b":" + value.strip() for name, _, value in pairs), body


@pytest.mark.parametrize(("method", "options"), REQUESTS)
def test_wire_is_what_was_sent(client: Client, scripted: Scripted, method: str, options: Any) -> None:
    server = scripted([OK.replace(b"ok", b"") if method == "HEAD" else OK])
    response = client.request(method, server.url + PATH, **options)
    assert response.request.wire(secrets=True) == server.requests[0]


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="curl not installed")
@pytest.mark.parametrize(("method", "options"), REQUESTS)
def test_curl_sends_the_same(scripted: Scripted, method: str, options: Any) -> None:
    from smartclient import Session

    answer = OK.replace(b"ok", b"") if method == "HEAD" else OK
    server = scripted([answer])
    with Session() as session:
        command = session.request(method, server.url + PATH, **options).request.curl(secrets=True)
    assert "\n" not in command
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, (command, done.stderr)
    ours, curls = server.requests
    assert parts_of(curls) == parts_of(ours)


SECRET_CALL = {
    "headers": {"Authorization": "Bearer hidden", "X-Api-Key": "hidden", "X-Plain": "shown"},
    "cookies": {"session": "hidden"},
    "params": {"access_token": "hidden", "page": "2"},
    "data": {"password": "hidden", "name": "tea"},
}


def test_secrets_are_masked(client: Client, scripted: Scripted) -> None:
    server = scripted([OK])
    request = client.post(server.url.replace("//", "//user:hidden@"), **SECRET_CALL).request
    for shown in (request.wire().decode(), request.curl()):
        assert "hidden" not in shown
        assert "aGlkZGVu" not in shown
        assert all(each in shown for each in ("shown", "page=2", "name=tea", "access_token=***", "password=***"))
    assert request.curl(secrets=True).count("hidden") == 4  # the URL's own credentials are the Authorization field


def test_bodies_that_are_not_in_hand(client: Client, scripted: Scripted) -> None:
    server = scripted([OK])
    request = client.post(server.url, data=iter([b"once"])).request
    assert request.wire().endswith(b"Transfer-Encoding: chunked\r\n\r\n")
    assert "--data-binary @-" in request.curl()


def entries(recorder: har.Recorder) -> list[dict[str, Any]]:
    """The entries of what a file of it would hold."""
    found: list[dict[str, Any]] = json.loads(json.dumps(recorder.har))["log"]["entries"]
    return found


def recorded(session: Any, **options: Any) -> har.Recorder:
    return har.record(getattr(session, "inner", session), **options)


def test_har(client: Client, origin: Origin, tmp_path: Path) -> None:
    session = client.session()
    session.get(origin.url + "/bytes/1")
    with recorded(session) as recorder:
        session.get(origin.url + "/redirect/1", params={"page": "1"})
        session.post(origin.url + "/echo", json={"tea": 1})
    session.get(origin.url + "/bytes/2")
    first, second, third = entries(recorder)
    assert [each["response"]["status"] for each in (first, second, third)] == [302, 200, 200]
    assert first["request"]["queryString"] == [{"name": "page", "value": "1"}]
    assert first["response"]["redirectURL"] == "/echo"
    assert first["serverIPAddress"] == "127.0.0.1"
    assert third["request"]["postData"] == {"mimeType": "application/json", "text": '{"tea":1}'}
    names = [each["name"].lower() for each in third["request"]["headers"]]
    assert (names[0], names[-1]) == ("host", "content-length")
    content = third["response"]["content"]
    assert json.loads(content["text"])["method"] == "POST"
    assert content["size"] == third["response"]["bodySize"]
    timings = third["timings"]
    assert (timings["dns"], timings["connect"], timings["ssl"]) == (-1, -1, -1)
    assert sum(value for value in timings.values() if value > 0) == pytest.approx(third["time"], abs=1)
    recorder.save(tmp_path / "calls.har")
    assert json.loads((tmp_path / "calls.har").read_text("utf-8")) == recorder.har


def answer(content: bytes, *lines: bytes) -> bytes:
    head = b"".join(line + b"\r\n" for line in lines)
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (head, len(content), content)


def test_har_of_contents(client: Client, scripted: Scripted) -> None:
    coded = gzip.compress(b"t\xc3\xa9" * 1000)
    server = scripted(
        [
            answer(coded, b"Content-Encoding: gzip", b"Content-Type: text/plain"),
            answer(b"\x00\xff", b"Content-Type: image/png"),
            answer(b"a" * (2**20 + 5), b"Content-Type: text/plain"),
        ]
    )
    session = client.session()
    with recorded(session) as recorder:
        for _ in range(3):
            session.get(server.url)
    texts, image, long = [entry["response"]["content"] for entry in entries(recorder)]
    assert (texts["text"], texts["size"], texts["compression"]) == ("té" * 1000, 3000, 3000 - len(coded))
    assert (base64.b64decode(image["text"]), image["encoding"]) == (b"\x00\xff", "base64")
    assert (len(long["text"]), long["size"], long["comment"]) == (2**20, 2**20 + 5, f"the first {2**20} bytes")


def test_har_of_failures_and_retries(client: Client, scripted: Scripted) -> None:
    session = client.session(retries=RetryPolicy(1, base=0.0))
    with recorded(session) as recorder:
        session.get(scripted([READ, CUT], [OK]).url)
        with pytest.raises(IncompleteBody):
            session.get(scripted([OK[:-1], CUT]).url)
    failed, answered, broken = entries(recorder)
    assert (failed["response"]["status"], failed["comment"].partition(":")[0]) == (0, "ServerDisconnected")
    assert answered["response"]["content"]["text"] == base64.b64encode(b"ok").decode()
    assert (broken["response"]["status"], broken["comment"].partition(":")[0]) == (200, "IncompleteBody")


@pytest.mark.parametrize("secrets", [False, True])
def test_har_and_secrets(client: Client, scripted: Scripted, secrets: bool) -> None:
    server = scripted([answer(b"ok", b"Set-Cookie: session=hidden; Path=/", b"Location: /?sig=hidden")])
    session = client.session()
    with recorded(session, secrets=secrets) as recorder:
        session.post(server.url.replace("//", "//user:hidden@"), **SECRET_CALL)
    text = json.dumps(recorder.har)
    (entry,) = entries(recorder)
    assert ("hidden" in text) is secrets
    assert "aGlkZGVu" not in text
    assert {"name": "X-Plain", "value": "shown"} in entry["request"]["headers"]
    assert [each["name"] for each in entry["request"]["cookies"]] == ["session"]
    assert [each["name"] for each in entry["response"]["cookies"]] == ["session"]
    assert [each["name"] for each in entry["request"]["queryString"]] == ["access_token", "page"]

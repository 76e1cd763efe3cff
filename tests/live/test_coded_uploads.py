"""Bodies sent in a content coding, or only when the server wants them, in all three modes."""

import base64
import gzip
import io
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from loopback.clients import Client
from loopback.origin import Origin, Page, Seen
from loopback.scripted import READ_HEAD, Connection, ScriptedServer, Send, Step
from smartclient.exceptions import InvalidHeader, InvalidOption

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Scripted = Callable[..., ScriptedServer]
TEXT = b"a line of text that compresses well\n" * 100_000  # more than is compressed at once
UNDO = {"gzip": gzip.decompress, "zstd": zstd.decompress}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def body_of(origin: Origin, coding: str | None) -> bytes:
    """What the last request carried."""
    seen = origin.seen.requests[-1]
    assert seen.header("content-encoding") == coding
    return UNDO[coding](seen.body) if coding else seen.body


@pytest.mark.parametrize("coding", UNDO)
@pytest.mark.parametrize("size", [1024, len(TEXT)], ids=["small", "large"])
def test_compressed(client: Client, origin: Origin, tmp_path: Path, size: int, coding: str) -> None:
    text = TEXT[:size]
    path = tmp_path / "file"
    path.write_bytes(text)
    with open(path, "rb") as file:
        for data in (text, text.decode(), file, io.BytesIO(text), iter([text[:100], b"", text[100:]])):
            response = client.post(origin.url + "/echo", data=data, compress=coding)
            assert body_of(origin, coding) == text
            assert len(origin.seen.requests[-1].body) < size // 5
            assert response.request.headers["content-encoding"] == coding


def test_forms_and_json_are_compressed(client: Client, origin: Origin) -> None:
    client.post(origin.url + "/echo", json={"text": "x" * 2000}, compress="gzip")
    assert json.loads(body_of(origin, "gzip")) == {"text": "x" * 2000}
    client.post(origin.url + "/echo", files={"f": ("f", b"x" * 2000)}, compress="gzip")
    assert b"x" * 2000 in body_of(origin, "gzip")


def test_asynchronous_iterable_is_compressed(loop_client: Client, origin: Origin) -> None:
    class Pieces:
        def __init__(self) -> None:
            self.left = [TEXT[:5000], TEXT[5000:9000]]

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    loop_client.post(origin.url + "/echo", data=Pieces(), compress="zstd")
    assert body_of(origin, "zstd") == TEXT[:9000]


def test_small_bodies_and_none_stay_plain(client: Client, origin: Origin) -> None:
    client.post(origin.url + "/echo", data=b"x" * 1023, compress="gzip")
    assert body_of(origin, None) == b"x" * 1023
    client.post(origin.url + "/echo", compress="gzip", expect=True)
    assert body_of(origin, None) == b""
    assert origin.seen.requests[-1].header("expect") is None


def test_redirect_sends_it_again(client: Client, origin: Origin) -> None:
    client.post(origin.url + "/to?status=307&url=/echo", data=TEXT, compress="gzip")
    assert body_of(origin, "gzip") == TEXT


@pytest.mark.parametrize(("accepted", "tries"), [("br", 2), ("gzip", 1), (None, 1)])
def test_415(client: Client, origin: Origin, accepted: str | None, tries: int) -> None:
    def picky(seen: Seen) -> Page:
        fields = () if accepted is None else (("Accept-Encoding", accepted),)
        return Page(b"no", 415, fields) if seen.header("content-encoding") else Page(b"ok")

    url = origin.route("/picky", picky)
    response = client.post(url, data=TEXT, compress="gzip")
    assert response.status_code == (200 if tries == 2 else 415)
    assert len(origin.seen.requests) == tries
    assert body_of(origin, None if tries == 2 else "gzip") == TEXT


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"compress": "br"}, InvalidOption),
        ({"compress": "gzip", "headers": {"Content-Encoding": "gzip"}}, InvalidOption),
        ({"compress": "gzip", "headers": {"Content-Length": "2000"}}, InvalidHeader),
    ],
)
def test_refused_before_it_is_sent(client: Client, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        client.post("http://127.0.0.1:1/", data=b"x" * 2000, **options)


# Expect


class Body(Step):
    """Reads on until the body has come."""

    def play(self, connection: Connection) -> None:
        while not connection.received.endswith(b"body"):
            connection.receive()


def test_body_waits_for_100(client: Client, scripted: Scripted) -> None:
    server = scripted([READ_HEAD, Send(b"HTTP/1.1 100 Continue\r\n\r\n"), Body(), Send(OK)])
    response = client.post(server.url, data=b"body", expect=True, headers={"Connection": "close"})
    assert response.content == b"ok"
    assert [status for status, _ in response.interim] == [100]
    assert b"\r\nExpect: 100-continue\r\n" in server.requests[0]


def test_body_is_not_sent_after_a_refusal(client: Client, scripted: Scripted) -> None:
    server = scripted([READ_HEAD, Send(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")])
    assert client.post(server.url, data=b"body", expect=True).status_code == 413
    assert not server.connections[0].received.endswith(b"body")


def test_silence_is_waited_out(client: Client, scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smartclient._net.http1_upload._CONTINUE_WAIT", 0.01)
    server = scripted([OK])
    assert client.post(server.url, data=b"body", expect=True).content == b"ok"
    assert server.requests[0].endswith(b"\r\n\r\nbody")


def test_417(client: Client, scripted: Scripted) -> None:
    server = scripted([READ_HEAD, Send(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")], [OK])
    assert client.post(server.url, data=b"body", expect=True).content == b"ok"
    assert b"Expect" not in server.requests[1]
    assert server.requests[1].endswith(b"\r\n\r\nbody")


def test_expectation_of_a_compressed_body(client: Client, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smartclient._net.http1_upload._CONTINUE_WAIT", 0.01)
    response = client.post(origin.url + "/echo", data=TEXT[:5000], compress="gzip", expect=True)
    assert gzip.decompress(base64.b64decode(response.json()["body"])) == TEXT[:5000]

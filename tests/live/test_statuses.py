"""Statuses as errors: typed, with what the server says of them, and from the call itself when asked."""

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from loopback.clients import Client
from loopback.scripted import CUT, ScriptedServer
from smartclient.exceptions import HTTPError, MethodNotAllowed, NotFound, ServiceUnavailable

Scripted = Callable[..., ScriptedServer]
PROBLEM = {"type": "https://example.com/gone", "title": "No tea", "detail": "It was \x1b[2Jdrunk", "pot": 3}


def answer(status: bytes, content: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" % len(content), b"", content))


def test_problem(client: Client, scripted: Scripted) -> None:
    body = json.dumps(PROBLEM).encode()
    server = scripted([answer(b"404 Not Found", body, b"Content-Type: application/problem+json")])
    response = client.get(server.url)
    assert (response.problem.title, response.problem.extensions) == ("No tea", {"pot": 3})
    with pytest.raises(NotFound) as caught:
        response.raise_for_status()
    assert caught.value.problem == response.problem
    assert caught.value.__notes__ == ["No tea: It was \\x1b[2Jdrunk"]
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (twin.problem, twin.__notes__) == (caught.value.problem, caught.value.__notes__)


@pytest.mark.parametrize(
    ("content", "content_type", "note"),
    [
        pytest.param(b"  no\n\x1b[1m tea ", b"text/plain", "no \\x1b[1m tea", id="text"),
        pytest.param(b'{"error": 1}', b"application/json; charset=utf-8", '{"error": 1}', id="json"),
        pytest.param(b"x" * 9000, b"text/plain", "x" * 500, id="long"),
        pytest.param(b"\x89PNG", b"image/png", None, id="image"),
        pytest.param(b"<html>", b"text/html", None, id="page"),
        pytest.param(b"", b"text/plain", None, id="empty"),
    ],
)
def test_text_of_the_server(
    client: Client, scripted: Scripted, content: bytes, content_type: bytes, note: str | None
) -> None:
    server = scripted([answer(b"500 No", content, b"Content-Type: " + content_type)])
    with pytest.raises(HTTPError) as caught:
        client.get(server.url).raise_for_status()
    assert getattr(caught.value, "__notes__", []) == ([] if note is None else [note])
    assert str(caught.value) == f"500 Server Error: No for url: {server.url}/"


def test_allow(client: Client, scripted: Scripted) -> None:
    lines = answer(b"405 No", b"", b"Allow: GET, HEAD,, OPTIONS"), answer(b"200 OK", b"", b"Allow: GET")
    server = scripted(list(lines))
    with pytest.raises(MethodNotAllowed) as caught:
        client.post(server.url).raise_for_status()
    assert caught.value.allow == ("GET", "HEAD", "OPTIONS")
    assert client.options(server.url).allow == ("GET",)


@pytest.mark.parametrize("streamed", [False, True])
def test_calls_that_raise_by_themselves(client: Client, scripted: Scripted, streamed: bool) -> None:
    server = scripted([answer(b"404 No", b"none", b"Content-Type: text/plain"), answer(b"302 On", b"")])
    session = client.session(raise_for_status=True, stream=streamed)
    with pytest.raises(NotFound) as caught:
        session.get(server.url)
    error: Any = caught.value
    assert (error.response.content, error.__notes__, error.request.method) == (b"none", ["none"], "GET")
    assert session.get(server.url, raise_for_status=False).status_code == 302
    with pytest.raises(NotFound):
        client.get(scripted([answer(b"404 No", b"")]).url, raise_for_status=True)


def test_streamed_bodies_of_errors_are_bounded(client: Client, scripted: Scripted) -> None:
    long = scripted([answer(b"503 No", b"x" * 300_000)])
    cut = scripted([b"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\npart", CUT])
    session = client.session(raise_for_status=True, stream=True, retries=0)
    for server, length in ((long, 2**16), (cut, 4)):
        with pytest.raises(ServiceUnavailable) as caught:
            session.get(server.url)
        assert len(caught.value.response.content) == length
    assert getattr(session, "inner", session).stats().active == 0

"""The servers of the tests do what their names say, judged by the standard library."""

import http.client
import json
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest

from loopback.authority import Authority
from loopback.origin import Origin
from loopback.pages import KILOBYTE
from loopback.scripted import CUT, HALF_CLOSE, HOLD, READ_HEAD, RESET, ScriptedServer, Send, Step, Tell, Wait

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Scripted = Callable[..., ScriptedServer]


def connected(server: ScriptedServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.ca_file))


def test_nginx_serves_plain_and_tls(nginx: str, nginx_tls: str, authority: Authority) -> None:
    with urllib.request.urlopen(nginx + "/1k") as response:
        assert response.read() == KILOBYTE
    with urllib.request.urlopen(nginx_tls + "/1k", context=trusting(authority)) as response:
        assert response.read() == KILOBYTE


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_script_answers_whole_requests(scripted: Scripted, chunked: bool) -> None:
    server = scripted([OK, OK])
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as client:
        for _ in range(2):
            client.request("POST", "/", body=iter([b"ab", b"cd"]) if chunked else b"abcd")
            assert client.getresponse().read() == b"ok"
    endings = [request.split(b"\r\n\r\n", 1)[1] for request in server.requests]
    assert endings == [b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n" if chunked else b"abcd"] * 2
    assert len(server.connections) == 1


def test_script_waits_for_events_only(scripted: Scripted) -> None:
    head_read, go_on = threading.Event(), threading.Event()
    server = scripted([READ_HEAD, Tell(head_read), Wait(go_on), Send(OK, piece=1)])
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as client:
        client.request("GET", "/")
        assert head_read.wait(20)
        go_on.set()
        assert client.getresponse().read() == b"ok"


def test_script_resets(scripted: Scripted) -> None:
    with connected(scripted([READ_HEAD, RESET])) as client:  # not before the request: connecting itself could fail
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_script_half_closes_and_holds(scripted: Scripted) -> None:
    server = scripted([Send(b"unasked"), HALF_CLOSE, HOLD])
    with connected(server) as client:
        assert client.makefile("rb").read() == b"unasked"
        client.sendall(b"still heard")
    connection = server.connection(0)
    assert connection.over.wait(20)
    assert (connection.received, connection.peer_closed) == (b"still heard", True)


def test_connections_play_the_scripts_in_order(scripted: Scripted) -> None:
    server = scripted([Send(b"1")], [Send(b"2")])
    seen = []
    for _ in range(3):
        with connected(server) as client:
            seen.append(client.recv(10))
    assert seen == [b"1", b"2", b"2"]


@pytest.mark.parametrize(("steps", "orderly"), [([], True), ([CUT], False)], ids=["close_notify", "cut"])
def test_script_over_tls(scripted: Scripted, authority: Authority, steps: Sequence[Step], orderly: bool) -> None:
    server = scripted([Send(b"hi"), *steps], context=authority.server_context())
    options = {"server_hostname": "localhost", "suppress_ragged_eofs": False}
    with connected(server) as bare, trusting(authority).wrap_socket(bare, **options) as client:
        assert client.recv(2) == b"hi"
        if orderly:
            assert client.recv(1) == b""
        else:
            with pytest.raises(ssl.SSLEOFError):
                client.recv(1)


def test_origin_remembers_and_forgets(origin: Origin, tls_origin: Origin, authority: Authority) -> None:
    with urllib.request.urlopen(origin.url + "/redirect/2", data=b"x") as response:
        assert json.load(response)["method"] == "GET"
    assert [(seen.method, seen.path) for seen in origin.seen.requests] == [
        ("POST", "/redirect/2"),
        ("GET", "/redirect/1"),
        ("GET", "/echo"),
    ]
    assert origin.seen.connections == 3
    origin.forget()
    assert origin.seen.requests == []
    with urllib.request.urlopen(tls_origin.url + "/bytes/5", context=trusting(authority)) as response:
        assert response.read() == b"01234"


def test_origin_reads_and_writes_chunks(origin: Origin) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", origin.port, timeout=10)) as client:
        client.request("PUT", "/echo", body=iter([b"ab", b"cd"]))
        assert json.load(client.getresponse())["body"] == "YWJjZA=="
        client.request("GET", "/chunked/3")
        assert client.getresponse().read() == b"0123456789" * 3
    assert origin.seen.connections == 1

"""`response.explain()`: the decisions of a call, in order, as data and as text."""

from collections.abc import Callable

from loopback.authority import Authority
from loopback.clients import Client
from loopback.origin import Origin
from loopback.scripted import CUT, READ, ScriptedServer
from smartclient import RetryPolicy

Scripted = Callable[..., ScriptedServer]


def reply(*lines: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join((b"HTTP/1.1 " + status, *lines, b"Content-Length: 2", b"", b"ok"))


def test_decisions_in_order(client: Client, scripted: Scripted) -> None:
    set_cookies = (b"Set-Cookie: tea=secret; Path=/", b"Set-Cookie: __Host-x=secret", b"Set-Cookie: a=b; Secure")
    redirect = reply(b"Location: /next?token=secret", *set_cookies, status=b"302 Found")
    last = reply(b"Cache-Control: max-age=60", b"Content-Type: text/html", b"Content-Language: de")
    server = scripted([READ, CUT], [redirect, last])
    session = client.session(retries=RetryPolicy(1, base=0.0), auth=("user", "secret"), accept_language="en")
    explanation = session.get(server.url + "/?key=secret").explain()
    first = ["request", "auth", "cache", "attempts", "attempts", "connection", "answer", *["cookies"] * 3, "redirect"]
    negotiation = ["negotiation"] * 3
    last_hop = ["request", "cookies", "auth", *negotiation, "cache", "attempts", "connection", "answer"]
    assert [step.topic for step in explanation] == first + last_hop
    text = str(explanation)
    assert "secret" not in text
    assert "secret" not in repr([step.text for step in explanation])
    lines = text.splitlines()
    assert lines[0] == f"request: GET {server.url}/"
    assert lines[1] == "auth: sent credentials of the scheme Basic"
    assert "attempts: 1 of 2: ServerDisconnected" in text
    assert f"connection: new, to 127.0.0.1 port {server.port}, HTTP/1.1" in lines
    assert "cookies: tea taken for 127.0.0.1/" in lines
    assert "cookies: a refused: Secure, but not from https (RFC 6265bis 5.7)" in lines
    assert "redirect: followed to /next?token=***" in lines
    assert "cookies: sent tea" in lines
    assert "negotiation: language: asked for en, got de: not what was asked for" in lines
    assert explanation.of("connection")[1].facts["timings"].reused is True
    assert explanation.of("answer")[0].facts == {"status": 302}


def test_a_hit(client: Client, scripted: Scripted) -> None:
    server = scripted([reply(b"Cache-Control: max-age=60", b"Set-Cookie: a=b")])
    session = client.session()
    session.get(server.url)
    explanation = session.get(server.url).explain()
    assert not explanation.of("attempts") + explanation.of("connection")
    assert str(explanation.of("cache")[0]).startswith("cache: hit: ")
    assert str(explanation[-1]) == "answer: 200 from the cache"


def test_tls(client: Client, tls_origin: Origin, authority: Authority) -> None:
    session = client.session(verify=str(authority.ca_file))
    (step,) = session.get(tls_origin.url + "/bytes/1").explain().of("connection")
    assert step.text.endswith("TLSv1.3")
    assert (step.facts["tls"], step.facts["proxy"]) == ("TLSv1.3", None)


def test_words_of_the_peer_stay_in_their_line(client: Client, scripted: Scripted) -> None:
    server = scripted([reply(b"Set-Cookie: \x1b[2J\x85=b; Domain=other.example", b"Content-Type: text/\x85html")])
    text = str(client.get(server.url).explain())
    assert text.isascii()
    assert "\x1b" not in text


def test_hsts(client: Client, scripted: Scripted, authority: Authority) -> None:
    learned = reply(b"Strict-Transport-Security: max-age=600")
    server = scripted([learned, reply()], context=authority.server_context())
    session = client.session(verify=str(authority.ca_file), resolve={"localhost": "127.0.0.1"})
    url = f"//localhost:{server.port}/"
    assert session.get("https:" + url).explain().of("hsts") == []
    response = session.get("http:" + url)
    (step,) = response.explain().of("hsts")
    assert (step.facts, response.url) == ({"url": "https:" + url}, "https:" + url)

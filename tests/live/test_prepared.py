"""Prepared requests, sent by a session of each kind: what they say is sent, and what their session said still holds."""

import io

import pytest

import smartclient
from loopback.origin import Page
from smartclient import exceptions
from smartclient.auth import HTTPDigestAuth


@pytest.fixture
def session(client):
    return client.session(headers={"X-S": "s"}, auth=("user", "pass"), params={"p": "1"})


def sent(origin):
    return [
        (seen.method, seen.target, seen.header("x-s"), seen.header("authorization")) for seen in origin.seen.requests
    ]


def test_with_the_settings_of_the_session(session, origin):
    prepared = session.prepare_request(smartclient.Request("POST", f"{origin.url}/echo", data={"a": "b"}))
    assert (prepared.body, prepared.headers["Authorization"]) == ("a=b", "Basic dXNlcjpwYXNz")
    prepared.headers["X-S"] = "changed"
    prepared.body = b"longer"
    response = session.send(prepared)
    assert response.status_code == 200
    assert sent(origin) == [("POST", "/echo?p=1", "changed", "Basic dXNlcjpwYXNz")]
    assert origin.seen.requests[0].body == b"longer"


def test_without_a_session(session, origin):
    prepared = smartclient.Request("PUT", f"{origin.url}/echo", data=io.BytesIO(b"file")).prepare()
    assert session.send(prepared).status_code == 200
    assert sent(origin) == [("PUT", "/echo", None, None)]
    assert origin.seen.requests[0].body == b"file"


def test_cookies_and_credentials_on_the_way(session, origin, other_origin):
    session.get(origin.route("/set", lambda seen: Page(headers=(("Set-Cookie", "a=1"),))))
    request = smartclient.Request("GET", f"{origin.url}/to?url=/to?url={other_origin.url}/echo", cookies={"b": "2"})
    prepared = session.prepare_request(request)
    assert prepared.headers["Cookie"] == "a=1; b=2"
    assert len(session.send(prepared).history) == 2
    assert [seen.header("cookie") for seen in origin.seen.requests[1:]] == ["a=1; b=2"] * 2
    assert [seen.header("cookie") for seen in other_origin.seen.requests] == ["a=1"]  # ports are nothing to jars
    assert sent(other_origin) == [("GET", "/echo", "s", None)]


def test_what_is_said_when_it_is_sent(session, origin, silent):
    prepared = session.prepare_request(smartclient.Request("GET", f"{origin.url}/redirect/1"))
    response = session.send(prepared, allow_redirects=False)
    assert (response.status_code, response.next.url) == (302, f"{origin.url}/echo")
    response = session.send(prepared, stream=True)
    assert response._content is False
    response.close()
    with pytest.raises(exceptions.ReadTimeout):
        session.send(session.prepare_request(smartclient.Request("GET", silent)), timeout=(5, 0.05))
    with pytest.raises(ValueError, match="You can only send PreparedRequests"):
        session.send(smartclient.Request("GET", origin.url))
    with pytest.raises(TypeError):
        session.send(prepared, bogus=1)


def test_hooks_of_the_request(session, origin):
    seen = []
    request = smartclient.Request("GET", f"{origin.url}/echo", hooks={"response": lambda r, **said: seen.append(said)})
    session.send(session.prepare_request(request), timeout=5)
    assert [(said["timeout"], said["stream"]) for said in seen] == [(5, False)]


def test_credentials_that_take_two_exchanges(client, origin):
    origin.route("/digest", _challenge)
    session = client.session(auth=HTTPDigestAuth("user", "pass"))
    response = session.send(session.prepare_request(smartclient.Request("GET", f"{origin.url}/digest")))
    assert (response.status_code, len(origin.seen.requests)) == (200, 2)


def _challenge(seen):
    if (seen.header("authorization") or "").startswith("Digest "):
        return Page(b"in")
    return Page(b"", 401, (("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"'),))

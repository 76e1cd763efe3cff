"""The module functions: one session for all, no cookies kept."""

import inspect

import pytest

import smartclient
from smartclient import api as verbs

URL = "http://h.example/"


@pytest.fixture
def shared(monkeypatch, session_to):
    """The process-wide session, over the scripted origin of the test."""
    session = session_to(cookies=None)
    monkeypatch.setattr(verbs, "_shared", session)
    return session


CALLS = [  # function, arguments, method, target
    ("get", (URL, {"a": 1}), "GET", "/?a=1"),
    ("options", (URL,), "OPTIONS", "/"),
    ("head", (URL,), "HEAD", "/"),
    ("post", (URL, b"x"), "POST", "/"),
    ("put", (URL, b"x"), "PUT", "/"),
    ("patch", (URL, b"x"), "PATCH", "/"),
    ("delete", (URL,), "DELETE", "/"),
    ("query", (URL, b"x"), "QUERY", "/"),
    ("request", ("propfind", URL), "PROPFIND", "/"),
    ("stream", ("get", URL), "GET", "/"),
]


@pytest.mark.parametrize(("name", "arguments", "method", "target"), CALLS, ids=[call[0] for call in CALLS])
def test_calls(shared, far, name, arguments, method, target):
    response = getattr(smartclient, name)(*arguments, headers={"X-Mine": "1"})
    request = far.requests[0]
    assert response.status_code == 200
    assert (request.method, request.url.target, request.fields.get("x-mine")) == (method, target, "1")
    assert far.sent == [b"x" if b"x" in arguments else b""]
    assert request.options.stream is (name == "stream")
    assert request.options.allow_redirects is (name != "head")


def test_json(shared, far):
    smartclient.post(URL, json={})
    assert (far.sent, far.requests[0].fields.get("content-type")) == ([b"{}"], "application/json")


def test_head_follows_when_told(shared, far):
    smartclient.head(URL, allow_redirects=True)
    assert far.requests[0].options.allow_redirects


@pytest.mark.parametrize("name", ["get", "options", "head", "post", "put", "patch", "delete", "query", "request"])
def test_sessions_have_the_same_functions(name):
    """What is an argument of its own here has the same place there."""
    arguments = [each for each in inspect.signature(getattr(smartclient, name)).parameters if each != "options"]
    for kind in (smartclient.Session, smartclient.AsyncSession):
        theirs = list(inspect.signature(getattr(kind, name)).parameters)[1:]
        assert [each for each in arguments if each in theirs] == [each for each in theirs if each in arguments]


@pytest.mark.parametrize("name", [call[0] for call in CALLS])
def test_unknown_keyword(shared, far, name):
    with pytest.raises(TypeError, match="time_out"):
        getattr(smartclient, name)(*(("GET", URL) if name in ("request", "stream") else (URL,)), time_out=5)
    assert far.requests == []


def test_one_session_for_all_which_keeps_no_cookies(monkeypatch):
    monkeypatch.setattr(verbs, "_shared", None)
    session = verbs._session()
    assert verbs._session() is session
    assert not session.cookies

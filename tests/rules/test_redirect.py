"""Redirects: method, body, target, and what another origin must not see (behaviour: redirects)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.body import NO_BODY, RequestBody
from smartclient._model.errors import InvalidOption, InvalidSchema, InvalidURL, RequestException, UnrewindableBodyError
from smartclient._model.headers import CREDENTIAL_FIELDS, Fields
from smartclient._model.message import Head
from smartclient._model.options import Options
from smartclient._model.redirects import Redirects
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._rules.redirect import (
    CONTENT_FIELDS,
    crosses_origin,
    keeps_body,
    next_request,
    redirect_method,
)


def head(location, status=302):
    return Head(status, Fields([("Location", location)]))


def request_for(url, method="GET", fields=(), body=NO_BODY, options=None):
    return Request(method, URL.parse(url), Fields(fields), body, options or Options())


@pytest.mark.parametrize("status", [200, 201, 300, 304, 305, 306, 399, 404])
def test_other_statuses_are_no_redirect(status):
    assert next_request(request_for("http://h/"), head("/x", status)) is None


@pytest.mark.parametrize("fields", [Fields(), Fields([("Location", "")]), Fields([("Location", " \t")])])
def test_no_location_is_no_redirect(fields):
    assert next_request(request_for("http://h/"), Head(302, fields)) is None


METHODS = [  # RFC 9110 section 15.4 and requests: status, method, next method, body again
    (301, "GET", "GET", True),
    (301, "HEAD", "HEAD", True),
    (301, "POST", "GET", False),
    (301, "PUT", "PUT", True),
    (302, "GET", "GET", False),
    (302, "HEAD", "HEAD", False),
    (302, "POST", "GET", False),
    (302, "DELETE", "GET", False),
    (303, "POST", "GET", False),
    (303, "HEAD", "HEAD", False),
    (303, "PUT", "GET", False),
    (307, "POST", "POST", True),
    (307, "PATCH", "PATCH", True),
    (308, "POST", "POST", True),
    (308, "HEAD", "HEAD", True),
]


@pytest.mark.parametrize(("status", "method", "next_method", "again"), METHODS)
def test_method_and_body(status, method, next_method, again):
    assert redirect_method(status, method) == next_method
    assert keeps_body(status, method) is again
    body = RequestBody(b"text")
    fields = [("Content-Type", "a/b"), ("Repr-Digest", "x"), ("Accept", "*/*")]
    following = next_request(request_for("http://h/", method, fields, body), head("/x", status))
    assert following is not None
    assert following.method == next_method
    assert following.body is (body if again else NO_BODY)
    assert bool(CONTENT_FIELDS & set(following.fields.index)) is again
    assert following.fields.get("accept") == "*/*"


def test_deadline_and_options_stay():
    options = Options(auth=("u", "p"), cookies=(("a", "b"),), max_redirects=3)
    request = Request("GET", URL.parse("http://h/a"), options=options, deadline=12.5)
    following = next_request(request, head("/b"))
    assert following.options is options
    assert following.deadline == 12.5


def test_unreplayable_body():
    request = request_for("http://h/", "POST", body=RequestBody(iter([b"x"])))
    with pytest.raises(UnrewindableBodyError, match=r"^Unable to rewind request body") as caught:
        next_request(request, head("/x", 307))
    assert caught.value.sent == "wholly"
    assert next_request(request, head("/x", 303)).body is NO_BODY


def test_body_is_not_sent_again_from_https_to_http():
    request = request_for("https://h/a?key=1", "POST", body=RequestBody(b"x"))
    with pytest.raises(RequestException, match="over http") as caught:
        next_request(request, head("http://h/b?key=1", 308))
    assert caught.value.sent == "wholly"
    assert "key" not in str(caught.value)
    assert next_request(request_for("https://h/a", "POST"), head("http://h/b", 308)).url.scheme == "http"


DOWNGRADES = [  # downgrade, method, body, whether it is followed, whether the body goes too
    pytest.param("strip", "GET", b"", True, id="strip"),
    pytest.param("strip", "POST", b"x", False, id="strip-refuses-bodies"),
    pytest.param("refuse", "GET", b"", False, id="refuse"),
    pytest.param("refuse", "POST", b"x", False, id="refuse-bodies"),
    pytest.param("follow", "GET", b"", True, id="follow"),
    pytest.param("follow", "POST", b"x", True, id="follow-with-bodies"),
]


@pytest.mark.parametrize(("downgrade", "method", "content", "followed"), DOWNGRADES)
def test_https_to_http(downgrade, method, content, followed):
    options = Options(redirects=Redirects(downgrade=downgrade), auth=("u", "p"))
    fields = [("Authorization", "x"), ("X-API-Key", "x"), ("Referer", "https://h/secret"), ("Accept", "*/*")]
    request = request_for("https://h/a?key=1", method, fields, RequestBody(content), options)
    if not followed:
        with pytest.raises(RequestException, match="over http: https://h/a redirects to http://h/b") as caught:
            next_request(request, head("http://h/b?key=1", 307))
        assert "key" not in str(caught.value)
        return
    following = next_request(request, head("http://h/b", 307))
    assert following.body.content == content
    assert [name for name, _ in following.fields] == ["Accept"]
    assert following.options.auth is None
    assert next_request(request, head("/b", 307)).fields.get("referer") == "https://h/secret"


def test_which_fields_are_credentials():
    fields = [("Authorization", "x"), ("X-API-Key", "x"), ("X-Mine", "x")]
    for names, kept in [((), ["X-API-Key", "X-Mine"]), (["X-MINE"], ["X-API-Key"]), ({"x-mine", "x-api-key"}, [])]:
        options = Options(redirects=Redirects(credential_fields=names))
        following = next_request(request_for("http://h/", fields=fields, options=options), head("http://g/"))
        assert [name for name, _ in following.fields] == kept


@pytest.mark.parametrize(
    "options",
    [{"max": -1}, {"max": True}, {"downgrade": "no"}, {"credential_fields": "x"}, {"credential_fields": [5]}],
    ids=repr,
)
def test_redirects_are_checked(options):
    with pytest.raises(InvalidOption):
        Redirects(**options)


ORIGINS = [
    ("same", "http://h/a", "http://h/b", False),
    ("explicit default port", "http://h/a", "http://h:80/b", False),
    ("host case", "http://h/a", "http://H/b", False),
    ("another host, CVE-2018-18074", "https://h/", "https://evil/", True),
    ("a subdomain", "https://h.example/", "https://a.h.example/", True),
    ("another port", "http://h/", "http://h:8080/", True),
    ("upgrade on default ports, requests", "http://h/", "https://h/", False),
    ("upgrade to another port", "http://h/", "https://h:8443/", True),
    ("upgrade from another port", "http://h:8080/", "https://h/", True),
    ("upgrade to another host", "http://h/", "https://g/", True),
    ("downgrade", "https://h/", "http://h/", True),
    ("downgrade on one port", "https://h:80/", "http://h:80/", True),
    ("root dot", "https://h.example/", "https://h.example./", True),
    ("zone", "http://[fe80::1%25a]/", "http://[fe80::1%25b]/", True),
]


@pytest.mark.parametrize(("here", "there", "crosses"), [row[1:] for row in ORIGINS], ids=[row[0] for row in ORIGINS])
def test_credentials_and_origins(here, there, crosses):
    assert crosses_origin(URL.parse(here), URL.parse(there)) is crosses
    fields = [(name.title(), "secret") for name in sorted(CREDENTIAL_FIELDS)] + [("X-Other", "kept")]
    options = Options(auth=("u", "p"), cookies=(("a", "b"),))
    following = next_request(request_for(here, fields=fields, options=options), head(there))
    assert (following.options.auth, following.options.cookies) == (
        (None, ()) if crosses else (("u", "p"), options.cookies)
    )
    assert CREDENTIAL_FIELDS.isdisjoint(following.fields.index) is crosses
    assert following.fields.get("x-other") == "kept"


def test_credentials_stay_away_when_the_chain_comes_back():
    """CVE-2024-45336."""
    first = request_for("https://a/", fields=[("Authorization", "x")], options=Options(auth=("u", "p")))
    back = next_request(next_request(first, head("https://b/")), head("https://a/"))
    assert back.url.host == "a"
    assert "authorization" not in back.fields
    assert back.options.auth is None


@pytest.mark.parametrize(
    ("there", "kept"), [("/x", True), ("https://h/x", True), ("https://g/", False), ("http://h/", False)]
)
def test_callers_host_field(there, kept):
    following = next_request(request_for("https://h/", fields=[("Host", "v.example")]), head(there))
    assert ("host" in following.fields) is kept


TARGETS = [
    ("relative, RFC 3986 5.2", "http://h/a/b?q", "c", "http://h/a/c"),
    ("network path", "https://h/a", "//g/b", "https://g/b"),
    ("query only", "http://h/a", "?x", "http://h/a?x"),
    ("spaces", "http://h/", "/a b", "http://h/a%20b"),
    ("white space around", "http://h/", " /a\t", "http://h/a"),
    ("control characters", "http://h/", "/a\x01\tb", "http://h/a%01%09b"),
    ("UTF-8 bytes", "http://h/", "/\xc3\xa9", "http://h/%C3%A9"),
    ("latin-1 byte as it is", "http://h/", "/\xe9", "http://h/%E9"),
    ("UTF-8 host", "http://h/", "http://b\xc3\xbccher.example/", "http://xn--bcher-kva.example/"),
    ("scripted text", "http://h/", "/\u20ac", "http://h/%E2%82%AC"),
    ("fragment inherited, RFC 9110 10.2.2", "http://h/a#f", "/b", "http://h/b#f"),
    ("fragment of its own", "http://h/a#f", "/b#g", "http://h/b#g"),
    ("empty fragment of its own", "http://h/a#f", "/b#", "http://h/b"),
    ("userinfo kept on one origin", "http://u:p@h/a", "/b", "http://u:p@h/b"),
    ("userinfo kept on an absolute target", "http://u:p@h/a", "http://h/b", "http://u:p@h/b"),
    ("userinfo gone on another", "http://u:p@h/a", "http://g/b", "http://g/b"),
    ("userinfo in Location not used", "http://h/a", "http://x:y@h/b", "http://h/b"),
    ("nor on another origin", "http://u:p@h/a", "http://x:y@g/b", "http://g/b"),
]


@pytest.mark.parametrize(("here", "location", "there"), [row[1:] for row in TARGETS], ids=[row[0] for row in TARGETS])
def test_target(here, location, there):
    assert str(next_request(request_for(here), head(location)).url) == there


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("ftp://h/", InvalidSchema),
        ("file:///etc/passwd", InvalidSchema),
        ("data:,x", InvalidSchema),
        ("http://", InvalidURL),
        ("http://h:99999/", InvalidURL),
        ("http://a b/", InvalidURL),
        ("http://h\x00/", InvalidURL),
        ("http://\xff/", InvalidURL),
        ("/\\evil", InvalidURL),
    ],
)
def test_malformed_target(location, error):
    with pytest.raises(error):
        next_request(request_for("http://h/"), head(location))


def test_two_targets():
    fields = Fields([("Location", "/a"), ("Location", "/b")])
    with pytest.raises(InvalidURL):
        next_request(request_for("http://h/"), Head(302, fields))
    same = Fields([("Location", "/a"), ("location", "/a")])
    assert next_request(request_for("http://h/"), Head(302, same)).url.path == "/a"


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda data: data.decode("latin-1")))
def test_any_location_gives_a_request_or_our_error(location):
    request = request_for("https://u:p@h/a#f", fields=[("Authorization", "x")])
    try:
        following = next_request(request, head(location))
    except RequestException:
        return
    if following is not None:
        assert ("authorization" in following.fields) == (following.url.origin == request.url.origin)
        assert following.url.raw_userinfo in ("", "u:p")

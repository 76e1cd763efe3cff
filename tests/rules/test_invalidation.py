"""What unsafe methods make obsolete (RFC 9111 section 4.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._model.message import Head
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._rules.invalidation import invalidated as scopes_of

TARGET = "https://h.example/a/b"


def invalidated(method: str, status: int, *lines: tuple[str, str]) -> tuple[str, ...]:
    scopes = scopes_of(Request(method, URL.parse(TARGET + "#x")), Head(status, Fields(lines)))
    assert {scope.kind for scope in scopes} <= {"uri"}
    return tuple([scope.value for scope in scopes])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "get"])
@pytest.mark.parametrize("status", [200, 204, 299, 302, 399])
def test_success_of_an_unsafe_or_unknown_method(method: str, status: int) -> None:
    assert invalidated(method, status) == (TARGET,)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"])
def test_safe_methods_invalidate_nothing(method: str) -> None:
    assert invalidated(method, 200, ("Location", "/x")) == ()


@pytest.mark.parametrize("status", [400, 404, 500, 503, 599, 999])
def test_failures_invalidate_nothing(status: int) -> None:
    assert invalidated("POST", status) == ()


@pytest.mark.parametrize(
    ("lines", "others"),
    [
        pytest.param([("Location", "/c")], ["https://h.example/c"], id="Location"),
        pytest.param([("Content-Location", "c?d")], ["https://h.example/a/c?d"], id="Content-Location, relative"),
        pytest.param([("Location", "https://H.example:443/c#f")], ["https://h.example/c"], id="same origin, respelt"),
        pytest.param(
            [("Location", "/c"), ("Content-Location", "/d")], ["https://h.example/c", "https://h.example/d"], id="both"
        ),
        pytest.param([("Location", TARGET)], [], id="the target again"),
        pytest.param([("Location", "https://other.example/c")], [], id="other host"),
        pytest.param([("Location", "http://h.example/c")], [], id="other scheme"),
        pytest.param([("Location", "https://h.example:8443/c")], [], id="other port"),
        pytest.param([("Location", "/caf\xc3\xa9")], ["https://h.example/caf%C3%A9"], id="UTF-8 as the wire has it"),
        pytest.param([("Location", "/\u20ac")], [], id="text that no wire carries"),
        pytest.param([("Location", "mailto:x")], [], id="other kind of URI"),
        pytest.param([("Location", "https://[bad/")], [], id="malformed"),
    ],
)
def test_same_origin_references(lines: list[tuple[str, str]], others: list[str]) -> None:
    assert invalidated("POST", 201, *lines) == (TARGET, *others)


GROUPS = ("Cache-Group-Invalidation", '"a", "b";x=1, c, 1, "a"')
ORIGIN = "https://h.example"


@pytest.mark.parametrize(
    ("method", "status", "lines", "scopes"),
    [
        pytest.param("POST", 200, [GROUPS], [("group", "a"), ("group", "b")], id="9875 3 groups"),
        pytest.param("GET", 200, [GROUPS], [], id="9875 3 not by safe methods"),
        pytest.param("POST", 404, [GROUPS], [], id="9875 3 not by failures"),
        pytest.param("POST", 200, [("Cache-Group-Invalidation", "a b")], [], id="9875 3 malformed"),
        pytest.param("GET", 200, [("Clear-Site-Data", '"cache"')], [("origin", "")], id="cleared"),
        pytest.param("GET", 404, [("Clear-Site-Data", '"cookies", "*"')], [("origin", "")], id="cleared, all kinds"),
        pytest.param("POST", 500, [("Clear-Site-Data", '"cache"')], [("origin", "")], id="cleared by any answer"),
        pytest.param("GET", 200, [("Clear-Site-Data", '"cookies"')], [], id="other kinds"),
        pytest.param("GET", 200, [("Clear-Site-Data", "cache")], [], id="kinds are quoted"),
    ],
)
def test_groups_and_sites(
    method: str, status: int, lines: list[tuple[str, str]], scopes: list[tuple[str, str]]
) -> None:
    found = scopes_of(Request(method, URL.parse(TARGET)), Head(status, Fields(lines)))
    others = [scope for scope in found if scope.kind != "uri"]
    assert [(scope.kind, scope.group) for scope in others] == scopes
    assert all(scope.value == ORIGIN for scope in others)


def test_a_site_is_cleared_over_https_only() -> None:
    head = Head(200, Fields([("Clear-Site-Data", '"cache"')]))
    assert scopes_of(Request("GET", URL.parse("http://h.example/")), head) == ()


@given(reference=st.text(st.characters(max_codepoint=255)))
def test_any_reference_stays_in_its_origin(reference: str) -> None:
    uris = invalidated("POST", 200, ("Location", reference))
    assert all(uri.startswith("https://h.example/") for uri in uris)

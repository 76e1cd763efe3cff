"""The caller's own conditions against a stored response, and the answers (RFC 9111 section 4.3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.decision import HEAD_ONLY, NOT_MODIFIED, WHOLE, Form, Span
from smartclient._model.fields import format_http_date
from smartclient._model.headers import Fields
from smartclient._model.request import Request
from smartclient._model.stored import Stored
from smartclient._model.url import URL
from smartclient._rules.answers import form_of, head_for
from smartclient._rules.conditional import is_not_modified
from stored_samples import NOW, URI, part, stored

DATE, EARLIER, LATER = (format_http_date(NOW - 100 + shift) for shift in (0, -1, 1))
TAGGED, WEAK, BARE = stored(), stored(etag='W/"a"'), stored(etag=None)
MODIFIED = stored(etag=None, last_modified=EARLIER)


@pytest.mark.parametrize(
    ("lines", "held", "answer"),
    [
        pytest.param([], TAGGED, False, id="no condition"),
        pytest.param([("If-None-Match", '"a"')], TAGGED, True, id="9110 13.1.2 same"),
        pytest.param([("If-None-Match", '"b"')], TAGGED, False, id="9110 13.1.2 other"),
        pytest.param([("If-None-Match", 'W/"a"')], TAGGED, True, id="9110 13.1.2 weak against strong"),
        pytest.param([("If-None-Match", '"a"')], WEAK, True, id="9110 13.1.2 strong against weak"),
        pytest.param([("If-None-Match", '"x", "a", "y"')], TAGGED, True, id="9110 13.1.2 in the middle"),
        pytest.param([("If-None-Match", '"x", "y", "a"')], TAGGED, True, id="9110 13.1.2 last"),
        pytest.param([("If-None-Match", '"x"'), ("If-None-Match", '"a"')], TAGGED, True, id="9110 5.3 two lines"),
        pytest.param([("If-None-Match", " * ")], BARE, True, id="9110 13.1.2 any"),
        pytest.param([("If-None-Match", '"a"')], BARE, False, id="9110 13.1.2 nothing to compare with"),
        pytest.param([("If-None-Match", "a")], TAGGED, False, id="9110 8.8.3 unquoted"),
        pytest.param([("If-None-Match", 'w/"a"')], WEAK, False, id="9110 8.8.3 weak marks have case"),
        pytest.param([("If-Modified-Since", EARLIER)], MODIFIED, True, id="9110 13.1.3 same date"),
        pytest.param([("If-Modified-Since", DATE)], MODIFIED, True, id="9110 13.1.3 later date"),
        pytest.param(
            [("If-Modified-Since", "Friday, 15-Jan-27 07:58:20 GMT")], MODIFIED, True, id="9110 5.6.7 other form"
        ),
        pytest.param([("If-Modified-Since", EARLIER)], BARE, False, id="4.3.2 before Date, which stands in"),
        pytest.param([("If-Modified-Since", DATE)], BARE, True, id="4.3.2 Date, which stands in"),
        pytest.param([("If-Modified-Since", "yesterday")], MODIFIED, False, id="9110 13.1.3 no date"),
        pytest.param(
            [("If-None-Match", '"b"'), ("If-Modified-Since", LATER)],
            stored(last_modified=EARLIER),
            False,
            id="9110 13.1.3 the tag decides",
        ),
        pytest.param([("If-None-Match", '"a"')], stored(status=404), False, id="9110 13.2.1 only what succeeds"),
        pytest.param([("If-None-Match", '"a"')], part(0, 4, 10), True, id="a part of the same"),
    ],
)
def test_not_modified(lines: list[tuple[str, str]], held: Stored, answer: bool) -> None:
    assert is_not_modified(Fields(lines), held) is answer


def request(*lines: tuple[str, str], method: str = "GET") -> Request:
    return Request(method, URL.parse(URI), Fields(lines))


RANGE = ("Range", "bytes=2-3")
INSIDE = Form("part", Span(2, 4, 2, 10))


@pytest.mark.parametrize(
    ("asked", "held", "form"),
    [
        pytest.param(request(), TAGGED, WHOLE, id="whole"),
        pytest.param(request(method="HEAD"), TAGGED, HEAD_ONLY, id="9110 9.3.2 head"),
        pytest.param(request(), part(0, 4, 10), None, id="3.4 a part is not the whole"),
        pytest.param(request(method="HEAD"), part(0, 4, 10), None, id="3.4 nor its head"),
        pytest.param(request(RANGE), TAGGED, INSIDE, id="9110 14.2 range"),
        pytest.param(request(RANGE), part(0, 4, 10), INSIDE, id="3.4 range of a part"),
        pytest.param(request(RANGE, method="HEAD"), TAGGED, HEAD_ONLY, id="9110 14.2 only for GET"),
        pytest.param(request(RANGE), stored(status=404), WHOLE, id="9110 14.2 only of what succeeds"),
        pytest.param(request(("Range", "bytes=0-1,3-4")), TAGGED, None, id="several ranges"),
        pytest.param(request(RANGE, ("If-Range", '"a"')), TAGGED, INSIDE, id="9110 13.1.5 holds"),
        pytest.param(request(RANGE, ("If-Range", '"b"')), TAGGED, WHOLE, id="9110 13.1.5 does not hold"),
        pytest.param(request(RANGE, ("If-Range", '"b"')), part(0, 4, 10), None, id="9110 13.1.5 no whole"),
        pytest.param(request(RANGE, ("If-None-Match", '"a"')), TAGGED, NOT_MODIFIED, id="9110 13.2.2 condition first"),
        pytest.param(request(RANGE, ("If-None-Match", '"b"')), TAGGED, INSIDE, id="9110 13.2.2 range after it"),
    ],
)
def test_form(asked: Request, held: Stored, form: Form | None) -> None:
    assert form_of(asked, held) == form


LINES = [
    ("Date", DATE),
    ("ETag", '"a"'),
    ("Last-Modified", EARLIER),
    ("Vary", "Foo"),
    ("Cache-Control", "max-age=9"),
    ("Expires", "0"),
    ("Content-Location", "/x"),
    ("Content-Length", "10"),
    ("Content-Type", "a/b"),
    ("Set-Cookie", "a=b"),
    ("Content-Range", "nonsense"),
]


def test_head_of_a_304() -> None:
    head = head_for(stored(lines=LINES), 7, NOT_MODIFIED)
    assert (head.status, head.reason) == (304, "Not Modified")
    names = [name for name, _ in head.fields]
    assert names == ["Date", "ETag", "Vary", "Cache-Control", "Expires", "Content-Location", "Age"]
    bare = head_for(stored(lines=LINES, etag=None), 7, NOT_MODIFIED)
    assert "last-modified" in bare.fields


@pytest.mark.parametrize(("total", "text"), [(10, "bytes 2-3/10"), (None, "bytes 2-3/*")])
def test_head_of_a_206(total: int | None, text: str) -> None:
    head = head_for(stored(lines=LINES), 7, Form("part", Span(2, 4, 2, total)))
    assert (head.status, head.reason) == (206, "Partial Content")
    assert [head.fields.getlist(name) for name in ("content-range", "content-length", "age")] == [[text], ["2"], ["7"]]
    assert head.fields.get("set-cookie") == "a=b"


@pytest.mark.parametrize("form", [WHOLE, HEAD_ONLY])
def test_head_of_the_whole(form: Form) -> None:
    head = head_for(stored(lines=LINES, status=203, reason="Maybe"), 7, form)
    assert (head.status, head.reason, head.fields.lines) == (203, "Maybe", (*LINES, ("Age", "7")))


NAMES = st.sampled_from(["If-None-Match", "If-Modified-Since", "Range", "If-Range"])
VALUES = st.text(st.characters(max_codepoint=255), max_size=20) | st.sampled_from(['"a"', DATE, "bytes=1-", "*"])


@given(
    lines=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    held=st.sampled_from([TAGGED, WEAK, BARE, MODIFIED, part(2, 5, 10), part(2, 5, None)]),
    method=st.sampled_from(["GET", "HEAD"]),
)
def test_any_request_has_a_form_or_none(lines: list[tuple[str, str]], held: Stored, method: str) -> None:
    form = form_of(request(*lines, method=method), held)
    if form is not None:
        assert head_for(held, 1, form).fields.get("age") == "1"
        assert held.part is None or form.kind in ("part", "not-modified")

"""Conditions, and what the answer to them does (RFC 9111 sections 3.2, 4.3.1, 4.3.3, 4.3.4)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.decision import AskAgain, Forward, Freshen, Outcome, Pass, Revalidate, Store
from smartclient._model.fields import format_http_date
from smartclient._model.headers import Fields
from smartclient._model.message import Head
from smartclient._model.request import Request
from smartclient._model.scope import Scope
from smartclient._model.stored import Stored
from smartclient._model.url import URL
from smartclient._rules.explanation import explain
from smartclient._rules.validation import Heard, conditions, freshened_fields, on_response, selected

NOW = 1_800_000_000.0
DATE = format_http_date(NOW)
KEY = ("https://h.example/", b"")
OLD = "Sun, 06 Nov 1994 08:49:37 GMT"
OLDER = "Sat, 05 Nov 1994 08:49:37 GMT"
STALE = Forward("stale", True, "stale", "rule")
NO_STORE = Forward("bypass", False, "no-store", "rule")


def stored(etag: str | None = None, last_modified: str | None = None, date: float = NOW - 100, **more: Any) -> Stored:
    lines = [("Date", format_http_date(date)), ("Cache-Control", "max-age=10"), ("Content-Length", "7"), ("X", "old")]
    lines += [("ETag", etag)] if etag else []
    lines += [("Last-Modified", last_modified)] if last_modified else []
    values: dict[str, Any] = {
        "key": KEY,
        "status": 200,
        "reason": "OK",
        "fields": Fields(lines),
        "body": b"content",
        "vary": (),
        "sent_at": date,
        "received_at": date,
        "date": date,
        "initial_age": 0.0,
        "fresh_until": date + 10,
        "must_revalidate": False,
        "immutable": False,
        "etag": etag,
        "last_modified": last_modified,
    }
    return Stored(**{**values, **more})


def validation(*candidates: Stored) -> Revalidate:
    chosen = candidates[0] if len(candidates) == 1 else None
    return Revalidate(conditions(candidates), candidates, chosen, "stale", "the stored response is stale", "rule")


def answer(
    plan: Revalidate | Forward,
    status: int,
    *lines: tuple[str, str],
    method: str = "GET",
    asked: tuple[tuple[str, str], ...] = (),
) -> Outcome:
    request = Request(method, URL.parse(KEY[0]), Fields(asked))
    return on_response(plan, Heard(request, KEY, Head(status, Fields(lines)), NOW - 1, NOW))


@pytest.mark.parametrize(
    ("candidates", "lines"),
    [
        pytest.param([stored()], (), id="no validator"),
        pytest.param([stored('"a"')], (("If-None-Match", '"a"'),), id="strong tag"),
        pytest.param([stored('W/"a"')], (("If-None-Match", 'W/"a"'),), id="weak tag"),
        pytest.param([stored(None, OLD)], (("If-Modified-Since", OLD),), id="date"),
        pytest.param([stored('"a"', OLD)], (("If-None-Match", '"a"'), ("If-Modified-Since", OLD)), id="both"),
        pytest.param(
            [stored('"a"', OLD), stored('"b"'), stored('"a"')], (("If-None-Match", '"a", "b"'),), id="variants"
        ),
        pytest.param([stored(None, OLD), stored(None, OLD)], (), id="a date says nothing of several"),
        pytest.param(
            [stored(f'"{"x" * 4000}"'), stored(f'"{"y" * 4000}"'), stored('"z"')],
            (("If-None-Match", f'"{"x" * 4000}", "z"'),),
            id="not more than a head can hold",
        ),
        pytest.param([stored(f'"{"x" * 5000}"')], (), id="nor one that is too long"),
    ],
)
def test_conditions(candidates: list[Stored], lines: tuple[tuple[str, str], ...]) -> None:
    assert conditions(candidates) == lines


STRONG, STRONG_B, WEAK = stored('"a"'), stored('"b"'), stored('W/"a"')
WEAK_NEWER, DATED, BARE = stored('W/"a"', date=NOW - 50), stored(None, OLD), stored()


@pytest.mark.parametrize(
    ("candidates", "lines", "chosen"),
    [
        pytest.param([STRONG, STRONG_B], [("ETag", '"b"')], STRONG_B, id="same strong tag"),
        pytest.param([STRONG], [("ETag", '"c"')], None, id="another strong tag"),
        pytest.param([WEAK], [("ETag", '"a"')], None, id="a strong tag is not the weak one"),
        pytest.param([DATED], [("ETag", '"a"'), ("Last-Modified", OLD)], None, id="a strong tag counts, not the date"),
        pytest.param([WEAK, WEAK_NEWER], [("ETag", 'W/"a"')], WEAK_NEWER, id="weak tag: the newest"),
        pytest.param([STRONG], [("ETag", 'W/"a"')], STRONG, id="weak answer, same opaque tag"),
        pytest.param([BARE], [("ETag", "W/")], None, id="no tag at all"),
        pytest.param([DATED], [("Last-Modified", OLD)], DATED, id="same date"),
        pytest.param([DATED], [("Last-Modified", OLDER)], None, id="another date"),
        pytest.param([BARE], [], BARE, id="no validators on either side"),
        pytest.param([BARE, BARE], [], None, id="no validators, several stored"),
        pytest.param([STRONG], [], STRONG, id="no validator in the 304, one asked about"),
        pytest.param([STRONG, STRONG_B], [], None, id="no validator in the 304, two asked about"),
    ],
)
def test_what_a_304_selects(candidates: list[Stored], lines: list[tuple[str, str]], chosen: Stored | None) -> None:
    assert selected(candidates, Fields(lines)) is chosen


def test_304_freshens() -> None:
    outcome = answer(
        validation(STRONG), 304, ("ETag", '"a"'), ("Date", DATE), ("Cache-Control", "max-age=60"), ("X", "new")
    )
    assert isinstance(outcome, Freshen)
    record = outcome.record
    assert outcome.stored is STRONG
    assert (record.status, record.body, record.key) == (200, b"content", KEY)
    assert (record.sent_at, record.received_at, record.fresh_until) == (NOW - 1, NOW, NOW + 59)
    assert record.fields.get("x") == "new"
    assert record.replaces(STRONG)
    assert outcome.invalidate == ()


def test_a_304_without_date_is_dated_at_receipt() -> None:
    outcome = answer(validation(STRONG), 304, ("ETag", '"a"'))
    assert isinstance(outcome, Freshen)
    assert outcome.record.fields.getlist("date") == [DATE]
    assert outcome.record.fresh_until == NOW + 9


@pytest.mark.parametrize(
    ("line", "after"),
    [
        pytest.param(("X", "new"), "new", id="3.2 replaced"),
        pytest.param(("X-Other", "new"), "new", id="3.2 added"),
        pytest.param(("Set-Cookie", "a=b"), "a=b", id="3.2 Set-Cookie"),
        pytest.param(("Content-Type", "a/b"), "a/b", id="3.2 Content-Type"),
        pytest.param(("Content-Length", "0"), "7", id="3.2 Content-Length stays"),
        pytest.param(("Content-Encoding", "gzip"), None, id="3.2 Content-Encoding stays"),
        pytest.param(("Content-Range", "bytes 0-1/2"), None, id="3.2 Content-Range stays"),
        pytest.param(("Transfer-Encoding", "chunked"), None, id="3.1 never stored"),
        pytest.param(("Keep-Alive", "x"), None, id="3.1 hop by hop"),
    ],
)
def test_fields_after_a_304(line: tuple[str, str], after: str | None) -> None:
    fields = freshened_fields(STRONG.fields, Fields([line]), NOW)
    assert fields.get(line[0].lower()) == after
    assert fields.get("etag") == '"a"'
    assert len(fields.getlist("date")) == 1


def test_fields_that_the_304_puts_under_no_cache_go() -> None:
    fields = freshened_fields(STRONG.fields, Fields([("Cache-Control", 'no-cache="X"')]), NOW)
    assert "x" not in fields


@pytest.mark.parametrize("value", ["no-store", "max-age=9, no-store"])
def test_a_304_that_forbids_storing_answers_this_call_and_ends_the_stored_response(value: str) -> None:
    outcome = answer(validation(STRONG), 304, ("ETag", '"a"'), ("Cache-Control", value))
    assert isinstance(outcome, Freshen)
    assert outcome.invalidate == (Scope("uri", KEY[0]),)


def test_a_304_for_another_variant_becomes_one_more_for_this_request() -> None:
    variant = stored('"a"', vary=(("foo", "1"),))
    outcome = answer(validation(variant), 304, ("ETag", '"a"'), ("Vary", "Foo"), asked=(("Foo", "2"),))
    assert isinstance(outcome, Freshen)
    assert outcome.record.vary == (("foo", "2"),)
    assert not outcome.record.replaces(variant)


@pytest.mark.parametrize(
    ("plan", "status", "lines", "kind"),
    [
        pytest.param(validation(STRONG), 304, [("ETag", '"z"')], AskAgain, id="4.3.4 a 304 about something else"),
        pytest.param(validation(STRONG), 304, [("ETag", '"a"'), ("Vary", "*")], AskAgain, id="4.1 a 304 with Vary: *"),
        pytest.param(validation(STRONG), 200, [("ETag", '"z"')], Store, id="4.3.3 a full answer replaces"),
        pytest.param(validation(STRONG), 404, [("Cache-Control", "max-age=9")], Store, id="4.3.3 any full answer"),
        pytest.param(validation(STRONG), 503, [("Cache-Control", "max-age=9")], Pass, id="4.3.3 server errors pass"),
        pytest.param(STALE, 503, [("Cache-Control", "max-age=9")], Store, id="3 a 503 that nothing stood in for"),
        pytest.param(STALE, 304, [("ETag", '"a"')], Pass, id="4.3.4 a 304 that nobody asked for"),
        pytest.param(NO_STORE, 200, [("Cache-Control", "max-age=9")], Pass, id="5.2.1.5 no-store in the request"),
        pytest.param(STALE, 200, [], Pass, id="3 of no use"),
    ],
)
def test_outcome(plan: Revalidate | Forward, status: int, lines: list[tuple[str, str]], kind: type[Outcome]) -> None:
    assert type(answer(plan, status, *lines)) is kind


@pytest.mark.parametrize(
    ("method", "status", "uris"),
    [
        pytest.param("POST", 200, (KEY[0],), id="4.4 success"),
        pytest.param("POST", 500, (), id="4.4 failure"),
        pytest.param("OPTIONS", 200, (), id="4.4 safe"),
        pytest.param("HEAD", 200, (), id="4.4 HEAD"),
    ],
)
def test_other_methods_store_nothing(method: str, status: int, uris: tuple[str, ...]) -> None:
    plan = Forward("method", method == "HEAD", "method", "rule")
    outcome = answer(plan, status, ("Cache-Control", "max-age=9"), method=method)
    assert isinstance(outcome, Pass)
    assert tuple([scope.value for scope in outcome.invalidate]) == uris


@pytest.mark.parametrize(
    ("plan", "status", "lines", "text"),
    [
        pytest.param(
            validation(STRONG),
            304,
            [("ETag", '"a"'), ("Cache-Control", "max-age=60")],
            "smartclient; fwd=stale; fwd-status=304; ttl=59",
            id="revalidated",
        ),
        pytest.param(
            STALE,
            200,
            [("Cache-Control", "max-age=60")],
            "smartclient; fwd=stale; fwd-status=200; ttl=59; stored",
            id="stored",
        ),
        pytest.param(STALE, 200, [], "smartclient; fwd=stale; fwd-status=200", id="not stored"),
        pytest.param(NO_STORE, 200, [], "smartclient; fwd=bypass; fwd-status=200", id="bypass"),
    ],
)
def test_explanation(plan: Revalidate | Forward, status: int, lines: list[tuple[str, str]], text: str) -> None:
    outcome = answer(plan, status, *lines)
    assert isinstance(outcome, Store | Freshen | Pass)
    decision = explain(plan, outcome, status, Fields(lines), NOW)
    assert str(decision) == text
    assert decision.stored is isinstance(outcome, Store)
    assert (decision.why_not_stored is not None) is isinstance(outcome, Pass)
    assert (decision.reason, decision.rule) == (plan.reason, plan.rule)


NAMES = st.sampled_from(["ETag", "Last-Modified", "Cache-Control", "Vary", "Date", "Age", "Expires", "Connection"])
VALUES = st.text(st.characters(max_codepoint=255), max_size=20) | st.sampled_from(['"a"', 'W/"a"', OLD, "max-age=9"])


@given(lines=st.lists(st.tuples(NAMES, VALUES)), status=st.sampled_from([200, 206, 304, 404, 500]))
def test_any_answer_gives_an_outcome(lines: list[tuple[str, str]], status: int) -> None:
    outcome = answer(validation(STRONG), status, *lines)
    if isinstance(outcome, Freshen):
        assert status == 304
        assert outcome.record.body == b"content"
        assert outcome.record.fields.get("content-length") in ("7", None)
    else:
        assert isinstance(outcome, Store | Pass | AskAgain)

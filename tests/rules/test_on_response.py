"""What answers mean beyond the plain 200 and 304: parts, HEAD, POST, failures (RFC 9111 sections 3.4, 4.3.3, 4.3.5)."""

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.decision import (
    AskAgain,
    Asking,
    Complete,
    Forward,
    Freshen,
    Outcome,
    Pass,
    Revalidate,
    Store,
    UseStale,
)
from smartclient._model.fields import format_http_date
from smartclient._model.headers import Fields
from smartclient._model.message import Head
from smartclient._model.policy import CachePolicy
from smartclient._model.request import Request
from smartclient._model.scope import Scope
from smartclient._model.stored import Stored
from smartclient._model.url import URL
from smartclient._rules.validation import Heard, conditions, on_response
from stored_samples import NOW, URI, part, stored

FRESH = ("Cache-Control", "max-age=60")
ETAG = ("ETag", '"a"')
KEY = (URI, b"")
OWN = (URI, b"own")
SCOPE = Scope("uri", URI)


def forward(chosen: Stored | None = None, store: bool = True) -> Forward:
    return Forward("stale", store, "reason", "rule", chosen)


def validation(chosen: Stored) -> Revalidate:
    return Revalidate(conditions([chosen]), (chosen,), chosen, "stale", "reason", "rule")


def completing(start: Stored) -> Complete:
    return Complete((), start, "partial", "reason", "rule")


def answer(
    plan: Asking,
    status: int,
    *lines: tuple[str, str],
    method: str = "GET",
    asked: tuple[tuple[str, str], ...] = (),
    key: tuple[str, bytes] = KEY,
    **policy: Any,
) -> Outcome:
    request = Request(method, URL.parse(URI), Fields(asked))
    head = Head(status, Fields([("Date", format_http_date(NOW)), *lines]))
    return on_response(plan, Heard(request, key, head, NOW - 1, NOW, CachePolicy(**policy)))


# Parts

RANGE = (("Range", "bytes=5-9"),)


def content_range(text: str) -> tuple[str, str]:
    return ("Content-Range", f"bytes {text}")


@pytest.mark.parametrize(
    ("plan", "lines", "asked", "kind"),
    [
        pytest.param(forward(), [FRESH, content_range("5-9/10")], RANGE, Store, id="3.3 the part asked for"),
        pytest.param(forward(), [FRESH, content_range("5-9/10")], (), Pass, id="3.3 a part nobody asked for"),
        pytest.param(forward(), [FRESH], RANGE, Pass, id="3.3 of several parts"),
        pytest.param(
            forward(part(0, 2, 10)), [FRESH, ETAG, content_range("5-9/10")], RANGE, Store, id="3.4 far from the stored"
        ),
        pytest.param(forward(stored()), [FRESH, content_range("5-9/10")], RANGE, Pass, id="3.4 less than is stored"),
        pytest.param(
            forward(stored(etag='W/"a"')), [FRESH, ("ETag", 'W/"a"'), content_range("5-9/10")], RANGE, Pass, id="weak"
        ),
        pytest.param(forward(stored()), [FRESH, ETAG, content_range("5-9/10")], RANGE, Freshen, id="3.4 confirms"),
        pytest.param(
            forward(stored()), [FRESH, ("ETag", '"b"'), content_range("5-9/10")], RANGE, Store, id="3.4 of a new one"
        ),
        pytest.param(
            forward(stored(body=b"", length=5 * 2**20, part=(0, 5 * 2**20 - 1, 2**40))),
            [FRESH, ETAG, content_range(f"{5 * 2**20}-{5 * 2**20 + 9}/{2**40}")],
            RANGE,
            Pass,
            id="3.4 a little more of much",
        ),
        pytest.param(
            forward(part(0, 4, 10)),
            [("Cache-Control", "no-store"), ETAG, content_range("5-9/10")],
            RANGE,
            Pass,
            id="5.2.2.5 no-store",
        ),
    ],
)
def test_a_206(plan: Asking, lines: list[tuple[str, str]], asked: Any, kind: type) -> None:
    assert type(answer(plan, 206, *lines, asked=asked)) is kind


def test_parts_that_touch_become_one() -> None:
    held = part(2, 4, 10, lines=[ETAG, ("X", "old"), ("Y", "old")])
    outcome = answer(forward(held), 206, FRESH, ETAG, ("X", "new"), content_range("5-8/10"), asked=RANGE)
    assert isinstance(outcome, Store)
    record = outcome.record
    assert (record.status, record.part, outcome.exact, outcome.completes) == (206, (2, 8, 10), 4, False)
    assert (outcome.before, outcome.after) == ((held, 0, 3), None)
    assert [record.fields.get(name) for name in ("x", "y", "content-range")] == ["new", "old", None]
    assert record.fresh_until == NOW + 59


def test_parts_that_are_all_become_the_whole() -> None:
    outcome = answer(forward(part(5, 9, 10)), 206, FRESH, ETAG, content_range("0-4/10"), asked=RANGE)
    assert isinstance(outcome, Store)
    record = outcome.record
    assert (record.status, record.reason, record.part) == (200, "OK", None)
    assert record.fields.getlist("content-length") == ["10"]


@pytest.mark.parametrize(
    ("status", "lines", "kind"),
    [
        pytest.param(206, [FRESH, ETAG, content_range("5-9/10")], Store, id="the rest"),
        pytest.param(206, [FRESH, ETAG, content_range("4-9/10")], AskAgain, id="more than the rest"),
        pytest.param(206, [FRESH, ETAG, content_range("5-8/10")], AskAgain, id="less than the rest"),
        pytest.param(206, [FRESH, ("ETag", '"b"'), content_range("5-9/10")], AskAgain, id="the rest of something else"),
        pytest.param(206, [FRESH, content_range("5-9/10")], AskAgain, id="the rest of who knows what"),
        pytest.param(206, [FRESH, ETAG], AskAgain, id="several parts"),
        pytest.param(206, [("Cache-Control", "no-store"), ETAG, content_range("5-9/10")], AskAgain, id="no-store"),
        pytest.param(206, [FRESH, ETAG, ("Vary", "*"), content_range("5-9/10")], AskAgain, id="Vary: *"),
        pytest.param(
            206, [FRESH, ETAG, content_range("5-9/10"), ("Content-Encoding", "gzip")], AskAgain, id="otherwise coded"
        ),
        pytest.param(416, [FRESH], AskAgain, id="it has become shorter"),
        pytest.param(412, [FRESH], AskAgain, id="it has changed"),
        pytest.param(304, [FRESH, ETAG], AskAgain, id="nobody asked for that"),
        pytest.param(200, [FRESH, ETAG], Store, id="all of it"),
        pytest.param(503, [], Pass, id="a failure"),
    ],
)
def test_completing(status: int, lines: list[tuple[str, str]], kind: type) -> None:
    outcome = answer(completing(part(0, 4, 10)), status, *lines)
    assert type(outcome) is kind
    if isinstance(outcome, Store):
        assert outcome.completes is (status == 206)
        assert outcome.record.part is None


# The caller's own 304, and HEAD


@pytest.mark.parametrize(
    ("chosen", "lines", "key", "kind"),
    [
        pytest.param(stored(), [ETAG, FRESH], KEY, Freshen, id="4.3.4 our strong tag"),
        pytest.param(stored(), [("ETag", '"b"'), FRESH], KEY, Pass, id="4.3.4 another"),
        pytest.param(stored(), [FRESH], KEY, Pass, id="4.3.4 none"),
        pytest.param(stored(etag='W/"a"'), [("ETag", 'W/"a"'), FRESH], KEY, Pass, id="4.3.4 weak"),
        pytest.param(stored(), [ETAG, ("Vary", "*")], KEY, Pass, id="4.1 matches nothing"),
        pytest.param(stored(), [ETAG, FRESH], OWN, Pass, id="7 of nobody in particular"),
        pytest.param(None, [ETAG, FRESH], KEY, Pass, id="nothing stored"),
    ],
)
def test_the_callers_own_304(chosen: Stored | None, lines: list[tuple[str, str]], key: Any, kind: type) -> None:
    outcome = answer(forward(chosen), 304, *lines, asked=(("If-None-Match", '"a"'),), key=key)
    assert type(outcome) is kind
    if isinstance(outcome, Freshen):
        assert (outcome.form, outcome.record.fresh_until, outcome.invalidate) == (None, NOW + 59, ())


def test_a_304_of_the_caller_that_forbids_storing_ends_the_stored_response() -> None:
    outcome = answer(forward(stored()), 304, ETAG, ("Cache-Control", "no-store"))
    assert outcome.invalidate == (SCOPE,)


MODIFIED = ("Last-Modified", format_http_date(NOW - 500))
HELD = stored(last_modified=MODIFIED[1])


@pytest.mark.parametrize(
    ("status", "lines", "effect"),
    [
        pytest.param(200, [FRESH], "freshens", id="nothing to compare"),
        pytest.param(200, [FRESH, ETAG, MODIFIED, ("Content-Length", "10")], "freshens", id="all the same"),
        pytest.param(200, [FRESH, ("ETag", '"b"')], "outdates", id="another tag"),
        pytest.param(200, [FRESH, ("Last-Modified", format_http_date(NOW))], "outdates", id="another date"),
        pytest.param(200, [FRESH, ("Content-Length", "11")], "outdates", id="another length"),
        pytest.param(404, [FRESH], None, id="no success"),
        pytest.param(206, [FRESH], None, id="no success of this kind"),
    ],
)
@pytest.mark.parametrize("planned", [forward, validation])
def test_head(planned: Any, status: int, lines: list[tuple[str, str]], effect: str | None) -> None:
    outcome = answer(planned(HELD), status, *lines, method="HEAD")
    if effect is None:
        assert isinstance(outcome, Pass)
        return
    assert isinstance(outcome, Freshen)
    record = outcome.record
    assert (outcome.form, record.body, record.sent_at) == (None, HELD.body, NOW - 1)
    assert (record.fresh_until > NOW) is (effect == "freshens")
    assert record.must_revalidate is (effect == "outdates")
    assert HELD.fresh_until == NOW + 100  # the stored one is changed by the store alone


@pytest.mark.parametrize("chosen", [part(0, 4, 10), stored(status=404), stored(key=OWN), None])
def test_head_says_nothing_of_others(chosen: Stored | None) -> None:
    assert isinstance(answer(forward(chosen), 200, FRESH, ETAG, method="HEAD"), Pass)


# POST

LOCATION = ("Content-Location", "/")


@pytest.mark.parametrize(
    ("method", "lines", "asked", "kind"),
    [
        ("POST", [FRESH, LOCATION], (), Store),
        ("POST", [FRESH], (), Pass),
        ("POST", [FRESH, LOCATION, ("Vary", "*")], (), Pass),
        ("POST", [FRESH, LOCATION], (("Cache-Control", "no-store"),), Pass),
        ("PUT", [FRESH, LOCATION], (), Pass),
    ],
)
def test_post(method: str, lines: list[tuple[str, str]], asked: Any, kind: type) -> None:
    outcome = answer(forward(store=False), 200, *lines, method=method, asked=asked)
    assert type(outcome) is kind
    assert outcome.invalidate == (SCOPE,)
    if isinstance(outcome, Store):
        assert outcome.record.sent_at > NOW  # past the mark that it leaves itself


# Failures


@pytest.mark.parametrize(
    ("plan", "status", "policy", "kind"),
    [
        pytest.param(validation(stored(fresh_until=NOW - 1)), 503, {"stale_if_error": inf}, UseStale, id="5861 4"),
        pytest.param(forward(stored(fresh_until=NOW - 1)), 500, {"stale_if_error": inf}, UseStale, id="5861 4 plain"),
        pytest.param(validation(stored(fresh_until=NOW - 1)), 503, {}, Pass, id="4.3.3 handed on"),
        pytest.param(validation(stored()), 501, {"stale_if_error": inf}, Pass, id="5861 4 another failure"),
        pytest.param(validation(stored(status=500)), 503, {"stale_if_error": inf}, Store, id="4.3.3 error for error"),
        pytest.param(forward(), 503, {"stale_if_error": inf}, Store, id="3 nothing stands in"),
        pytest.param(forward(stored(), store=False), 503, {"stale_if_error": inf}, Pass, id="5.2.1.5 no-store"),
    ],
)
def test_failures(plan: Asking, status: int, policy: dict[str, Any], kind: type) -> None:
    assert type(answer(plan, status, FRESH, **policy)) is kind


def test_what_an_answer_clears_goes_with_every_outcome() -> None:
    clear = ("Clear-Site-Data", '"cache"')
    cleared = (Scope("origin", "https://h.example"),)
    assert answer(forward(), 200, FRESH, clear).invalidate == cleared
    assert answer(validation(stored()), 304, ETAG, clear).invalidate == cleared
    assert answer(validation(stored()), 304, ("ETag", '"z"'), clear).invalidate == cleared
    assert answer(forward(), 404, clear).invalidate == cleared


NAMES = st.sampled_from(
    [
        "Age",
        "Cache-Control",
        "Cache-Group-Invalidation",
        "Cache-Groups",
        "Clear-Site-Data",
        "Connection",
        "Content-Encoding",
        "ETag",
        "Date",
        "Content-Length",
        "Content-Location",
        "Content-Range",
        "Expires",
        "Last-Modified",
        "Location",
        "Ours",
        "Vary",
    ]
)
VALUES = st.text(st.characters(max_codepoint=255), max_size=20) | st.sampled_from(
    [
        '"a"',
        'W/"a"',
        "max-age=9",
        "max-age=" + "9" * 400,
        "bytes 5-9/10",
        f"bytes 0-{'9' * 18}/*",
        '"*"',
        "9" * 400,
        "/",
    ]
)
POLICIES = st.builds(
    CachePolicy,
    shared=st.booleans(),
    heuristic=st.booleans(),
    stale_if_error=st.sampled_from([None, 1, inf]),
    targets=st.sampled_from([(), ("ours",)]),
    rules=st.sampled_from([(), (("*", 5),)]),
    store_set_cookie=st.booleans(),
)
PLANS = st.sampled_from(
    [forward(), forward(stored()), forward(part(0, 4, 10)), validation(stored()), completing(part(0, 4, 10))]
)


@given(
    plan=PLANS,
    method=st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]),
    status=st.sampled_from([200, 206, 304, 404, 412, 416, 503, 599]),
    lines=st.lists(st.tuples(NAMES, VALUES), max_size=8),
    asked=st.sampled_from([(), RANGE, (("If-None-Match", '"a"'),)]),
    policy=POLICIES,
)
def test_any_answer_has_an_outcome(
    plan: Asking, method: str, status: int, lines: list[tuple[str, str]], asked: Any, policy: CachePolicy
) -> None:
    request = Request(method, URL.parse(URI), Fields(asked))
    outcome = on_response(plan, Heard(request, KEY, Head(status, Fields(lines)), NOW - 1, NOW, policy))
    assert isinstance(outcome, Outcome)
    if isinstance(outcome, Store | Freshen):
        record = outcome.record
        assert abs(record.fresh_until) < 1e12
        assert record.part is None or record.part[0] <= record.part[1]
        assert method in ("GET", "POST") or isinstance(outcome, Freshen)

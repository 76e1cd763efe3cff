"""What is stored by a shared cache, with lifetimes that nobody stated, by rules of the user, of parts, and of POST."""

from math import inf
from typing import Any

import pytest

from smartclient._model.decision import Pass
from smartclient._model.fields import format_http_date
from smartclient._model.headers import Fields
from smartclient._model.message import Head
from smartclient._model.policy import CachePolicy, CacheRule
from smartclient._model.request import Request
from smartclient._model.stored import Part, Stored
from smartclient._model.url import URL
from smartclient._rules.storing import answers_later_gets, is_useless, record_or_refusal
from stored_samples import NOW, URI

FRESH = ("Cache-Control", "max-age=60")
ETAG = ("ETag", '"a"')
OLD = ("Last-Modified", format_http_date(NOW - 1000))
SHARED = CachePolicy(shared=True)


def control(value: str) -> tuple[str, str]:
    return ("Cache-Control", value)


def outcome(
    policy: CachePolicy, status: int, *lines: tuple[str, str], asked: tuple[tuple[str, str], ...] = ()
) -> Stored | Pass:
    request = Request("GET", URL.parse(URI), Fields(asked))
    return record_or_refusal((URI, b""), request, Head(status, Fields(lines), "Reason"), NOW - 1, NOW, policy)


def lifetime(found: Stored | Pass) -> float | None:
    """Seconds left, None if it is not stored."""
    return found.fresh_until - NOW if isinstance(found, Stored) else None


Lines = tuple[tuple[str, str], ...]
SOMEBODY = (("Authorization", "x"),)


@pytest.mark.parametrize(
    ("lines", "asked", "left"),
    [
        pytest.param([FRESH], (), 59.0, id="3 as any cache"),
        pytest.param([control("s-maxage=9, max-age=60")], (), 8.0, id="5.2.2.10 s-maxage"),
        pytest.param([control("private, max-age=60")], (), None, id="5.2.2.7 private"),
        pytest.param([control('private="X", max-age=60')], (), 59.0, id="5.2.2.7 private fields"),
        pytest.param([control("max-age=60")], SOMEBODY, None, id="3.5 with Authorization"),
        pytest.param([control("public, max-age=60")], SOMEBODY, 59.0, id="3.5 public"),
        pytest.param([control("s-maxage=60")], SOMEBODY, 59.0, id="3.5 s-maxage"),
        pytest.param([control("must-revalidate, max-age=60")], SOMEBODY, 59.0, id="3.5 must-revalidate"),
    ],
)
def test_in_a_shared_cache(
    lines: list[tuple[str, str]], asked: tuple[tuple[str, str], ...], left: float | None
) -> None:
    assert lifetime(outcome(SHARED, 200, *lines, asked=asked)) == left


@pytest.mark.parametrize(
    ("directive", "shared", "binding"),
    [
        ("must-revalidate", False, True),
        ("no-cache", False, True),
        ("proxy-revalidate", False, False),
        ("s-maxage=5", False, False),
        ("proxy-revalidate", True, True),
        ("s-maxage=5", True, True),
        ('no-cache="X"', True, False),
    ],
)
def test_what_must_not_be_served_stale(directive: str, shared: bool, binding: bool) -> None:
    value = f"{directive}, max-age=60, stale-while-revalidate=5, stale-if-error=7"
    record = outcome(CachePolicy(shared=shared), 200, control(value), ETAG)
    assert isinstance(record, Stored)
    assert record.must_revalidate is binding
    moments = (record.swr_until, record.sie_until)
    assert moments == ((0.0, 0.0) if binding else (record.fresh_until + 5, record.fresh_until + 7))


def test_private_fields_stay_out_of_a_shared_cache() -> None:
    line = control('private="X, y", max-age=60')
    for policy, kept in ((SHARED, ["z"]), (CachePolicy(), ["x", "y", "z"])):
        record = outcome(policy, 200, line, ("X", "1"), ("Y", "1"), ("Z", "1"))
        assert isinstance(record, Stored)
        assert [name for name in ("x", "y", "z") if name in record.fields] == kept


@pytest.mark.parametrize(
    ("status", "lines", "left"),
    [
        *[(status, [OLD], 99.0) for status in (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)],
        *[(status, [OLD], None) for status in (201, 202, 302, 303, 307, 400, 403, 499, 500, 502, 503, 504, 599)],
        (599, [OLD, control("public")], 99.0),
        (200, [OLD, control("no-cache"), ETAG], -1.0),
        (200, [OLD, control("max-age=5")], 4.0),
        (200, [OLD, ("Expires", "0")], -1.0),
        (200, [ETAG], -1.0),
    ],
)
def test_heuristic_lifetimes(status: int, lines: list[tuple[str, str]], left: float | None) -> None:
    assert lifetime(outcome(CachePolicy(heuristic=True), status, *lines)) == left


@pytest.mark.parametrize(
    ("rule", "status", "lines", "left"),
    [
        pytest.param(CacheRule("h.example", 30), 200, [], 30.0, id="nothing said"),
        pytest.param(CacheRule("h.example", 30), 200, [FRESH, ("Age", "50")], 30.0, id="counts from receipt"),
        pytest.param(CacheRule("h.example", 30), 200, [control("no-cache")], 30.0, id="beats no-cache"),
        pytest.param(CacheRule("h.example", 0), 200, [FRESH, ETAG], 0.0, id="always validated"),
        pytest.param(CacheRule("h.example", 30), 404, [], None, id="of what succeeds"),
        pytest.param(CacheRule("h.example", 30), 404, [FRESH], 59.0, id="the rest speaks for itself"),
        pytest.param(CacheRule("i.example", 30), 200, [], None, id="of another host"),
        pytest.param(CacheRule("h.example", 30), 200, [control("no-store")], None, id="no-store stays"),
        pytest.param(CacheRule("h.example", 30, True), 200, [control("no-store")], 30.0, id="unless it is ignored"),
        pytest.param(CacheRule("h.example", 30, True), 500, [control("no-store")], None, id="not of errors"),
        pytest.param(CacheRule("h.example", 30), 200, [("Vary", "*")], None, id="4.1 what matches nothing"),
    ],
)
def test_rules_of_the_user(rule: CacheRule, status: int, lines: list[tuple[str, str]], left: float | None) -> None:
    assert lifetime(outcome(CachePolicy(rules=(rule,)), status, *lines)) == left


TARGETED = CachePolicy(targets=("ours",))


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        pytest.param([("Ours", "max-age=9"), control("no-store")], 8.0, id="9213 2.1 no-store is for others"),
        pytest.param([("Ours", "no-store"), FRESH], None, id="9213 2.1 ours is for us"),
        pytest.param([("Ours", "public"), ETAG, ("Expires", format_http_date(NOW + 9))], -1.0, id="9213 2.1 Expires"),
        pytest.param([("Ours", "&"), FRESH], 59.0, id="9213 2.2 invalid"),
    ],
)
def test_targeted_fields(lines: list[tuple[str, str]], left: float | None) -> None:
    assert lifetime(outcome(TARGETED, 200, *lines)) == left


@pytest.mark.parametrize(
    ("policy", "status", "lines", "kept"),
    [
        pytest.param({}, 200, [], False, id="nobody will use it"),
        pytest.param({"stale_if_error": inf}, 200, [], True, id="5861 4 the user will"),
        pytest.param({"stale_if_error": inf}, 500, [control("max-age=0")], False, id="5861 4 no error for another"),
        pytest.param({"stale_if_error": inf}, 200, [control("no-cache")], False, id="5.2.2.4 nor what is binding"),
        pytest.param({}, 200, [control("max-age=0, stale-if-error=9")], True, id="5861 4 the origin lets us"),
        pytest.param({}, 200, [control("max-age=0, stale-while-revalidate=9")], True, id="5861 3 the origin lets us"),
        pytest.param({"targets": ("x",)}, 200, [], False, id="9213 a target that is not there"),
    ],
)
def test_what_is_of_use(policy: dict[str, Any], status: int, lines: list[tuple[str, str]], kept: bool) -> None:
    given = CachePolicy(**policy)
    assert isinstance(outcome(given, status, *lines), Stored) is kept
    assert not (kept and is_useless(Head(status, Fields(lines)), given))


@pytest.mark.parametrize("status", [412, 416])
def test_what_answers_a_condition_or_a_range_answers_nothing_else(status: int) -> None:
    assert isinstance(outcome(CachePolicy(), status, FRESH, ETAG), Pass)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        pytest.param("bytes 0-4/10", (0, 4, 10), id="start"),
        pytest.param("bytes 5-9/*", (5, 9, None), id="of who knows how much"),
        pytest.param("bytes */10", None, id="none"),
        pytest.param("bytes 4-0/10", None, id="backwards"),
        pytest.param("bytes 0-10/10", None, id="beyond the end"),
        pytest.param("items 0-4/10", None, id="other unit"),
        pytest.param("bytes 0-4/10, bytes 6-7/10", None, id="two"),
        pytest.param("x", None, id="nonsense"),
        pytest.param(None, None, id="absent, as of several parts"),
    ],
)
def test_parts(text: str | None, part: Part | None) -> None:
    lines = [FRESH, ETAG, ("Content-Length", "5"), *([] if text is None else [("Content-Range", text)])]
    found = outcome(CachePolicy(), 206, *lines)
    assert (found.part if isinstance(found, Stored) else None) == part
    if isinstance(found, Stored):
        assert not {"content-range", "content-length"} & found.fields.index.keys()
        assert found.status == 206


def test_groups() -> None:
    record = outcome(CachePolicy(), 200, FRESH, ("Cache-Groups", '"a";x, "B", c'), ("cache-groups", '"d"'))
    assert isinstance(record, Stored)
    assert record.groups == ("a", "B", "d")
    assert len(outcome(CachePolicy(), 200, FRESH, ("Cache-Groups", ", ".join(['"a"'] * 500))).groups) == 128


@pytest.mark.parametrize(
    ("method", "status", "lines", "answers"),
    [
        pytest.param("POST", 200, [FRESH, ("Content-Location", "/")], True, id="9110 9.3.3"),
        pytest.param("POST", 200, [FRESH, ("Content-Location", URI)], True, id="9110 9.3.3 absolute"),
        pytest.param("POST", 200, [("Expires", "0"), ("Content-Location", "")], True, id="9110 9.3.3 Expires"),
        pytest.param("POST", 200, [ETAG, ("Content-Location", "/")], False, id="9110 9.3.3 no lifetime"),
        pytest.param("POST", 200, [FRESH], False, id="9110 9.3.3 no Content-Location"),
        pytest.param("POST", 200, [FRESH, ("Content-Location", "/b")], False, id="9110 9.3.3 another resource"),
        pytest.param("POST", 200, [FRESH, ("Content-Location", "http://[")], False, id="9110 9.3.3 malformed"),
        pytest.param("POST", 201, [FRESH, ("Content-Location", "/")], False, id="9110 9.3.3 only 200"),
        pytest.param("PUT", 200, [FRESH, ("Content-Location", "/")], False, id="9110 9.3.3 only POST"),
    ],
)
def test_answers_to_post(method: str, status: int, lines: list[tuple[str, str]], answers: bool) -> None:
    assert answers_later_gets(Request(method, URL.parse(URI)), Head(status, Fields(lines))) is answers

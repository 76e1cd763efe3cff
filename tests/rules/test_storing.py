"""Whether a response is stored, and as what (RFC 9111 sections 3, 3.1, 5.2.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.decision import Pass
from smartclient._model.fields import format_http_date
from smartclient._model.headers import Fields
from smartclient._model.message import Head
from smartclient._model.request import Request
from smartclient._model.stored import Stored
from smartclient._model.url import URL
from smartclient._rules.storing import record_or_refusal

NOW = 1_800_000_000.0
DATE = format_http_date(NOW)
KEY = ("https://h.example/", b"")
REQUEST = Request("GET", URL.parse("https://h.example/"), Fields([("Accept-Encoding", "gzip, br")]))

FRESH = ("Cache-Control", "max-age=60")
ETAG = ("ETag", '"a"')
MODIFIED = ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")


def outcome(status: int, *lines: tuple[str, str]) -> Stored | Pass:
    return record_or_refusal(KEY, REQUEST, Head(status, Fields(lines), "Reason"), NOW - 1, NOW)


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        pytest.param(200, [FRESH], id="3 explicit lifetime"),
        pytest.param(200, [("Date", DATE), ("Expires", format_http_date(NOW + 9))], id="3 Expires"),
        pytest.param(299, [FRESH], id="3 any final status with a lifetime: 299"),
        pytest.param(599, [FRESH], id="3 any final status with a lifetime: 599"),
        pytest.param(307, [FRESH], id="3 any final status with a lifetime: 307"),
        pytest.param(200, [ETAG], id="4.2.2 heuristic status with a validator"),
        pytest.param(404, [MODIFIED], id="4.2.2 404 with a validator"),
        pytest.param(403, [("Cache-Control", "public"), ETAG], id="5.2.2.9 public"),
        pytest.param(403, [("Cache-Control", "private"), ETAG], id="5.2.2.7 private, in a private cache"),
        pytest.param(200, [("Cache-Control", "no-cache"), ETAG], id="5.2.2.4 no-cache is stored, to be validated"),
        pytest.param(200, [("Cache-Control", "max-age=60"), ("Age", "99")], id="3 stale on arrival, for max-stale"),
        pytest.param(200, [("Cache-Control", "no-store, must-understand, max-age=60")], id="5.2.2.3 understood"),
        pytest.param(200, [FRESH, ("Set-Cookie", "a=b")], id="7.3 Set-Cookie does not forbid"),
        pytest.param(200, [FRESH, ("Vary", "")], id="4.1 empty Vary"),
    ],
)
def test_stored(status: int, lines: list[tuple[str, str]]) -> None:
    assert isinstance(outcome(status, *lines), Stored)


@pytest.mark.parametrize(
    ("status", "lines", "rule"),
    [
        pytest.param(200, [], "RFC 9111 section 3", id="3 neither lifetime nor validator"),
        pytest.param(200, [("Cache-Control", "public")], "RFC 9111 section 3", id="3 public alone is of no use"),
        pytest.param(200, [("Cache-Control", "max-age=0")], "RFC 9111 section 3", id="3 never fresh, no validator"),
        pytest.param(200, [("Cache-Control", "no-cache, max-age=60")], "RFC 9111 section 3", id="5.2.2.4 no validator"),
        pytest.param(200, [("ETag", "unquoted")], "RFC 9111 section 3", id="9110 8.8.3 that is no entity tag"),
        pytest.param(200, [("Last-Modified", "once")], "RFC 9111 section 3", id="9110 8.8.2 that is no date"),
        pytest.param(206, [FRESH, ETAG], "RFC 9111 section 3.3", id="3.3 partial"),
        pytest.param(304, [FRESH, ETAG], "RFC 9111 section 3", id="4.3.4 304 as such"),
        pytest.param(103, [FRESH, ETAG], "RFC 9111 section 3", id="3 interim"),
        pytest.param(403, [ETAG], "RFC 9111 section 3", id="3 no ground"),
        pytest.param(302, [MODIFIED], "RFC 9111 section 3", id="3 302 is not heuristic"),
        pytest.param(403, [("Cache-Control", "s-maxage=9"), ETAG], "RFC 9111 section 3", id="5.2.2.10 shared only"),
        pytest.param(200, [("Cache-Control", "no-store, max-age=9")], "RFC 9111 section 5.2.2.5", id="5.2.2.5"),
        pytest.param(200, [("Cache-Control", "NO-STORE"), ETAG], "RFC 9111 section 5.2.2.5", id="5.2.2.5 any case"),
        pytest.param(
            599, [("Cache-Control", "max-age=9, must-understand")], "RFC 9111 section 5.2.2.3", id="5.2.2.3 unknown"
        ),
        pytest.param(200, [FRESH, ("Vary", "*")], "RFC 9111 section 4.1", id="4.1 star"),
        pytest.param(200, [FRESH, ("Vary", "Foo"), ("Vary", " , *")], "RFC 9111 section 4.1", id="4.1 star, line two"),
        pytest.param(200, [FRESH, ("Vary", "Foo,,Bar")], "RFC 9111 section 4.1", id="4.1 empty member"),
    ],
)
def test_not_stored(status: int, lines: list[tuple[str, str]], rule: str) -> None:
    refusal = outcome(status, *lines)
    assert isinstance(refusal, Pass)
    assert refusal.rule == rule
    assert refusal.why_not_stored


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authentication-Info",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "X-Named",
        "X-Also",
        "Set-Secret",
        "Age",
    ],
)
def test_fields_that_are_never_stored(name: str) -> None:
    record = outcome(
        200,
        ("Cache-Control", 'max-age=60, no-cache="Set-Secret, x-none"'),
        ("Connection", "close, X-Named"),
        ("connection", "x-also"),
        (name, "1") if name != "Connection" else ("X", "1"),
    )
    assert isinstance(record, Stored)
    assert name.lower() not in record.fields


def test_order_and_repeats_of_lines_are_kept_and_a_date_is_added() -> None:
    lines = (("b", "2"), FRESH, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("A", "1"))
    record = outcome(200, *lines)
    assert isinstance(record, Stored)
    assert record.fields.lines == (*lines, ("Date", DATE))


def test_what_a_hit_needs_is_worked_out() -> None:
    record = outcome(
        203,
        ("Cache-Control", "max-age=60, must-revalidate, immutable"),
        ("Date", format_http_date(NOW - 10)),
        ("Age", "4"),
        ("Vary", "Accept-Encoding, X-None"),
        ("ETag", 'W/"a"'),
        MODIFIED,
    )
    assert isinstance(record, Stored)
    assert (record.status, record.reason, record.key, record.body) == (203, "Reason", KEY, b"")
    assert (record.sent_at, record.received_at, record.date) == (NOW - 1, NOW, NOW - 10)
    assert (record.initial_age, record.fresh_until) == (10.0, NOW + 50)
    assert (record.must_revalidate, record.immutable) == (True, True)
    assert record.vary == (("accept-encoding", "br,gzip"), ("x-none", None))
    assert (record.etag, record.last_modified) == ('W/"a"', MODIFIED[1])


NAMES = st.sampled_from(["Cache-Control", "Expires", "Date", "Age", "Vary", "ETag", "Last-Modified", "Connection"])


@given(
    lines=st.lists(st.tuples(NAMES, st.text(st.characters(max_codepoint=255), max_size=30))),
    status=st.integers(100, 999),
)
def test_any_head_is_stored_or_refused(lines: list[tuple[str, str]], status: int) -> None:
    result = outcome(status, ("ETag", '"x"'), *lines)
    assert isinstance(result, Stored | Pass)
    if isinstance(result, Stored):
        assert result.fresh_until - result.received_at <= 3e11

"""What an interrupted transfer may go on with: validators, parts that fit, failures that pass."""

import pytest

from smartclient import exceptions as e
from smartclient._model.headers import Fields
from smartclient._model.message import Head
from smartclient._model.ranges import ContentRange
from smartclient._rules.resume import MUCH, TRIES, Patience, length_from, may_go_on, part_in, validator_of

DATE = ("Date", "Sun, 01 Nov 2026 10:00:00 GMT")
OLDER = ("Last-Modified", "Sun, 01 Nov 2026 09:59:59 GMT")
NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("lines", "validator"),
    [
        pytest.param([("ETag", '"x"'), DATE, OLDER], '"x"', id="strong-tag"),
        pytest.param([("ETag", 'W/"x"'), DATE, OLDER], None, id="weak-tag-shuts-out-the-date"),
        pytest.param([("ETag", "x"), DATE, OLDER], None, id="no-tag-at-all"),
        pytest.param([("ETag", f'"{"x" * 2000}"')], None, id="too-long"),
        pytest.param([DATE, OLDER], OLDER[1], id="a-second-older"),
        pytest.param([DATE, ("Last-Modified", DATE[1])], None, id="the-same-second"),
        pytest.param([OLDER], None, id="no-date"),
        pytest.param([DATE, ("Last-Modified", "yesterday")], None, id="unreadable"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_validator(lines: list[tuple[str, str]], validator: str | None) -> None:
    assert validator_of(Fields(lines), NOW) == validator


PART = ("Content-Range", "bytes 5-9/10")
TAG = ("ETag", '"x"')


@pytest.mark.parametrize(
    ("lines", "fits"),
    [
        pytest.param([PART, TAG], True, id="fits"),
        pytest.param([PART, TAG, ("Content-Length", "5")], True, id="with-its-length"),
        pytest.param([PART, TAG, ("Content-Length", "6")], False, id="another-length"),
        pytest.param([("Content-Range", "bytes 5-7/10"), TAG], True, id="less-than-asked"),
        pytest.param([("Content-Range", "bytes 5-9/*"), TAG], True, id="total-not-told"),
        pytest.param([("Content-Range", "bytes 4-9/10"), TAG], False, id="another-start"),
        pytest.param([("Content-Range", "bytes 5-10/11"), TAG], False, id="another-total"),
        pytest.param([TAG], False, id="no-range"),
        pytest.param([PART], False, id="no-tag"),
        pytest.param([PART, ("ETag", '"y"')], False, id="another-tag"),
        pytest.param([PART, ("ETag", 'W/"x"')], False, id="weak-tag"),
        pytest.param([PART, TAG, ("Content-Encoding", "gzip")], False, id="coded"),
        pytest.param([PART, TAG, ("Content-Encoding", "identity")], True, id="identity"),
    ],
)
def test_part(lines: list[tuple[str, str]], fits: bool) -> None:
    part = part_in(Head(206, Fields(lines)), 5, 10, '"x"', 10)
    assert (part is not None) == fits


@pytest.mark.parametrize(
    ("lines", "fits"),
    [
        pytest.param([PART], True, id="left-out"),
        pytest.param([PART, OLDER], True, id="the-same"),
        pytest.param([PART, ("Last-Modified", DATE[1])], False, id="another"),
        pytest.param([PART, OLDER, TAG], False, id="a-new-tag"),
    ],
)
def test_part_by_date(lines: list[tuple[str, str]], fits: bool) -> None:
    part = part_in(Head(206, Fields(lines)), 5, None, OLDER[1], None)
    assert part == (ContentRange(5, 10, 10) if fits else None)


@pytest.mark.parametrize(
    ("text", "length"), [("0", 0), ("123", 123), ("", None), ("-1", None), ("\u0661", None), ("9" * 5000, None)]
)
def test_length(text: str, length: int | None) -> None:
    assert length_from(text) == length


class _Answer:
    def __init__(self, status: int) -> None:
        self.status_code = status


def refused(check: str | None) -> e.SSLError:
    error = e.SSLError("x")
    error.check = check
    return error


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (e.IncompleteBody("x"), True),
        (e.BodyReadTimeout("x"), True),
        (e.ConnectionError("x"), True),
        (e.ResolveError("x"), True),
        (e.ReadTimeout("x"), True),
        (refused(None), True),
        (refused("expired"), False),
        (e.DeadlineExceeded("x"), False),
        (e.ContentDecodingError("x"), False),
        (e.FileError("x"), False),
        (e.HTTPError("x", response=_Answer(503)), True),
        (e.HTTPError("x", response=_Answer(404)), False),
        (e.HTTPError("x"), False),
    ],
    ids=lambda each: f"{type(each).__name__}" if isinstance(each, Exception) else "",
)
def test_failures_that_pass(error: e.RequestException, passes: bool) -> None:
    assert may_go_on(error) == passes


def test_patience_ends_after_five_failures_without_progress() -> None:
    patience = Patience()
    assert patience.wait_after_failure(MUCH, 0.5) == 0.0
    waits = [patience.wait_after_failure(MUCH, 0.5) for _ in range(TRIES + 1)]
    assert waits[-1] is None
    assert all(waits[:-1])


def test_patience_lasts_while_something_comes() -> None:
    patience = Patience()
    assert all(patience.wait_after_failure(received, 0.5) for received in range(1, 100))


def test_reaching_no_further_than_before_is_no_progress() -> None:
    patience = Patience()
    waits = [patience.wait_after_failure(received, 0.5) for received in (9 * MUCH, 5, 6, 7, 8, 9, 10)]
    assert waits[0] == 0.0
    assert waits[-1] is None

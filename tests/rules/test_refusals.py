"""What is sent instead of a request that was refused for its coding or its expectation."""

import pytest

from smartclient._model.body import RequestBody
from smartclient._model.headers import Fields
from smartclient._model.message import Head
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._rules.refusals import refuses_coding, without_refused

PLAIN = RequestBody(b"plain")
CODED = RequestBody(b"coded", plain=PLAIN)
ONCE = RequestBody(iter([b"x"]), plain=RequestBody(iter([b"x"])))


@pytest.mark.parametrize(
    ("accepted", "refused"),
    [
        (None, False),
        ("gzip", False),
        ("GZIP;q=0.5, br", False),
        ("*", False),
        ("", True),
        ("identity", True),
        ("br, zstd", True),
        ("gzip;q=0", True),
        ("gzip;q=0, *", True),
        ("*;q=0", True),
    ],
)
def test_refused_codings(accepted: str | None, refused: bool) -> None:
    fields = Fields([] if accepted is None else [("Accept-Encoding", accepted)])
    assert refuses_coding(fields, "gzip") == refused


def request_with(body: RequestBody, *lines: tuple[str, str]) -> Request:
    return Request("POST", URL.parse("http://h/"), Fields(lines), body)


def test_coding_is_left_out() -> None:
    again = without_refused(
        request_with(CODED, ("Content-Encoding", "gzip"), ("X", "y")), Head(415, Fields([("Accept-Encoding", "br")]))
    )
    assert again is not None
    assert (again.body, again.fields.lines) == (PLAIN, (("X", "y"),))


def test_expectation_is_left_out() -> None:
    again = without_refused(request_with(CODED, ("Expect", "100-continue"), ("X", "y")), Head(417))
    assert again is not None
    assert (again.body, again.fields.lines) == (CODED, (("X", "y"),))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(PLAIN, 415, id="coded-by-the-caller"),
        pytest.param(ONCE, 415, id="read-only-once"),
        pytest.param(RequestBody(iter([b"x"])), 417, id="read-only-once-expecting"),
    ],
)
def test_no_second_try(body: RequestBody, status: int) -> None:
    request = request_with(body, ("Content-Encoding", "gzip"), ("Expect", "100-continue"))
    assert without_refused(request, Head(status, Fields([("Accept-Encoding", "br")]))) is None


def test_no_expectation_no_second_try() -> None:
    assert without_refused(request_with(PLAIN), Head(417)) is None

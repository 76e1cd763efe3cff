"""The stages that few sessions have: a rate that holds requests back, and trace fields."""

import contextlib

import pytest

from smartclient import Rate
from smartclient._model.errors import DeadlineExceeded
from smartclient._model.headers import Fields
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._pipeline.rate import RateStage
from smartclient._pipeline.trace import TraceHostsStage, TraceStage
from smartclient._rules.rate import RateLimiter
from smartclient._runtime.base import run_blocking


@pytest.fixture
def held(below, fake_runtime):
    """A stage that lets one request a second through, and its runtime."""
    runtime = fake_runtime()
    return RateStage(Rate(1, burst=1), RateLimiter(contextlib.nullcontext()), runtime, below), runtime


def request(url="http://h.example/", fields=(), **options):
    return Request("GET", URL.parse(url), Fields(fields), **options)


def test_requests_wait_for_their_turn(held, below):
    stage, runtime = held
    for _ in range(3):
        below.will(200)
        run_blocking(stage(request()))
    below.will(200)
    run_blocking(stage(request("http://other.example/")))
    assert runtime.slept == [1.0, 1.0]


def test_no_turn_before_the_deadline(held, below):
    stage, runtime = held
    below.will(200)
    run_blocking(stage(request()))
    with pytest.raises(DeadlineExceeded, match=r"its turn by Rate\(count=1, .* comes after the deadline") as caught:
        run_blocking(stage(request(deadline=runtime.now() + 0.9)))
    assert (caught.value.sent, runtime.slept, len(below.requests)) == ("nothing", [], 1)


def test_the_server_has_a_say(held, below):
    stage, runtime = held
    below.will(200, ("RateLimit", '"a";r=0;t=30'))
    below.will(200)
    for _ in range(2):
        run_blocking(stage(request()))
    assert runtime.slept == [30.0]


def test_trace_fields(below):
    for _ in range(2):
        below.will(200)
        run_blocking(TraceStage(below)(request()))
    first, second = (each.fields for each in below.requests)
    version, trace, parent, flags = first.index["traceparent"].split("-")
    assert (version, len(bytes.fromhex(trace)), len(bytes.fromhex(parent)), flags) == ("00", 16, 8, "01")
    assert len(first.index["x-request-id"]) == 32
    assert first.index["traceparent"] != second.index["traceparent"]


def test_fields_by_hand_stay(below):
    lines = [("Traceparent", "mine"), ("x-request-id", "mine too")]
    below.will(200)
    run_blocking(TraceStage(below)(request(fields=lines)))
    assert list(below.requests[0].fields.lines) == lines


@pytest.mark.parametrize(
    ("host", "gets"),
    [
        ("a.example", True),
        ("A.EXAMPLE", True),
        ("sub.a.example", False),
        ("x.b.example", True),
        ("y.x.b.example", True),
        ("b.example", False),
        ("evilb.example", False),
        ("127.0.0.1", False),
    ],
)
def test_trace_hosts(below, host, gets):
    below.will(200)
    stage = TraceHostsStage({"a.example", ".b.example"}, below)
    run_blocking(TraceStage(stage)(request(f"http://{host}/", [("X-Other", "kept")])))
    fields = below.requests[0].fields
    assert ("traceparent" in fields, "x-request-id" in fields, "x-other" in fields) == (gets, gets, True)

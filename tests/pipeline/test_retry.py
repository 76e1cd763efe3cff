"""The retry stage: what is sent again, when, and how often. Whether it may be: tests/rules."""

import contextlib
from email.utils import formatdate

import pytest

from smartclient._model.body import RequestBody
from smartclient._model.errors import (
    ConnectionError,
    ConnectTimeout,
    DeadlineExceeded,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    RequestException,
    ResolveError,
    RetryError,
    ServerDisconnected,
    SSLError,
    WriteError,
)
from smartclient._model.options import Options
from smartclient._model.request import Request
from smartclient._model.retry import RetryPolicy
from smartclient._model.url import URL
from smartclient._pipeline.retry import RetryStage
from smartclient._rules.budget import RetryBudget
from smartclient._rules.retry import Verdict
from smartclient._runtime.base import run_blocking

NOW = 1_000_000_000.0  # wall time


def run(below, runtime, method="GET", body=b"", deadline=float("inf"), retries=2, budget=None, idempotent=False):
    content = body if isinstance(body, RequestBody) else RequestBody(body)
    url = URL.parse("http://h.example/")
    policy = RetryPolicy(retries) if isinstance(retries, int) else retries
    request = Request(method, url, body=content, options=Options(retries=policy, idempotent=idempotent))
    request.deadline, request.began = deadline, runtime.now()
    stage = RetryStage(runtime, lambda: NOW, budget or RetryBudget(contextlib.nullcontext()), below)
    return run_blocking(stage(request))


def told(outcome):
    """What the attempts of a reply or an error were: (status or error, delay)."""
    return [(each.status or each.error, each.delay) for each in outcome.attempts]


def failed(below, kind=ReadError, sent="wholly", stale=False):
    error = kind("failed", sent=sent)
    error.stale = stale
    below.will(error)
    return error


def test_an_answer_passes_untouched(below, fake_runtime):
    below.will(404)
    reply = run(below, fake_runtime())
    assert (reply.head.status, reply.attempts) == (404, ())
    assert below.requests[0].fresh is False


def test_failures_are_repeated_over_new_connections(below, fake_runtime):
    runtime = fake_runtime(dice=[0.0, 1.0])
    failed(below)
    failed(below, ConnectionError, "nothing")
    below.will(200)
    reply = run(below, runtime)
    assert told(reply) == [("ReadError", 0.25), ("ConnectionError", 0.75), (200, None)]
    assert [(each.sent, each.detail) for each in reply.attempts] == [
        ("wholly", "failed"),
        ("nothing", "failed"),
        ("wholly", ""),
    ]
    assert [each.fresh for each in below.requests] == [False, True, True]
    assert runtime.slept == [0.25, 0.75]  # base; then the far end of base .. 3 x 0.25


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_as_often_as_told(below, fake_runtime, retries):
    errors = [failed(below) for _ in range(retries + 1)]
    with pytest.raises(ReadError) as caught:
        run(below, fake_runtime(), retries=retries)
    assert caught.value is errors[-1]
    assert [each.error for each in caught.value.attempts] == ["ReadError"] * (retries + 1)
    assert caught.value.attempts[-1].reason == f"retries={retries}"
    assert len(below.requests) == retries + 1


FINAL = [  # method, error, sent, why not again
    pytest.param("POST", ReadError, "wholly", id="post-was-sent"),
    pytest.param("POST", WriteError, "partly", id="post-partly"),
    pytest.param("PATCH", ServerDisconnected, "wholly", id="patch-was-sent"),
    pytest.param("GET", ReadTimeout, "wholly", id="time-out"),
    pytest.param("GET", ConnectTimeout, "nothing", id="connect-time-out"),
    pytest.param("GET", DeadlineExceeded, "wholly", id="deadline"),
    pytest.param("GET", ResolveError, "nothing", id="unknown-name"),
    pytest.param("GET", SSLError, "nothing", id="certificate"),
    pytest.param("GET", RemoteProtocolError, "wholly", id="broken-http"),
    pytest.param("GET", RequestException, "nothing", id="anything-else"),
]


@pytest.mark.parametrize(("method", "kind", "sent"), FINAL)
def test_not_again(below, fake_runtime, method, kind, sent):
    error = failed(below, kind, sent)
    runtime = fake_runtime()
    with pytest.raises(kind) as caught:
        run(below, runtime, method)
    assert caught.value is error
    assert (len(below.requests), runtime.slept) == (1, [])
    assert told(error) == [(kind.__name__, None)]


def test_a_failure_says_why_it_stands(below, fake_runtime):
    error = failed(below)
    with pytest.raises(ReadError):
        run(below, fake_runtime(), "POST", b"x")
    assert error.attempts[0].reason == "POST is not idempotent, and was wholly sent"
    assert error.__notes__ == ["not sent again: POST is not idempotent, and was wholly sent"]
    late = failed(below, ReadTimeout)
    with pytest.raises(ReadTimeout):
        run(below, fake_runtime())
    assert not hasattr(late, "__notes__")  # nobody would expect a repetition


def test_post_of_which_nothing_left_goes_again(below, fake_runtime):
    failed(below, ConnectionError, "nothing")
    below.will(200)
    assert run(below, fake_runtime(), "POST", b"x").head.status == 200


def test_body_that_cannot_be_read_twice_goes_once(below, fake_runtime):
    error = failed(below, ConnectionError, "nothing")
    with pytest.raises(ConnectionError) as caught:
        run(below, fake_runtime(), "PUT", RequestBody(iter([b"x"])))
    assert len(below.requests) == 1
    assert caught.value is error
    assert error.__notes__ == ["not sent again: the body can be read only once"]


def test_no_wait_goes_past_the_deadline(below, fake_runtime):
    runtime = fake_runtime()
    failed(below)
    with pytest.raises(ReadError):
        run(below, runtime, deadline=runtime.now() + 0.25)
    assert runtime.slept == []


def test_a_wait_inside_the_deadline(below, fake_runtime):
    runtime = fake_runtime()
    failed(below)
    below.will(200)
    assert run(below, runtime, deadline=runtime.now() + 0.26).head.status == 200


def test_dead_kept_connection_is_replaced_at_once_and_not_counted(below, fake_runtime):
    runtime = fake_runtime()
    failed(below, ServerDisconnected, stale=True)
    failed(below)
    failed(below)
    below.will(200)
    reply = run(below, runtime)
    assert [each.delay for each in reply.attempts] == [0.0, *runtime.slept, None]
    assert len(runtime.slept) == 2
    assert below.requests[1].fresh is True


def test_only_one_replay_is_free(below, fake_runtime):
    runtime = fake_runtime()
    for _ in range(2):
        failed(below, ServerDisconnected, stale=True)
    below.will(200)
    run(below, runtime)
    assert len(runtime.slept) == 1


STALE = [  # method, sent, retries, replayed
    pytest.param("GET", "wholly", 2, True, id="idempotent"),
    pytest.param("GET", "partly", 1, True, id="idempotent-partly"),
    pytest.param("POST", "nothing", 2, True, id="nothing-sent"),
    pytest.param("POST", "partly", 2, False, id="post-partly"),
    pytest.param("POST", "wholly", 2, False, id="post-wholly"),
    pytest.param("GET", "wholly", 0, False, id="retries-0-may-have-arrived"),
    pytest.param("GET", "partly", 0, False, id="retries-0-partly"),
    pytest.param("GET", "nothing", 0, True, id="retries-0-nothing-sent"),
    pytest.param("POST", "nothing", 0, True, id="retries-0-post-nothing-sent"),
]


@pytest.mark.parametrize(("method", "sent", "retries", "replayed"), STALE)
def test_replay_obeys_the_same_rule(below, fake_runtime, method, sent, retries, replayed):
    """RFC 9112 section 9.3.1; `retries=0`: nothing that may have reached the server is sent twice."""
    failed(below, ServerDisconnected, sent, stale=True)
    below.will(200)
    if replayed:
        assert run(below, fake_runtime(), method, retries=retries).head.status == 200
    else:
        with pytest.raises(ServerDisconnected):
            run(below, fake_runtime(), method, retries=retries)
    assert len(below.requests) == 1 + replayed


def test_foreign_failures_pass(below, fake_runtime):
    below.will(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        run(below, fake_runtime())


ANSWERED = [  # status, method, requests, the second over a new connection
    pytest.param(408, "GET", 2, True, id="408"),
    pytest.param(425, "GET", 2, False, id="425"),
    pytest.param(429, "PUT", 2, False, id="429"),
    pytest.param(502, "DELETE", 2, False, id="502"),
    pytest.param(503, "GET", 2, False, id="503"),
    pytest.param(504, "PROPFIND", 2, False, id="504"),
    pytest.param(503, "POST", 1, False, id="post"),
    pytest.param(429, "PATCH", 1, False, id="patch"),
    pytest.param(500, "GET", 1, False, id="500"),
    pytest.param(501, "GET", 1, False, id="501"),
    pytest.param(400, "GET", 1, False, id="400"),
    pytest.param(200, "GET", 1, False, id="200"),
    pytest.param(421, "GET", 2, True, id="421"),
    pytest.param(421, "POST", 2, True, id="421-post"),
]


@pytest.mark.parametrize(("status", "method", "requests", "fresh"), ANSWERED)
def test_status(below, fake_runtime, body, status, method, requests, fresh):
    refused = body(b"busy")
    below.will(status, body=refused)
    below.will(200)
    reply = run(below, fake_runtime(), method)
    assert len(below.requests) == requests
    if requests == 1:
        assert (reply.head.status, refused.calls) == (status, [])
        return
    assert (reply.head.status, refused.calls) == (200, ["discard"])
    assert below.requests[1].fresh is fresh
    assert [each.status for each in reply.attempts] == [status, 200]


def test_the_body_is_let_go_before_the_wait(below, fake_runtime, body):
    runtime = fake_runtime()
    refused = body(b"busy")
    order = []
    refused.discard = lambda: waited(order, "discarded")
    runtime.sleep = lambda seconds: waited(order, "slept")
    below.will(503, body=refused)
    below.will(200)
    run(below, runtime)
    assert order == ["discarded", "slept"]


async def waited(order, what):
    order.append(what)


def test_the_last_answer_is_the_callers(below, fake_runtime, body):
    last = body(b"busy")
    for each in (b"", b"", last):
        below.will(503, body=each)
    reply = run(below, fake_runtime())
    assert (reply.head.status, last.calls) == (503, [])
    assert [each.reason for each in reply.attempts] == ["status 503", "status 503", "retries=2"]


def test_misdirected_once_and_not_counted(below, fake_runtime):
    runtime = fake_runtime()
    for status in (421, 503, 503, 421):
        below.will(status)
    reply = run(below, runtime, "GET")
    assert [each.status for each in reply.attempts] == [421, 503, 503, 421]
    assert (len(runtime.slept), reply.attempts[0].delay, reply.attempts[-1].reason) == (2, 0.0, "421 again")


@pytest.mark.parametrize(("method", "kept"), [("POST", iter([b"x"])), ("GET", None)], ids=["unreadable", "retries=0"])
def test_misdirected_stands(below, fake_runtime, method, kept):
    below.will(421)
    content = RequestBody(b"" if kept is None else kept)
    assert run(below, fake_runtime(), method, content, retries=0 if kept is None else 2).head.status == 421
    assert len(below.requests) == 1


def test_retries_0_repeats_no_answer(below, fake_runtime):
    below.will(503)
    reply = run(below, fake_runtime(), retries=0)
    assert [(each.status, each.reason) for each in reply.attempts] == [(503, "retries=0")]


def test_chosen_statuses(below, fake_runtime):
    below.will(500)
    below.will(503)
    reply = run(below, fake_runtime(), retries=RetryPolicy(1, statuses={500}))
    assert [each.status for each in reply.attempts] == [500, 503]


AFTER = [  # Retry-After, waited
    pytest.param("7", 7.0, id="seconds"),
    pytest.param("0", 0.0, id="at-once"),
    pytest.param("60", 60.0, id="longest"),
    pytest.param("61", None, id="too-long"),
    pytest.param("9" * 30, None, id="huge"),
    pytest.param(formatdate(NOW + 30, usegmt=True), 30.0, id="date"),
    pytest.param(formatdate(NOW - 30, usegmt=True), 0.25, id="past"),
    pytest.param(formatdate(NOW + 3600, usegmt=True), None, id="far-date"),
    pytest.param("-1", 0.25, id="negative"),
    pytest.param("soon", 0.25, id="unreadable"),
    pytest.param("1.5", 0.25, id="fraction"),
    pytest.param("", 0.25, id="empty"),
    pytest.param("7, 9", 0.25, id="two"),
]


@pytest.mark.parametrize(("field", "seconds"), AFTER)
def test_retry_after(below, fake_runtime, field, seconds):
    runtime = fake_runtime()
    below.will(503, ("Retry-After", field))
    below.will(200)
    reply = run(below, runtime)
    if seconds is None:
        assert (reply.head.status, runtime.slept) == (503, [])
        assert "is over retry_after_max=60" in reply.attempts[0].reason
    else:
        assert (reply.head.status, reply.attempts[0].delay) == (200, seconds)
        assert runtime.slept == ([seconds] if seconds else [])


def test_retry_after_past_the_deadline(below, fake_runtime, body):
    runtime = fake_runtime()
    refused = body(b"busy")
    below.will(503, ("Retry-After", "10"), body=refused)
    reply = run(below, runtime, deadline=runtime.now() + 9.0)
    assert (reply.head.status, runtime.slept, refused.calls) == (503, [], [])
    assert "would pass the deadline" in reply.attempts[0].reason


def test_a_longer_wait_may_be_allowed(below, fake_runtime):
    runtime = fake_runtime()
    below.will(503, ("Retry-After", "300"))
    below.will(200)
    run(below, runtime, retries=RetryPolicy(retry_after_max=300))
    assert runtime.slept == [300.0]


def test_time_outs_are_retried_when_asked(below, fake_runtime):
    failed(below, ReadTimeout)
    failed(below, ConnectTimeout, "nothing")
    below.will(200)
    assert run(below, fake_runtime(), retries=RetryPolicy(on_timeout=True)).head.status == 200
    failed(below, ReadTimeout)
    with pytest.raises(ReadTimeout):  # what was sent of a POST may have been heard
        run(below, fake_runtime(), "POST", b"x", retries=RetryPolicy(on_timeout=True))
    failed(below, DeadlineExceeded)
    with pytest.raises(DeadlineExceeded):
        run(below, fake_runtime(), retries=RetryPolicy(on_timeout=True))


def test_a_call_that_the_caller_vouches_for(below, fake_runtime):
    failed(below)
    below.will(503)
    below.will(200)
    assert run(below, fake_runtime(), "POST", b"x", idempotent=True).head.status == 200


def test_the_budget_is_shared_by_calls(below, fake_runtime):
    budget = RetryBudget(contextlib.nullcontext())
    policy = RetryPolicy(1, budget=2)
    reasons = []
    for _ in range(4):
        below.will(503)
        below.will(503)
        reply = run(below, fake_runtime(), retries=policy, budget=budget)
        reasons.append(reply.attempts[-1].reason)
        below._answers.clear()
    assert reasons[:2] == ["retries=1"] * 2
    assert reasons[2:] == ["the budget of 2 retries for http://h.example is used up"] * 2


def test_calls_that_succeed_pay_back(below, fake_runtime):
    budget = RetryBudget(contextlib.nullcontext())
    for status in (503, 200, 200, 200, 200, 200, 200):
        below.will(status)
    run(below, fake_runtime(), budget=budget)
    assert len(budget.owed) == 1
    for _ in range(5):
        run(below, fake_runtime(), budget=budget)
    assert budget.owed == {}


def test_times_of_attempts(below, fake_runtime):
    runtime = fake_runtime()

    async def slow(request):
        runtime.moment += 2.0
        return await below(request)

    failed(below)
    below.will(200)
    reply = run(slow, runtime)
    assert [each.seconds for each in reply.attempts] == [2.0, 2.0]
    assert str(reply.attempts[0]) == "ReadError: failed after 2.000 s; again after 0.25 s (ReadError)"
    assert str(reply.attempts[1]) == "200 after 2.000 s"


class Rule:
    """A policy of somebody else's: as many attempts as there are verdicts."""

    def __init__(self, *verdicts, statuses=(500,)):
        self.verdicts = list(verdicts)
        self.statuses = statuses
        self.outcomes = []

    def begin(self, request):
        return self

    def after(self, outcome, moment):
        self.outcomes.append(outcome)
        verdict = self.verdicts.pop(0)
        if isinstance(verdict, Exception):
            raise verdict
        return verdict


def test_a_rule_of_others_decides(below, fake_runtime):
    runtime = fake_runtime()
    rule = Rule(Verdict(3.0, "said so"), Verdict(0.0, "again", fresh=True))
    below.will(500)
    failed(below, ReadTimeout)
    below.will(200)
    reply = run(below, runtime, "POST", retries=rule)
    assert (told(reply), runtime.slept) == ([(500, 3.0), ("ReadTimeout", 0.0), (200, None)], [3.0])
    assert [each.fresh for each in below.requests] == [False, False, True]


def test_a_rule_of_others_raises_its_own_error(below, fake_runtime, body):
    last = body(b"no")
    below.will(500, body=last)
    with pytest.raises(RetryError) as caught:
        run(below, fake_runtime(), retries=Rule(Verdict(None, "too many", error=RetryError("too many 500"))))
    assert (told(caught.value), last.calls) == ([(500, None)], ["abort"])
    failure = failed(below)
    with pytest.raises(RetryError) as caught:
        run(below, fake_runtime(), retries=Rule(Verdict(None, "no", error=RetryError("gave up"))))
    assert caught.value.__cause__ is failure


def test_a_rule_of_others_that_breaks_costs_no_connection(below, fake_runtime, body):
    last = body(b"no")
    below.will(500, body=last)
    with pytest.raises(ZeroDivisionError):
        run(below, fake_runtime(), retries=Rule(ZeroDivisionError()))
    assert last.calls == ["abort"]

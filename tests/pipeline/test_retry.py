"""The retry stage: what is sent again, when, and how often. Whether it may be: tests/rules."""

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
    ServerDisconnected,
    SSLError,
    WriteError,
)
from smartclient._model.options import Options
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._pipeline.retry import RetryStage
from smartclient._runtime.base import run_blocking


def run(below, runtime, method="GET", body=b"", deadline=float("inf"), retries=2):
    content = body if isinstance(body, RequestBody) else RequestBody(body)
    url = URL.parse("http://h.example/")
    request = Request(method, url, body=content, options=Options(retries=retries), deadline=deadline)
    return run_blocking(RetryStage(runtime, below)(request))


def failed(below, kind=ReadError, sent="wholly", stale=False):
    error = kind("failed", sent=sent)
    error.stale = stale
    below.will(error)
    return error


def test_an_answer_passes_untouched(below, fake_runtime):
    below.will(503)
    reply = run(below, fake_runtime())
    assert (reply.head.status, reply.attempts) == (503, ())
    assert below.requests[0].fresh is False


def test_failures_are_repeated_over_new_connections(below, fake_runtime):
    runtime = fake_runtime(dice=[0.0, 1.0])
    errors = [failed(below), failed(below, ConnectionError, "nothing")]
    below.will(200)
    reply = run(below, runtime)
    assert reply.attempts == tuple(errors)
    assert [each.fresh for each in below.requests] == [False, True, True]
    assert runtime.slept == [0.25, 0.75]  # base; then the far end of base .. 3 x 0.25


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_as_often_as_told(below, fake_runtime, retries):
    errors = [failed(below) for _ in range(retries + 1)]
    with pytest.raises(ReadError) as caught:
        run(below, fake_runtime(), retries=retries)
    assert caught.value is errors[-1]
    assert caught.value.attempts == tuple(errors[:-1])
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


def test_post_of_which_nothing_left_goes_again(below, fake_runtime):
    failed(below, ConnectionError, "nothing")
    below.will(200)
    assert run(below, fake_runtime(), "POST", b"x").head.status == 200


def test_body_that_cannot_be_read_twice_goes_once(below, fake_runtime):
    failed(below, ConnectionError, "nothing")
    with pytest.raises(ConnectionError):
        run(below, fake_runtime(), "PUT", RequestBody(iter([b"x"])))
    assert len(below.requests) == 1


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
    errors = [failed(below, ServerDisconnected, stale=True), failed(below), failed(below)]
    below.will(200)
    reply = run(below, runtime)
    assert reply.attempts == tuple(errors)
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

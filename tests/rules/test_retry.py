"""Whether and when a request is sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model import errors
from smartclient._model.answer_errors import JSONDecodeError
from smartclient._model.body import NO_BODY, RequestBody
from smartclient._model.options import Options
from smartclient._model.request import Request
from smartclient._model.retry import DEFAULT_RETRIES, IDEMPOTENT_METHODS, RetryPolicy
from smartclient._model.url import URL
from smartclient._rules.retry import delay_before_retry, is_passing, why_not_repeatable

ONCE = RequestBody(iter([b"x"]))
TWICE = RequestBody([b"x"], replayable=True)


def request(method, body=NO_BODY):
    return Request(method, URL.parse("http://h.example/"), body=body)


MAY = [  # RFC 9110 section 9.2.2: method, body, sent, allowed
    ("GET", NO_BODY, "wholly", True),
    ("GET", NO_BODY, "partly", True),
    ("GET", NO_BODY, "nothing", True),
    ("PUT", RequestBody(b"x"), "wholly", True),
    ("PUT", TWICE, "partly", True),
    ("PUT", ONCE, "wholly", False),
    ("PUT", ONCE, "nothing", False),
    ("POST", RequestBody(b"x"), "nothing", True),
    ("POST", TWICE, "nothing", True),
    ("POST", ONCE, "nothing", False),
    ("POST", RequestBody(b"x"), "partly", False),
    ("POST", NO_BODY, "wholly", False),
    ("PATCH", NO_BODY, "wholly", False),
    ("PROPFIND", NO_BODY, "wholly", True),
    ("QUERY", RequestBody(b"x"), "wholly", True),
    ("LOCK", NO_BODY, "wholly", False),
    ("CONNECT", NO_BODY, "wholly", False),
    ("BREW", NO_BODY, "wholly", False),
    ("BREW", NO_BODY, "nothing", True),
    ("get", NO_BODY, "wholly", False),  # another method: case counts
]


@pytest.mark.parametrize(("method", "body", "sent", "allowed"), MAY, ids=lambda value: str(value)[:20])
def test_may_repeat(method, body, sent, allowed):
    assert (why_not_repeatable(request(method, body), DEFAULT_RETRIES, sent) is None) is allowed


def test_other_methods_may_be_named():
    policy = RetryPolicy(methods=[*RetryPolicy().methods, "brew"])
    assert why_not_repeatable(request("BREW"), policy, "wholly") is None
    assert why_not_repeatable(request("GET"), policy, "wholly") is None
    assert why_not_repeatable(request("GET"), RetryPolicy(methods=()), "wholly") is not None


def test_the_caller_may_vouch_for_a_call():
    post = request("POST").replace(options=Options(idempotent=True))
    assert why_not_repeatable(post, DEFAULT_RETRIES, "wholly") is None
    assert why_not_repeatable(post.replace(body=ONCE), DEFAULT_RETRIES, "nothing") == "the body can be read only once"


def test_all_of_the_registry_but_four():
    """The IANA registry of methods has 40 with QUERY; CONNECT, LOCK, PATCH and POST are not idempotent."""
    assert len(IDEMPOTENT_METHODS) == 36
    assert not IDEMPOTENT_METHODS & {"CONNECT", "LOCK", "PATCH", "POST"}


PASSING = {
    errors.ConnectionError: True,  # refused, unreachable
    errors.ReadError: True,
    errors.WriteError: True,
    errors.ServerDisconnected: True,
}


def every_error(kind=errors.RequestException):
    yield kind
    for each in kind.__subclasses__():
        yield from every_error(each)


@pytest.mark.parametrize("kind", sorted(set(every_error()), key=lambda kind: kind.__name__), ids=lambda k: k.__name__)
def test_is_passing(kind):
    error = kind("x", "", 0) if kind is JSONDecodeError else kind("x")
    assert is_passing(error) is PASSING.get(kind, False)
    late = issubclass(kind, errors.Timeout) and kind is not errors.DeadlineExceeded
    assert is_passing(error, on_timeout=True) is (PASSING.get(kind, False) or late)


DELAYS = [  # wait before, dice, wait
    (0.0, 0.0, 0.25),
    (0.0, 0.5, 0.5),
    (0.25, 0.999999, 0.75),
    (1.0, 0.0, 0.25),
    (1.0, 0.5, 1.625),
    (20.0, 0.999999, 20.0),
]


@pytest.mark.parametrize(("previous", "dice", "expected"), DELAYS)
def test_delay(previous, dice, expected):
    assert delay_before_retry(previous, dice, DEFAULT_RETRIES) == pytest.approx(expected, rel=1e-5)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=40), st.sampled_from([(0.25, 20.0), (1, 5)]))
def test_delays_stay_between_base_and_cap(dice, bounds):
    base, cap = bounds
    policy = RetryPolicy(base=base, cap=cap)
    delay = 0.0
    for each in dice:
        upper = max(3 * delay, 3 * base)
        delay = delay_before_retry(delay, each, policy)
        assert base <= delay <= min(cap, upper)

"""What callers say of retries."""

from typing import Any

import pytest

from smartclient import RetryPolicy
from smartclient._model.errors import InvalidOption
from smartclient._model.retry import DEFAULT_RETRIES, Attempt


def test_defaults_are_those_of_the_table() -> None:
    policy = RetryPolicy()
    assert policy == DEFAULT_RETRIES == RetryPolicy(2)
    assert policy.statuses == {408, 421, 425, 429, 502, 503, 504}
    assert (policy.on_timeout, policy.retry_after_max, policy.base, policy.cap) == (False, 60.0, 0.25, 20.0)
    assert policy.budget == 20
    with pytest.raises(AttributeError):
        policy.retries = 3  # type: ignore[misc]
    assert hash(policy) == hash(RetryPolicy())


def test_sets_may_be_any_iterable() -> None:
    policy = RetryPolicy(statuses=[500, 503], methods=("get", "Brew"))
    assert (policy.statuses, policy.methods) == ({500, 503}, {"GET", "BREW"})


@pytest.mark.parametrize(
    ("options", "named"),
    [
        pytest.param({"retries": -1}, "retries", id="negative"),
        pytest.param({"retries": True}, "retries", id="bool"),
        pytest.param({"retries": 1.5}, "retries", id="fraction"),
        pytest.param({"retries": None}, "retries", id="none"),
        pytest.param({"statuses": 503}, "statuses", id="one-status"),
        pytest.param({"statuses": [200]}, "200", id="success"),
        pytest.param({"statuses": ["503"]}, "statuses", id="status-as-text"),
        pytest.param({"methods": "GET"}, "methods", id="methods-as-text"),
        pytest.param({"methods": [b"GET"]}, "methods", id="methods-as-bytes"),
        pytest.param({"base": -0.1}, "base", id="negative-base"),
        pytest.param({"cap": float("nan")}, "cap", id="nan"),
        pytest.param({"retry_after_max": "60"}, "retry_after_max", id="text"),
        pytest.param({"budget": -1}, "budget", id="negative-budget"),
        pytest.param({"budget": 0.5}, "budget", id="fraction-of-a-token"),
    ],
)
def test_what_makes_no_sense(options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidOption, match=named):
        RetryPolicy(**options)


@pytest.mark.parametrize(
    ("attempt", "text"),
    [
        (Attempt(200, None, "", "wholly", 0.5), "200 after 0.500 s"),
        (Attempt(200, None, "", "wholly", None), "200"),
        (
            Attempt(None, "ReadError", "reset", "partly", 1.0, 0.25, "ReadError"),
            "ReadError: reset after 1.000 s; again after 0.25 s (ReadError)",
        ),
    ],
)
def test_attempt_as_text(attempt: Attempt, text: str) -> None:
    assert str(attempt) == text

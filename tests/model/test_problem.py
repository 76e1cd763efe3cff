"""Problem details (RFC 9457)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.problem import PROBLEM_MAX, Problem, problem_in

EXAMPLE = {
    "type": "https://example.com/probs/out-of-credit",
    "title": "You do not have enough credit.",
    "status": 403,
    "detail": "Your balance is 30, but that costs 50.",
    "instance": "/account/12345/msgs/abc",
    "balance": 30,
}


def test_all_members() -> None:
    found = problem_in(json.dumps(EXAMPLE).encode())
    assert found is not None
    assert found[:-1] == tuple(EXAMPLE.values())[:-1]
    assert found.extensions == {"balance": 30}
    assert str(found) == "You do not have enough credit.: Your balance is 30, but that costs 50."


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"{}", Problem(), id="nothing-said"),
        pytest.param(b'{"title": 7, "status": "403", "detail": "x"}', Problem(detail="x"), id="other-types"),
        pytest.param(b'{"status": true}', Problem(), id="bool"),
        pytest.param(b"[1]", None, id="list"),
        pytest.param(b"null", None, id="null"),
        pytest.param(b"not json", None, id="no-json"),
        pytest.param(b"\xff\xfe", None, id="no-text"),
        pytest.param(b"[" * 50_000, None, id="deep"),
        pytest.param(b'{"title": "%s"}' % (b"x" * PROBLEM_MAX), None, id="long"),
    ],
)
def test_what_is_none(content: bytes, expected: Problem | None) -> None:
    assert problem_in(content) == expected


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3),
    max_leaves=4,
)


@given(
    st.binary(max_size=40) | st.dictionaries(st.sampled_from([*EXAMPLE]), JSON).map(lambda d: json.dumps(d).encode())
)
def test_any_bytes(content: bytes) -> None:
    found = problem_in(content)
    assert found is None or isinstance(str(found), str)

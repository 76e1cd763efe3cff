"""What a cache may do: which URLs a rule covers, what is refused."""

from math import inf
from typing import Any

import pytest

from smartclient._model.errors import InvalidOption
from smartclient._model.policy import CachePolicy, CacheRule


@pytest.mark.parametrize(
    ("pattern", "uri", "covered"),
    [
        pytest.param("h.example", "https://h.example/", True, id="host-root"),
        pytest.param("h.example", "http://h.example/a/b?c=d", True, id="host-anything"),
        pytest.param("H.Example", "http://h.example/a", True, id="host-case"),
        pytest.param("h.example", "http://h.example:8080/a", False, id="other-port"),
        pytest.param("h.example:8080", "http://h.example:8080/a", True, id="port"),
        pytest.param("h.example", "http://x.h.example/a", False, id="host-is-whole"),
        pytest.param("h.example", "http://evil.example/?h.example/", False, id="host-not-in-query"),
        pytest.param("*.example", "http://x.h.example/a", True, id="any-host-of-a-domain"),
        pytest.param("*", "http://x.h.example/a?b", True, id="everything"),
        pytest.param("https://h.example", "https://h.example/a", True, id="scheme"),
        pytest.param("https://h.example", "http://h.example/a", False, id="other-scheme"),
        pytest.param("HTTPS://h.example", "https://h.example/a", True, id="scheme-case"),
        pytest.param("h.example/a", "https://h.example/a", True, id="path"),
        pytest.param("h.example/a", "https://h.example/a?page=2", True, id="path-any-query"),
        pytest.param("h.example/a", "https://h.example/ab", False, id="path-is-whole"),
        pytest.param("h.example/A", "https://h.example/a", False, id="path-case-counts"),
        pytest.param("h.example/a/*", "https://h.example/a/b/c", True, id="below-a-path"),
        pytest.param("h.example/a?b=1", "https://h.example/a?b=1", True, id="query"),
        pytest.param("h.example/a?b=1", "https://h.example/a?b=2", False, id="other-query"),
        pytest.param("h.example/a?*b=1", "https://h.example/a?x&b=1", True, id="part-of-query"),
        pytest.param("h.example/*.json", "https://h.example/a/b.json", True, id="suffix"),
        pytest.param("h.example/*.json", "https://h.example/a/b.xml", False, id="other-suffix"),
        pytest.param("h.example/a.c", "https://h.example/abc", False, id="dot-is-itself"),
        pytest.param("h.example/*a*b", "https://h.example/xxaxxbxxb", True, id="two-stars"),
    ],
)
def test_what_a_rule_covers(pattern: str, uri: str, covered: bool) -> None:
    assert CacheRule(pattern, 60).covers(uri) is covered


def test_a_hostile_url_costs_linear_work() -> None:
    rule = CacheRule("h.example/" + "*a" * 30 + "*b?c", 60)
    assert not rule.covers("https://h.example/" + "a" * 50_000)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param(CacheRule, {"pattern": "", "ttl": 1}, id="rule-no-pattern"),
        pytest.param(CacheRule, {"pattern": 3, "ttl": 1}, id="rule-pattern-type"),
        pytest.param(CacheRule, {"pattern": "h", "ttl": -1}, id="rule-negative"),
        pytest.param(CacheRule, {"pattern": "h", "ttl": float("nan")}, id="rule-nan"),
        pytest.param(CacheRule, {"pattern": "h", "ttl": None}, id="rule-none"),
        pytest.param(CacheRule, {"pattern": "h", "ttl": True}, id="rule-bool"),
        pytest.param(CacheRule, {"pattern": "h", "ttl": 1, "ignore_no_store": 1}, id="rule-flag"),
        pytest.param(CachePolicy, {"heuristic": 1}, id="heuristic"),
        pytest.param(CachePolicy, {"shared": None}, id="shared"),
        pytest.param(CachePolicy, {"stale_if_error": "1"}, id="stale-if-error"),
        pytest.param(CachePolicy, {"stale_if_error": -1}, id="stale-if-error-negative"),
        pytest.param(CachePolicy, {"targets": ("a b",)}, id="targets"),
        pytest.param(CachePolicy, {"targets": (3,)}, id="targets-type"),
        pytest.param(CachePolicy, {"rules": "h.example"}, id="rules-text"),
        pytest.param(CachePolicy, {"rules": (("h", 1, False),)}, id="rules-triple"),
        pytest.param(CachePolicy, {"rules": ("h1",)}, id="rules-member"),
    ],
)
def test_what_is_refused(kind: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption):
        kind(**options)


def test_values_in_one_shape() -> None:
    policy = CachePolicy(stale_if_error=inf, targets=["X-Cache-Control"], rules=[("h", 10**12)])  # type: ignore[arg-type]
    assert policy.stale_if_error == inf
    assert policy.targets == ("x-cache-control",)
    assert policy.rules == (CacheRule("h", 2.0**31),)
    assert policy == CachePolicy(stale_if_error=inf, targets=("x-cache-control",), rules=(CacheRule("h", 2**31),))


def test_the_first_rule_counts() -> None:
    first, second = CacheRule("h.example/a*", 1), CacheRule("h.example", 2)
    policy = CachePolicy(rules=(first, second))
    uris = ("https://h.example/ab", "https://h.example/b", "https://i.example/a")
    assert [policy.rule_for(uri) for uri in uris] == [first, second, None]


def test_records_of_policies_that_read_responses_differently_are_told_apart() -> None:
    usual = [CachePolicy(), CachePolicy(stale_if_error=1, complete_parts=True, stale_while_revalidate=False)]
    assert {policy.dialect() for policy in usual} == {b""}
    others = [
        CachePolicy(shared=True),
        CachePolicy(heuristic=True),
        CachePolicy(targets=("a",)),
        CachePolicy(rules=(CacheRule("h", 1),)),
        CachePolicy(rules=(CacheRule("h", 2),)),
        CachePolicy(store_set_cookie=False),
    ]
    assert len({policy.dialect() for policy in others}) == len(others)
    assert CachePolicy(shared=True).dialect() == CachePolicy(shared=True).dialect() != b""

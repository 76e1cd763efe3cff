"""`response.cache`: its words, and what it says of caches on the way (RFC 9211)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.decision import (
    WHOLE,
    CacheDecision,
    Forward,
    Freshen,
    Pass,
    ServeStale,
    Unsatisfiable,
    UpstreamCache,
    UseStale,
)
from smartclient._model.headers import Fields
from smartclient._rules.explanation import explain, explain_served, explain_stand_in, explain_unsatisfiable
from stored_samples import NOW, URI, stored

STALE = ServeStale(stored(fresh_until=NOW - 5), 105, WHOLE, "reason", "RFC 5861 section 4")
PLAN = Forward("stale", True, "the stored response is stale", "rule")


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        pytest.param(explain_served(STALE, NOW), "smartclient; hit; ttl=-5", id="stale"),
        pytest.param(
            explain_stand_in(STALE, PLAN, 503, NOW), "smartclient; fwd=stale; fwd-status=503; ttl=-5", id="after a 503"
        ),
        pytest.param(explain_stand_in(STALE, PLAN, None, NOW), "smartclient; fwd=stale; ttl=-5", id="no answer"),
        pytest.param(CacheDecision("miss", "", "", collapsed=True), "smartclient; collapsed", id="waited"),
        pytest.param(
            explain(PLAN, Freshen(stored(), stored(), None), 304, Fields(), NOW),
            "smartclient; fwd=stale; fwd-status=304",
            id="the caller's own 304",
        ),
        pytest.param(
            explain(PLAN, UseStale(STALE, "why"), 503, Fields(), NOW),
            "smartclient; fwd=stale; fwd-status=503",
            id="content gone",
        ),
    ],
)
def test_text(decision: CacheDecision, text: str) -> None:
    assert str(decision) == text


def test_a_digest_stands_for_the_key_and_nothing_shows_it() -> None:
    keys = [("https://h.example/?secret", b""), ("https://h.example/?secret", b"p"), ("https://h.example/", b"")]
    decisions = [explain(PLAN, Pass("why", "rule"), 200, Fields(), NOW, key) for key in keys]
    assert len({decision.key for decision in decisions}) == 3
    assert all(decision.key is not None and len(decision.key) == 12 for decision in decisions)
    assert all("secret" not in repr(decision) + str(decision) for decision in decisions)
    assert explain(PLAN, Pass("why", "rule"), 200, Fields(), NOW).key is None
    assert CacheDecision("hit", "", "", subject=("https://h.example/\ud800", b"")).key is not None


def test_what_caches_on_the_way_say() -> None:
    second = '"CDN \\"x\\""; fwd=uri-miss; fwd-status=200; stored; collapsed; key="k"; detail=d'
    text = f"Origin; hit; ttl=30, {second}, 1;hit=x"
    fields = Fields([("Cache-Status", text)])
    told = (
        UpstreamCache("Origin", hit=True, ttl=30),
        UpstreamCache('CDN "x"', False, "uri-miss", 200, None, True, True, "k", "d"),
        UpstreamCache(""),
    )
    assert explain(PLAN, Pass("why", "rule"), 200, fields, NOW).upstream == told
    served = STALE._replace(stored=stored(lines=[("Cache-Status", text)]))
    assert explain_served(served, NOW).upstream == told
    assert CacheDecision("hit", "", "").upstream == ()


@given(st.text(st.characters(max_codepoint=255), max_size=40) | st.text('ab;=,"1hit ', max_size=40))
def test_any_cache_status_gives_caches(text: str) -> None:
    assert all(isinstance(cache, UpstreamCache) for cache in CacheDecision("hit", "", "", received=text).upstream)


def test_a_504_of_our_own() -> None:
    decision = explain_unsatisfiable(Unsatisfiable("reason", "rule"), (URI, b""))
    assert (str(decision), decision.status, decision.reason) == ("smartclient", "miss", "reason")

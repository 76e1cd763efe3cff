"""The plan for a request (RFC 9111 sections 4, 4.2.4, 5.2.1, 5.4; RFC 8246)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.body import RequestBody
from smartclient._model.decision import (
    WHOLE,
    Complete,
    Forward,
    Plan,
    Revalidate,
    Serve,
    ServeStale,
    Unsatisfiable,
)
from smartclient._model.headers import Fields
from smartclient._model.options import Options
from smartclient._model.policy import CachePolicy
from smartclient._model.request import Request
from smartclient._model.stored import Stored
from smartclient._model.url import URL
from smartclient._rules.explanation import explain_served
from smartclient._rules.reuse import decide

NOW = 1_800_000_000.0
URI = "https://h.example/"


def stored(**changes: Any) -> Stored:
    """Received 100 s ago, fresh for 100 s more, with an entity tag."""
    return Stored(
        **{
            "key": (URI, b""),
            "status": 200,
            "reason": "OK",
            "fields": Fields(),
            "body": b"content",
            "vary": (),
            "sent_at": NOW - 100,
            "received_at": NOW - 100,
            "date": NOW - 100,
            "initial_age": 0.0,
            "fresh_until": NOW + 100,
            "must_revalidate": False,
            "immutable": False,
            "etag": '"a"',
            "last_modified": None,
            **changes,
        }
    )


def request(*lines: tuple[str, str], method: str = "GET", mode: str = "default", body: bytes = b"") -> Request:
    return Request(method, URL.parse(URI), Fields(lines), RequestBody(body), Options(cache=mode))


def control(value: str) -> Request:
    return request(("Cache-Control", value))


def word(plan: Plan) -> str:
    """A plan in one word, or two where it goes to the origin."""
    if isinstance(plan, Serve):
        return f"serve {plan.form.kind}"
    if isinstance(plan, ServeStale):
        return f"serve {plan.form.kind} stale" + (", refresh" if plan.refresh else "")
    if isinstance(plan, Complete):
        return "complete " + ", ".join([f"{name}: {value}" for name, value in plan.fields])
    if isinstance(plan, Revalidate):
        return f"validate {plan.why}"
    if isinstance(plan, Unsatisfiable):
        return "unsatisfiable"
    return f"forward {plan.why}" + ("" if plan.store else ", store nothing")


FRESH = stored()
STALE = stored(fresh_until=NOW - 10)
STALE_UNNAMED = stored(fresh_until=NOW - 10, etag=None)
BINDING = stored(fresh_until=NOW - 10, must_revalidate=True)
IMMUTABLE = stored(immutable=True)
OTHER = stored(vary=(("foo", "1"),))
FROM_AHEAD = stored(received_at=NOW + 61)
WHY = ("the request accepts it stale", "RFC 9111 section 5.2.1.2")


@pytest.mark.parametrize(
    ("asked", "candidates", "plan"),
    [
        pytest.param(request(), [], "forward uri-miss", id="4 nothing stored"),
        pytest.param(request(), [FRESH], "serve whole", id="4 fresh"),
        pytest.param(request(method="HEAD"), [FRESH], "serve head", id="4 HEAD from a stored GET"),
        pytest.param(request(), [STALE], "validate stale", id="4.2 stale"),
        pytest.param(request(), [STALE_UNNAMED], "forward stale", id="4.2 stale without validator"),
        pytest.param(request(), [FROM_AHEAD], "validate stale", id="4.2 clock set back by more than 60 s"),
        pytest.param(request(), [OTHER], "validate vary-miss", id="4.1 no variant"),
        pytest.param(
            request(), [stored(vary=(("foo", "1"),), etag=None)], "forward vary-miss", id="4.1 unnamed variant"
        ),
        pytest.param(request(("Foo", "1")), [FRESH, OTHER], "serve whole", id="4.1 several"),
        pytest.param(request(method="POST"), [FRESH], "forward method, store nothing", id="4 POST"),
        pytest.param(request(method="get"), [FRESH], "forward method, store nothing", id="9110 9.1 methods have case"),
        pytest.param(request(method="M-SEARCH"), [FRESH], "forward method, store nothing", id="4 unknown method"),
        pytest.param(request(body=b"{}"), [FRESH], "forward bypass, store nothing", id="9110 9.3.1 GET with content"),
        pytest.param(control("no-store"), [FRESH], "forward bypass, store nothing", id="5.2.1.5 no-store"),
        pytest.param(control("no-cache"), [FRESH], "validate request", id="5.2.1.4 no-cache"),
        pytest.param(control("NO-CACHE"), [], "forward uri-miss", id="5.2.1.4 nothing to validate"),
        pytest.param(control("no-cache"), [IMMUTABLE], "validate request", id="8246 no-cache validates immutable"),
        pytest.param(control("max-age=100"), [FRESH], "serve whole", id="5.2.1.1 young enough"),
        pytest.param(control("max-age=99"), [FRESH], "validate request", id="5.2.1.1 too old"),
        pytest.param(control("max-age=0"), [FRESH], "validate request", id="5.2.1.1 max-age=0"),
        pytest.param(control("max-age=x"), [FRESH], "validate request", id="5.2.1.1 unreadable: the safe side"),
        pytest.param(control("max-age=0"), [IMMUTABLE], "serve whole", id="8246 2 immutable while fresh"),
        pytest.param(
            control("max-age=0"), [stored(immutable=True, fresh_until=NOW)], "validate stale", id="8246 2 stale"
        ),
        pytest.param(control("min-fresh=100"), [FRESH], "serve whole", id="5.2.1.3 long enough"),
        pytest.param(control("min-fresh=101"), [FRESH], "validate request", id="5.2.1.3 not long enough"),
        pytest.param(control("min-fresh=x"), [FRESH], "validate request", id="5.2.1.3 unreadable: the safe side"),
        pytest.param(control("max-stale"), [STALE], "serve whole stale", id="5.2.1.2 any staleness"),
        pytest.param(control("max-stale=10"), [STALE], "serve whole stale", id="5.2.1.2 just in time"),
        pytest.param(control("max-stale=9"), [STALE], "validate stale", id="5.2.1.2 too stale"),
        pytest.param(control("max-stale=x"), [STALE], "validate stale", id="5.2.1.2 unreadable: the safe side"),
        pytest.param(control("max-stale"), [BINDING], "validate stale", id="4.2.4 must-revalidate"),
        pytest.param(control("max-stale=99, max-age=10"), [STALE], "validate stale", id="5.2.1.2 max-age counts too"),
        pytest.param(
            control("max-stale"),
            [stored(received_at=NOW + 61, fresh_until=NOW - 1)],
            "validate stale",
            id="4.2.4 no ages on a clock set back",
        ),
        pytest.param(control("only-if-cached"), [FRESH], "serve whole", id="5.2.1.7 stored"),
        pytest.param(control("only-if-cached"), [], "unsatisfiable", id="5.2.1.7 not stored"),
        pytest.param(control("only-if-cached"), [STALE], "unsatisfiable", id="5.2.1.7 stale"),
        pytest.param(control("only-if-cached, max-stale"), [STALE], "serve whole stale", id="5.2.1.7 with max-stale"),
        pytest.param(control("only-if-cached, no-store"), [FRESH], "unsatisfiable", id="5.2.1.7 with no-store"),
        pytest.param(control("no-transform, x=1"), [FRESH], "serve whole", id="5.2.3 unknown directives"),
        pytest.param(request(("Pragma", "no-cache")), [FRESH], "validate request", id="5.4 Pragma"),
        pytest.param(request(("Pragma", "x")), [FRESH], "serve whole", id="5.4 other Pragma"),
        pytest.param(
            request(("Pragma", "no-cache"), ("Cache-Control", "x")),
            [FRESH],
            "serve whole",
            id="5.4 only without Cache-Control",
        ),
        pytest.param(request(mode="refresh"), [FRESH], "validate request", id="mode refresh"),
        pytest.param(request(mode="reload"), [FRESH], "forward request", id="mode reload"),
        pytest.param(request(mode="only"), [FRESH], "serve whole", id="mode only"),
        pytest.param(request(mode="only"), [], "unsatisfiable", id="mode only, nothing stored"),
        pytest.param(request(mode="only", method="POST"), [], "unsatisfiable", id="mode only, POST"),
    ],
)
def test_plan(asked: Request, candidates: list[Stored], plan: str) -> None:
    assert word(decide(asked, candidates, NOW)) == plan


SWR = stored(fresh_until=NOW - 10, swr_until=NOW + 5)
START = stored(status=206, body=b"01234", part=(0, 4, 10))
RANGE, OTHER_RANGE = ("Range", "bytes=1-2"), ("Range", "bytes=6-7")
SAME, DIFFERENT = ("If-None-Match", '"a"'), ("If-None-Match", '"b"')


@pytest.mark.parametrize(
    ("asked", "candidates", "plan"),
    [
        pytest.param(request(SAME), [FRESH], "serve not-modified", id="4.3.2 the caller has it"),
        pytest.param(request(SAME, method="HEAD"), [FRESH], "serve not-modified", id="4.3.2 HEAD"),
        pytest.param(request(DIFFERENT), [FRESH], "serve whole", id="4.3.2 the caller has another"),
        pytest.param(request(SAME), [STALE], "forward stale", id="4.3.2 stale: as they are"),
        pytest.param(request(SAME), [], "forward uri-miss", id="4.3.2 nothing stored"),
        pytest.param(request(SAME), [OTHER], "forward vary-miss", id="4.3.2 no variant: as they are"),
        pytest.param(request(SAME, ("Cache-Control", "no-cache")), [FRESH], "forward request", id="5.2.1.4 them too"),
        pytest.param(request(SAME), [SWR], "serve not-modified stale, refresh", id="5861 3 the caller has it"),
        pytest.param(request(("If-Match", '"a"')), [FRESH], "forward bypass, store nothing", id="4.3.2 If-Match"),
        pytest.param(
            request(("If-Unmodified-Since", "x")), [FRESH], "forward bypass, store nothing", id="4.3.2 the other"
        ),
        pytest.param(request(("If-Range", '"a"')), [FRESH], "serve whole", id="9110 13.1.5 If-Range without Range"),
        pytest.param(request(RANGE), [FRESH], "serve part", id="3.4 from the whole"),
        pytest.param(request(RANGE), [START], "serve part", id="3.4 from a part"),
        pytest.param(request(RANGE, method="HEAD"), [FRESH], "serve head", id="9110 14.2 HEAD"),
        pytest.param(request(OTHER_RANGE), [START], "forward partial", id="3.4 not covered"),
        pytest.param(request(("Range", "bytes=0-0,2-2")), [FRESH], "forward partial", id="3.4 several"),
        pytest.param(request(RANGE), [STALE], "validate stale", id="4.3.1 strong validator"),
        pytest.param(
            request(RANGE), [stored(fresh_until=NOW - 10, etag='W/"a"')], "forward stale", id="4.3.1 weak validator"
        ),
        pytest.param(request(RANGE), [OTHER], "forward vary-miss", id="4.1 range of no variant"),
        pytest.param(request(), [START], "forward partial", id="3.4 a part is not the whole"),
        pytest.param(request(method="HEAD"), [START], "forward partial", id="3.4 nor its head"),
        pytest.param(
            request(), [stored(part=(0, 4, 10), vary=(("foo", "1"),))], "forward vary-miss", id="3.4 nor a variant"
        ),
        pytest.param(request(), [SWR], "serve whole stale, refresh", id="5861 3"),
        pytest.param(request(method="HEAD"), [SWR], "serve head stale, refresh", id="5861 3 HEAD"),
        pytest.param(control("max-age=9"), [SWR], "validate stale", id="5861 3 too old for the request"),
        pytest.param(control("no-cache"), [SWR], "validate stale", id="5861 3 no-cache"),
        pytest.param(control("only-if-cached"), [SWR], "serve whole stale", id="5861 3 nobody to ask"),
    ],
)
def test_plan_by_extension(asked: Request, candidates: list[Stored], plan: str) -> None:
    assert word(decide(asked, candidates, NOW)) == plan


@pytest.mark.parametrize(
    ("asked", "held", "plan"),
    [
        pytest.param(request(), START, 'complete Range: bytes=5-, If-Range: "a"', id="strong tag"),
        pytest.param(
            request(),
            stored(body=b"01234", part=(0, 4, 10), fresh_until=NOW - 1),
            'complete Range: bytes=5-, If-Range: "a"',
            id="stale",
        ),
        pytest.param(
            request(), stored(body=b"01234", part=(0, 4, 10), etag=None), "complete Range: bytes=5-", id="no tag, fresh"
        ),
        pytest.param(
            request(),
            stored(body=b"01234", part=(0, 4, 10), etag=None, fresh_until=NOW - 1),
            "forward partial",
            id="no tag, stale",
        ),
        pytest.param(request(), stored(body=b"01234", part=(1, 5, 10)), "forward partial", id="not its start"),
        pytest.param(request(SAME), stored(body=b"01234", part=(0, 4, 10)), "serve not-modified", id="condition"),
        pytest.param(request(DIFFERENT), START, "forward partial", id="other condition"),
        pytest.param(request(OTHER_RANGE), START, "forward partial", id="range"),
        pytest.param(request(method="HEAD"), START, "forward partial", id="HEAD"),
        pytest.param(request(mode="reload"), START, "forward request", id="mode reload"),
    ],
)
def test_completing_parts(asked: Request, held: Stored, plan: str) -> None:
    assert word(decide(asked, [held], NOW, CachePolicy(complete_parts=True))) == plan


def test_serve_tells_the_age() -> None:
    plan = decide(request(), [stored(initial_age=5.5)], NOW)
    assert isinstance(plan, Serve)
    assert plan.age == 105


def test_every_plan_that_forwards_names_its_rule() -> None:
    plan = decide(control("no-cache"), [FRESH], NOW)
    assert isinstance(plan, Revalidate)
    assert (plan.fields, plan.stored) == ((("If-None-Match", '"a"'),), (FRESH,))
    assert plan.rule == "RFC 9111 section 5.2.1"
    nothing = decide(request(), [], NOW)
    assert isinstance(nothing, Forward)
    assert (nothing.store, nothing.rule) == (True, "RFC 9111 section 4")


@pytest.mark.parametrize(
    ("plan", "text", "fresh"),
    [
        pytest.param(Serve(FRESH, 100, WHOLE), "smartclient; hit; ttl=100", True, id="hit"),
        pytest.param(ServeStale(STALE, 100, WHOLE, *WHY), "smartclient; hit; ttl=-10", False, id="stale"),
        pytest.param(
            ServeStale(stored(fresh_until=NOW - 0.1), 100, WHOLE, *WHY),
            "smartclient; hit; ttl=-1",
            False,
            id="just stale",
        ),
    ],
)
def test_explanation_of_a_hit(plan: Serve | ServeStale, text: str, fresh: bool) -> None:
    decision = explain_served(plan, NOW)
    assert str(decision) == text
    assert (decision.status, decision.fresh, decision.age) == ("hit" if fresh else "stale", fresh, 100)
    assert decision.rule.startswith("RFC 9111")


NAMES = ["Cache-Control", "Pragma", "Foo", "Cookie", "Range", "If-None-Match"]
VALUES = st.text(st.characters(max_codepoint=255)) | st.from_regex(r'\A(max-(age|stale)|min-fresh)=?"?[0-9]*"?,?\Z')


@given(
    lines=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=4),
    mode=st.sampled_from(["default", "refresh", "reload", "only"]),
    chosen=st.lists(st.sampled_from([FRESH, STALE, BINDING, OTHER, IMMUTABLE]), max_size=3),
)
def test_nothing_binding_is_ever_served_stale(lines: list[tuple[str, str]], mode: str, chosen: list[Stored]) -> None:
    plan = decide(request(*lines, mode=mode), chosen, NOW)
    assert isinstance(plan, Plan)
    if isinstance(plan, Serve | ServeStale):
        assert isinstance(plan, Serve) == (plan.stored.fresh_until > NOW)
        assert isinstance(plan, Serve) or not plan.stored.must_revalidate
        assert mode not in ("refresh", "reload")

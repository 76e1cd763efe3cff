"""When a stale response may be served (RFC 9111 section 4.2.4; RFC 5861)."""

from math import inf
from typing import Any

import pytest

from smartclient._model.body import RequestBody
from smartclient._model.decision import Complete, Forward, ServeStale
from smartclient._model.errors import (
    ConnectionError,
    ConnectTimeout,
    DeadlineExceeded,
    InvalidURL,
    ProxyError,
    ReadTimeout,
    RequestException,
    ResolveError,
    ServerDisconnected,
    SSLError,
    TooManyRedirects,
)
from smartclient._model.headers import Fields
from smartclient._model.options import Options
from smartclient._model.policy import CachePolicy
from smartclient._model.request import Request
from smartclient._model.stored import Stored
from smartclient._model.url import URL
from smartclient._rules.demands import demands_of
from smartclient._rules.staleness import license_of, stand_in
from stored_samples import NOW, URI, part, stored


def request(control: str = "", method: str = "GET", mode: str = "default", body: bytes = b"") -> Request:
    fields = Fields([("Cache-Control", control)] if control else [])
    return Request(method, URL.parse(URI), fields, RequestBody(body), Options(cache=mode))


def stale(seconds: float = 10, **changes: Any) -> Stored:
    return stored(fresh_until=NOW - seconds, **changes)


SWR = stale(swr_until=NOW + 5)


@pytest.mark.parametrize(
    ("held", "control", "rule", "refresh"),
    [
        pytest.param(stale(), "", None, False, id="4.2.4 nothing allows it"),
        pytest.param(stale(), "max-stale", "RFC 9111 section 5.2.1.2", False, id="5.2.1.2 any"),
        pytest.param(stale(), "max-stale=10", "RFC 9111 section 5.2.1.2", False, id="5.2.1.2 just"),
        pytest.param(stale(), "max-stale=9", None, False, id="5.2.1.2 not any more"),
        pytest.param(SWR, "", "RFC 5861 section 3", True, id="5861 3 while it is validated"),
        pytest.param(stale(swr_until=NOW), "", "RFC 5861 section 3", True, id="5861 3 the last moment"),
        pytest.param(stale(swr_until=NOW - 1), "", None, False, id="5861 3 too late"),
        pytest.param(SWR, "only-if-cached", "RFC 5861 section 3", False, id="5.2.1.7 nobody may be asked"),
        pytest.param(SWR, "min-fresh=1", None, False, id="5.2.1.3 wants it fresh"),
        pytest.param(SWR, "max-stale=99", "RFC 9111 section 5.2.1.2", False, id="5.2.1.2 first"),
        pytest.param(stale(must_revalidate=True), "max-stale", None, False, id="5.2.2.2 must-revalidate"),
        pytest.param(
            stale(swr_until=NOW + 5, received_at=NOW + 61), "max-stale", None, False, id="4.2 a clock set back"
        ),
    ],
)
def test_license(held: Stored, control: str, rule: str | None, refresh: bool) -> None:
    allowed = license_of(held, demands_of(request(control)), NOW, CachePolicy())
    assert (None if allowed is None else allowed[1:]) == (None if rule is None else (rule, refresh))


def test_serving_stale_while_validating_can_be_refused() -> None:
    assert license_of(SWR, demands_of(request()), NOW, CachePolicy(stale_while_revalidate=False)) is None


NEVER, MINUTE, ALWAYS = CachePolicy(), CachePolicy(stale_if_error=60), CachePolicy(stale_if_error=inf)
DIRECTIVE, OPTION = "RFC 5861 section 4", "RFC 9111 section 4.2.4"


def standing(
    held: Stored | None,
    asked: Request,
    policy: CachePolicy = ALWAYS,
    failure: RequestException | int = 503,
) -> ServeStale | None:
    return stand_in(Forward("stale", True, "stale", "rule", held), asked, failure, NOW, policy)


@pytest.mark.parametrize(
    ("held", "asked", "policy", "rule"),
    [
        pytest.param(stale(), request(), NEVER, None, id="nothing allows it"),
        pytest.param(stale(), request(), ALWAYS, OPTION, id="4.2.4 by option"),
        pytest.param(stale(60), request(), MINUTE, OPTION, id="4.2.4 by option, just"),
        pytest.param(stale(61), request(), MINUTE, None, id="4.2.4 by option, too late"),
        pytest.param(stale(sie_until=NOW), request(), NEVER, DIRECTIVE, id="5861 4 by response, just"),
        pytest.param(stale(sie_until=NOW - 1), request(), NEVER, None, id="5861 4 by response, too late"),
        pytest.param(stale(), request("stale-if-error=10"), NEVER, DIRECTIVE, id="5861 4 by request, just"),
        pytest.param(stale(), request("stale-if-error=9"), NEVER, None, id="5861 4 by request, too late"),
        pytest.param(stale(), request("stale-if-error=x"), NEVER, None, id="5861 4 unreadable: the safe side"),
        pytest.param(stale(), request("stale-if-error=9"), ALWAYS, OPTION, id="the longest counts"),
        pytest.param(stale(must_revalidate=True), request(), ALWAYS, None, id="5.2.2.2 must-revalidate"),
        pytest.param(
            stale(must_revalidate=True), request("stale-if-error=99"), ALWAYS, None, id="5.2.2.2 beats 5861, too"
        ),
        pytest.param(stale(), request("no-cache"), ALWAYS, None, id="5.2.1.4 no-cache"),
        pytest.param(stale(), request("no-store"), ALWAYS, None, id="5.2.1.5 no-store"),
        pytest.param(stale(), request(mode="refresh"), ALWAYS, None, id="mode refresh"),
        pytest.param(stale(), request(mode="reload"), ALWAYS, None, id="mode reload"),
        pytest.param(stale(), request("max-age=99"), ALWAYS, None, id="5.2.1.1 too old"),
        pytest.param(stale(), request("max-age=100"), ALWAYS, OPTION, id="5.2.1.1 young enough"),
        pytest.param(stale(), request("max-age=9, stale-if-error=99"), NEVER, DIRECTIVE, id="5.2.1.1 but on error"),
        pytest.param(stale(), request("min-fresh=1"), ALWAYS, None, id="5.2.1.3 wants it fresh"),
        pytest.param(stale(status=404), request(), ALWAYS, OPTION, id="5861 4 any response"),
        pytest.param(stale(status=500), request(), ALWAYS, None, id="5861 4 but no error"),
        pytest.param(stale(received_at=NOW + 61), request(), ALWAYS, None, id="4.2 a clock set back"),
        pytest.param(part(0, 4, 10, fresh_until=NOW - 10), request(), ALWAYS, None, id="3.4 a part is not the whole"),
        pytest.param(None, request(), ALWAYS, None, id="nothing stored"),
        pytest.param(stale(), request(method="HEAD"), ALWAYS, OPTION, id="HEAD"),
    ],
)
def test_standing_in(held: Stored | None, asked: Request, policy: CachePolicy, rule: str | None) -> None:
    plan = standing(held, asked, policy)
    assert (None if plan is None else plan.rule) == rule
    assert plan is None or (plan.age, plan.refresh) == (100, False)


@pytest.mark.parametrize(
    ("failure", "covered"),
    [
        *[(status, True) for status in (500, 502, 503, 504)],
        *[(status, False) for status in (200, 404, 429, 501, 505, 599)],
        *[
            (kind("x"), True)
            for kind in (
                ConnectionError,
                ResolveError,
                ConnectTimeout,
                ReadTimeout,
                DeadlineExceeded,
                ServerDisconnected,
                ProxyError,
            )
        ],
        *[(kind("x"), False) for kind in (SSLError, TooManyRedirects, InvalidURL)],
    ],
    ids=lambda value: str(value) if isinstance(value, int) else type(value).__name__,
)
def test_what_counts_as_failure(failure: RequestException | int, covered: bool) -> None:
    assert (standing(stale(), request(), failure=failure) is not None) is covered


def test_a_start_that_was_to_be_completed_stands_for_nothing() -> None:
    plan = Complete((), part(0, 4, 10), "partial", "reason", "rule")
    assert stand_in(plan, request(), 503, NOW, ALWAYS) is None

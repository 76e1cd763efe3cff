"""The redirect stage: the loop, the limit, the history, the old bodies. Which request follows: tests/rules."""

import pytest

from smartclient._model.body import RequestBody
from smartclient._model.errors import (
    InvalidSchema,
    InvalidURL,
    ReadTimeout,
    TooManyRedirects,
    UnrewindableBodyError,
)
from smartclient._model.headers import Fields
from smartclient._model.options import Options
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._pipeline.redirect import RedirectStage
from smartclient._runtime.base import run_blocking

START = "http://h.example/start"
CLOCK = iter(range(10**6)).__next__  # a moment never seen before, each time


def run(below, request=None, **options):
    request = request or Request("GET", URL.parse(START), options=Options(**options))
    return run_blocking(RedirectStage(CLOCK, below)(request))


def to(below, location, status=302, body=b""):
    below.will(status, ("Location", location), body=body)


def test_other_answers_pass_untouched(below, body):
    content = body(b"x")
    below.will(200, body=content)
    reply = run(below)
    assert reply is below.replies[0]
    assert reply.history == ()
    assert content.calls == []


def test_hops_are_followed_and_kept_oldest_first(below):
    for place in ("/a", "/b", "http://other.example/c"):
        to(below, place)
    below.will(200)
    reply = run(below)
    assert reply.head.status == 200
    assert [str(each.url) for each in below.requests] == [
        START,
        "http://h.example/a",
        "http://h.example/b",
        "http://other.example/c",
    ]
    assert reply.history == tuple(below.replies[:3])


def test_old_body_is_discarded_undecoded_and_gone_from_the_history(below, body):
    old = body(b"x" * 10)
    to(below, "/next", body=old)
    below.will(200)
    reply = run(below)
    assert old.calls == ["discard"]
    assert run_blocking(reply.history[0].body.read()) == b""


def test_old_body_goes_before_the_next_request(below, body):
    """On one connection the next request has to wait for it."""
    old = body(b"x")
    seen = []

    async def watching(request):
        seen.append(list(old.calls))
        return await below(request)

    to(below, "/next", body=old)
    below.will(200)
    run_blocking(RedirectStage(CLOCK, watching)(Request("GET", URL.parse(START))))
    assert seen == [[], ["discard"]]


@pytest.mark.parametrize("status", [300, 304, 305, 306, 399])
def test_a_3xx_that_is_no_redirect_is_the_answer(below, body, status):
    content = body(b"x")
    to(below, "/next", status, body=content)
    assert run(below).head.status == status
    assert content.calls == []


def test_redirect_without_location_is_the_answer(below):
    below.will(302)
    assert run(below).head.status == 302


def test_not_followed_when_told_so(below, body):
    content = body(b"x")
    to(below, "/next", body=content)
    reply = run(below, allow_redirects=False)
    assert (reply.head.status, reply.history, content.calls) == (302, (), [])


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_limit(below, body, limit):
    last = body(b"x")
    for _ in range(limit):
        to(below, "/again")
    to(below, "/again", body=last)
    with pytest.raises(TooManyRedirects) as caught:
        run(below, max_redirects=limit)
    assert str(caught.value) == f"Exceeded {limit} redirects."
    assert len(below.requests) == limit + 1
    assert last.calls == ["abort"]
    assert caught.value.response is below.replies[-1]
    assert len(caught.value.response.history) == limit


def test_limit_is_not_reached_by_as_many_hops(below):
    to(below, "/a")
    to(below, "/b")
    below.will(200)
    assert run(below, max_redirects=2).head.status == 200


@pytest.mark.parametrize(
    ("location", "error"),
    [("ftp://h.example/", InvalidSchema), ("http://[::1", InvalidURL), ("http://h.example:99999/", InvalidURL)],
    ids=["scheme", "bracket", "port"],
)
def test_target_that_cannot_be_followed(below, body, location, error):
    content = body(b"x")
    to(below, location, body=content)
    with pytest.raises(error) as caught:
        run(below)
    assert content.calls == ["abort"]
    assert caught.value.response is below.replies[0]
    assert caught.value.sent == "wholly"


def test_body_that_cannot_be_read_twice(below):
    to(below, "/next", 307)
    request = Request("POST", URL.parse(START), body=RequestBody(iter([b"x"])))
    with pytest.raises(UnrewindableBodyError) as caught:
        run(below, request)
    assert caught.value.sent == "wholly"
    assert len(below.requests) == 1


def test_failure_of_a_later_hop_passes(below):
    to(below, "/next")
    below.will(ReadTimeout("no"))
    with pytest.raises(ReadTimeout, match="no"):
        run(below)


def test_what_other_stages_added_does_not_come_along(below):
    """Cookies and credentials are added below; the next request is made of the one that came from above."""
    to(below, "http://other.example/")
    below.will(200)

    async def origin(request):
        return await below(request.replace(fields=request.fields.with_line("Cookie", "secret=1")))

    run_blocking(RedirectStage(CLOCK, origin)(Request("GET", URL.parse(START), Fields([("X-Mine", "1")]))))
    assert [each.fields.getlist("cookie") for each in below.requests] == [["secret=1"], ["secret=1"]]
    assert below.requests[1].fields.get("x-mine") == "1"


def test_deadline_is_one_for_all_hops(below):
    to(below, "/next")
    below.will(200)
    run(below, Request("GET", URL.parse(START), deadline=77.0))
    assert [each.deadline for each in below.requests] == [77.0, 77.0]


def test_every_hop_has_its_own_beginning(below):
    moments = iter((5.0, 7.0))
    seen = []

    async def watching(request):
        seen.append(request.began)
        return await below(request)

    to(below, "/one")
    to(below, "/two")
    below.will(200)
    request = Request("GET", URL.parse(START), began=1.0)
    run_blocking(RedirectStage(lambda: next(moments), watching)(request))
    assert seen == [1.0, 5.0, 7.0]

"""What sessions share, open beforehand, count, put around calls and pass to codecs; in all ways to run."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from loopback.origin import Origin, Page, Seen
from loopback.scripted import CUT
from loopback.ways import WAYS, new_session, open_sockets, run, settled, sockets_become, usage
from smartclient import Limits
from smartclient.exceptions import ConnectionError, SessionMisuse, UnexpectedContent, UnrewindableBodyError

pytestmark = pytest.mark.parametrize("way", WAYS)


def test_derived_sessions_share_pool_and_cache(way: str, origin: Origin) -> None:
    async def scenario() -> None:
        parent = new_session(way, headers={"X-A": "1"})
        child = parent.derive(headers={"X-B": "2"}, base_url=origin.url)
        grandchild = child.derive(headers={"X-A": None})
        await settled(parent.get(origin.url + "/page/tea"))
        assert (await settled(child.get("/page/tea"))).cache.status == "hit"
        echo = (await settled(grandchild.get("/echo"))).json()
        sent = {name: value for name, value in echo["headers"] if name.startswith("X-")}
        assert sent == {"X-B": "2"}
        assert origin.seen.connections == 1
        assert parent.stats() == child.stats() == grandchild.stats()
        await settled(child.close())
        assert (await settled(grandchild.get("/bytes/10"))).status_code == 200
        assert (await settled(child.get("/bytes/10"))).status_code == 200
        assert origin.seen.connections == 1
        await settled(parent.close())

    run(way, scenario)


def test_derived_sessions_have_their_own_cookies(way: str, origin: Origin) -> None:
    async def scenario() -> None:
        parent = new_session(way, cookies={"parent": "1"})
        child = parent.derive(cookies={"child": "2"})
        await settled(child.get(origin.url + "/cookies/set?more=3"))
        assert (await settled(parent.get(origin.url + "/cookies"))).json() == {"parent": "1"}
        assert (await settled(child.get(origin.url + "/cookies"))).json() == {"child": "2", "more": "3"}
        await settled(parent.close())

    run(way, scenario)


def test_closing_the_parent_closes_for_all_and_all_can_go_on(way: str, origin: Origin) -> None:
    async def scenario() -> None:
        before = open_sockets()
        parent = new_session(way)
        child = parent.derive()
        await settled(child.get(origin.url + "/bytes/10"))
        await settled(parent.close())
        await sockets_become(way, before)
        for _ in range(3):
            await settled(child.get(origin.url + "/bytes/10"))
        assert origin.seen.connections == 2
        assert parent.stats().idle == 1
        await settled(parent.close())
        await sockets_become(way, before)

    run(way, scenario)


def test_child_outlives_the_name_of_its_parent(way: str, origin: Origin) -> None:
    async def scenario() -> None:
        child = new_session(way).derive()
        await settled(child.get(origin.url + "/bytes/10"))
        assert child.stats().idle == 1
        await settled(child._owner.close())

    run(way, scenario)


def test_stats(way: str, origin: Origin) -> None:
    async def scenario() -> None:
        session = new_session(way)
        assert session.stats() == (0, 0, 0, 0, 0, 0)
        for _ in range(3):
            await settled(session.get(origin.url + "/bytes/10"))
        await settled(session.get(origin.url + "/redirect/1"))
        assert session.stats()._asdict() == {
            "active": 0,
            "idle": 1,
            "waiting": 0,
            "opened": 1,
            "requests": 5,
            "reused": 4,
        }
        streamed = await settled(session.get(origin.url + "/bytes/3000000", stream=True))
        assert (session.stats().active, session.stats().idle) == (1, 0)
        streamed.close()
        await settled(session.get(origin.url + "/bytes/10"))
        assert session.stats()[3:] == (2, 7, 5)
        await settled(session.close())

    run(way, scenario)


def test_prewarmed_connections_serve_the_next_calls(way: str, origin: Origin) -> None:
    async def scenario() -> None:
        session = new_session(way, base_url=origin.url)
        assert await settled(session.prewarm(connections=3)) == 3
        assert (session.stats().idle, session.stats().opened, session.stats().requests) == (3, 3, 0)
        assert await settled(session.prewarm(origin.url, 2)) == 2
        assert (await settled(session.get("/bytes/10"))).status_code == 200
        assert session.stats()[3:] == (3, 1, 0)
        await settled(session.close())

    run(way, scenario)


def test_prewarming_never_waits_for_room(way: str, origin: Origin, other_origin: Origin) -> None:
    async def scenario() -> None:
        session = new_session(way, limits=Limits(max_connections=3))
        streamed = await settled(session.get(origin.url + "/bytes/3000000", stream=True))
        assert await settled(session.prewarm(other_origin.url, 50)) == 2
        streamed.close()
        assert usage(session) == (0, 0)
        await settled(session.close())

    run(way, scenario)


def test_prewarming_that_fails_leaves_nothing(way: str, scripted: Any) -> None:
    async def scenario() -> None:
        before = open_sockets()
        session = new_session(way)
        server = scripted([])
        server.close()
        with pytest.raises(ConnectionError):
            await settled(session.prewarm(server.url, 2))
        assert usage(session) == (0, 0)
        await settled(session.close())
        assert open_sockets() <= before

    run(way, scenario)


def test_prewarmed_connection_that_died_costs_no_retry(way: str, scripted: Any) -> None:
    async def scenario() -> None:
        session = new_session(way)
        server = scripted([CUT], [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
        assert await settled(session.prewarm(server.url)) == 1
        assert server.connection(0).over.wait(20)
        response = await settled(session.get(server.url, retries=1))
        assert response.content == b"ok"
        reason = "the server had closed the kept-alive connection"
        assert {attempt.reason for attempt in response.attempts[:-1]} <= {reason}
        await settled(session.close())

    run(way, scenario)


def test_tls_is_prewarmed_with_the_settings_of_the_session(way: str, tls_origin: Origin, authority: Any) -> None:
    async def scenario() -> None:
        session = new_session(way, verify=str(authority.ca_file))
        assert await settled(session.prewarm(tls_origin.url)) == 1
        assert (await settled(session.get(tls_origin.url + "/bytes/10"))).status_code == 200
        assert tls_origin.seen.connections == 1
        await settled(session.close())

    run(way, scenario)


def stage(way: str, before: Any = None, after: Any = None) -> Any:
    """`f(request, next)` as the way has it: what `before` and `after` do stands around the call."""

    def plain(request: Any, next: Any) -> Any:
        if before is not None:
            before(request)
        response = next(request)
        return after(response) if after is not None else response

    async def awaited(request: Any, next: Any) -> Any:
        if before is not None:
            before(request)
        response = await next(request)
        return after(response) if after is not None else response

    return plain if way == "blocking" else awaited


def test_stages_stand_around_the_whole_call(way: str, origin: Origin) -> None:
    calls: list[str] = []

    def noted(name: str) -> Any:
        def after(response: Any) -> Any:
            calls.append(f"{name} got {response.status_code}")
            return response

        return stage(way, lambda request: calls.append(f"{name} sends {request.method}"), after)

    async def scenario() -> None:
        session = new_session(way, stages=[noted("outer"), noted("inner")])
        response = await settled(session.get(origin.url + "/redirect/2"))
        assert len(response.history) == 2
        assert calls == ["outer sends GET", "inner sends GET", "inner got 200", "outer got 200"]
        await settled(session.close())

    run(way, scenario)


def test_stages_change_the_request(way: str, origin: Origin) -> None:
    def change(request: Any) -> None:
        assert (request.method, request.body) == ("POST", b"body")
        request.headers["X-Stage"] = "1"
        request.url += "?more=1"
        request.method = "put"
        request.body = b"other"

    async def scenario() -> None:
        session = new_session(way, stages=[stage(way, change)])
        echo = (await settled(session.post(origin.url + "/echo", data=b"body", auth=("a", "b")))).json()
        assert (echo["method"], echo["target"], echo["body"]) == ("PUT", "/echo?more=1", "b3RoZXI=")
        assert ["X-Stage", "1"] in echo["headers"]
        assert any(name == "Authorization" for name, _ in echo["headers"])
        await settled(session.close())

    run(way, scenario)


def test_what_a_stage_cannot_see_stays_with_its_origin(way: str, origin: Origin, other_origin: Origin) -> None:
    def redirect(request: Any) -> None:
        request.url = other_origin.url + "/echo"

    async def scenario() -> None:
        session = new_session(way, stages=[stage(way, redirect)], auth=("user", "hunter2"))
        await settled(session.get(origin.url + "/echo", cookies={"a": "hunter2"}))
        assert "hunter2" not in str(other_origin.seen.requests[0].headers)
        assert other_origin.seen.requests[0].header("authorization") is None
        await settled(session.close())

    run(way, scenario)


def test_a_stage_may_call_next_again(way: str, origin: Origin) -> None:
    async def again(request: Any, next: Any) -> Any:
        await settled(next(request))
        return await settled(next(request))

    def again_plain(request: Any, next: Any) -> Any:
        next(request)
        return next(request)

    async def scenario() -> None:
        session = new_session(way, stages=[again_plain if way == "blocking" else again])
        await settled(session.post(origin.url + "/echo", data=b"x"))
        assert [seen.body for seen in origin.seen.requests] == [b"x", b"x"]
        with pytest.raises(UnrewindableBodyError):
            await settled(session.post(origin.url + "/echo", data=iter([b"x"])))
        await settled(session.close())

    run(way, scenario)


def test_stages_must_give_a_response_and_take_a_request(way: str, origin: Origin) -> None:
    async def scenario() -> None:
        for wrong in (lambda request, next: None, lambda request, next: next("text")):
            session = new_session(way, stages=[wrong])
            with pytest.raises(SessionMisuse, match="a stage"):
                await settled(session.get(origin.url + "/echo"))
            await settled(session.close())

    run(way, scenario)


def test_errors_pass_through_stages(way: str, origin: Origin) -> None:
    def refuse(request: Any) -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        session = new_session(way, stages=[stage(way, refuse)])
        with pytest.raises(ZeroDivisionError):
            await settled(session.get(origin.url + "/echo"))
        assert origin.seen.requests == []
        await settled(session.close())

    run(way, scenario)


@dataclass
class Tea:
    name: str
    grams: int | None = None


def test_codecs_both_ways(way: str, origin: Origin) -> None:
    def echo(seen: Seen) -> Page:
        return Page(seen.body, headers=(("Content-Type", seen.header("content-type") or ""),))

    async def scenario() -> None:
        url = origin.route("/same", echo)
        lines = {
            "text/x-lines": (lambda value: "\n".join(value).encode(), lambda content: content.decode().split("\n"))
        }
        session = new_session(way, codecs=lines)
        response = await settled(session.post(url, data=["a", "b"], headers={"Content-Type": "text/x-lines"}))
        assert (response.content, response.parse(list[str])) == (b"a\nb", ["a", "b"])
        response = await settled(session.post(url, json={"name": "Assam", "grams": 3}))
        assert response.parse(Tea) == Tea("Assam", 3)
        with pytest.raises(UnexpectedContent, match="name: missing, Tea needs it"):
            (await settled(session.post(url, json={}))).parse(Tea)
        with pytest.raises(UnexpectedContent, match="no codec for text/html"):
            (await settled(session.post(url, data=b"x", headers={"Content-Type": "text/html"}))).parse(Tea)
        await settled(session.close())

    run(way, scenario)


def test_json_by_another_library(way: str, origin: Origin) -> None:
    class Library:
        @staticmethod
        def dumps(value: Any) -> bytes:
            return json.dumps(value, indent=1).encode()

        @staticmethod
        def loads(text: str) -> Any:
            return ["loaded", json.loads(text)]

    async def scenario() -> None:
        session = new_session(way, json_lib=Library)
        response = await settled(session.post(origin.url + "/echo", json=[1]))
        assert origin.seen.requests[0].body == b"[\n 1\n]"
        assert origin.seen.requests[0].header("content-type") == "application/json"
        assert response.json()[0] == "loaded"
        await settled(session.close())

    run(way, scenario)


def test_views(way: str, origin: Origin) -> None:
    headers = (
        ("Link", '</2>; rel="next"; title="two", </9>; rel=last'),
        ("ETag", 'W/"x"'),
        ("Cache-Control", "no-store, max-age=5"),
        ("Retry-After", "7"),
        ("Content-Type", "Text/HTML; charset=UTF-8"),
        ("Vary", "Accept, Origin, accept"),
    )

    async def scenario() -> None:
        session = new_session(way)
        response = await settled(session.get(origin.route("/fields", lambda seen: Page(b"", headers=headers))))
        assert response.links == {
            "next": {"url": "/2", "rel": "next", "title": "two"},
            "last": {"url": "/9", "rel": "last"},
        }
        assert (response.etag.opaque, response.etag.weak) == ("x", True)
        assert dict(response.cache_control) == {"no-store": None, "max-age": "5"}
        assert response.retry_after == 7.0
        assert (str(response.content_type), response.content_type.parameters["charset"]) == ("text/html", "UTF-8")
        assert response.vary == ("accept", "origin")
        bare = await settled(session.get(origin.url + "/bytes/1"))
        assert (bare.links, bare.etag, dict(bare.cache_control)) == ({}, None, {})
        assert (bare.retry_after, bare.content_type.name, bare.vary) == (None, "", ())
        await settled(session.close())

    run(way, scenario)


def test_base_url_keeps_the_password_at_home(way: str, origin: Origin, other_origin: Origin) -> None:
    async def scenario() -> None:
        session = new_session(
            way, base_url=origin.url + "/", auth=("user", "pass"), headers={"X-API-Key": "k"}, cookies={"a": "b"}
        )
        assert (await settled(session.get("basic"))).content == b"welcome\n"
        assert origin.seen.requests[0].header("x-api-key") == "k"
        await settled(session.get(other_origin.url + "/echo"))
        stranger = other_origin.seen.requests[0]
        assert (stranger.header("authorization"), stranger.header("x-api-key")) == (None, None)
        await settled(session.close())

    run(way, scenario)

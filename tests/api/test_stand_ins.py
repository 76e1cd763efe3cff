"""Functions and applications in the place of servers, and recordings of real ones."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

import smartclient
from loopback.origin import Origin
from smartclient import testing
from smartclient.testing import Cassette, MockRequest, MockResponse, MockTransport

RUNNERS: dict[str, Callable[..., Any]] = {"asyncio": asyncio.run, "trio": lambda coroutine: trio.run(lambda: coroutine)}


def answers(request: MockRequest) -> MockResponse:
    path = request.url.removeprefix("http://app.example")
    if path == "/old":
        return MockResponse(302, headers={"Location": "/new", "Set-Cookie": "a=1"})
    if path == "/echo":
        return MockResponse(
            json={"method": request.method, "json": request.json(), "cookie": request.headers["Cookie"]}
        )
    if path == "/pieces":
        return MockResponse(content=iter([b"one ", b"two"]), headers=[("X-A", "1"), ("X-A", "2")])
    if path == "/fails":
        raise smartclient.exceptions.ReadError("gone", sent="nothing")
    return MockResponse(text=f"{request.method} {path} ü")


@pytest.fixture(params=["blocking", *RUNNERS])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`call(transport, method, url, ...)` in one of the three modes, several in one session."""

    def blocking(transport: Any, *calls: Any) -> list[Any]:
        with smartclient.Session(transport=transport, retries=0) as session:
            return [session.request(method, url, **options) for method, url, options in calls]

    def awaited(transport: Any, *calls: Any) -> list[Any]:
        async def every() -> list[Any]:
            async with smartclient.AsyncSession(transport=transport, retries=0) as session:
                return [await session.request(method, url, **options) for method, url, options in calls]

        return RUNNERS[request.param](every())  # type: ignore[no-any-return]

    return blocking if request.param == "blocking" else awaited


def test_a_function(call: Callable[..., Any]) -> None:
    transport = MockTransport(answers)
    url = "http://app.example"
    moved, echo, pieces = call(
        transport, ("GET", url + "/old", {}), ("POST", url + "/echo", {"json": [1]}), ("GET", url + "/pieces", {})
    )
    assert (moved.text, moved.history[0].status_code) == ("GET /new ü", 302)
    assert echo.json() == {"method": "POST", "json": [1], "cookie": "a=1"}
    assert (pieces.content, pieces.headers.getlist("X-A")) == (b"one two", ["1", "2"])
    assert [repr(each) for each in transport.requests][:2] == ["<MockRequest [GET]>"] * 2
    assert transport.requests[0].headers["Host"] == "app.example"
    with pytest.raises(smartclient.exceptions.ReadError, match="gone"):
        call(transport, ("GET", url + "/fails", {}))


def test_a_coroutine_function() -> None:
    async def handler(request: MockRequest) -> MockResponse:
        await asyncio.sleep(0)
        return MockResponse(201, text=request.text)

    async def scenario() -> None:
        async with smartclient.AsyncSession(transport=MockTransport(handler)) as session:
            answer = await session.post("http://a.example/", data="given")
            assert (answer.status_code, answer.text) == (201, "given")

    asyncio.run(scenario())
    with (
        smartclient.Session(transport=MockTransport(handler)) as session,
        pytest.raises(smartclient.exceptions.SessionMisuse),
    ):
        session.get("http://a.example/")


def test_a_wrong_answer() -> None:
    with (
        smartclient.Session(transport=MockTransport(lambda request: 200)) as session,
        pytest.raises(smartclient.exceptions.InvalidOption, match="not a MockResponse"),
    ):
        session.get("http://a.example/")


def wsgi(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    if environ["PATH_INFO"] == "/raise":
        raise ZeroDivisionError
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("201 Created", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    said = (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], environ["HTTP_X_OWN"], body)
    yield repr(said).encode()


def test_wsgi() -> None:
    with smartclient.Session(transport=testing.WSGITransport(wsgi), base_url="http://app.example") as session:
        answer = session.post("/a%20b?c=d", data=b"body", headers={"X-Own": "1"})
        assert (answer.status_code, answer.reason) == (201, "")
        assert answer.text == repr(("POST", "/a b", "c=d", "1", b"body"))
        assert session.cookies.get_dict() == {"a": "1", "b": "2"}
        with pytest.raises(ZeroDivisionError):
            session.get("/raise")


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["path"] == "/raise":
        raise ZeroDivisionError
    if scope["path"] == "/nothing":
        return
    body = (await receive())["body"]
    said = (scope["method"], scope["path"], scope["raw_path"], scope["query_string"], scope["root_path"], body)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": repr(said).encode(), "more_body": True})
    await send({"type": "http.response.body"})
    assert (await receive())["type"] == "http.disconnect"


@pytest.mark.parametrize("runner", RUNNERS)
def test_asgi(runner: str) -> None:
    async def scenario() -> None:
        transport = testing.ASGITransport(asgi, root_path="/app")
        async with smartclient.AsyncSession(transport=transport, base_url="http://app.example") as session:
            answer = await session.post("/a%20b?c=d", data=b"body")
            assert answer.text == repr(("POST", "/a b", b"/a%20b", b"c=d", "/app", b"body"))
            assert answer.headers["X-Own"] == "1"
            with pytest.raises(ZeroDivisionError):
                await session.get("/raise")
            with pytest.raises(smartclient.exceptions.SessionMisuse, match="without an answer"):
                await session.get("/nothing")

    RUNNERS[runner](scenario())


def test_a_blocking_session_takes_no_asgi() -> None:
    with pytest.raises(smartclient.exceptions.InvalidOption, match="handle_request"):
        smartclient.Session(transport=testing.ASGITransport(asgi))


SECRET = "marker-of-a-secret"


def test_a_cassette_records_and_plays(tmp_path: Path, origin: Origin) -> None:
    path = tmp_path / "calls" / "one.json"
    url = origin.url + "/page?token=" + SECRET

    def calls() -> list[tuple[int, bytes]]:
        with smartclient.Session(auth=("me", SECRET), cookies={"s": SECRET}) as session:
            found = [session.get(url), session.get(url), session.post(url, data={"password": SECRET})]
        return [(each.status_code, each.content) for each in found]

    with Cassette(path) as recorded:
        live = calls()
    assert len(recorded) == 3
    seen = len(origin.seen.requests)
    assert seen == 3
    text = path.read_text()
    assert SECRET not in text
    assert json.loads(text)["version"] == 1
    with Cassette(path, "never") as played:
        assert calls() == live
        with (
            smartclient.Session() as session,
            pytest.raises(testing.NotRecorded, match=r"GET .*/other is not in the cassette one\.json"),
        ):
            session.get(origin.url + "/other")
    assert repr(played) == "<Cassette one.json, 3 exchanges>"
    assert len(origin.seen.requests) == seen

    async def awaited() -> bytes:
        async with smartclient.AsyncSession(auth=("me", SECRET), cookies={"s": SECRET}) as session:
            return (await session.get(url)).content

    with Cassette(path):
        assert asyncio.run(awaited()) == live[0][1]
    with Cassette(path, "new") as more:
        calls()
        smartclient.get(origin.url + "/more", cache=None)
    assert (len(more), len(origin.seen.requests)) == (4, seen + 1)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 2, "exchanges": []}', '{"version": 1, "exchanges": [{}]}', "[" * 100_000, "\xff"],
    ids=["empty", "list", "no-keys", "newer", "no-exchange", "deep", "no-text"],
)
def test_what_is_no_cassette(tmp_path: Path, content: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(content, "latin-1")
    with pytest.raises(smartclient.exceptions.InvalidOption, match="no cassette"):
        Cassette(path)


def test_modes(tmp_path: Path) -> None:
    with pytest.raises(smartclient.exceptions.InvalidOption, match="once, new, never, all"):
        Cassette(tmp_path / "c", "twice")

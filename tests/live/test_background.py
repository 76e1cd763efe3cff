"""Validation in the background: a stale answer at once, a fresh one soon; nothing of it outlives its session."""

import threading
from typing import Any

from loopback.clients import Client
from loopback.origin import Origin, Page, Seen
from loopback.waiting import until
from smartclient._pipeline import background

STALE = (("Cache-Control", "max-age=0, stale-while-revalidate=60"), ("ETag", '"1"'))


class Version:
    """A page that is stale at once, and counts its versions."""

    def __init__(self, origin: Origin, path: str = "/version", hold: threading.Event | None = None) -> None:
        self.number = 1
        self.asked: list[str | None] = []
        self.hold = hold
        self.url = origin.route(path, self.answer)

    def answer(self, seen: Seen) -> Page:
        tag = f'"{self.number}"'
        self.asked.append(seen.header("if-none-match"))
        if len(self.asked) > 1 and self.hold is not None:
            self.hold.wait(20)
        headers = (STALE[0], ("ETag", tag))
        if self.asked[-1] == tag:
            return Page(b"", 304, headers)
        return Page(f"version {self.number}".encode(), 200, headers)


def text_of(session: Any, url: str, **options: Any) -> tuple[str, str]:
    response = session.get(url, **options)
    return response.text, response.cache.status


def background_of(session: Any) -> Any:
    return getattr(session, "inner", session)._shared.background


def ended(session: Any) -> bool:
    return repr(background_of(session)) == "<Background 0 running, 0 waiting>"


def entered(client: Client, **options: Any) -> Any:
    """A session inside `with`, as far as there is a difference."""
    session = client.session(**options)
    if client.mode != "blocking":
        client.run(session.inner.__aenter__)
    return session


def test_a_stale_answer_is_validated_behind_the_callers_back(client: Client, origin: Origin) -> None:
    version = Version(origin)
    session = entered(client)
    assert text_of(session, version.url) == ("version 1", "miss")
    version.number = 2
    assert text_of(session, version.url) == ("version 1", "stale")
    until(lambda: ended(session))
    assert version.asked == [None, '"1"']
    assert text_of(session, version.url) == ("version 2", "stale")
    until(lambda: ended(session))
    assert version.asked == [None, '"1"', '"2"']


def test_many_stale_answers_are_one_validation(client: Client, origin: Origin) -> None:
    hold = threading.Event()
    version = Version(origin, hold=hold)
    session = entered(client)
    text_of(session, version.url)
    stale = [text_of(session, version.url) for _ in range(20)]
    assert stale == [("version 1", "stale")] * 20
    hold.set()
    until(lambda: ended(session))
    assert version.asked == [None, '"1"']


def test_call_with_a_short_limit_leaves_the_sessions_limit_to_the_validation(client: Client, origin: Origin) -> None:
    hold = threading.Event()
    version = Version(origin, hold=hold)
    session = entered(client)
    text_of(session, version.url)
    assert text_of(session, version.url, timeout=0.05) == ("version 1", "stale")
    threading.Event().wait(0.1)
    hold.set()
    until(lambda: ended(session))
    version.number = 1
    assert len(version.asked) == 2
    assert session.get(version.url, cache="only").cache.fresh is False


def test_on_trio_only_inside_async_with(origin: Origin) -> None:
    import trio

    from smartclient import AsyncSession

    version = Version(origin)

    async def scenario() -> list[str]:
        session = AsyncSession()
        try:
            statuses = [(await session.get(version.url)).cache.status for _ in range(2)]
        finally:
            await session.close()
        return statuses

    assert trio.run(scenario) == ["miss", "revalidated"]
    assert version.asked == [None, '"1"']


def test_closing_cuts_off_a_validation_that_hangs(client: Client, origin: Origin, monkeypatch: Any) -> None:
    monkeypatch.setattr(background, "GRACE", 0.05)
    hold = threading.Event()
    version = Version(origin, hold=hold)
    session = entered(client)
    assert text_of(session, version.url) == ("version 1", "miss")
    assert text_of(session, version.url) == ("version 1", "stale")
    until(lambda: len(version.asked) == 2)
    jobs = background_of(session)
    session.close()
    assert repr(jobs) == "<Background 0 running, 0 waiting>"
    hold.set()
    assert len(version.asked) == 2  # and nothing was tried again

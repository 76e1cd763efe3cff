"""`sse`: the events of a URL, one after the other, over as many connections as it takes."""

import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from .._codec.sse import EventParser, ServerEvent
from .._model.errors import InvalidOption, RequestException, ServerDisconnected, shown
from .._model.options import Timeout
from .._model.retry import RetryPolicy
from .._rules.event_stream import EVENT_STREAM, has_events, wait_before_reconnecting
from .._rules.resume import may_go_on
from .._runtime.base import run_blocking
from .asker import Asker
from .options import CommonOptions, timeout_from, unknown_keyword
from .request import tell_about
from .response import Response

_SENDABLE = re.compile(r"[^\0\r\n\ud800-\udfff]*")
IDLE = 300.0  # seconds without a byte
_OPTIONS = (CommonOptions.__optional_keys__ | {"params"}) - {"stream", "cache", "files", "progress"}
_TOKENS = RetryPolicy().budget


class EventFlow:
    """The events of one URL, to be asked for one by one; both facades are over it."""

    def __init__(self, session: Any, url: Any, last_event_id: Any, options: Mapping[str, Any]) -> None:
        unknown = options.keys() - _OPTIONS
        if unknown:
            raise unknown_keyword("sse", unknown, _OPTIONS)
        if not isinstance(last_event_id, str) or not _SENDABLE.fullmatch(last_event_id):
            raise InvalidOption(f"last_event_id must be a text of one line, not {shown(last_event_id)}")
        options = {**options, "cache": None, "timeout": options.get("timeout", _patient(session.timeout))}
        self._asker = Asker(session, url, options)
        self._asker.prefer("Accept", EVENT_STREAM, over=session.headers.get("Accept"))
        self._asker.prefer("Cache-Control", "no-store")
        self._session = session
        self._parser = EventParser(last_event_id)
        self._ready: deque[ServerEvent] = deque()
        self._failures = 0
        self._begun = self._ended = False
        self.last_id = last_event_id
        self.response: Response | None = None

    @property
    def retry(self) -> float | None:
        return self._parser.retry

    async def next(self) -> ServerEvent | None:
        """The next event; None after the last, which a server announces by 204."""
        while not self._ready:
            if self._ended:
                return None
            try:
                await self._receive()
            except RequestException as error:
                self.abort()
                if not self._begun or not may_go_on(error):
                    self._ended = True
                    raise
                await self._wait(error)
        event = self._ready.popleft()
        self.last_id = event.id
        return event

    async def _receive(self) -> None:
        """Asks for events, or takes what comes next."""
        response = self.response
        if response is None:
            response = await self._connect()
            if response is None:
                self._ended = True
                return
        try:
            piece = await response._reply.body.read()
        except RequestException as error:
            tell_about(error, response._reply)
            raise
        if not piece:
            raise ServerDisconnected(f"the events from {self._asker.url.safe} ended", sent="wholly")
        events = self._parser.feed(piece)
        if events:
            self._failures = 0
            self._ready.extend(events)

    async def _connect(self) -> Response | None:
        """The answer whose body are the events; None where there will be none."""
        last_id = self._parser.last_id.strip(" \t")
        fields = {"Last-Event-ID": last_id.encode("utf-8")} if last_id else {}
        response = await self._asker.ask(fields)
        try:
            response.raise_for_status()
            goes_on = has_events(response._reply.head)
        except BaseException:
            response.close()
            raise
        if not goes_on:
            response.close()
            return None
        response._content_consumed = True
        self._begun, self.response = True, response
        self._parser = _after(self._parser)
        return response

    async def _wait(self, error: RequestException) -> None:
        """Waits before the next request, or raises `error` where the origin has had too many in vain."""
        session = self._session
        if self._failures and not session._budget.take(self._asker.url.origin, _TOKENS):
            self._ended = True
            raise error
        runtime = session._runtime()
        wait = wait_before_reconnecting(self._parser.retry, self._failures, runtime.random())
        self._failures += 1
        await runtime.sleep(wait)

    def abort(self) -> None:
        """Gives the connection up; the next event would come over another one."""
        response, self.response = self.response, None
        if response is not None:
            response.close()

    def end(self) -> None:
        """No more events."""
        self.abort()
        self._ended = True
        self._ready.clear()


def _after(parser: EventParser) -> EventParser:
    """A parser for the next connection: an event that was cut off begins again."""
    fresh = EventParser(parser.last_id)
    fresh.retry = parser.retry
    return fresh


def _patient(timeout: Any) -> Timeout:
    """The limits of the session, but for the wait for bytes: events may be rare."""
    limits = timeout_from(timeout)
    total = {"total": limits.total} if limits.explicit_total else {}
    return Timeout(connect=limits.connect, read=IDLE, write=limits.write, pool=limits.pool, **total)


class _Stream:
    def __init__(self, flow: EventFlow) -> None:
        self._flow = flow

    @property
    def last_event_id(self) -> str:
        """That of the last event that was given; for `last_event_id=` of a later call."""
        return self._flow.last_id

    @property
    def retry(self) -> float | None:
        """Seconds that the server asks to wait before reconnecting, or None."""
        return self._flow.retry

    @property
    def response(self) -> Response | None:
        """The answer that events come from now; None before the first event, and between two connections."""
        return self._flow.response

    def close(self) -> None:
        """Ends the stream and its connection."""
        self._flow.end()


class EventStream(_Stream):
    """The events of `Session.sse`: an iterator, and a context that closes it."""

    def __iter__(self) -> Iterator[ServerEvent]:
        return self

    def __next__(self) -> ServerEvent:
        event = run_blocking(self._flow.next())
        if event is None:
            raise StopIteration
        return event

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncEventStream(_Stream):
    """The events of `AsyncSession.sse`: an asynchronous iterator, and a context that closes it."""

    def __aiter__(self) -> AsyncIterator[ServerEvent]:
        return self

    async def __anext__(self) -> ServerEvent:
        event = await self._flow.next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def __aenter__(self) -> "AsyncEventStream":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

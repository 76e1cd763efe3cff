"""The library as a test sees it: one set of plain methods, whichever of the three modes is behind them.

Blocking sessions are handed out as they are. Asynchronous ones live on an event loop in a thread of its own, so that
their connections stay on one loop over all calls of a test.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.from_thread

MODES = ("blocking", "asyncio", "trio")
VERBS = ("get", "options", "head", "post", "put", "patch", "delete")

Call = tuple[str, str, dict[str, Any]]  # method, URL, options


class LoopResponse:
    """A response of an AsyncSession with plain methods: iterators are pulled and `close()` is awaited on its loop."""

    def __init__(self, response: Any, portal: Any) -> None:
        self.inner = response
        self._portal = portal

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def _pulled(self, name: str, *args: Any, **options: Any) -> Iterator[Any]:
        async def start() -> Any:
            return aiter(getattr(self.inner, name)(*args, **options))

        async def step() -> tuple[Any, ...]:
            try:
                return (await anext(pieces),)
            except StopAsyncIteration:
                return ()

        pieces = self._portal.call(start)
        while piece := self._portal.call(step):
            yield piece[0]

    def iter_content(self, *args: Any, **options: Any) -> Iterator[bytes]:
        return self._pulled("iter_content", *args, **options)

    def iter_raw(self, *args: Any, **options: Any) -> Iterator[bytes]:
        return self._pulled("iter_raw", *args, **options)

    def iter_lines(self, *args: Any, **options: Any) -> Iterator[Any]:
        return self._pulled("iter_lines", *args, **options)

    def iter_json_lines(self, *args: Any, **options: Any) -> Iterator[Any]:
        return self._pulled("iter_json_lines", *args, **options)

    def close(self) -> None:
        self._portal.call(_settled, self.inner.close)


class LoopEvents:
    """An AsyncEventStream as a plain iterator."""

    def __init__(self, events: Any, portal: Any) -> None:
        self.inner = events
        self._portal = portal

    def __iter__(self) -> "LoopEvents":
        return self

    def __next__(self) -> Any:
        async def step() -> tuple[Any, ...]:
            try:
                return (await anext(self.inner),)
            except StopAsyncIteration:
                return ()

        for event in self._portal.call(step):
            return event
        raise StopIteration

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class LoopSession:
    """An AsyncSession with plain methods, which wait for its loop's thread."""

    def __init__(self, session: Any, portal: Any) -> None:
        self.inner = session
        self._portal = portal

    def __getattr__(self, name: str) -> Any:
        if name not in (*VERBS, "query", "request", "send"):
            return getattr(self.inner, name)

        def call(*args: Any, **options: Any) -> LoopResponse:
            response = self._portal.call(_settled, getattr(self.inner, name), args, options)
            return LoopResponse(response, self._portal)

        return call

    def download(self, *args: Any, **options: Any) -> Any:
        return self._portal.call(_settled, self.inner.download, args, options)

    @contextlib.contextmanager
    def sse(self, *args: Any, **options: Any) -> Iterator[Any]:
        """`with session.sse(...) as events`, which is iterated from here."""
        with self._portal.wrap_async_context_manager(self.inner.sse(*args, **options)) as events:
            yield LoopEvents(events, self._portal)

    @contextlib.contextmanager
    def stream(self, *args: Any, **options: Any) -> Iterator[LoopResponse]:
        """`async with session.stream(...)`, entered and left in one task of the loop."""
        with self._portal.wrap_async_context_manager(self.inner.stream(*args, **options)) as response:
            yield LoopResponse(response, self._portal)

    def close(self) -> None:
        self._portal.call(_settled, self.inner.close)


async def _settled(function: Callable[..., Any], args: Sequence[Any] = (), options: Any = None) -> Any:
    result = function(*args, **(options or {}))
    return await result if inspect.isawaitable(result) else result


class Client:
    """Sessions of one mode, closed when the test ends.

    `client.get(url, ...)` and the other verbs use one session of its own, made at first need; `client.session(...)`
    gives further ones. `mode` is "blocking", "asyncio" or "trio".
    """

    def __init__(self, mode: str, stack: contextlib.ExitStack) -> None:
        self.mode = mode
        self._stack = stack
        self._session: Any = None
        self._portal: Any = None
        if mode != "blocking":
            self._portal = stack.enter_context(anyio.from_thread.start_blocking_portal(mode))

    def session(self, **options: Any) -> Any:
        """A new Session, or an AsyncSession behind the same plain methods."""
        import smartclient

        if self._portal is None:
            session: Any = smartclient.Session(**options)
        else:
            made = self._portal.call(_settled, smartclient.AsyncSession, (), options)
            session = LoopSession(made, self._portal)
        self._stack.callback(session.close)
        return session

    def __getattr__(self, name: str) -> Any:
        if name not in (*VERBS, "query", "request", "stream", "download", "sse"):
            raise AttributeError(name)
        if self._session is None:
            self._session = self.session()
        return getattr(self._session, name)

    def together(self, calls: Sequence[Call], session: Any = None) -> list[Any]:
        """Responses, or the exceptions in their place, of calls that are all under way at once (threads or tasks)."""
        session = session or self.session()
        if self._portal is None:
            with ThreadPoolExecutor(len(calls)) as pool:
                return list(pool.map(lambda call: _outcome(session, *call), calls))

        async def one(place: int, method: str, url: str, options: dict[str, Any]) -> None:
            try:
                results[place] = await session.inner.request(method, url, **options)
            except Exception as error:
                results[place] = error

        async def every() -> None:
            async with anyio.create_task_group() as group:
                for place, call in enumerate(calls):
                    group.start_soon(one, place, *call)

        results: list[Any] = [None] * len(calls)
        self._portal.call(every)
        return results

    def run(self, scenario: Callable[..., Any], *args: Any) -> Any:
        """The result of `await scenario(*args)` on the loop of the test; for scenarios that exist only there."""
        if self._portal is None:
            raise TypeError("a blocking client has no loop; take `loop_client`")
        return self._portal.call(scenario, *args)


def _outcome(session: Any, method: str, url: str, options: dict[str, Any]) -> Any:
    try:
        return session.request(method, url, **options)
    except Exception as error:
        return error

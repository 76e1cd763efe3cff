"""`AsyncSession`, the facade for asyncio and trio: it finds out which of them runs, and nothing below it does."""

import time
import warnings
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Unpack, cast

from .._model.errors import SessionMisuse
from .._model.headers import HeadersInput
from .._model.request import Request
from .._model.retry import RetryPolicy
from .._net.pool import Pool
from .._net.transport import AsyncTransport
from .._pipeline.chain import build_chain
from .._pipeline.exchange import AsyncExchangeStage
from .._pipeline.stage import Stage
from .._runtime.base import LoopRuntime, Runtime
from .call import perform
from .hooks import dispatch_awaiting
from .loops import is_alive, new_async_runtime, running_loop
from .options import (
    NOT_GIVEN,
    CacheInput,
    CallOptions,
    GetOptions,
    NotGiven,
    PostOptions,
    ProxiesInput,
    PutOptions,
    RareOptions,
    RoutedOptions,
    TimeoutInput,
)
from .response import AsyncResponse
from .settings import StreamFlag
from .sharing import SharedPool

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from .download import Download, ProgressCall
    from .event_stream import AsyncEventStream
    from .request import PreparedRequest
    from .websocket import Opening


class AsyncSession(SharedPool):
    """The same names as `Session`, awaited, on asyncio and trio. It belongs to the event loop that first uses it.

    >>> import smartclient
    >>> async def fetch(url):
    ...     async with smartclient.AsyncSession() as session:
    ...         response = await session.get(url)
    ...         return response.text
    """

    _handler = "handle_async_request"
    _blocking = False
    _home: object = None  # the loop, or trio's token

    async def request(
        self,
        method: str,
        url: Any,
        params: Any = None,
        data: Any = None,
        headers: HeadersInput = None,
        cookies: Any = None,
        files: Any = None,
        auth: Any = None,
        timeout: TimeoutInput | NotGiven = NOT_GIVEN,
        allow_redirects: bool = True,
        proxies: ProxiesInput = None,
        hooks: Any = None,
        stream: bool | None = None,
        verify: Any = None,
        cert: Any = None,
        json: Any = None,
        *,
        retries: int | RetryPolicy | None = None,
        cache: CacheInput | NotGiven = NOT_GIVEN,
        **rare: Unpack[RareOptions],
    ) -> AsyncResponse:
        """The response to one call; arguments and errors are those of `Session.request`.

        `data` may be an asynchronous iterable too; files on disk are read in a thread.
        """
        routed: RoutedOptions = rare  # type: ignore[assignment]  # a copy would be made in every call
        if proxies is not None:
            routed["proxies"] = proxies
        request = self._request(
            method,
            url,
            params,
            data,
            headers,
            cookies,
            files,
            auth,
            timeout,
            allow_redirects,
            stream,
            verify,
            cert,
            json,
            retries,
            cache,
            routed,
        )
        home = running_loop()
        chain = self._chain if home is self._home else None
        if self._stages:
            response = await self._through_stages(request, chain or self._open(home))
        else:
            response = await perform(chain or self._open(home), request, AsyncResponse)
        if hooks or (self._touched and "hooks" in self.__dict__):
            said = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
            return await dispatch_awaiting(hooks or self.hooks, response, said)  # type: ignore[no-any-return]
        return response

    async def _through_stages(self, request: Request, chain: Stage) -> AsyncResponse:
        from .stages import awaited_through

        return await awaited_through(self._stages, request, lambda each: perform(chain, each, AsyncResponse))

    def prepare_request(self, request: Any) -> "PreparedRequest":
        """`request`, a `smartclient.Request`, with the settings of this session; see `Session.prepare_request`.

        Credentials that take a function or several exchanges are seen to when it is sent.
        """
        from .long_way import prepared_by

        return prepared_by(cast(Any, self), request)

    async def send(self, request: "PreparedRequest", **kwargs: Any) -> AsyncResponse:
        """The response to a prepared request; arguments and errors are those of `Session.send`.

        The cookies of this session are added where it has no Cookie field.
        """
        from .awaited_sending import request_for

        made, said = request_for(self, request, kwargs)
        home = running_loop()
        chain = self._chain if home is self._home else None
        response = await self._through_stages(made, chain or self._open(home))
        return await dispatch_awaiting(request.hooks, response, said)  # type: ignore[no-any-return]

    def _open(self, home: object) -> Stage:
        """The chain for the loop that runs now."""
        pool = self._open_pool(home)
        self._home = home
        transport = AsyncTransport(pool) if self._transport is None else self._transport
        self._chain = build_chain(
            AsyncExchangeStage(transport, cast(LoopRuntime, pool.runtime)),
            together=self._together(pool.runtime),
            wall_clock=time.time,
            jar=self._jar,
            caching=self._caching,
            budget=self._budget,
            hsts=self._hsts,
            extras=self._extras(),
        )
        return self._chain

    def _open_pool(self, home: object) -> Pool:
        """The pool of the session or of the one it was derived from; a loop that ended takes its own with it."""
        owner = self._owner or self
        assert isinstance(owner, AsyncSession)
        if owner._pool is None or home is not owner._home:
            if owner._pool is not None and is_alive(owner._home):
                raise SessionMisuse("this AsyncSession is in use on another event loop; make one for each loop")
            owner._pool, owner._chain, owner._home = Pool(new_async_runtime(home), owner.limits), None, home
        return owner._pool

    async def prewarm(self, url: Any = "", connections: int = 1) -> int:
        """Opens connections to the origin of `url`; see `Session.prewarm`."""
        request, count = self._warming(url, connections)
        return await self._open_pool(running_loop()).prewarm(request, count)

    async def get(self, url: Any, params: Any = None, **options: Unpack[GetOptions]) -> AsyncResponse:
        """GET; see `request`."""
        if (
            params is None
            and not (options or self._touched or self._stages)
            and type(self) is AsyncSession
            and AsyncSession.request is _REQUEST
        ):
            request = self._plain("GET", url)
            home = running_loop()
            chain = self._chain if home is self._home else None
            return await perform(chain or self._open(home), request, AsyncResponse)
        return await self.request("GET", url, params=params, **options)

    async def options(self, url: Any, **options: Unpack[CallOptions]) -> AsyncResponse:
        """OPTIONS; see `request`."""
        return await self.request("OPTIONS", url, **options)

    async def head(self, url: Any, **options: Unpack[CallOptions]) -> AsyncResponse:
        """HEAD, redirects not followed unless asked; see `request`."""
        options.setdefault("allow_redirects", False)
        return await self.request("HEAD", url, **options)

    async def post(self, url: Any, data: Any = None, json: Any = None, **options: Unpack[PostOptions]) -> AsyncResponse:
        """POST; see `request`."""
        return await self.request("POST", url, data=data, json=json, **options)

    async def put(self, url: Any, data: Any = None, **options: Unpack[PutOptions]) -> AsyncResponse:
        """PUT; see `request`."""
        return await self.request("PUT", url, data=data, **options)

    async def patch(self, url: Any, data: Any = None, **options: Unpack[PutOptions]) -> AsyncResponse:
        """PATCH; see `request`."""
        return await self.request("PATCH", url, data=data, **options)

    async def delete(self, url: Any, **options: Unpack[CallOptions]) -> AsyncResponse:
        """DELETE; see `request`."""
        return await self.request("DELETE", url, **options)

    async def query(self, url: Any, data: Any = None, **options: Unpack[PutOptions]) -> AsyncResponse:
        """QUERY (RFC 10008): safe and idempotent, with a body; see `request`."""
        return await self.request("QUERY", url, data=data, **options)

    @property
    def stream(self) -> "StreamFlag[AsyncStreamed]":
        """`stream(method, url, ...)`, for `async with`: a response whose body is not read yet, given up at its end.

        As a flag: whether all calls leave their bodies to be read, which may be set.
        """
        return StreamFlag(self._fixed.stream, self._streamed)

    @stream.setter
    def stream(self, on: bool) -> None:
        self._fixed = self._fixed._replace(stream=bool(on))

    def _streamed(self, method: str, url: Any, resume: bool = False, **options: Unpack[CallOptions]) -> "AsyncStreamed":
        if resume:
            from .resuming import resumable

            resumed: Any = resumable(self, method, url, options)
            return AsyncStreamed(resumed)
        options["stream"] = True
        return AsyncStreamed(self.request(method, url, **options))

    async def download(
        self,
        url: Any,
        path: "str | os.PathLike[str]",
        *,
        resume: bool = True,
        checksum: str | None = None,
        parallel: int = 1,
        progress: "ProgressCall | None" = None,
        overwrite: bool = True,
        if_changed: bool = False,
        limit_rate: float | None = None,
        **options: Any,
    ) -> "Download[AsyncResponse]":
        """Downloads `url` to `path`; arguments, result and errors are those of `Session.download`."""
        from .download import fetched, wish_from

        wish = wish_from(path, resume, checksum, parallel, progress, overwrite, if_changed, limit_rate)
        return await fetched(self, url, wish, options)

    def websocket(
        self,
        url: Any,
        *,
        subprotocols: "Sequence[str]" = (),
        compress: bool = True,
        max_message: int = 2**24,
        **options: Any,
    ) -> "Opening":
        """Opens a WebSocket, for `async with` or to be awaited; see `Session.websocket`."""
        from .websocket import AsyncWebSocket, Opening, Wish, opened, request_for

        wish = Wish(url, subprotocols, compress, max_message, options)

        async def open_now() -> AsyncWebSocket:
            home = running_loop()
            chain = self._chain if home is self._home else None
            request = request_for(self, wish)
            return AsyncWebSocket(*await opened(chain or self._open(home), self._runtime(), request, wish))

        return Opening(open_now())

    def sse(self, url: Any, *, last_event_id: str = "", **options: Any) -> "AsyncEventStream":
        """The server-sent events of `url`, for `async for`; see `Session.sse`."""
        from .event_stream import AsyncEventStream, EventFlow

        return AsyncEventStream(EventFlow(self, url, last_event_id, options))

    def _runtime(self) -> Runtime:
        return self._open_pool(running_loop()).runtime

    async def close(self) -> None:
        """Closes the idle connections, and waits until their sockets are gone (at most 1 s)."""
        (pool, shared), home = self._let_go(), self._home
        self._home, self._within = None, False
        if pool is not None and home is running_loop():
            try:
                if shared is not None:
                    await shared.background.close()
            finally:
                await pool.aclose()

    aclose = close

    async def __aenter__(self) -> "AsyncSession":
        self._within = True
        if self._shared is not None:
            self._shared.background.open = True
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __del__(self) -> None:
        if getattr(self, "_pool", None) is not None:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)

    def __repr__(self) -> str:
        return f"<AsyncSession {(self._owner or self)._pool!r}>"


_REQUEST = AsyncSession.request


class AsyncStreamed:
    """A call whose response is there inside `async with`."""

    __slots__ = ("_call", "_response")

    def __init__(self, call: Coroutine[Any, Any, AsyncResponse]) -> None:
        self._call = call
        self._response: AsyncResponse | None = None

    async def __aenter__(self) -> AsyncResponse:
        self._response = await self._call
        return self._response

    async def __aexit__(self, *exc_info: object) -> None:
        if self._response is not None:
            self._response.close()

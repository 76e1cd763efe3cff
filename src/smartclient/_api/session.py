"""The two facades: `Session` for blocking code and `AsyncSession` for asyncio and trio. Only they choose a runtime."""

import sys
import time
import warnings
from collections.abc import Coroutine
from typing import Any, Unpack

from .._model.errors import SessionMisuse
from .._model.headers import HeadersInput
from .._net.pool import Pool
from .._net.transport import AsyncTransport, SyncTransport
from .._pipeline.chain import build_chain
from .._pipeline.exchange import AsyncExchangeStage, SyncExchangeStage
from .._pipeline.stage import Stage
from .._runtime.base import LoopRuntime, run_blocking
from .call import perform
from .options import (
    NOT_GIVEN,
    CacheInput,
    CallOptions,
    NotGiven,
    PostOptions,
    ProxiesInput,
    PutOptions,
    TimeoutInput,
)
from .response import AsyncResponse, Response
from .settings import Settings, StreamFlag


class Session(Settings):
    """Calls that block; safe for many threads; usable again after `close()`.

    >>> import smartclient
    >>> session = smartclient.Session(headers={"Accept": "application/json"}, timeout=10)
    >>> session.close()
    """

    _handler = "handle_request"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pool: Pool | None = None

    def request(
        self,
        method: str,
        url: Any,
        params: Any = None,
        data: Any = None,
        headers: HeadersInput = None,
        cookies: Any = None,
        *,
        auth: Any = None,
        timeout: TimeoutInput | NotGiven = NOT_GIVEN,
        allow_redirects: bool = True,
        stream: bool | None = None,
        verify: Any = None,
        cert: Any = None,
        json: Any = None,
        retries: int | None = None,
        cache: CacheInput | NotGiven = NOT_GIVEN,
        proxies: ProxiesInput = None,
    ) -> Response:
        """The response to one call, redirects followed.

        Args:
            method: a token, such as GET; sent in upper case.
            url: absolute, http or https.
            params: mapping, pairs, str or bytes, appended to the query.
            data: bytes, str, form (mapping or pairs), file, or iterable of bytes.
            headers: mapping or pairs; None as a value removes the session's field.
            cookies: mapping or jar, for this call only.
            auth: (user, password), never sent to another origin.
            timeout: seconds for each wait, (connect, read), a Timeout, or None for no limit.
            allow_redirects: follow 301, 302, 303, 307 and 308.
            stream: leave the body to be read from the response.
            verify: False turns the check of certificates off; a path names the trusted CAs.
            cert: path of a client certificate, or (certificate, key) paths.
            json: sent as JSON, unless `data` is given.
            retries: further attempts at most, for what may be repeated.
            cache: "refresh", "reload", "only", or None for no cache.
            proxies: mapping from "http", "https", "all" or "scheme://host" to a proxy's URL (http, https, socks5,
                socks5h), to (URL, (user, password)), or to None for a direct connection; beats the environment.

        Raises:
            RequestException: always one of its classes; see `smartclient.exceptions`.
        """
        request = self._request(
            method,
            url,
            params,
            data,
            headers,
            cookies,
            auth,
            timeout,
            allow_redirects,
            stream,
            verify,
            cert,
            json,
            retries,
            cache,
            proxies,
        )
        return run_blocking(perform(self._chain or self._open(), request, Response))

    def _open(self) -> Stage:
        from .._runtime.blocking import BlockingRuntime

        with self._lock:
            if self._chain is None:
                if self._pool is None:
                    self._pool = Pool(BlockingRuntime(), self.limits)
                transport = SyncTransport(self._pool) if self._transport is None else self._transport
                self._chain = build_chain(
                    SyncExchangeStage(transport, self._pool.runtime),
                    runtime=self._pool.runtime,
                    wall_clock=time.time,
                    jar=self.cookies,
                    store=self._store,
                    salt=self._salt,
                )
            return self._chain

    def get(self, url: Any, **options: Unpack[CallOptions]) -> Response:
        """GET; see `request`."""
        return self.request("GET", url, **options)

    def options(self, url: Any, **options: Unpack[CallOptions]) -> Response:
        """OPTIONS; see `request`."""
        return self.request("OPTIONS", url, **options)

    def head(self, url: Any, **options: Unpack[CallOptions]) -> Response:
        """HEAD, redirects not followed unless asked; see `request`."""
        options.setdefault("allow_redirects", False)
        return self.request("HEAD", url, **options)

    def post(self, url: Any, data: Any = None, json: Any = None, **options: Unpack[PostOptions]) -> Response:
        """POST; see `request`."""
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url: Any, data: Any = None, **options: Unpack[PutOptions]) -> Response:
        """PUT; see `request`."""
        return self.request("PUT", url, data=data, **options)

    def patch(self, url: Any, data: Any = None, **options: Unpack[PutOptions]) -> Response:
        """PATCH; see `request`."""
        return self.request("PATCH", url, data=data, **options)

    def delete(self, url: Any, **options: Unpack[CallOptions]) -> Response:
        """DELETE; see `request`."""
        return self.request("DELETE", url, **options)

    def query(self, url: Any, data: Any = None, **options: Unpack[PutOptions]) -> Response:
        """QUERY (RFC 10008): safe and idempotent, with a body; see `request`."""
        return self.request("QUERY", url, data=data, **options)

    @property
    def stream(self) -> StreamFlag[Response]:
        """`stream(method, url, ...)`: a response whose body is not read yet; `with` gives it up at the block's end.

        As a flag: whether all calls leave their bodies to be read, which may be set.
        """
        return StreamFlag(self._stream, self._streamed)

    @stream.setter
    def stream(self, on: bool) -> None:
        self._stream = bool(on)

    def _streamed(self, method: str, url: Any, **options: Unpack[CallOptions]) -> Response:
        options["stream"] = True
        return self.request(method, url, **options)

    def close(self) -> None:
        """Closes the idle connections; streamed bodies that are still being read keep theirs."""
        with self._lock:
            pool, self._pool, self._chain = self._pool, None, None
        if pool is not None:
            pool.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session {self._pool!r}>"


class AsyncSession(Settings):
    """The same names as `Session`, awaited, on asyncio and trio. It belongs to the event loop that first uses it.

    >>> import smartclient
    >>> async def fetch(url):
    ...     async with smartclient.AsyncSession() as session:
    ...         response = await session.get(url)
    ...         return response.text
    """

    _handler = "handle_async_request"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._home: object = None  # the loop, or trio's token
        self._pool: Pool | None = None

    async def request(
        self,
        method: str,
        url: Any,
        params: Any = None,
        data: Any = None,
        headers: HeadersInput = None,
        cookies: Any = None,
        *,
        auth: Any = None,
        timeout: TimeoutInput | NotGiven = NOT_GIVEN,
        allow_redirects: bool = True,
        stream: bool | None = None,
        verify: Any = None,
        cert: Any = None,
        json: Any = None,
        retries: int | None = None,
        cache: CacheInput | NotGiven = NOT_GIVEN,
        proxies: ProxiesInput = None,
    ) -> AsyncResponse:
        """The response to one call; arguments and errors are those of `Session.request`."""
        request = self._request(
            method,
            url,
            params,
            data,
            headers,
            cookies,
            auth,
            timeout,
            allow_redirects,
            stream,
            verify,
            cert,
            json,
            retries,
            cache,
            proxies,
        )
        home = running_loop()
        chain = self._chain if home is self._home else None
        return await perform(chain or self._open(home), request, AsyncResponse)

    def _open(self, home: object) -> Stage:
        """The chain for the loop that runs now; a loop that ended takes its connections with it."""
        if self._pool is None or home is not self._home:
            if self._pool is not None and is_alive(self._home):
                raise SessionMisuse("this AsyncSession is in use on another event loop; make one for each loop")
            runtime = new_async_runtime(home)
            self._pool = Pool(runtime, self.limits)
            transport = AsyncTransport(self._pool) if self._transport is None else self._transport
            self._exchange = AsyncExchangeStage(transport, runtime)
            self._home = home
        self._chain = build_chain(
            self._exchange,
            runtime=self._pool.runtime,
            wall_clock=time.time,
            jar=self.cookies,
            store=self._store,
            salt=self._salt,
        )
        return self._chain

    async def get(self, url: Any, **options: Unpack[CallOptions]) -> AsyncResponse:
        """GET; see `request`."""
        return await self.request("GET", url, **options)

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
        return StreamFlag(self._stream, self._streamed)

    @stream.setter
    def stream(self, on: bool) -> None:
        self._stream = bool(on)

    def _streamed(self, method: str, url: Any, **options: Unpack[CallOptions]) -> "AsyncStreamed":
        options["stream"] = True
        return AsyncStreamed(self.request(method, url, **options))

    async def close(self) -> None:
        """Closes the idle connections, and waits until their sockets are gone (at most 1 s)."""
        pool, home = self._pool, self._home
        self._pool = self._chain = self._home = None
        if pool is not None and home is running_loop():
            await pool.aclose()

    aclose = close

    async def __aenter__(self) -> "AsyncSession":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __del__(self) -> None:
        if getattr(self, "_pool", None) is not None:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)

    def __repr__(self) -> str:
        return f"<AsyncSession {self._pool!r}>"


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


def running_loop() -> object:
    """What runs this code: trio's token, or asyncio's loop.

    Raises:
        SessionMisuse: neither does.
    """
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():  # first: as a guest, trio runs inside asyncio's loop
        return trio.lowlevel.current_trio_token()
    asyncio = sys.modules.get("asyncio")
    loop: object = None if asyncio is None else asyncio._get_running_loop()
    if loop is None:
        raise SessionMisuse("AsyncSession needs a running event loop: asyncio or trio")
    return loop


def is_alive(home: Any) -> bool:
    """Whether an event loop can still run; trio's tokens do not say so, but refuse what is given to them."""
    if hasattr(home, "is_closed"):
        return not home.is_closed()
    try:
        home.run_sync_soon(lambda: None)
    except Exception:
        return False
    return True


def new_async_runtime(home: object) -> LoopRuntime:
    """The runtime for what `running_loop` found."""
    if hasattr(home, "is_closed"):
        from .._runtime.asyncio_ import AsyncioRuntime

        return AsyncioRuntime()
    from .._runtime.trio_ import TrioRuntime

    return TrioRuntime()

"""The two facades: `Session` for blocking code and `AsyncSession` for asyncio and trio. Only they choose a runtime."""

import time
import warnings
from collections.abc import Coroutine
from typing import Any, Unpack, cast

from .._model.errors import SessionMisuse, shown
from .._model.headers import HeadersInput
from .._model.request import Request
from .._net.pool import Pool
from .._net.transport import AsyncTransport, SyncTransport
from .._pipeline.chain import build_chain
from .._pipeline.exchange import AsyncExchangeStage, SyncExchangeStage
from .._pipeline.stage import Stage
from .._runtime.base import LoopRuntime, run_blocking
from .call import perform
from .loops import is_alive, new_async_runtime, running_loop
from .options import NOT_GIVEN, CacheInput, CallOptions, NotGiven, PostOptions, PutOptions, RareOptions, TimeoutInput
from .response import AsyncResponse, Response
from .settings import StreamFlag
from .sharing import SharedPool


class Session(SharedPool):
    """Calls that block; safe for many threads; usable again after `close()`.

    >>> import smartclient
    >>> session = smartclient.Session(headers={"Accept": "application/json"}, timeout=10)
    >>> session.close()
    """

    _handler = "handle_request"

    def request(
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
        stream: bool | None = None,
        verify: Any = None,
        cert: Any = None,
        json: Any = None,
        *,
        retries: int | None = None,
        cache: CacheInput | NotGiven = NOT_GIVEN,
        **rare: Unpack[RareOptions],
    ) -> Response:
        """The response to one call, redirects followed.

        Args:
            method: a token, such as GET; sent in upper case.
            url: absolute, http or https.
            params: mapping, pairs, str or bytes, appended to the query.
            data: bytes, str, form (mapping or pairs), file, or iterable of bytes.
            headers: mapping or pairs; None as a value removes the session's field.
            cookies: mapping or jar, for this call only.
            files: mapping or pairs of a name and a file, path object, bytes or str, or of a name and (file name,
                content[, content type[, fields]]); sent as multipart/form-data, after the form in `data`.
            auth: (user, password), never sent to another origin.
            timeout: seconds for each wait, (connect, read), a Timeout, or None for no limit.
            allow_redirects: follow 301, 302, 303, 307 and 308.
            stream: leave the body to be read from the response.
            verify: False turns the check of certificates off; a path names the trusted CAs; a `TLS` says more; an
                `ssl.SSLContext` is used as it is.
            cert: path of a client certificate, or (certificate, key) paths, or the same as PEM text.
            json: sent as JSON, unless `data` or `files` is given.
            retries: further attempts at most, for what may be repeated.
            cache: "refresh", "reload", "only", or None for no cache.
            rare: accept, accept_language: text, or a list of values and (value, weight) pairs.
                strict_accept: raise NegotiationError for a success that is not what was asked for.
                array_style: "repeat", "comma" or "brackets", for lists in `params`.
                progress: called with (bytes sent, bytes in all or None) while the body is sent, at most 10 times a
                    second, and once at its end; what it raises ends the call.
                proxies: mapping from "http", "https", "all" or "scheme://host" to a proxy's URL (http, https, socks5,
                socks5h), to (URL, (user, password)), or to None for a direct connection; beats the environment.

        Raises:
            RequestException: always one of its classes; see `smartclient.exceptions`.
            TypeError: an unknown keyword; it names the nearest.
        """
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
            rare,
        )
        if self._stages:
            return self._through_stages(request)
        return run_blocking(perform(self._chain or self._open(), request, Response))

    def _through_stages(self, request: Request) -> Response:
        from .stages import through

        response = through(
            self._stages, request, lambda each: run_blocking(perform(self._chain or self._open(), each, Response))
        )
        if not isinstance(response, Response):
            raise SessionMisuse(f"a stage returned {shown(response)}, not a response")
        return response

    def _open(self) -> Stage:
        with self._lock:
            if self._chain is None:
                pool = self._open_pool()
                transport = SyncTransport(pool) if self._transport is None else self._transport
                self._chain = build_chain(
                    SyncExchangeStage(transport, pool.runtime),
                    runtime=pool.runtime,
                    wall_clock=time.time,
                    jar=self.cookies,
                    store=self._store,
                    salt=self._salt,
                )
            return self._chain

    def _open_pool(self) -> Pool:
        """The pool of the session or of the one it was derived from; called with the lock held."""
        owner = self._owner or self
        if owner._pool is None:
            from .._runtime.blocking import BlockingRuntime

            owner._pool = Pool(BlockingRuntime(), owner.limits)
        return owner._pool

    def prewarm(self, url: Any = "", connections: int = 1) -> int:
        """Opens connections to the origin of `url`, so that calls find them; relative ones are seen from `base_url`.

        One after the other, until `connections` are idle there; fewer where the limits leave no room.

        Returns:
            How many connections are there for the next calls.

        Raises:
            ConnectionError, Timeout: connecting failed; those that were opened before stay open.
        """
        request, count = self._warming(url, connections)
        with self._lock:
            pool = self._open_pool()
        return run_blocking(pool.prewarm(request, count))

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
        return StreamFlag(self._fixed.stream, self._streamed)

    @stream.setter
    def stream(self, on: bool) -> None:
        self._fixed = self._fixed._replace(stream=bool(on))

    def _streamed(self, method: str, url: Any, **options: Unpack[CallOptions]) -> Response:
        options["stream"] = True
        return self.request(method, url, **options)

    def close(self) -> None:
        """Closes the idle connections; streamed bodies that are still being read keep theirs."""
        with self._lock:
            pool = self._let_go()
        if pool is not None:
            pool.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session {(self._owner or self)._pool!r}>"


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
        stream: bool | None = None,
        verify: Any = None,
        cert: Any = None,
        json: Any = None,
        *,
        retries: int | None = None,
        cache: CacheInput | NotGiven = NOT_GIVEN,
        **rare: Unpack[RareOptions],
    ) -> AsyncResponse:
        """The response to one call; arguments and errors are those of `Session.request`.

        `data` may be an asynchronous iterable too; files on disk are read in a thread.
        """
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
            rare,
        )
        home = running_loop()
        chain = self._chain if home is self._home else None
        if self._stages:
            return await self._through_stages(request, chain or self._open(home))
        return await perform(chain or self._open(home), request, AsyncResponse)

    async def _through_stages(self, request: Request, chain: Stage) -> AsyncResponse:
        from .stages import through

        awaited = through(self._stages, request, lambda each: perform(chain, each, AsyncResponse))
        response = await awaited if hasattr(awaited, "__await__") else awaited
        if not isinstance(response, AsyncResponse):
            raise SessionMisuse(f"a stage returned {shown(response)}, not a response")
        return response

    def _open(self, home: object) -> Stage:
        """The chain for the loop that runs now."""
        pool = self._open_pool(home)
        self._home = home
        transport = AsyncTransport(pool) if self._transport is None else self._transport
        self._chain = build_chain(
            AsyncExchangeStage(transport, cast(LoopRuntime, pool.runtime)),
            runtime=pool.runtime,
            wall_clock=time.time,
            jar=self.cookies,
            store=self._store,
            salt=self._salt,
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
        return StreamFlag(self._fixed.stream, self._streamed)

    @stream.setter
    def stream(self, on: bool) -> None:
        self._fixed = self._fixed._replace(stream=bool(on))

    def _streamed(self, method: str, url: Any, **options: Unpack[CallOptions]) -> "AsyncStreamed":
        options["stream"] = True
        return AsyncStreamed(self.request(method, url, **options))

    async def close(self) -> None:
        """Closes the idle connections, and waits until their sockets are gone (at most 1 s)."""
        pool, home = self._let_go(), self._home
        self._home = None
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
        return f"<AsyncSession {(self._owner or self)._pool!r}>"


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

"""`Session`, the facade for blocking code: it chooses the blocking runtime, and nothing below it knows."""

import time
from typing import TYPE_CHECKING, Any, Unpack

from .._model.headers import HeadersInput
from .._model.request import Request as ModelRequest
from .._model.retry import RetryPolicy
from .._net.pool import Pool
from .._net.transport import SyncTransport
from .._pipeline.chain import build_chain, build_inner
from .._pipeline.exchange import SyncExchangeStage
from .._pipeline.stage import Stage
from .._pipeline.together import Together
from .._runtime.base import Runtime, run_blocking
from .call import perform
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
from .request import Request
from .response import Response
from .seams import is_direct, is_seen, remember
from .sending import Sending
from .settings import StreamFlag

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from .download import Download, ProgressCall
    from .event_stream import EventStream
    from .websocket import WebSocket


class Session(Sending):
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
            auth: (user, password), or what else a session takes; never sent to another origin.
            timeout: seconds for each wait, (connect, read), a Timeout, or None for no limit.
            allow_redirects: follow 301, 302, 303, 307 and 308.
            proxies: mapping from "http", "https", "all" or "scheme://host" to a proxy's URL (http, https, socks5,
                socks5h), to (URL, (user, password)), or to None for a direct connection; beats the environment.
            hooks: {"response": function or functions}, called with each response and the keywords of `send`; what
                they return, unless None, takes its place.
            stream: leave the body to be read from the response.
            verify: False, a path of trusted CAs, a `TLS`, or an `ssl.SSLContext`, which is used as it is.
            cert: path of a client certificate, or (certificate, key) paths, or the same as PEM text.
            json: sent as JSON, unless `data` or `files` is given.
            retries: further attempts at most, for what may be repeated, or a `RetryPolicy`.
            cache: "refresh", "reload", "only", None for none, or one of its own: a `Cache`, or a path object.
            rare: the keywords of `RareOptions`.

        Raises:
            RequestException: one of its classes.
            TypeError: an unknown keyword.
        """
        if hooks or is_seen(self, auth):
            return self._seen_request(
                Request(method, url, headers, files, data, params, auth, cookies, hooks, json),
                (timeout, allow_redirects, proxies, stream, verify, cert, retries, cache, rare),
            )
        routed: RoutedOptions = rare  # type: ignore[assignment]  # a copy would be made in every call
        if proxies is not None:
            routed["proxies"] = proxies
        # fmt: off
        request = self._request(
            method, url, params, data, headers, cookies, files, auth, timeout, allow_redirects, stream, verify, cert,
            json, retries, cache, routed,
        )
        # fmt: on
        if self._stages:
            return self._through_stages(request)
        return run_blocking(perform(self._chain or self._open(), request, Response))

    def _seen_request(self, request: Request, call: tuple[Any, ...]) -> Response:
        from .long_way import Call, perform_call

        return perform_call(self, request, Call(*call))

    def _through_stages(self, request: ModelRequest) -> Response:
        from .stages import through

        return through(
            self._stages, request, lambda each: run_blocking(perform(self._chain or self._open(), each, Response))
        )

    def _open(self) -> Stage:
        with self._lock:
            if self._chain is None:
                pool = self._open_pool()
                self._chain = build_chain(
                    self._exchange(pool),
                    together=self._together(pool.runtime),
                    wall_clock=time.time,
                    jar=self._jar,
                    caching=self._caching,
                    budget=self._budget,
                    hsts=self._hsts,
                    extras=self._extras(),
                )
            return self._chain

    def _exchange(self, pool: Pool) -> SyncExchangeStage:
        return SyncExchangeStage(SyncTransport(pool) if self._transport is None else self._transport, pool.runtime)

    def _open_inner(self) -> Stage:
        with self._lock:
            pool = self._open_pool()
        return build_inner(
            self._exchange(pool), runtime=pool.runtime, wall_clock=time.time, budget=self._budget, extras=self._extras()
        )

    def _open_together(self) -> Together:
        with self._lock:
            return self._together(self._open_pool().runtime)

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

    def get(self, url: Any, params: Any = None, **options: Unpack[GetOptions]) -> Response:
        """GET; see `request`."""
        if params is None and not options and is_direct(self) and not self._stages:
            request = self._plain("GET", url)  # first, for what is wrong with it is told before anything is opened
            return run_blocking(perform(self._chain or self._open(), request, Response))
        options.setdefault("allow_redirects", True)  # whoever replaces `request` sees what requests gives
        return self.request("GET", url, params=params, **options)

    def options(self, url: Any, **options: Unpack[CallOptions]) -> Response:
        """OPTIONS; see `request`."""
        options.setdefault("allow_redirects", True)
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

    def _streamed(self, method: str, url: Any, resume: bool = False, **options: Unpack[CallOptions]) -> Response:
        if resume:
            from .resuming import resumable

            return run_blocking(resumable(self, method, url, options))
        options["stream"] = True
        return self.request(method, url, **options)

    def download(
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
    ) -> "Download[Response]":
        """Downloads `url` to `path`, whole and checked or not at all, and resumes by itself what breaks off.

        The bytes go to `path` + ".part" first, beside which ".part.json" tells how far they are; a later call goes on
        there, even after the process was killed. There is no limit on the whole time; `timeout` limits each wait.

        Args:
            url: as in `request`.
            path: of the file; or a folder, in which the server's name for it is used, and no file is ever replaced.
            resume: False begins afresh, and gives up where the connection breaks.
            checksum: "sha256:hex" or another of hashlib's algorithms. What a server says in Repr-Digest is checked
                without being asked for.
            parallel: requests at a time, 16 at most, for files of 16 MiB and more whose server allows parts.
            progress: called with (bytes so far, bytes in all or None, bytes in a second), at most 10 times a second
                and once at the end; with `parallel` from several threads. What it raises ends the download.
            overwrite: False refuses to replace a file.
            if_changed: asks only for what is newer than the file that is there, by the file's time, which becomes that
                of the server's file.
            limit_rate: bytes in a second at most.
            options: keywords of `get`, but for `stream`, `cache` and `files`.

        Raises:
            HTTPError: a status of 400 and more, typed as by `raise_for_status`; or another without a file.
            ChecksumError: the content is not what it should be; nothing is kept of it.
            FileError: the file cannot be written.
            RequestException: as for any call.
        """
        from .download import fetched, wish_from

        wish = wish_from(path, resume, checksum, parallel, progress, overwrite, if_changed, limit_rate)
        return run_blocking(fetched(self, url, wish, options))

    def websocket(
        self,
        url: Any,
        *,
        subprotocols: "Sequence[str]" = (),
        compress: bool = True,
        max_message: int = 2**24,
        **options: Any,
    ) -> "WebSocket":
        """Opens a WebSocket (RFC 6455; extra `ws`), for `with`.

        Args:
            url: ws or wss; http and https mean the same.
            subprotocols: names to offer, the best first.
            compress: offer permessage-deflate.
            max_message: bytes of a message of the peer, or characters of text; a longer one ends the conversation.
            options: keywords of `get`, but for those that are about bodies; time limits are those of the opening.

        Raises:
            WebSocketError: the server would not; `response` is its answer.
            RequestException: as for any call.
        """
        from .websocket import WebSocket, Wish, opened, request_for

        wish = Wish(url, subprotocols, compress, max_message, options)
        request, chain = request_for(self, wish), self._chain or self._open()
        with self._lock:
            runtime = self._open_pool().runtime
        return WebSocket(*run_blocking(opened(chain, runtime, request, wish)))

    def sse(self, url: Any, *, last_event_id: str = "", **options: Any) -> "EventStream":
        """The server-sent events of `url`, as they come; reconnects by itself, and goes on after the last one.

        Before that it waits for what the server asks for, 0.5 to 60 seconds, or 3. The stream ends when the server
        answers 204, when it is closed, and with an error when it refuses, or too many connections brought nothing.

        Args:
            url: as in `request`.
            last_event_id: of an earlier stream, to go on after it.
            options: keywords of `get`, but for `stream`, `cache` and `files`; the limit of a wait for bytes is 300 s.

        Raises:
            InvalidOption: at once. While it is iterated: HTTPError, for statuses of 400 and more; UnexpectedContent,
                for what is no stream of events; BodyTooLarge, for an event over 1 MiB; RequestException.
        """
        from .event_stream import EventFlow, EventStream

        return EventStream(EventFlow(self, url, last_event_id, options))

    def _runtime(self) -> Runtime:
        with self._lock:
            return self._open_pool().runtime

    def close(self) -> None:
        """Closes the idle connections; streamed bodies that are still being read keep theirs."""
        with self._lock:
            pool, shared = self._let_go()
        if pool is not None:
            pool.close()
        if shared is not None:
            run_blocking(shared.background.close())
        self._close_adapters()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session {(self._owner or self)._pool!r}>"


remember(Session)

"""`BearerAuth`: tokens, and their refresh, which many calls wait for and one does.

Source: RFC 6750.
"""

import inspect
import os
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from .._model.auth import AuthBase
from .._model.errors import DeadlineExceeded, InvalidOption, SessionMisuse
from .._model.message import Reply
from .._model.request import Request
from .._runtime.base import Future, OutOfTime, deliver, nearer, new_lock
from .auth import Waiting, may_repeat
from .stage import Stage, let_go

Given = str | bytes | tuple[str | bytes, float | None]
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_AGAIN = object()
"""What those who wait are told when the call that refreshed was itself cancelled or out of time."""
_refreshing: "ContextVar[tuple[BearerAuth, ...]]" = ContextVar("refreshing", default=())
"""Whose function this code runs in: the calls that it makes have no token to wait for."""


class BearerAuth(AuthBase):
    """A bearer token, or a function that gives one.

    The function is called for the first token, `leeway` seconds before the last one expires, and after a 401, upon
    which the call is sent once more. However many calls need the new token, the function is called once; they wait
    for it, within their own limits, and what it raises, all of them raise. Calls that the function itself makes go
    without a token.

    Args:
        token: str or bytes; or a function of no arguments that returns one, or (token, `expires_at`), in seconds
            since the epoch. In an AsyncSession it may be an `async def`.
        leeway: seconds; at most half of a token's life is given away so.
        identity: names the token's owner, for the cache: answers stay usable when the token changes.
    """

    def __init__(
        self,
        token: "str | bytes | Callable[[], Given | Awaitable[Given]]",
        *,
        leeway: float = 30.0,
        identity: str | None = None,
    ) -> None:
        self.identity = identity
        self._leeway = leeway
        self._refresh = token if callable(token) else None
        self._token = None if callable(token) else _checked(token)
        self._due: float | None = None  # wall time
        self._begin()

    def _begin(self) -> None:
        self._lock = new_lock()
        self._number = 0  # of refreshes that succeeded
        self._waiting: list[tuple[Waiting, Future]] | None = None  # None while nobody refreshes
        self._process = 0  # in which somebody does: a forked child would wait for a thread that it does not have

    async def through(self, request: Request, send: Stage, runtime: Waiting, wall_clock: Callable[[], float]) -> Reply:
        """The answer with the token, or with a new one where it was refused; see `_pipeline.auth.Auth`."""
        if self in _refreshing.get():
            return await send(request)
        token, number = await self._current(request, runtime, wall_clock, refused=-1)
        reply = await send(_with_token(request, token))
        if reply.head.status != 401 or self._refresh is None or not may_repeat(request):
            return reply
        try:
            newer, _ = await self._current(request, runtime, wall_clock, refused=number)
        except BaseException:
            reply.body.abort()
            raise
        if newer == token:
            return reply
        await let_go(reply)
        following = await send(_with_token(request, newer))
        following.history = (*reply.history, reply, *following.history)
        return following

    async def _current(
        self, request: Request, runtime: Waiting, wall_clock: Callable[[], float], *, refused: int
    ) -> tuple[str, int]:
        """The token and its number, which is not `refused`; refreshed where it must be."""
        if self._refresh is None:
            assert self._token is not None
            return self._token, 0
        while True:
            with self._lock:
                token, number = self._token, self._number
                if token is not None and number != refused and (self._due is None or wall_clock() < self._due):
                    return token, number
                leads = self._waiting is None or self._process != os.getpid()
                if self._waiting is None or leads:
                    self._waiting, self._process = [], os.getpid()
                else:
                    future = runtime.new_future()
                    self._waiting.append((runtime, future))
            if leads:
                return await self._lead(request, runtime, wall_clock)
            try:
                found = await runtime.wait(future, _left(request, runtime))
            except TimeoutError as error:
                raise DeadlineExceeded(_late(request)) from error
            if isinstance(found, Exception):
                raise found
            if found is not _AGAIN:
                return found  # type: ignore[no-any-return]

    async def _lead(self, request: Request, runtime: Waiting, wall_clock: Callable[[], float]) -> tuple[str, int]:
        assert self._refresh is not None
        told: Any = _AGAIN
        within = _refreshing.set((*_refreshing.get(), self))
        try:
            try:
                given: Any = self._refresh()
                if inspect.isawaitable(given):
                    given = await runtime.within(_left(request, runtime), given)
            except OutOfTime as error:
                raise DeadlineExceeded(_late(request)) from error
            except Exception as error:
                told = error
                raise
            now = wall_clock()
            try:
                token, due = self._read(given, now)
            except InvalidOption as error:
                told = error
                raise
            with self._lock:
                self._token, self._due = token, due
                self._number += 1
                told = (token, self._number)
            return token, self._number
        finally:
            _refreshing.reset(within)
            with self._lock:
                waiting, self._waiting = self._waiting or [], None
            for theirs, future in waiting:
                theirs.call_threadsafe(deliver, future, told)
            told = given = None  # what they raise knows this frame

    def _read(self, given: Any, now: float) -> tuple[str, float | None]:
        """The token that the function gave, and the moment from which on it is to be refreshed."""
        if not isinstance(given, tuple):
            return _checked(given), None
        if len(given) != 2 or not (given[1] is None or isinstance(given[1], int | float)):
            raise InvalidOption("BearerAuth: the function must return a token, or (token, expires_at)")
        token, expires = _checked(given[0]), given[1]
        return token, None if expires is None else expires - min(self._leeway, max(0.0, expires - now) / 2)

    def __call__(self, r: Any) -> Any:
        """Gives the prepared request `r` the token; a function is called for the first one."""
        token = self._token
        if token is None and self._refresh is not None:
            given: Any = self._refresh()
            if inspect.iscoroutine(given):
                given.close()
                raise SessionMisuse("BearerAuth: an async function can be called in an AsyncSession only")
            token = self._token = self._read(given, 0.0)[0]
        r._auth_object = self  # sessions that send what they have not prepared look there
        r.headers["Authorization"] = f"Bearer {token}"
        return r

    def __getstate__(self) -> dict[str, Any]:
        """For pickles and copies: without those who wait."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_lock", "_waiting")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._begin()
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return "<BearerAuth>"


def _left(request: Request, runtime: Waiting) -> float | None:
    return nearer(None, request.deadline, runtime.now())


def _late(request: Request) -> str:
    return f"{request.method} {request.url.safe}: no token in time"


def _checked(token: Any) -> str:
    try:
        text = token.decode("ascii") if isinstance(token, bytes) else token
    except UnicodeDecodeError:
        text = None
    if not isinstance(text, str) or not _VISIBLE.fullmatch(text):
        raise InvalidOption("BearerAuth: a token is str or bytes of visible ASCII characters (RFC 6750 section 2.1)")
    return text


def _with_token(request: Request, token: str) -> Request:
    return request.replace(fields=request.fields.replace("Authorization", f"Bearer {token}"))

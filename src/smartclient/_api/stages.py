"""Stages of the user's own around a whole call: `f(request, next)`, plain in `Session`, async in `AsyncSession`."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self, TypeVar

from .._model.errors import InvalidOption, SessionMisuse, UnrewindableBodyError, shown
from .._model.request import Request
from .._rules.redirect import crosses_origin, strip_credentials
from .request import PreparedRequest, prepared_from
from .response import Response
from .translation import request_from

UserStage = Callable[[PreparedRequest, Callable[[PreparedRequest], Any]], Any]
R = TypeVar("R", bound=Response)


def checked_stages(stages: Any, *, blocking: bool) -> tuple[UserStage, ...]:
    """`stages` as a tuple.

    Raises:
        InvalidOption: not a list of callables; a coroutine function in a blocking session.
    """
    if not stages:
        return ()
    import inspect

    if not isinstance(stages, Iterable):
        raise InvalidOption(f"stages must be a list of functions f(request, next), not {shown(stages)}")
    found = tuple(stages)
    for stage in found:
        if not callable(stage):
            raise InvalidOption(f"stages: {shown(stage)} cannot be called")
        waits = inspect.iscoroutinefunction(stage) or inspect.iscoroutinefunction(type(stage).__call__)
        if waits and blocking:
            raise InvalidOption(f"stages: {shown(stage)} is async; a Session takes plain functions")
    return found


def through(stages: Iterable[UserStage], request: Request, call: Callable[[Request], R]) -> R:
    """What the first of `stages` returns, the response; `call` is inside the last one.

    A stage gets the request, which it may change, and `next`, which it may call any number of times.

    Raises:
        SessionMisuse: it returned something else.
    """
    with _Given() as given:
        response: R = _checked(_around(stages, request, lambda each: given.also(call(each))))
    return response


async def awaited_through(stages: Iterable[UserStage], request: Request, call: Callable[[Request], Awaitable[R]]) -> R:
    """`through`, for stages and a call that are awaited."""

    async def kept(each: Request) -> R:
        return given.also(await call(each))

    with _Given() as given:
        made = _around(stages, request, kept)
        response: R = _checked(await made if hasattr(made, "__await__") else made)
    return response


def _checked(response: Any) -> Any:  # of the type that `call` gives
    if not isinstance(response, Response):
        raise SessionMisuse(f"a stage returned {shown(response)}, not a response")
    return response


def _around(stages: Iterable[UserStage], request: Request, call: Callable[[Request], Any]) -> Any:
    inner: Callable[[PreparedRequest], Any] = _Innermost(request, call)
    for stage in reversed(tuple(stages)):
        inner = _Next(stage, inner)
    return inner(prepared_from(request))


class _Given:
    """The responses that stages were given; when one of them raises, nobody else would let go of what is not read."""

    __slots__ = ("_responses",)

    def __init__(self) -> None:
        self._responses: list[Response] = []

    def also(self, response: R) -> R:
        """`response`, taken down."""
        self._responses.append(response)
        return response

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *exc_info: object) -> None:
        if kind is not None:
            for response in self._responses:
                response.close()


class _Next:
    """A stage with what is inside it, as the `next` of the stage around it."""

    __slots__ = ("_inner", "_stage")

    def __init__(self, stage: UserStage, inner: Callable[[PreparedRequest], Any]) -> None:
        self._stage = stage
        self._inner = inner

    def __call__(self, request: PreparedRequest) -> Any:
        return self._stage(request, self._inner)


class _Innermost:
    """The call itself, with the request that the stages made of it."""

    __slots__ = ("_call", "_request", "_used")

    def __init__(self, request: Request, call: Callable[[Request], Any]) -> None:
        self._request = request
        self._call = call
        self._used = False

    def __call__(self, prepared: PreparedRequest) -> Any:
        request = changed(self._request, prepared, "a stage called next with")
        if request.body is self._request.body and request.body.length != 0 and not request.body.replayable:
            if self._used:
                raise UnrewindableBodyError("a stage called next again, and the body can be read only once")
            self._used = True
        return self._call(request)


def changed(request: Request, prepared: Any, who: str) -> Request:
    """`request` with what callers' code changed. What that cannot see, as the password, goes to no other origin.

    Raises:
        SessionMisuse: `prepared` is no request; the error begins with `who`.
    """
    if not isinstance(prepared, PreparedRequest):
        raise SessionMisuse(f"{who} {shown(prepared)}, which is no request")
    made = request_from(prepared, request)
    if crosses_origin(request.url, made.url):
        _, made.options = strip_credentials(made.fields, made.options)
    return made

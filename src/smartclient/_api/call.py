"""One call over a chain of stages, written once for both facades."""

import time
from contextlib import suppress
from typing import TypeVar

from .._model.body import BytesReader
from .._model.errors import RequestException
from .._model.message import Reply
from .._model.request import Request
from .._pipeline.content import whole_content
from .._pipeline.stage import Stage
from .request import prepared_from, tell_about
from .response import Response

R = TypeVar("R", bound=Response)
_START_MAX = 2**16  # bytes


async def perform(chain: Stage, request: Request, response_class: type[R], whole: bool = True) -> R:
    """The response to `request`, with its body unless the call is streamed, or not to be `whole`."""
    started = request.began = time.monotonic()
    reply: Reply | None = None
    try:
        reply = await chain(request)
        seconds = time.monotonic() - started
        content = None
        if whole and not request.options.stream:
            body = reply.body
            if type(body) is BytesReader and request.options.limits.body_max is None:
                content = body.take()  # it came with its head and needs no decoding, as most do
            else:
                content = await whole_content(reply)
    except RequestException as error:
        if error.elapsed is None:
            error.elapsed = time.monotonic() - started
        if reply is not None:
            tell_about(error, reply)
        elif error.request is None:
            error.request = prepared_from(request)
        if isinstance(error.response, Reply):
            error.request = prepared_from(error.response.request)
            error.response = response_class(error.response, b"", error.elapsed)
        raise
    if reply.head.status >= 400 and request.options.raise_for_status:
        content = await _start_of(reply) if content is None else content
        response_class(reply, content, seconds).raise_for_status()
    return response_class(reply, content, seconds)


async def _start_of(reply: Reply) -> bytes:
    """What an error has of a streamed body: as much as may come without harm, and nothing of one that breaks."""
    pieces: list[bytes] = []
    with suppress(RequestException):
        while sum(map(len, pieces)) < _START_MAX and (piece := await reply.body.read()):
            pieces.append(piece)
    reply.body.abort()
    return b"".join(pieces)[:_START_MAX]

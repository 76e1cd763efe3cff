"""One call over a chain of stages, written once for both facades."""

import time
from typing import TypeVar

from .._model.errors import RequestException
from .._model.message import Reply
from .._model.request import Request
from .._pipeline.content import content_in_hand, whole_content
from .._pipeline.stage import Stage
from .request import prepared_from, tell_about
from .response import Response

R = TypeVar("R", bound=Response)


async def perform(chain: Stage, request: Request, response_class: type[R], whole: bool = True) -> R:
    """The response to `request`, with its body unless the call is streamed, or not to be `whole`."""
    started = request.began = time.monotonic()
    reply: Reply | None = None
    try:
        reply = await chain(request)
        seconds = time.monotonic() - started
        content = None
        if whole and not request.options.stream:
            content = content_in_hand(reply)
            if content is None:
                content = await whole_content(reply)
    except RequestException as error:
        error.elapsed = time.monotonic() - started
        if reply is not None:
            tell_about(error, reply)
        elif error.request is None:
            error.request = prepared_from(request)
        if isinstance(error.response, Reply):
            error.response = response_class(error.response, b"", error.elapsed)
        raise
    return response_class(reply, content, seconds)

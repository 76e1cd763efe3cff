"""`stream(..., resume=True)`: a streamed body that goes on, over another connection, where one breaks off."""

import time
from collections.abc import Mapping
from typing import Any

from .._model.body import BodyReader
from .._model.errors import InvalidOption, RequestException, shown
from .._model.fields import ACCEPT_ENCODING
from .._model.headers import Fields
from .._model.ranges import range_field
from .._rules.resume import Patience, is_coded, length_from, may_go_on, part_in, validator_of
from .asker import Asker
from .response import Response


async def resumable(session: Any, method: Any, url: Any, options: Mapping[str, Any]) -> Response:
    """The streamed response to a GET, whose body is resumed where the server gives a strong validator.

    Raises:
        InvalidOption: another method.
        RequestException: as any call.
    """
    if method not in ("GET", "get"):
        raise InvalidOption(f"stream(resume=True): only a GET can be resumed, not {shown(method)}")
    asker = Asker(session, url, options)
    asker.prefer("Accept-Encoding", "identity", over=ACCEPT_ENCODING)
    response = await asker.ask({})
    reply = response._reply
    validator = validator_of(reply.head.fields, time.time())
    if response.status_code == 200 and validator is not None and not is_coded(reply.head.fields):
        total = length_from(reply.head.fields.get("content-length", ""))
        reply.body = reply.raw = ResumedBody(reply.body, asker, session._runtime(), validator, total)
    return response


class ResumedBody:
    """One body over several answers; each but the first is the rest of it, from the byte that is missing."""

    __slots__ = ("_asker", "_at", "_body", "_patience", "_runtime", "_total", "_validator")

    def __init__(self, body: BodyReader, asker: Asker, runtime: Any, validator: str, total: int | None) -> None:
        self._body = body
        self._asker = asker
        self._runtime = runtime
        self._validator = validator
        self._total = total
        self._at = 0
        self._patience = Patience()

    @property
    def trailers(self) -> Fields:
        return self._body.trailers

    async def read(self) -> bytes:
        while True:
            try:
                piece = await self._body.read()
            except RequestException as error:
                await self._go_on(error)
            else:
                self._at += len(piece)
                return piece

    async def _go_on(self, failure: RequestException) -> None:
        """Asks for the rest until it comes, or raises why it does not."""
        while True:
            wait = None
            if may_go_on(failure):
                wait = self._patience.wait_after_failure(self._at, self._runtime.random())
            if wait is None:
                raise failure
            await self._runtime.sleep(wait)
            try:
                response = await self._asker.ask({"Range": range_field(self._at, None), "If-Range": self._validator})
            except RequestException as error:
                failure = error
                continue
            head = response._reply.head
            if head.status == 206 and part_in(head, self._at, None, self._validator, self._total) is not None:
                response._content_consumed = True
                self._body = response._reply.raw
                return
            response.close()  # it has changed, or its parts cannot be had: what was read has no rest
            raise failure

    async def discard(self) -> None:
        await self._body.discard()

    def abort(self) -> None:
        self._body.abort()

"""Idempotency keys of a whole session: each POST and PATCH gets one, kept over its redirects and retries.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

import os

from .._model.frozen import replace
from .._model.message import Reply
from .._model.request import Request
from .stage import Stage

FIELD = "Idempotency-Key"


class IdempotencyStage:
    """Around the whole call: makes it repeatable by a key, unless its caller wrote one."""

    __slots__ = ("next",)

    def __init__(self, next: Stage) -> None:
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        if request.method not in ("POST", "PATCH"):
            return await self.next(request)
        fields = request.fields
        if FIELD.lower() not in fields:
            fields = fields.with_line(FIELD, new_key())
        return await self.next(request.replace(fields=fields, options=replace(request.options, idempotent=True)))


def new_key() -> str:
    """A key that nobody has had: a string in the sense of RFC 9651, hence the quotes."""
    return f'"{os.urandom(16).hex()}"'

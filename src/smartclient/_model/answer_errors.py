"""Errors of an answer that came well: one for each status, and content that is no JSON; their tree is in `errors`.

By themselves, since they are a fifth of all classes there, and `json` takes as long again: most starts need none of it.
"""

import json
from typing import Any

from .errors import HTTPError, InvalidJSONError


class ClientStatusError(HTTPError):
    """A 4xx status."""


class ServerStatusError(HTTPError):
    """A 5xx status (and 600 to 999, which are read as one)."""


class BadRequest(ClientStatusError):
    """400."""


class Unauthorized(ClientStatusError):
    """401."""


class Forbidden(ClientStatusError):
    """403."""


class NotFound(ClientStatusError):
    """404."""


class MethodNotAllowed(ClientStatusError):
    """405.

    Attributes:
        allow: the methods that the server has instead.
    """

    allow: tuple[str, ...] = ()


class NotAcceptable(ClientStatusError):
    """406.

    Attributes:
        alternatives: what the server has instead, as far as its answer tells: `Alternative`s.
    """

    alternatives: tuple[Any, ...] = ()


class Conflict(ClientStatusError):
    """409."""


class Gone(ClientStatusError):
    """410."""


class PreconditionFailed(ClientStatusError):
    """412."""


class UnprocessableContent(ClientStatusError):
    """422."""


class TooManyRequests(ClientStatusError):
    """429."""


class InternalServerError(ServerStatusError):
    """500."""


class BadGateway(ServerStatusError):
    """502."""


class ServiceUnavailable(ServerStatusError):
    """503."""


class GatewayTimeout(ServerStatusError):
    """504."""


class JSONDecodeError(InvalidJSONError, json.JSONDecodeError):
    """The body is not JSON. Attributes: msg, doc, pos, lineno, colno."""

    def __init__(self, msg: str, doc: str, pos: int) -> None:
        json.JSONDecodeError.__init__(self, msg, doc, pos)
        text = self.args[0]
        InvalidJSONError.__init__(self, text)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.msg, self.doc, self.pos), self.__dict__


STATUS_ERRORS: dict[int, type[HTTPError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    422: UnprocessableContent,
    429: TooManyRequests,
    500: InternalServerError,
    502: BadGateway,
    503: ServiceUnavailable,
    504: GatewayTimeout,
}


def status_error_class(status: int) -> type[HTTPError]:
    """The class that `raise_for_status` raises for `status`, which is 400 or above."""
    return STATUS_ERRORS.get(status) or (ClientStatusError if status < 500 else ServerStatusError)

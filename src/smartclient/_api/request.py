"""The request as users see it beside a response or an error."""

from typing import Any

from .._model.errors import RequestException
from .._model.headers import Headers
from .._model.message import Reply
from .._model.request import Request


class PreparedRequest:
    """A request as it was sent.

    Attributes:
        method: as sent.
        url: text, with the fragment that stayed home.
        headers: a mapping; framing and Host, which the wire writes, are not in it.
        body: bytes, the iterable that was sent, or None.
    """

    def __init__(self, request: Request) -> None:
        self.method = request.method
        self.url = str(request.url)
        self.headers = Headers(request.fields)
        self.body = request.body.content or None

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: a body that can be read only once stays in its process."""
        return self.__dict__ | {"body": self.body if isinstance(self.body, bytes) else None}

    def __repr__(self) -> str:
        return f"<PreparedRequest [{self.method}]>"


def tell_about(error: RequestException, reply: Reply) -> None:
    """Says in an error of a response's body which request it was, and what had failed before."""
    error.attempts = reply.attempts
    if error.request is None:
        error.request = PreparedRequest(reply.request)

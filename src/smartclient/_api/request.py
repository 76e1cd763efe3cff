"""The request as users see it beside a response or an error."""

from typing import Any

from .._model.errors import RequestException
from .._model.headers import Headers
from .._model.message import Reply
from .._model.request import Request
from .._model.retry import Attempt
from .._model.timings import Timings


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
        self._length = request.body.length

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: a body that can be read only once stays in its process."""
        return self.__dict__ | {"body": self.body if isinstance(self.body, bytes) else None}

    def wire(self, *, secrets: bool = False) -> bytes:
        """Head and body in the form of HTTP/1.1, secrets as ***; a body that is read piece by piece is left out."""
        from .export import wire_of

        return wire_of(self.method, self.url, self.headers, self.body, self._length, secrets=secrets)

    def curl(self, *, secrets: bool = False) -> str:
        """A command of curl that sends the same method, target, fields and body, secrets as ***.

        A body that is read piece by piece comes from its standard input.
        """
        from .export import curl_of

        return curl_of(self.method, self.url, self.headers, self.body, secrets=secrets)

    def __repr__(self) -> str:
        return f"<PreparedRequest [{self.method}]>"


def attempts_of(reply: Reply, seconds: float | None = None) -> tuple[Attempt, ...]:
    """What was sent for `reply`, whose head came after `seconds`; what needed no retry has no record of its own."""
    if reply.attempts or reply.provenance == "cache":
        return reply.attempts
    head = reply.network_head or reply.head
    return (Attempt(head.status, None, "", "wholly", seconds),)


def timings_of(reply: Reply, seconds: float) -> Timings:
    """How long the exchange took that gave `reply`, whose head came `seconds` after the call began."""
    if reply.provenance == "cache":
        return Timings()
    notes = reply.request.notes
    reused = None if reply.connection is None else True
    if notes is not None and notes.head is not None:
        return notes.timings(reused)
    alone = not reply.history and not reply.attempts  # else that is not the time of this exchange
    known = Timings(dns=0.0, connect=0.0, tls=0.0, reused=reused) if notes is None else notes.timings()
    return known._replace(pool_wait=None, total=seconds if alone else None)


def tell_about(error: RequestException, reply: Reply) -> None:
    """Says in an error of a response's body which request it was, and how its head was come by."""
    error.attempts = attempts_of(reply)
    if error.request is None:
        error.request = PreparedRequest(reply.request)

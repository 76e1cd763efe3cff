"""The request as users see it beside a response or an error."""

from .._model.headers import Headers
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

    def __repr__(self) -> str:
        return f"<PreparedRequest [{self.method}]>"

"""A call that stops before the network: what would be sent, as the bytes of HTTP/1.1 or as a command of curl."""

from typing import Any

from .export import curl_of, wire_of

_SHOWN_BODY = 2**20  # more is left out: a preview is for eyes and shells

_FRAMING = ("content-length", "transfer-encoding")


class Halted(Exception):
    """The request has got as far as a preview lets it."""


class Preview:
    """A transport that keeps the request it is given, with cookies, credentials and all, and raises `Halted`."""

    def __init__(self) -> None:
        self._given: tuple[str, str, list[tuple[str, str]], Any, int | None] | None = None

    def handle_request(self, request: Any) -> Any:
        """Keeps `request`, which has the shape of httpcore's."""
        url = request.url
        port = b"" if url.port is None else b":%d" % url.port
        text = b"%b://%b%b%b" % (url.scheme, url.host if b":" not in url.host else b"[%b]" % url.host, port, url.target)
        lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
        length = next((int(value) for name, value in lines if name.lower() == "content-length"), None)
        chunked = any(name.lower() == "transfer-encoding" for name, _ in lines)
        body = _in_hand(request.stream) if length is not None and length <= _SHOWN_BODY and not chunked else None
        if length is None and not chunked:
            length = 0
        kept = [line for line in lines if line[0].lower() not in _FRAMING]
        self._given = request.method.decode("ascii"), text.decode("ascii"), kept, body, length
        raise Halted

    def wire(self, *, secrets: bool) -> bytes:
        """The request's bytes; a large body is left out."""
        assert self._given is not None
        method, url, lines, body, length = self._given
        return wire_of(method, url, lines, body, length, secrets=secrets)

    def curl(self, *, secrets: bool) -> str:
        """A command of curl that sends the same."""
        assert self._given is not None
        method, url, lines, body, length = self._given
        fields = [line for line in lines if line[0].lower() != "host"]
        return curl_of(
            method, url, fields, (body or None) if body is not None or not length else iter(()), secrets=secrets
        )


def _in_hand(stream: Any) -> bytes:
    return b"".join(stream)

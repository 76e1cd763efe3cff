"""Outgoing HTTP/1.1: the bytes of a request's head and of its chunks; never what the peer sent.

Last guard before the wire: one request line, one Host, one framing; other fields were checked when they were given.
Source: RFC 9112 sections 3, 6, 7.
"""

import re
from functools import lru_cache

from .._model.body import RequestBody
from .._model.errors import InvalidHeader, InvalidURL
from .._model.headers import Fields, is_host, is_token

LAST_CHUNK = b"0\r\n\r\n"

# Their request announces an empty body too (RFC 9110 section 8.6); the others say nothing of one that is not there.
_MEAN_CONTENT = frozenset(("POST", "PUT", "PATCH"))
_TARGET = re.compile(r"[!-~]+")

_BEGINNINGS_MAX = 512
_MEMORABLE_TARGET_MAX = 1024  # longer targets are rarely asked for twice, and would fill the memory


def request_head(method: str, target: str, host: str, fields: Fields, framing: bytes) -> bytes:
    """A request's head: request line, Host, the fields, the framing line, an empty line.

    `target` and `host` are ASCII as they go out, `framing` is what `framing_for` gave. A Host among `fields` takes
    the place of `host`; Content-Length and Transfer-Encoding must not be among them (RFC 9112 sections 3 and 3.2).

    Raises:
        InvalidURL: `target` or `host` is empty, or has a character that must not go there.
        InvalidHeader: `method` is no token, the Host of `fields` is not one host, or `fields` has framing of its own.
    """
    index = fields.index
    if "content-length" in index or "transfer-encoding" in index:
        raise InvalidHeader("Content-Length and Transfer-Encoding follow from the body")
    if "host" in index:
        host = index["host"]
        if not is_host(host):
            raise InvalidHeader("the Host field must have one host, with or without a port")
        fields = fields.without(("host",))
    beginning = _beginning if len(target) <= _MEMORABLE_TARGET_MAX else _beginning.__wrapped__
    return b"%b%b%b\r\n" % (beginning(method, target, host), fields._block or fields.block, framing)


@lru_cache(_BEGINNINGS_MAX)
def _beginning(method: str, target: str, host: str) -> bytes:
    """Request line and Host. Targets may have secrets: error texts do not show them."""
    if not is_token(method):
        raise InvalidHeader(f"a method must be a token, not {method[:60]!a}")
    if _TARGET.fullmatch(target) is None:
        raise InvalidURL("a request target must be visible ASCII")
    if not is_host(host):
        raise InvalidURL("a host must be ASCII letters, digits and what RFC 3986 allows beside them")
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n".encode("ascii")


def framing_for(method: str, body: RequestBody) -> bytes:
    """The field line that frames `body`: b"" for a method that expects none and a body that is empty."""
    length = body.length
    if length is None:
        return b"Transfer-Encoding: chunked\r\n"
    if length or method in _MEAN_CONTENT:
        return b"Content-Length: %d\r\n" % length
    return b""


def chunk(data: bytes) -> bytes:
    """`data`, not empty, as one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)

"""The opening handshake of a WebSocket: what is asked, and whether the answer agrees; never a frame, never a dice.

Sources: RFC 6455 section 4, RFC 7692 section 7.1 (permessage-deflate).
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from .._model.declared import NamedTuple
from .._model.errors import InvalidOption, WebSocketError, shown
from .._model.headers import Fields, Line, is_token
from .._model.message import Head
from .._model.websocket import DEFLATE, Deflate

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Agreement(NamedTuple):
    """What both sides agreed on; None for nothing."""

    subprotocol: str | None
    deflate: Deflate | None


def asking(key: str, subprotocols: Any, compress: bool) -> list[Line]:
    """The fields that ask for a WebSocket; `key` is 16 random bytes in base64, `subprotocols` a tuple of names.

    Raises:
        InvalidOption: no tuple, a subprotocol that is no token, or occurs twice.
    """
    if not isinstance(subprotocols, tuple):
        raise InvalidOption("subprotocols must be a list of names")
    for name in subprotocols:
        if not isinstance(name, str) or not is_token(name) or list(subprotocols).count(name) > 1:
            raise InvalidOption(f"subprotocols: {shown(name)} is no token, or is there twice")
    lines = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
    ]
    if subprotocols:
        lines.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    if compress:
        lines.append(("Sec-WebSocket-Extensions", f"{DEFLATE}; client_max_window_bits"))
    return lines


def agreement(head: Head, key: str, subprotocols: Sequence[str], compress: bool) -> Agreement:
    """What an answer to `asking` agrees to.

    Raises:
        WebSocketError: the answer is another one, or agrees to what was not asked.
    """
    fields = head.fields
    if head.status != 101:
        raise _refusal(f"the server answered {head.status} instead of opening a WebSocket")
    options = [option.strip(" \t").lower() for option in fields.get("connection", "").split(",")]
    if fields.get("upgrade", "").lower() != "websocket" or "upgrade" not in options:
        raise _refusal("the server switched to another protocol")
    expected = b64encode(sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()).decode("ascii")
    if fields.get("sec-websocket-accept") != expected:
        raise _refusal("the server's Sec-WebSocket-Accept does not fit")
    chosen = fields.get("sec-websocket-protocol")
    if chosen is not None and chosen not in subprotocols:
        raise _refusal(f"the server chose a subprotocol that was not offered: {shown(chosen)}")
    return Agreement(chosen, _deflate(fields, compress))


def _deflate(fields: Fields, offered: bool) -> Deflate | None:
    value = fields.get("sec-websocket-extensions")
    if value is None:
        return None
    name, *parameters = [part.strip(" \t") for part in value.split(";")]
    if not offered or name.lower() != DEFLATE:
        raise _refusal(f"the server chose an extension that was not offered: {shown(value)}")
    found: dict[str, bool | int] = {}
    for parameter in parameters:
        name, _, bits = parameter.partition("=")
        name, bits = name.strip(" \t").lower(), bits.strip(' \t"')
        flag = name.endswith("_no_context_takeover") and not bits
        window = name.endswith("_max_window_bits") and bits in {str(n) for n in range(9, 16)}  # zlib has no 8
        if name not in Deflate._fields or name in found or not (flag or window):
            raise _refusal(f"the server's {DEFLATE} has a parameter that makes no sense: {shown(parameter)}")
        found[name] = True if flag else int(bits)
    return Deflate(**found)  # type: ignore[arg-type]


def _refusal(text: str) -> WebSocketError:
    return WebSocketError(text, sent="wholly")

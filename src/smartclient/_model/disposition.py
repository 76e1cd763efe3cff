"""The file name in a Content-Disposition field, as it stands there (RFC 6266, RFC 8187); never a name to be trusted."""

import re
from urllib.parse import unquote_to_bytes

from .fields import parse_parameters

_EXTENDED = re.compile(r"([A-Za-z0-9!#$%&+^_`{}~-]+)'[^']*'((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-Fa-f]{2})*)")


def disposition_name(text: str) -> str | None:
    """What `filename*` says, else `filename`; None when there is neither, or neither can be read."""
    parameters = parse_parameters(text)
    extended = _EXTENDED.fullmatch(parameters.get("filename*", ""))
    name = None if extended is None else _text(unquote_to_bytes(extended[2]), extended[1].lower())
    plain = parameters.get("filename", "")
    return name or _text(plain.encode("latin-1", "replace"), "utf-8") or plain or None


def _text(data: bytes, charset: str) -> str | None:
    if charset not in ("utf-8", "iso-8859-1"):  # the two that RFC 8187 knows
        return None
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        return None

"""What is kept from eyes and terminals: secrets as ***, control characters written out; never a decision.

A pipe gets the bytes of bodies as they are; what is told on stderr is masked unless --show-secrets was given.
"""

import re

from .._model.headers import CREDENTIAL_FIELDS

# Compiled at first use: most calls tell nothing.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"

# The last word of a field's name tells a secret: X-API-Key, Private-Token, Proxy-Authorization.
_SECRET_WORDS = frozenset({"authorization", "cookie", "key", "password", "secret", "signature", "token"})
_COOKIE_VALUE = r"=[^;]*"
_USERINFO = r"(://)[^/?#\s@]*(?:@[^/?#\s@]*)*@"
_SECRET_QUERY = (
    r"""(?i)([?&;][^=&\s]*?(?:token|key|sig|signature|secret|password|passwd|pwd|auth|credential|session|code)[^=&\s]*=)"""
    r"""[^&#\s"'<>]+"""
)


def masked(text: str) -> str:
    """`text` with *** for userinfo and for values of query names such as token, key and sig."""
    return re.sub(_SECRET_QUERY, r"\1***", re.sub(_USERINFO, r"\1***@", text))


def is_secret_field(name: str) -> bool:
    """Whether the values of the field `name` are secrets."""
    name = name.lower()
    return name in CREDENTIAL_FIELDS or name.rpartition("-")[2] in _SECRET_WORDS


def masked_value(name: str, value: str) -> str:
    """The value of field `name` with *** for its secrets; the scheme of credentials and the names of cookies stay."""
    name = name.lower()
    if name == "set-cookie":
        return re.sub(_COOKIE_VALUE, "=***", value, count=1) if "=" in value else "***"
    if name == "cookie":
        return re.sub(_COOKIE_VALUE, "=***", value) if "=" in value else "***"
    if is_secret_field(name):
        scheme, blank, _ = value.partition(" ")
        return f"{scheme} ***" if blank and name.endswith("authorization") else "***"
    return masked(value)


def escaped(text: str) -> str:
    """`text` with its control and direction-changing characters written out; newline, CRLF and tab stay."""
    return re.sub(_UNSAFE, _written_out, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`text` escaped, and its newlines and tabs as blanks: a peer's words inside a line of a report."""
    return escaped(" ".join(text.split()))


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

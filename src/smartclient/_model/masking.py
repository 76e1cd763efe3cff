"""What is kept from eyes wherever requests and responses are shown: secrets as ***; never a decision about them."""

import re

from .headers import CREDENTIAL_FIELDS

# Patterns are compiled at first use: most programs show nothing.
# The last word of a field's name tells a secret: X-API-Key, Private-Token, Proxy-Authorization.
_SECRET_WORDS = frozenset({"authorization", "cookie", "key", "password", "secret", "signature", "token"})
_COOKIE_VALUE = r"=[^;]*"
_USERINFO = r"(://)[^/?#\s@]*(?:@[^/?#\s@]*)*@"
# A name ends where the next one begins, so that each character is looked at by one name only.
_SECRET_QUERY = (
    r"""(?i)([?&;](?=[^=&?;\s]*(?:token|key|sig|secret|password|passwd|pwd|auth|credential|session|code))[^=&?;\s]*=)"""
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


def masked_form(text: str) -> str:
    """The content of a form, masked as a query is."""
    return masked(f"?{text}")[1:]

"""Basic credentials (RFC 7617), for origins and proxies alike; never where they may go."""

from binascii import b2a_base64
from typing import Any

from .errors import InvalidOption


def basic_credentials(auth: Any) -> str:
    """The value of an Authorization field for (user, password), in UTF-8 (RFC 7617); bytes go as they are."""
    try:
        user, password = auth
    except (TypeError, ValueError):
        raise InvalidOption("auth must be a (user, password) pair") from None
    return "Basic " + b2a_base64(octets(user) + b":" + octets(password), newline=False).decode("ascii")


def octets(part: Any) -> bytes:
    """A user name or password as it is sent: text in UTF-8.

    Raises:
        InvalidOption: text that UTF-8 cannot carry.
    """
    try:
        return part if isinstance(part, bytes) else str(part).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidOption("auth must be text that UTF-8 can carry: the user or the password has surrogates") from None

"""`Redirects`: how redirects are followed; checked and frozen, never the decision itself."""

from collections.abc import Iterable
from typing import Any

from .errors import InvalidOption, shown
from .frozen import frozen
from .headers import AUTH_FIELDS, KEY_FIELDS, is_token

_DOWNGRADES = ("strip", "refuse", "follow")


@frozen
class Redirects:
    """How redirects are followed, where they are.

    Attributes:
        max: hops at most; None for the session's `max_redirects`.
        downgrade: what happens from https to http: "strip" goes on, but sends no body again, and nothing that proves
            who asks; "refuse" raises RequestException; "follow" sends the body again too, as requests does.
        credential_fields: names of fields that, like Authorization and Cookie, do not go to another origin; by
            default X-API-Key and seven like it.

    Raises:
        InvalidOption: a value that none of these can have.
    """

    max: int | None = None
    downgrade: str = "strip"
    credential_fields: Iterable[str] = KEY_FIELDS

    def __post_init__(self) -> None:
        limit: Any = self.max
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise InvalidOption(f"Redirects(max=): expected a whole number, 0 or more, not {shown(limit)}")
        if self.downgrade not in _DOWNGRADES:
            raise InvalidOption(f"Redirects(downgrade=): {shown(self.downgrade)} is none of {', '.join(_DOWNGRADES)}")
        object.__setattr__(self, "credential_fields", field_names(self.credential_fields))

    @property
    def credentials(self) -> frozenset[str]:
        """Every field (lower case) that stays behind on another origin."""
        return AUTH_FIELDS.union(self.credential_fields)


def field_names(value: Any) -> frozenset[str]:
    """The names in `value`, in lower case.

    Raises:
        InvalidOption: it is no list of field names.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise InvalidOption(f"credential_fields must be a list of field names, not {shown(value)}")
    names = list(value)
    if not all(isinstance(name, str) and is_token(name) for name in names):
        raise InvalidOption("credential_fields: every name of a field is a token")
    return frozenset(map(str.lower, names))


DEFAULT_REDIRECTS = Redirects()

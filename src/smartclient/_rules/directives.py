"""Which cache directives govern a response: Cache-Control, or a field that is meant for this cache; never what follows.

Sources: RFC 9111 section 5.2.2; RFC 9213 section 2.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from .._model.fields import parse_cache_control
from .._model.headers import Fields

if TYPE_CHECKING:
    from .._model.structured import Item

Directives = Mapping[str, str | None]

_NONE: Directives = MappingProxyType({})
_COUNTING_SECONDS = frozenset(("max-age", "s-maxage", "stale-if-error", "stale-while-revalidate"))


def directives_of(fields: Fields, targets: Sequence[str] = ()) -> Directives:
    """The directives by lower-case name, None where there is no argument.

    Of the fields named in `targets` (lower case) the first that is a valid dictionary with any member takes the place
    of Cache-Control.
    """
    targeted = targeted_directives(fields, targets) if targets else None
    if targeted is not None:
        return targeted
    value = fields.get("cache-control")
    return _NONE if value is None else parse_cache_control(value)


def targeted_directives(fields: Fields, targets: Sequence[str]) -> Directives | None:
    """What a targeted field says, in whose presence neither Cache-Control nor Expires counts; None without one."""
    for name in filter(fields.index.__contains__, targets):
        from .._model.structured import parse_structured_dictionary

        members = parse_structured_dictionary(fields.get(name, ""))
        if members:
            return {key: _argument(item) for key, item in members.items() if _counts(key, item)}
    return None


def _counts(key: str, item: "Item") -> bool:
    """Whether the value is of a kind that the directive can have."""
    if key in _COUNTING_SECONDS:
        return type(item.value) is int
    return item.value is True or (isinstance(item.value, str | int) and item.value is not False)


def _argument(item: "Item") -> str | None:
    return None if item.value is True else str(item.value)

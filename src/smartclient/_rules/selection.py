"""Which of the stored responses of a URI answer a request, by Vary; never whether one may still be used.

Source: RFC 9111 section 4.1. Under which key they are found is in `partition`.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from .._model.fields import parse_list
from .._model.headers import Fields
from .._model.stored import Stored

Selecting = tuple[tuple[str, str | None], ...]

_BY_MEANING = frozenset(("accept", "accept-encoding", "accept-language"))


def selecting_values(response: Fields, request: Fields) -> Selecting | None:
    """The fields that Vary nominates with what `request` has in them; None when no request can ever match."""
    vary = response.get("vary")
    if vary is None:
        return ()
    names = {name.strip(" \t").lower() for name in vary.split(",")}
    if "*" in names or (len(names) > 1 and "" in names):
        return None
    return tuple([(name, normalised(name, request.get(name))) for name in sorted(names) if name])


def matches(selecting: Selecting, request: Fields) -> bool:
    """Whether `request` has the same selecting values (section 4.1); absent equals absent."""
    return all(normalised(name, request.get(name)) == value for name, value in selecting)


def normalised(name: str, value: str | None) -> str | None:
    """`value` of the field `name` (lower case) in a form in which equal meanings are equal texts.

    Space around members goes. Of Accept, Accept-Encoding and Accept-Language, order and case go too.
    """
    if value is None or '"' in value:  # within quotes space, case and commas count
        return value
    if name in _BY_MEANING:
        return _meaning(value) if len(value) <= 256 else _meaning_of(value)
    return ",".join([member.strip(" \t") for member in value.split(",")]) if "," in value else value.strip(" \t")


def _meaning_of(value: str) -> str:
    members = [";".join([part.strip(" \t") for part in member.lower().split(";")]) for member in parse_list(value)]
    return ",".join(sorted(members))


_meaning = lru_cache(256)(_meaning_of)


def select(candidates: Sequence[Stored], request: Fields) -> Stored | None:
    """The candidate for `request`: of those that match in the first partition that has any, the newest by Date."""
    if len(candidates) == 1:
        only = candidates[0]
        return only if not only.vary or matches(only.vary, request) else None
    matching = [stored for stored in candidates if matches(stored.vary, request)]
    return newest([stored for stored in matching if stored.key == matching[0].key])


def newest(candidates: Iterable[Stored]) -> Stored | None:
    """The one with the latest Date, of several the one received last."""
    return max(candidates, key=lambda stored: (stored.date, stored.received_at), default=None)

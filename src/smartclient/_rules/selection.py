"""Which of the stored responses of a URI answer a request, by Vary; never whether one may still be used.

Sources: RFC 9111 section 4.1; RFC 4647 section 3.3.1 (language ranges). The key under which they are found is made in
`partition`.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from .._model.fields import parse_list, parse_weighted
from .._model.headers import CREDENTIAL_FIELDS, Fields
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


def matches(selecting: Selecting, request: Fields, language: str | None = None) -> bool:
    """Whether `request` has the same selecting values (section 4.1); absent equals absent.

    Another Accept-Language will do if it ranks the `language` of the response first (RFC 9110 section 12.5.4).
    """
    for name, value in selecting:
        given = request.get(name)
        if normalised(name, given) != value and not (
            name == "accept-language" and language and given and _ranks_first(given, language)
        ):
            return False
    return True


def _ranks_first(accepted: str, language: str) -> bool:
    """Whether `language` is what an Accept-Language gives the highest weight, of several the first."""
    ranges = [wish for wish in parse_weighted(accepted) if wish.quality > 0]
    best = max(ranges, key=lambda wish: wish.quality, default=None)
    tag = language.strip(" \t").lower()
    return best is not None and (tag == best.value or tag.startswith(f"{best.value}-"))


def normalised(name: str, value: str | None) -> str | None:
    """`value` of the field `name` (lower case) in a form in which equal meanings are equal texts.

    Space around members goes. Of Accept, Accept-Encoding and Accept-Language, order and case go too. Credentials are
    replaced by a digest: what is stored may be on a disk.
    """
    if value is None:
        return None
    if name in CREDENTIAL_FIELDS:
        return _digest(value)
    if '"' in value:  # within quotes space, case and commas count
        return value
    if name in _BY_MEANING:
        return _meaning(value) if len(value) <= 256 else _meaning_of(value)
    return ",".join([member.strip(" \t") for member in value.split(",")]) if "," in value else value.strip(" \t")


def _meaning_of(value: str) -> str:
    members = [";".join([part.strip(" \t") for part in member.lower().split(";")]) for member in parse_list(value)]
    return ",".join(sorted(members))


_meaning = lru_cache(256)(_meaning_of)


@lru_cache(64)
def _digest(value: str) -> str:
    from hashlib import blake2b  # few responses vary on credentials, and importing it loads OpenSSL

    return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def select(candidates: Sequence[Stored], request: Fields) -> Stored | None:
    """The candidate for `request`: of those that match in the first partition that has any, the newest by Date."""
    if len(candidates) == 1:
        only = candidates[0]
        return only if not only.vary or _matches(only, request) else None
    matching = [stored for stored in candidates if _matches(stored, request)]
    return newest([stored for stored in matching if stored.key == matching[0].key])


def _matches(stored: Stored, request: Fields) -> bool:
    return matches(stored.vary, request, stored.fields.get("content-language"))


def newest(candidates: Iterable[Stored]) -> Stored | None:
    """The one with the latest Date, of several the one received last."""
    return max(candidates, key=lambda stored: (stored.date, stored.received_at), default=None)

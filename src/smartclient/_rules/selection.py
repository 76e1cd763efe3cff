"""Which stored responses belong to a request: key, partition and Vary; never whether one may still be used.

Sources: RFC 9111 sections 2 (cache key), 4.1 (Vary) and 7.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from .._model.fields import parse_list
from .._model.headers import CREDENTIAL_FIELDS, Fields
from .._model.options import DEFAULT_TLS, TLS, Reach
from .._model.proxy import Proxy
from .._model.request import Request
from .._model.stored import Key, Stored

Selecting = tuple[tuple[str, str | None], ...]

NO_PARTITION = b""
# A Host that the caller wrote asks for something else than the URI does.
_PARTITIONING = CREDENTIAL_FIELDS | {"host"}
_BY_MEANING = frozenset(("accept", "accept-encoding", "accept-language"))


def keys_of(request: Request, salt: bytes) -> tuple[Key, ...]:
    """The keys under which an answer may be found; what is stored goes under the first.

    A partition is a digest, salted with at most 64 bytes, of the credentials, of TLS settings other than the default,
    of a way to the server other than its name, of the proxy of an http URL, which may answer what it likes, and of a
    Host by hand. Cookie alone falls back to the empty partition: an answer given to nobody in particular leaks nothing.
    """
    uri = request.url.without_fragment
    given = request.fields.index
    options = request.options
    tls, reach, proxy = options.tls, options.reach, options.proxy
    plain = request.url.scheme == "http"
    usual = reach is None and (proxy is None or not plain) and (tls is DEFAULT_TLS or plain or tls == DEFAULT_TLS)
    if usual and _PARTITIONING.isdisjoint(given):
        return ((uri, NO_PARTITION),)
    credentials = sorted(_PARTITIONING.intersection(given))
    named = [(name, request.fields.get(name)) for name in credentials]
    identity = getattr(options.auth, "identity", None)  # in the place of a field that is never twice the same
    if identity is not None and "authorization" in given:
        named[credentials.index("authorization")] = ("authorization", f"{identity} (identity)")
    own = (uri, _digest(named, tls, reach, proxy if plain else None, salt))
    return (own, (uri, NO_PARTITION)) if usual and credentials == ["cookie"] else (own,)


def _digest(
    credentials: list[tuple[str, str]], tls: TLS, reach: Reach | None, proxy: Proxy | None, salt: bytes
) -> bytes:
    from hashlib import blake2b  # most calls have no credentials, and importing it loads OpenSSL

    # Plain tuples: the reprs of TLS and Proxy leave out the client's certificate and the proxy's password.
    parts = (credentials, tuple(tls), reach and reach.number, proxy and tuple(proxy))
    return blake2b(repr(parts).encode(), digest_size=16, key=salt).digest()


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

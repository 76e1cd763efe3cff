"""Under which key an answer is found and kept: the URI and the partition; never what is done with what is there.

Sources: RFC 9111 sections 2 (cache key) and 7.
"""

from functools import lru_cache
from typing import Any

from .._model.headers import CREDENTIAL_FIELDS
from .._model.options import DEFAULT_TLS, TLS
from .._model.proxy import Proxy
from .._model.redirects import DEFAULT_REDIRECTS
from .._model.request import Request
from .._model.stored import Key

NO_PARTITION = b""
_DIGEST = 16  # bytes
# A Host that the caller wrote asks for something else than the URI does.
_PARTITIONING = CREDENTIAL_FIELDS | {"host"}


def keys_of(request: Request, salt: bytes, named: str | None = None) -> tuple[Key, ...]:
    """The keys under which an answer may be found; what is stored goes under the first.

    A partition is a digest, salted with at most 64 bytes, of who asks and of how the answer is obtained. Who: the
    credential fields, in the place of Authorization the `identity` of an auth object that states one, since its field
    may change with each request. `named` stands for all of them; "" is nobody. How: TLS settings other than the
    default, a client certificate among them; a way to the server other than its name; a proxy that may answer what it
    likes; a Host by hand. Nobody, asking in the usual way, has the empty partition. Cookie alone falls back to it: an
    answer given to nobody in particular leaks nothing.
    """
    uri = request.url.without_fragment
    given = request.fields.index
    options = request.options
    plain = request.url.scheme == "http"
    tls, reach, proxy = options.tls, options.reach, options.proxy
    by_proxy = proxy is not None and (plain or not tls.verify)  # else TLS sees to it that it answers nothing itself
    usual = reach is None and not by_proxy and (tls is DEFAULT_TLS or plain or tls == DEFAULT_TLS)
    known = options.redirects is DEFAULT_REDIRECTS  # so are all names of credentials
    if usual and known and not named and options.auth is None and _PARTITIONING.isdisjoint(given):
        return ((uri, NO_PARTITION),)
    if plain and not (by_proxy and proxy is not None and proxy.scheme == "https"):
        tls = DEFAULT_TLS  # no certificate on the way
    who = _who(request) if named is None else (("", named),)
    host = given.get("host")
    if usual and host is None and (not who or named == ""):
        return ((uri, NO_PARTITION),)
    own = (uri, _digest(who, host, tls, reach and reach.mark, proxy if by_proxy else None, salt))
    alone = usual and named is None and host is None and len(who) == 1 and who[0][0] == "cookie"
    return (own, (uri, NO_PARTITION)) if alone else (own,)


def _who(request: Request) -> tuple[tuple[str, Any], ...]:
    """The credentials of `request`, by the names of their fields."""
    fields = request.fields
    names = CREDENTIAL_FIELDS | request.options.redirects.credentials
    found = {name: fields.get(name) for name in sorted(names.intersection(fields.index))}
    identity = getattr(request.options.auth, "identity", None)
    if identity is not None:
        found.pop("authorization", None)
        found["identity"] = str(identity)
    return tuple(found.items())


@lru_cache(256)  # a digest takes as long as the rest of a hit, and callers stay the same
def _digest(
    who: tuple[tuple[str, Any], ...], host: str | None, tls: TLS, way: Any, proxy: Proxy | None, salt: bytes
) -> bytes:
    try:  # not in each call, most of which have no credentials; hashlib loads all of OpenSSL's digests, for 3 ms
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b

    # Plain tuples: the reprs of TLS and Proxy leave out the client's certificate and the proxy's password.
    parts = (who, host, tuple(tls), way, proxy and tuple(proxy))
    return blake2b(repr(parts).encode(), digest_size=_DIGEST, key=salt).digest()

"""The number by which the disk store finds what is stored for a URI; never what is found.

15 bits are of the origin, so that one range has all of an origin; 48 of the whole URI, by a digest for which nobody can
make thousands of URIs with the same number. What has the same number all the same is told apart by the URI in its row.
"""

from collections.abc import Mapping
from zlib import crc32

from .._model.scope import Scope, origin_of

try:  # hashlib loads all of OpenSSL's digests
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

_URI_BYTES = 6
_ORIGIN_MASK = 2**15 - 1
_LOWEST = 0
_HIGHEST = 2**63 - 1  # SQLite's largest integer

_ORIGIN_SHIFT = 8 * _URI_BYTES


def number_of(uri: str) -> int:
    """That of a URI without fragment."""
    digest = blake2b(uri.encode("utf-8", "surrogatepass"), digest_size=_URI_BYTES).digest()
    return _first_of(origin_of(uri)) | int.from_bytes(digest, "big")


def _first_of(origin: str) -> int:
    bits = crc32(origin.encode("utf-8", "surrogatepass")) & _ORIGIN_MASK
    return bits << _ORIGIN_SHIFT


def range_of(scope: Scope) -> Mapping[str, int]:
    """The numbers, `low` to `high`, that all URIs in a scope have, and some others."""
    if scope.kind == "uri":
        number = number_of(scope.value)
        return {"low": number, "high": number}
    has_origin = scope.kind == "origin" or (scope.kind == "prefix" and origin_of(scope.value) != scope.value)
    if not has_origin:
        return {"low": _LOWEST, "high": _HIGHEST}
    first = _first_of(origin_of(scope.value))
    return {"low": first, "high": first + (1 << _ORIGIN_SHIFT) - 1}

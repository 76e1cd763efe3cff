"""Digests of content as fields and options name them (RFC 9530); never the hashing itself."""

import re
from base64 import b64decode
from typing import Any

from .declared import NamedTuple
from .errors import InvalidOption, shown
from .fields import parse_list

WANTED = "sha-256=5, sha-512=3"
"""Want-Repr-Digest: both are checked, SHA-256 is the cheaper one where processors help with it."""

_SIZES = {
    "md5": 16,
    "sha1": 20,
    "sha224": 28,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3_256": 32,
    "sha3_384": 48,
    "sha3_512": 64,
    "blake2b": 64,
    "blake2s": 32,
}
_OF_FIELDS = {"sha-512": "sha512", "sha-256": "sha256"}  # the stronger first; the others of the registry are broken
_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]+={0,2}):(?:[ \t]*;.*)?", re.DOTALL)


class Digest(NamedTuple):
    """The name that `hashlib` has for an algorithm, and what it must give."""

    algorithm: str
    value: bytes

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value.hex()}"


def parse_digests(text: str) -> Digest | None:
    """The strongest digest of a Repr-Digest field that can be checked; None where it has none, or cannot be read."""
    found: dict[str, Digest] = {}
    for member in parse_list(text):
        match = _MEMBER.fullmatch(member)
        name = _OF_FIELDS.get(match[1]) if match is not None else None
        if match is None or name is None:
            continue
        try:
            value = b64decode(match[2], validate=True)
        except ValueError:
            continue
        if len(value) == _SIZES[name]:
            found[name] = Digest(name, value)
    return next((found[name] for name in _OF_FIELDS.values() if name in found), None)


def checksum_from(value: Any) -> Digest | None:
    """What `checksum=` means: "sha256:hex" and the like, "sha-256" and upper case too; None for none.

    Raises:
        InvalidOption: another algorithm, or not its number of hexadecimal digits.
    """
    if value is None:
        return None
    name, colon, digits = value.partition(":") if isinstance(value, str) else ("", "", "")
    algorithm = name.strip().lower()
    algorithm = algorithm.replace("-", "_") if algorithm.startswith("sha3") else algorithm.replace("-", "")
    size = _SIZES.get(algorithm)
    if not colon or size is None:
        raise InvalidOption(f"checksum: {shown(value)} is not ALGORITHM:HEX with one of {', '.join(_SIZES)}")
    digits = digits.strip()
    if len(digits) != 2 * size or not re.fullmatch("[0-9A-Fa-f]+", digits):
        raise InvalidOption(f"checksum: {algorithm} has {2 * size} hexadecimal digits, not {shown(digits)}")
    return Digest(algorithm, bytes.fromhex(digits))

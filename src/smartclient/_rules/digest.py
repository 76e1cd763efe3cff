"""Digest credentials: which challenge is answered, and the value that answers it; never when or to whom.

Sources: RFC 7616, RFC 2069 (challenges without qop), RFC 8187 (names outside ASCII).
"""

import hashlib
import re
from collections.abc import Callable

from .._model.challenges import parse_challenges
from .._model.declared import NamedTuple
from .._model.request import Request

_ALGORITHMS = {
    "md5": "md5",
    "sha": "sha1",  # neither this nor sha-512 is registered; requests answers both
    "sha-256": "sha256",
    "sha-512": "sha512",
    "sha-512-256": "sha512_256",
}
_QUOTABLE = re.compile(r"[\x20-\x7e]*")


class DigestChallenge(NamedTuple):
    """A challenge that can be answered.

    Attributes:
        realm, nonce, opaque: as received; `opaque` is None when absent.
        algorithm: as received, None when absent.
        qop: "auth", "auth-int", or None for the scheme of RFC 2069.
        userhash: the name is to be hashed too.
        stale: the credentials were right, only their nonce was old.
    """

    realm: str
    nonce: str
    opaque: str | None = None
    algorithm: str | None = None
    qop: str | None = "auth"
    userhash: bool = False
    stale: bool = False


def digest_challenge(value: str, *, whole_body: bool) -> DigestChallenge | None:
    """The first challenge of a WWW-Authenticate field that can be answered (RFC 7616 section 3.7).

    `whole_body` tells whether the request's content is in hand, which "auth-int" digests.
    """
    for scheme, _, parameters in parse_challenges(value):
        if scheme != "digest" or "realm" not in parameters or not parameters.get("nonce"):
            continue
        algorithm = parameters.get("algorithm")
        if hash_of(algorithm) is None:
            continue
        qop: str | None = None
        if "qop" in parameters:
            offered = {each.strip().lower() for each in parameters["qop"].split(",")}
            if "auth" in offered:
                qop = "auth"
            elif "auth-int" in offered and whole_body:
                qop = "auth-int"
            else:
                continue
        userhash, stale = (parameters.get(name, "").lower() == "true" for name in ("userhash", "stale"))
        return DigestChallenge(
            parameters["realm"], parameters["nonce"], parameters.get("opaque"), algorithm, qop, userhash, stale
        )
    return None


def hash_of(algorithm: str | None) -> Callable[[bytes], str] | None:
    """The hash function, bytes to hexadecimal text, that `algorithm` names; None for one that is not known here."""
    name = _ALGORITHMS.get((algorithm or "MD5").lower().removesuffix("-sess"))
    if name is None:
        return None
    try:
        hashlib.new(name, usedforsecurity=False)
    except ValueError:  # this OpenSSL has none
        return None
    return lambda data: hashlib.new(name, data, usedforsecurity=False).hexdigest()


def digest_credentials(
    challenge: DigestChallenge, username: bytes, password: bytes, request: Request, count: int, cnonce: str
) -> str:
    """The value of the Authorization field that answers `challenge` for `request` (RFC 7616 section 3.4).

    Args:
        challenge: from `digest_challenge`.
        username, password: octets, UTF-8 where they were text.
        request: method, target and, for "auth-int", the content count.
        count: how often the nonce was used, 1 for the first time.
        cnonce: our own nonce, the same for all requests under one nonce of the server.
    """
    hashed = _hash_for(challenge)
    target = request.url.target
    action = f"{request.method}:{target}".encode()
    qop = challenge.qop
    if qop == "auth-int":
        content = request.body.content
        action += b":" + hashed(content if isinstance(content, bytes) else b"").encode()
    response = _digested(challenge, username, password, action, count, cnonce)
    pairs = [
        _user(challenge, hashed, username, _octets(challenge.realm)),
        f"realm={_quoted(challenge.realm)}",
        f"nonce={_quoted(challenge.nonce)}",
        f"uri={_quoted(target)}",
        f'response="{response}"',
    ]
    if challenge.opaque is not None:
        pairs.append(f"opaque={_quoted(challenge.opaque)}")
    if challenge.algorithm is not None:
        pairs.append(f"algorithm={challenge.algorithm}")
    if qop is not None:
        pairs.append(f'qop={qop}, nc={count:08x}, cnonce="{cnonce}"')
    if challenge.userhash:
        pairs.append("userhash=true")
    return "Digest " + ", ".join(pairs)


def digest_proof(
    challenge: DigestChallenge, username: bytes, password: bytes, target: str, count: int, cnonce: str
) -> str:
    """The rspauth with which a server shows, under qop "auth", that it knows the password too (section 3.5).

    `target`, `count` and `cnonce` are those of the request that it answers.
    """
    return _digested(challenge, username, password, f":{target}".encode(), count, cnonce)


def _hash_for(challenge: DigestChallenge) -> Callable[[bytes], str]:
    hashed = hash_of(challenge.algorithm)
    assert hashed is not None  # else it would be no challenge to answer
    return hashed


def _octets(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _digested(
    challenge: DigestChallenge, username: bytes, password: bytes, action: bytes, count: int, cnonce: str
) -> str:
    hashed, nonce, qop = _hash_for(challenge), _octets(challenge.nonce), challenge.qop
    secret = hashed(b":".join((username, _octets(challenge.realm), password)))
    if (challenge.algorithm or "").lower().endswith("-sess"):
        secret = hashed(b":".join((secret.encode(), nonce, cnonce.encode())))
    parts = [nonce] if qop is None else [nonce, f"{count:08x}".encode(), cnonce.encode(), qop.encode()]
    return hashed(b":".join((secret.encode(), *parts, hashed(action).encode())))


def _user(challenge: DigestChallenge, hashed: Callable[[bytes], str], username: bytes, realm: bytes) -> str:
    if challenge.userhash:
        return f'username="{hashed(username + b":" + realm)}"'
    text = username.decode("latin-1")
    if _QUOTABLE.fullmatch(text):
        return f"username={_quoted(text)}"
    if challenge.qop is not None:  # RFC 7616 section 3.4.4; RFC 2069 has no such parameter
        try:
            from urllib.parse import quote

            return f"username*=UTF-8''{quote(username.decode(), safe='')}"
        except UnicodeDecodeError:
            pass
    return f"username={_quoted(text)}"


def _quoted(text: str) -> str:
    text = "".join([char for char in text if " " <= char <= "\xff" and char != "\x7f"])
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

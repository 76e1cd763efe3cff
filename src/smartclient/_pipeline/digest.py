"""`HTTPDigestAuth`: answers the challenges of an origin and remembers its nonces; the hashing is `_rules.digest`'s.

Source: RFC 7616.
"""

import os
from collections.abc import Callable
from typing import Any

from .._model.auth import AuthBase
from .._model.basic import octets
from .._model.challenges import parse_challenges
from .._model.errors import RemoteProtocolError
from .._model.frozen import replace
from .._model.message import Reply
from .._model.request import Request
from .._model.url import URL, Origin
from .._rules.digest import DigestChallenge, digest_challenge, digest_credentials, digest_proof
from .._runtime.base import new_lock
from .auth import Waiting, may_repeat
from .stage import Stage, let_go

_ORIGINS_MAX = 256
_ANSWERS_MAX = 2  # one for what is known or asked, one more when the nonce had become stale meanwhile


class _Nonce:
    """A challenge that is being used, with our own nonce and the count of uses."""

    __slots__ = ("challenge", "cnonce", "count")

    def __init__(self, challenge: DigestChallenge) -> None:
        self.challenge = challenge
        self.cnonce = os.urandom(16).hex()
        self.count = 0


class HTTPDigestAuth(AuthBase):
    """Digest credentials: MD5, SHA-256 and SHA-512-256, each also as -sess; qop auth and auth-int; hashed user names.

    An origin is asked once without credentials; later requests to it carry the count of its nonce. Each nonce gets
    one answer for a request, so that wrong credentials end with the 401. Safe for many threads and tasks.

    Args:
        username, password: str, in UTF-8, or bytes.
        mutual: take no answer below 400 of a server that does not show, by rspauth, that it knows the password too;
            the cache is left out. Needs a server that offers qop "auth" and says so in Authentication-Info.
    """

    __hash__ = None  # type: ignore[assignment]  # its attributes may be set

    def __init__(self, username: Any, password: Any, *, mutual: bool = False) -> None:
        self.username = username
        self.password = password
        self.mutual = mutual
        self._lock = new_lock()
        self._nonces: dict[Origin, _Nonce] = {}

    @property
    def identity(self) -> str:
        """Tells the cache whose answers are whose."""
        return f"digest {octets(self.username)!r}:{octets(self.password)!r}"

    async def through(self, request: Request, send: Stage, runtime: Waiting, wall_clock: Callable[[], float]) -> Reply:
        """The answer of the origin, after its challenge where it had one; see `_pipeline.auth.Auth`."""
        origin = request.url.origin
        request = request.replace(fields=request.fields.without(("authorization",)))
        if self.mutual:
            request.options = replace(request.options, cache=None)  # what is stored proves nothing of who sends it
        used = self._nonces.get(origin)
        sent = request if used is None else self._signed(request, used)
        reply = await send(sent)
        for answers in range(_ANSWERS_MAX):
            nonce = self._answerable(request, reply, used, wrong=answers > 0)
            if nonce is None:
                break
            await let_go(reply)
            earlier, used = reply, nonce
            sent = self._signed(request, used)
            reply = await send(sent)
            reply.history = (*earlier.history, earlier, *reply.history)
        self._heed(reply, used, sent)
        return reply

    def _answerable(self, request: Request, reply: Reply, used: _Nonce | None, *, wrong: bool) -> _Nonce | None:
        """The nonce with which to ask again, None when there is nothing to answer, or no use in it.

        `wrong` tells that a challenge was answered just now: only an old nonce is a reason to try again.
        """
        if reply.head.status != 401 or not may_repeat(request):
            return None
        field = ", ".join(reply.head.fields.getlist("www-authenticate"))
        challenge = digest_challenge(field, whole_body=isinstance(request.body.content, bytes))
        if challenge is None or (wrong and not challenge.stale):
            return None
        if used is not None and challenge.nonce == used.challenge.nonce:
            return None
        return self._learnt(request.url.origin, challenge)

    def _learnt(self, origin: Origin, challenge: DigestChallenge) -> _Nonce:
        with self._lock:
            known = self._nonces.pop(origin, None)
            if known is None or known.challenge.nonce != challenge.nonce:
                known = _Nonce(challenge)
            self._nonces[origin] = known
            if len(self._nonces) > _ORIGINS_MAX:
                del self._nonces[next(iter(self._nonces))]
            return known

    def _heed(self, reply: Reply, used: _Nonce | None, sent: Request) -> None:
        """Takes what the server says of itself, and its nonce for the time after this answer (RFC 7616 section 3.5)."""
        proven: bool | None = None
        if used is not None and "authentication-info" in reply.head.fields and reply.provenance == "network":
            for _, _, told in parse_challenges(reply.head.fields.get("authentication-info")):
                proven = self._is_proven(told.get("rspauth"), used, sent)
                if proven is not False and told.get("nextnonce"):
                    self._learnt(sent.url.origin, used.challenge._replace(nonce=told["nextnonce"], stale=False))
        if self.mutual and not proven and reply.head.status < 400:
            reply.body.abort()
            raise RemoteProtocolError(f"{sent.url.origin} has not shown that it knows the password", sent="wholly")

    def _is_proven(self, proof: str | None, used: _Nonce, sent: Request) -> bool | None:
        """Whether the server knows the password; None where it has not tried to show that."""
        signed = sent.fields.get("authorization")
        if proof is None or used.challenge.qop != "auth" or signed is None:
            return None
        count = int(parse_challenges(signed)[0].parameters["nc"], 16)
        username, password = octets(self.username), octets(self.password)
        return proof.lower() == digest_proof(used.challenge, username, password, sent.url.target, count, used.cnonce)

    def _signed(self, request: Request, nonce: _Nonce) -> Request:
        with self._lock:
            nonce.count += 1
            count = nonce.count
        challenge = nonce.challenge
        if challenge.qop == "auth-int" and not isinstance(request.body.content, bytes):
            return request  # a body that is not in hand: the server's answer tells what else it takes
        username, password = octets(self.username), octets(self.password)
        value = digest_credentials(challenge, username, password, request, count, nonce.cnonce)
        return request.replace(fields=request.fields.with_line("Authorization", value))

    def build_digest_header(self, method: str, url: Any) -> str | None:
        """The Authorization field of a request, by the last challenge of its origin; None before there was one."""
        target = URL.parse(url)
        nonce = self._nonces.get(target.origin)
        if nonce is None:
            return None
        value: str | None = self._signed(Request(method.upper(), target), nonce).fields.get("authorization")
        return value

    def __call__(self, r: Any) -> Any:
        """Gives the prepared request `r` its field, where the origin's challenge is known already."""
        r._auth_object = self  # sessions that send what they have not prepared look there
        value = self.build_digest_header(r.method, r.url)
        if value is not None:
            r.headers["Authorization"] = value
        return r

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HTTPDigestAuth):
            return NotImplemented
        mine = (self.username, self.password, self.mutual)
        return mine == (other.username, other.password, other.mutual)

    def __getstate__(self) -> dict[str, Any]:
        """For pickles and copies: who, without what an origin said."""
        return {"username": self.username, "password": self.password, "mutual": self.mutual}

    def __setstate__(self, state: dict[str, Any]) -> None:
        HTTPDigestAuth.__init__(self, **state)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

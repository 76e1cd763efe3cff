"""Messages inside the house: the head of a response, interim responses, and the reply that stages hand up."""

from typing import TYPE_CHECKING, Any

from .body import BytesReader
from .declared import NamedTuple
from .frozen import frozen
from .headers import NO_FIELDS, Fields

if TYPE_CHECKING:
    from .body import BodyReader
    from .request import Request


class Head:
    """Status line and fields of a response. `version` is "HTTP/1.0", "HTTP/1.1" or "HTTP/2". Immutable by agreement."""

    __slots__ = ("fields", "reason", "status", "version")

    def __init__(self, status: int, fields: Fields = NO_FIELDS, reason: str = "", version: str = "HTTP/1.1") -> None:
        self.status = status
        self.fields = fields
        self.reason = reason
        self.version = version

    def __repr__(self) -> str:
        return f"<Head {self.status}>"


@frozen
class Interim:
    """A 1xx response (RFC 9110 section 15.2): an event on the way to the final one, never final, never cached."""

    head: Head


class Handshake(NamedTuple):
    """What was agreed when a connection began, as OpenSSL gives it; `der` is the peer's certificate."""

    version: str
    cipher: str
    alpn: str | None
    verified: bool
    der: bytes


class Reply:
    """What a stage returns: head, body and where they came from. `_api.response.Response` shows it to the user.

    Attributes:
        head: of the final response.
        body: the reader of its content, decoded; whoever drops a reply first calls `body.abort()`.
        raw: the reader below the decoders, which gives the bytes as received; `body` itself where nothing is decoded.
        request: the request that this answers, as it was sent.
        history: replies of earlier hops, oldest first, bodies gone.
        interim: the 1xx responses that came before.
        provenance: "network", "cache", "revalidated", or "adapter": an answer that somebody else's code made and has
            decoded, which is not to be stored.
        network_head: what the network answered where `head` is not that, as after a 304; else None.
        connection: what answered (`address`, `handshake`), or None.
        cache: what the cache stage decided, or None.
        undecoded: the name of a content coding that was left on because nobody here knows it, or None.
        attempts: the failures before this answer, oldest first.
    """

    history: "tuple[Reply, ...]" = ()
    interim: tuple[Interim, ...] = ()
    provenance = "network"
    network_head: Head | None = None
    connection: Any = None
    cache: Any = None
    undecoded: str | None = None
    attempts: tuple[Any, ...] = ()

    def __init__(self, head: Head, body: "BodyReader", request: "Request") -> None:
        self.head = head
        self.body = body
        self.raw = body
        self.request = request

    def __getstate__(self) -> Any:
        """For pickles: body and connection stay in their process; whoever pickles keeps the content."""
        return self.__dict__ | {"body": BytesReader(b""), "raw": BytesReader(b""), "connection": None}

    def __repr__(self) -> str:
        return f"<Reply {self.head.status} from {self.provenance}>"

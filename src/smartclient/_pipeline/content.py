"""Content negotiation on the way down, decoders around the body on the way up.

Above the cache on both ways: Vary selects on the fields that are set here, and stored bytes stay as received.
"""

from typing import TYPE_CHECKING

from .._model.body import NO_BODY, BodyReader
from .._model.errors import BodyTooLarge, DecodedTooLarge, NegotiationError, RequestException
from .._model.fields import ACCEPT_ENCODING, content_codings
from .._model.headers import Fields
from .._model.message import Reply
from .._model.options import Limits
from .._model.request import Request
from .stage import Stage

if TYPE_CHECKING:
    from .._codec.decoders import Decoder

_REFUSALS = (415, 417)  # of a body's coding, or of an expectation


class ContentStage:
    """Asks for content codings, and undoes those that the answer has."""

    __slots__ = ("next",)

    def __init__(self, next: Stage) -> None:
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        if "range" in request.fields.index and request.fields.get("accept-encoding") == ACCEPT_ENCODING:
            # A part of a coded representation cannot be decoded on its own.
            request = request.replace(fields=request.fields.replace("Accept-Encoding", "identity"))
        reply = await self.next(request)
        if reply.head.status in _REFUSALS and request.body is not NO_BODY:
            from .._rules.refusals import without_refused

            again = without_refused(request, reply.head)
            if again is not None:
                await reply.raw.discard()
                return await self(again)
        if request.options.strict_accept:
            _check_match(reply)
        fields = reply.head.fields
        if "content-encoding" in fields.index and _may_have_content(reply) and reply.provenance != "adapter":
            from .._codec.decoders import decoding_for

            try:
                decoding = decoding_for(content_codings(fields.get("content-encoding")), request.options.limits)
            except RequestException as error:
                reply.body.abort()
                error.sent = "wholly"
                raise
            reply.undecoded = decoding.undecoded
            if decoding.decoder is not None:
                reply.body = DecodedBody(reply.raw, decoding.decoder)
        return reply


def _check_match(reply: Reply) -> None:
    """Gives up a successful answer that is not what was asked for."""
    from .._rules.negotiation import mismatch  # few calls ask for this

    reason = mismatch(reply.request, reply.head)
    if reason is not None:
        reply.body.abort()
        error = NegotiationError(f"{reason} from {reply.request.url.safe}", sent="wholly")
        error.response = reply
        raise error


class DecodedBody:
    """The content of a body whose codings are undone piece by piece."""

    __slots__ = ("_decoder", "_ended", "_failure", "_raw")

    def __init__(self, raw: BodyReader, decoder: "Decoder") -> None:
        self._raw = raw
        self._decoder = decoder
        self._ended = False
        self._failure: RequestException | None = None

    @property
    def trailers(self) -> Fields:
        return self._raw.trailers

    async def read(self) -> bytes:
        if self._failure is not None:
            raise self._failure
        try:
            while not self._ended:
                piece = self._decoder.next_piece()
                if piece:
                    return piece
                data = await self._raw.read()
                if data:
                    self._decoder.feed(data)
                else:
                    self._decoder.finish()
                    self._ended = True
        except RequestException as error:
            self._failure = error
            error.sent = "wholly"
            self._raw.abort()
            raise
        return b""

    async def discard(self) -> None:
        await self._raw.discard()

    def abort(self) -> None:
        self._raw.abort()


def _may_have_content(reply: Reply) -> bool:
    """Whether the fields speak of content that comes, not of what another request would get (RFC 9110 section 6.4)."""
    return reply.request.method != "HEAD" and reply.head.status not in (204, 304)


async def whole_content(reply: Reply) -> bytes:
    """The content of a reply, read to its end; the body is given up when a limit is passed.

    Raises:
        BodyTooLarge: more than `Limits(body_max=)`, by Content-Length or by the bytes that came.
        DecodedTooLarge: more than `Limits(decoded_max=)` after decoding.
    """
    body, limits = reply.body, reply.request.options.limits
    pieces: list[bytes] = []
    size = 0
    try:
        if limits.body_max is not None:
            _check_announced_length(reply, limits.body_max)
        while piece := await body.read():
            pieces.append(piece)
            size += len(piece)
            _check_size(size, limits, decoded=body is not reply.raw)
    except BaseException:
        body.abort()
        raise
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _check_announced_length(reply: Reply, body_max: int) -> None:
    length = reply.head.fields.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > body_max and _may_have_content(reply):
        raise BodyTooLarge(f"the body has {length[:20]} bytes, over Limits(body_max={body_max})", sent="wholly")


def _check_size(size: int, limits: Limits, *, decoded: bool) -> None:
    if decoded and limits.decoded_max is not None and size > limits.decoded_max:
        raise DecodedTooLarge(f"decoded content is over Limits(decoded_max={limits.decoded_max})", sent="wholly")
    if limits.body_max is not None and size > limits.body_max:
        raise BodyTooLarge(f"the body is over Limits(body_max={limits.body_max})", sent="wholly")

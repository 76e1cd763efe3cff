"""Content codings undone piece by piece, in bounded memory; never waits, never reads a stream itself.

RFC 9110 section 8.4. Each coding has its own module, which is imported with the first body that has it.
"""

from collections.abc import Callable, Sequence

from .._model.declared import NamedTuple, Protocol
from .._model.errors import ContentDecodingError, DecodedTooLarge
from .._model.fields import ACCEPT_ENCODING
from .._model.options import Limits
from .streams import CodedStreams

RATIO_FLOOR = 16 * 1024 * 1024  # below it no ratio is too high: a page of blanks is no attack
CODINGS_MAX = 3  # CVE-2025-66418
STREAMS_FREE = 1024
STREAM_LEAST = 8  # bytes of the smallest: a skippable frame of zstd


class Decoder(Protocol):
    """A body's codings, undone. After an error it is only good to be dropped."""

    def feed(self, data: bytes) -> None:
        """Takes the next bytes as received, once `next_piece` gave b""; cheap, decodes nothing."""

    def next_piece(self) -> bytes:
        """The next decoded bytes, at most `PIECE_MAX`; b"" means that more input is needed.

        Raises:
            ContentDecodingError: not this coding, a wrong checksum or length, or bytes after its end.
            DecodedTooLarge: the output is too large for its input.
        """

    def finish(self) -> None:
        """Says that no input follows, after `next_piece` gave b"".

        Raises:
            ContentDecodingError: the end mark was not seen. No input at all is an empty body, and no error.
        """


def _gzip() -> CodedStreams:
    from .deflate import Gzip

    return Gzip()


def _deflate() -> CodedStreams:
    from .deflate import Deflate

    return Deflate()


def _br() -> CodedStreams:
    from .br import Br

    return Br()


def _zstd() -> CodedStreams:
    from .zstd import Zstd

    return Zstd()


# All are named to every peer: their packages are required, and looking for them would cost each start more than all
# of `Session()`. `_layer` says which one is missing where somebody has taken it away.
_OPENERS: tuple[Callable[[], CodedStreams], ...] = (_gzip, _deflate, _br, _zstd)
_CODINGS = dict(zip(ACCEPT_ENCODING.split(", "), _OPENERS, strict=True))


class _Stack:
    """Codings undone one after the other, with the limits over all of them; a `Decoder` itself.

    What any layer makes is measured against what the wire gave: limits per layer would multiply. So are the streams
    that it opens, because an empty one makes nothing and yet costs microseconds: no more than the wire could have
    held uncoded, and some.
    """

    __slots__ = ("_layers", "_made", "_ratio", "_received")

    def __init__(self, layers: list[CodedStreams], ratio: float | None) -> None:
        self._layers = layers  # the wire's side first
        self._made = [0] * len(layers)
        self._ratio = float("inf") if ratio is None else ratio
        self._received = 0

    def feed(self, data: bytes) -> None:
        self._received += len(data)
        self._layers[0].feed(data)

    def next_piece(self) -> bytes:
        return self._piece_of(len(self._layers) - 1)

    def finish(self) -> None:
        for layer in self._layers:
            layer.finish()

    def _piece_of(self, depth: int) -> bytes:
        layer = self._layers[depth]
        piece = layer.next_piece()
        while not piece:
            below = self._piece_of(depth - 1) if depth else b""
            if not below:
                return b""
            layer.feed(below)
            piece = layer.next_piece()
            self._check_streams(layer.opened)
        made = self._made[depth] = self._made[depth] + len(piece)
        if made > RATIO_FLOOR and made > self._ratio * self._received:
            raise DecodedTooLarge(
                f"content of {self._received} bytes decodes to {made} bytes and more: "
                f"over Limits(decoded_ratio={self._ratio:g})"
            )
        return piece

    def _check_streams(self, opened: int) -> None:
        if opened > STREAMS_FREE and opened * STREAM_LEAST > self._received:
            raise DecodedTooLarge(f"content of {self._received} bytes holds {opened} coded streams and more")


class Decoding(NamedTuple):
    """How to read a body: through `decoder` (None: as received); `undecoded` names a coding that nobody here knows."""

    decoder: Decoder | None
    undecoded: str | None


_PLAIN = Decoding(None, None)


def decoding_for(codings: Sequence[str], limits: Limits) -> Decoding:
    """How to undo `codings` (lower case, in the order they were applied: RFC 9110 section 8.4).

    With one unknown coding nothing is undone.

    Raises:
        ContentDecodingError: more than three codings, or the package of one is not installed.
    """
    if len(codings) > CODINGS_MAX:
        raise ContentDecodingError(f"content has {len(codings)} codings, at most {CODINGS_MAX} are undone")
    layers = []
    for coding in reversed(codings):
        if coding in _CODINGS:
            layers.append(_layer(coding))
        elif coding != "identity":
            return Decoding(None, coding)
    return Decoding(_Stack(layers, limits.decoded_ratio), None) if layers else _PLAIN


def _layer(coding: str) -> CodedStreams:
    try:
        return _CODINGS[coding]()
    except ImportError as error:
        raise ContentDecodingError(f"{coding} content cannot be decoded here: {error}") from error

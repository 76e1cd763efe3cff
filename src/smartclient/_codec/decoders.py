"""Content codings undone piece by piece, in bounded memory; never waits, never reads a stream itself.

RFC 9110 section 8.4.1; gzip is RFC 1952, deflate RFC 1950 around RFC 1951.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from .._model.errors import ContentDecodingError, DecodedTooLarge
from .._model.options import Limits

PIECE_MAX = 64 * 1024
RATIO_FLOOR = 16 * 1024 * 1024  # below it no ratio is too high: a page of blanks is no attack
CODINGS_MAX = 3  # CVE-2025-66418

# zlib keeps a copy of what it did not consume, so it is handed little at a time: one big input would be copied
# again for every piece of output, which is quadratic.
_INPUT_STEP = 16 * 1024


class Decoder(Protocol):
    """One content coding, undone. After an error it is only good to be dropped."""

    def feed(self, data: bytes) -> None:
        """Takes the next bytes as received; cheap, decodes nothing."""
        ...

    def next_piece(self) -> bytes:
        """The next decoded bytes, at most `PIECE_MAX`; b"" means that more input is needed.

        Raises:
            ContentDecodingError: not this coding, a wrong checksum or length, or bytes after its end.
            DecodedTooLarge: the output is too large for its input.
        """
        ...

    def finish(self) -> None:
        """Says that no input follows, after `next_piece` gave b"".

        Raises:
            ContentDecodingError: the end mark was not seen. No input at all is an empty body, and no error.
        """
        ...


class _Inflater:
    """What gzip and deflate share: zlib streams over an input that comes in any pieces."""

    __slots__ = ("_at", "_data", "_ended", "_more", "_padded", "_stream", "_zlib")

    coding = ""
    next_start: int | None = None  # the byte that begins another stream after the first, where there may be more

    def __init__(self) -> None:
        import zlib

        self._zlib = zlib
        self._stream: Any = None  # the open stream; None before the first, between two, and after the last
        self._data = b""
        self._at = 0
        self._more = False  # zlib may hold output that did not fit into the last piece
        self._ended = False  # a whole stream lies behind
        self._padded = False  # zeros were seen behind it

    def feed(self, data: bytes) -> None:
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    def next_piece(self) -> bytes:
        while self._more or self._at < len(self._data):
            if self._stream is None:
                self._stream = self._after_end() if self._ended else self._open()
                if self._stream is None:
                    return b""
            piece = self._inflate(self._stream)
            if piece:
                return piece
        return b""

    def finish(self) -> None:
        if self._stream is not None or self._at < len(self._data):
            raise ContentDecodingError(f"{self.coding} content stops before its end")

    def _open(self) -> Any:
        """A zlib object for the stream that starts at the current byte, or None when more bytes must decide."""
        raise NotImplementedError

    def _after_end(self) -> Any:
        """What comes after a whole stream: the next one, or None for zero padding, which is skipped."""
        if self._data[self._at] == self.next_start and not self._padded:
            return self._open()
        self._padded = True
        if self._data[self._at :].strip(b"\x00"):
            raise ContentDecodingError(f"{self.coding} content has bytes after its end")
        self._at = len(self._data)
        return None

    def _inflate(self, stream: Any) -> bytes:
        step = self._data[self._at : self._at + _INPUT_STEP]
        try:
            piece: bytes = stream.decompress(step, PIECE_MAX)
        except self._zlib.error as error:
            raise ContentDecodingError(f"{self.coding} content is broken ({error})") from error
        if stream.eof:
            self._at += len(step) - len(stream.unused_data)
            self._stream, self._ended, self._more = None, True, False
        else:
            self._at += len(step) - len(stream.unconsumed_tail)
            self._more = len(piece) == PIECE_MAX
        return piece


class _Gzip(_Inflater):
    """Any number of members (RFC 1952 section 2.2), then perhaps zeros; zlib checks each CRC and length."""

    __slots__ = ()

    coding = "gzip"
    next_start = 0x1F

    def _open(self) -> Any:
        return self._zlib.decompressobj(31)


class _Deflate(_Inflater):
    """The zlib format, as RFC 9110 section 8.4.1.2 says, or a bare deflate stream, as some servers send."""

    __slots__ = ()

    coding = "deflate"

    def _open(self) -> Any:
        window_bits = self._window_bits(self._data[self._at : self._at + _PROBE_MAX])
        return None if window_bits is None else self._zlib.decompressobj(window_bits)

    def _window_bits(self, start: bytes) -> int | None:
        """zlib's name of the format that begins with `start`; None when more bytes must decide.

        Depends on the bytes alone, never on how they were split. Bytes that read as a zlib header (RFC 1950
        section 2.2) can be bare deflate only as a stored block, which repeats its length inverted (RFC 1951 section
        3.2.4). Where both hold, the zlib reading is tried byte by byte and stands unless it fails before any output.
        """
        if len(start) < 2:
            return None
        if start[0] & 0x0F != 8 or start[0] >> 4 > 7 or start[1] & 0x20 or int.from_bytes(start[:2]) % 31:
            return -15
        if len(start) < 5:
            return None
        if start[1] ^ start[3] != 0xFF or start[2] ^ start[4] != 0xFF:
            return 15
        trial = self._zlib.decompressobj(15)
        try:
            for at in range(len(start)):
                if trial.decompress(start[at : at + 1], 1) or trial.eof:
                    return 15
        except self._zlib.error:
            return -15
        return 15 if len(start) == _PROBE_MAX else None


_PROBE_MAX = 320  # the longest head of a deflate block is 286 bytes: then output comes

_CODINGS: dict[str, Callable[[], Decoder]] = {"gzip": _Gzip, "deflate": _Deflate}
ACCEPT_ENCODING = ", ".join(_CODINGS)


class _Stack:
    """Codings undone one after the other, with the ratio limit over all of them; a `Decoder` itself.

    What any layer makes is measured against what the wire gave: limits per layer would multiply.
    """

    __slots__ = ("_layers", "_made", "_ratio", "_received")

    def __init__(self, layers: list[Decoder], ratio: float | None) -> None:
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
        made = self._made[depth] = self._made[depth] + len(piece)
        if made > RATIO_FLOOR and made > self._ratio * self._received:
            raise DecodedTooLarge(
                f"content of {self._received} bytes decodes to {made} bytes and more: "
                f"over Limits(decoded_ratio={self._ratio:g})"
            )
        return piece


class Decoding(NamedTuple):
    """How to read a body: through `decoder` (None: as received); `undecoded` names a coding that nobody here knows."""

    decoder: Decoder | None
    undecoded: str | None


_PLAIN = Decoding(None, None)


def decoding_for(codings: Sequence[str], limits: Limits) -> Decoding:
    """How to undo `codings` (lower case, in the order they were applied: RFC 9110 section 8.4).

    With one unknown coding nothing is undone.

    Raises:
        ContentDecodingError: more than three codings.
    """
    if len(codings) > CODINGS_MAX:
        raise ContentDecodingError(f"content has {len(codings)} codings, at most {CODINGS_MAX} are undone")
    layers = []
    for coding in reversed(codings):
        if coding in _CODINGS:
            layers.append(_CODINGS[coding]())
        elif coding != "identity":
            return Decoding(None, coding)
    return Decoding(_Stack(layers, limits.decoded_ratio), None) if layers else _PLAIN


def decode_whole(decoder: Decoder, data: bytes, decoded_max: int | None) -> bytes:
    """The decoded content of a body that is in hand; at most `decoded_max` bytes.

    Raises:
        ContentDecodingError: as the decoder says.
        DecodedTooLarge: more than `decoded_max` bytes.
    """
    decoder.feed(data)
    pieces = []
    size = 0
    while piece := decoder.next_piece():
        size += len(piece)
        if decoded_max is not None and size > decoded_max:
            raise DecodedTooLarge(f"decoded content is over Limits(decoded_max={decoded_max})")
        pieces.append(piece)
    decoder.finish()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)

"""Content codings put on, piece by piece, for bodies that are sent; the undoing is in `decoders`."""

import sys
import zlib

from .._model.declared import Protocol

CODINGS = ("gzip", "zstd")
_GZIP_LEVEL = 6
_GZIP_WINDOW = 31  # 15 bits, and 16 for the format of RFC 1952


class Encoder(Protocol):
    """One body on its way into a coding."""

    def compress(self, data: bytes, /) -> bytes:
        """Coded bytes, perhaps none yet."""

    def flush(self) -> bytes:
        """The rest, once all was given."""


def encoder_for(coding: str) -> Encoder:
    """A new encoder for one of `CODINGS`."""
    if coding == "gzip":
        return zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdCompressor()

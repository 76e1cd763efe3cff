"""Digests of content on its way: of a file that is written, and of a body below its decoders."""

import hashlib
from collections.abc import Iterable
from typing import Any

from .._model.body import BodyReader
from .._model.digests import Digest
from .._model.errors import ChecksumError
from .._model.headers import Fields
from .part_file import PartFile


class Follower:
    """Hashes a file while it is written, as far as that happens in order, and the rest at the end."""

    __slots__ = ("_at", "_hasher")

    def __init__(self, algorithm: str) -> None:
        self._hasher: Any = hashlib.new(algorithm, usedforsecurity=False)
        self._at = 0

    def saw(self, position: int, pieces: Iterable[bytes]) -> None:
        """`pieces` were written at `position`."""
        if position == self._at:
            for piece in pieces:
                self._hasher.update(piece)
                self._at += len(piece)

    def check(self, file: PartFile, digest: Digest, told_by: str) -> None:
        """Reads what it has not seen.

        Raises:
            ChecksumError: the file is not what `digest` says.
        """
        for piece in file.pieces(self._at):
            self._hasher.update(piece)
            self._at += len(piece)
        _compare(self._hasher, digest, told_by)


class HashedBody:
    """A coded body as received, compared with what the server says of it."""

    __slots__ = ("_body", "_digest", "_hasher")

    def __init__(self, body: BodyReader, digest: Digest | None) -> None:
        self._body = body
        self._digest = digest
        self._hasher: Any = None if digest is None else hashlib.new(digest.algorithm, usedforsecurity=False)

    @property
    def trailers(self) -> Fields:
        return self._body.trailers

    async def read(self) -> bytes:
        piece = await self._body.read()
        if self._hasher is not None:
            self._hasher.update(piece)
        return piece

    async def discard(self) -> None:
        await self._body.discard()

    def abort(self) -> None:
        self._body.abort()

    def check(self) -> None:
        """After the end of the body.

        Raises:
            ChecksumError: it is not what the server said.
        """
        if self._digest is not None:
            _compare(self._hasher, self._digest, "Repr-Digest")


def _compare(hasher: Any, digest: Digest, told_by: str) -> None:
    if hasher.digest() != digest.value:
        got = Digest(digest.algorithm, hasher.digest())
        raise ChecksumError(f"the content has {got}, and {told_by} says {digest}", sent="wholly")

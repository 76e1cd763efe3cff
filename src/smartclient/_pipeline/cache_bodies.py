"""Bodies on their way past the store: copied into it while they are read, or joined to what it has.

Never a decision: what may be kept, and what belongs together, was said by the rules.
"""

from collections.abc import Callable

from .._model.body import BodyReader
from .._model.errors import ChunkedEncodingError, IncompleteBody, RequestException, Timeout
from .._model.headers import Fields
from .._model.stored import Stored
from .._store.base import Writer

Told = Callable[[bool | None], None]
"""Told that a copy is in the store (True), will not be (False), or that the body broke or was cut off (None)."""


class TeeReader:
    """A body that goes into the store while it is read; committed only at its clean end, before that is shown."""

    __slots__ = ("_after", "_body", "_exact", "_seen", "_total", "_writer", "record", "told", "trailers")

    def __init__(
        self,
        body: BodyReader,
        writer: Writer,
        record: Stored,
        *,
        exact: int | None = None,
        after: BodyReader | None = None,
        total: int | None = None,
    ) -> None:
        """`exact` is the number of bytes without which it is not kept, `after` stored content that follows in the copy.

        With `total`, bytes of the whole, what came before it broke off is kept as a part; else nothing is then.
        """
        self._body = body
        self._writer: Writer | None = writer
        self.record = record
        self._exact = exact
        self._after = after
        self._total = total
        self._seen = 0
        self.trailers = body.trailers
        self.told: Told | None = None  # once, of what becomes of the copy

    @property
    def copies(self) -> bool:
        """Whether a copy is still being made."""
        return self._writer is not None

    async def read(self) -> bytes:
        try:
            piece: bytes = await self._body.read()
            if not piece:
                self.trailers = self._body.trailers
            await self._write(piece)
        except (IncompleteBody, Timeout):
            await self._keep_start()
            raise
        except BaseException:  # a piece that is cancelled on its way to the store would be missing there
            self._give_up()
            raise
        return piece

    async def discard(self) -> None:
        self._tell(False)  # whoever asks for the same will not read it either, as of a redirect
        self._give_up()
        await self._body.discard()

    def abort(self) -> None:
        self._give_up()
        self._body.abort()

    async def _write(self, piece: bytes) -> None:
        writer = self._writer
        if writer is None:
            return
        if piece:
            self._seen += len(piece)
            if not await writer.write(piece):
                self._writer = None
                self._tell(False)
            return
        after, self._after = self._after, None
        if self._exact not in (None, self._seen) or (after is not None and not await poured(after, writer)):
            self._give_up()
            return
        kept = await writer.commit()
        self._writer = None
        self._tell(kept)

    async def _keep_start(self) -> None:
        """Keeps what came before a body broke off, as the part that it is (RFC 9111 section 3.3)."""
        writer = self._writer
        if self._total is None or writer is None or not self._seen:
            self._give_up()
            return
        self._writer = None
        try:
            self.record.part = (0, self._seen - 1, self._total)
            await writer.commit()
        except BaseException:
            writer.discard()
            raise
        finally:
            self._tell(None)

    def _give_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.discard()
        after, self._after = self._after, None
        if after is not None:
            after.abort()
        self._tell(None)

    def _tell(self, kept: bool | None) -> None:
        told, self.told = self.told, None
        if told is not None:
            told(kept)


class JoinedReader:
    """Stored content and then the rest of it, which must have just the bytes that are missing."""

    __slots__ = ("_first", "_missing", "_rest")

    def __init__(self, first: BodyReader, rest: BodyReader, missing: int) -> None:
        self._first: BodyReader | None = first
        self._rest = rest
        self._missing = missing

    @property
    def trailers(self) -> Fields:
        return self._rest.trailers

    async def read(self) -> bytes:
        try:
            if self._first is not None:
                stored: bytes = await self._first.read()
                if stored:
                    return stored
                self._first = None
            piece: bytes = await self._rest.read()
            self._missing -= len(piece)
            if self._missing < 0 or (self._missing and not piece):
                raise ChunkedEncodingError("the rest of a stored response is not as long as it says", sent="wholly")
        except BaseException:
            self.abort()
            raise
        return piece

    async def discard(self) -> None:
        self._let_go()
        await self._rest.discard()

    def abort(self) -> None:
        self._let_go()
        self._rest.abort()

    def _let_go(self) -> None:
        first, self._first = self._first, None
        if first is not None:
            first.abort()


async def poured(body: BodyReader, writer: Writer) -> bool:
    """Writes stored content into a store; False if it was lost, or is not taken."""
    try:
        while piece := await body.read():
            if not await writer.write(piece):
                return False
    except RequestException:  # damage that only showed now
        return False
    finally:
        body.abort()
    return True

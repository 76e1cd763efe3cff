"""`compress=` and `expect=`: what becomes of a request's body and fields before it is sent."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from .._codec.encoders import CODINGS, Encoder, encoder_for
from .._model.body import NO_BODY, RequestBody
from .._model.errors import InvalidOption, shown
from .._model.request import Request
from .contents import InThread
from .payload import Whole

COMPRESSED_FROM = 1024  # bytes; less is not worth it
_AT_ONCE = 2**20  # bytes; more is compressed while it is sent


def prepare_upload(request: Request, rare: Mapping[str, Any]) -> None:
    """Changes a request that is still being made as `compress` and `expect` say.

    Raises:
        InvalidOption: a coding that is not known here, or a body that has one already.
    """
    coding, body = rare.get("compress"), request.body
    if coding is not None and coding not in CODINGS:
        raise InvalidOption(f"compress: {shown(coding)} is none of {', '.join(CODINGS)}")
    if body is NO_BODY:
        return
    if coding is not None and (body.length is None or body.length >= COMPRESSED_FROM):
        if "content-encoding" in request.fields:
            raise InvalidOption("compress: the call has a Content-Encoding of its own")
        request.body = _compressed(body, coding)
        request.fields = request.fields.with_line("Content-Encoding", coding)
    if rare.get("expect"):
        body = request.body
        if isinstance(body.content, bytes):  # in one piece it would go out with its head
            content = body.content
            request.body = RequestBody(Whole(content), len(content), True, None, body.source or content, body.plain)
        if "expect" not in request.fields:
            request.fields = request.fields.with_line("Expect", "100-continue")


def _compressed(body: RequestBody, coding: str) -> RequestBody:
    content: Any = body.content
    if isinstance(content, bytes) and len(content) <= _AT_ONCE:
        encoder = encoder_for(coding)
        return RequestBody(encoder.compress(content) + encoder.flush(), source=body.source or content, plain=body)
    if isinstance(content, bytes):
        content = Compressed(Whole(content), coding)
    elif isinstance(content, InThread):
        content = InThread(Compressed(content.content, coding))
    elif isinstance(content, AsyncIterable):
        content = _AwaitedCompressed(content, coding)
    else:
        content = Compressed(content, coding)
    return RequestBody(content, None, body.replayable, source=body.source or body.content, plain=body)


class Compressed:
    """Pieces of content, coded while they are iterated."""

    def __init__(self, content: Iterable[bytes], coding: str) -> None:
        self._content = content
        self._coding = coding

    def __iter__(self) -> Iterator[bytes]:
        encoder = encoder_for(self._coding)
        for piece in self._content:
            if coded := encoder.compress(piece):
                yield coded
        yield encoder.flush()


class _AwaitedCompressed:
    """The same of an asynchronous iterable."""

    def __init__(self, content: AsyncIterable[bytes], coding: str) -> None:
        self._content = content
        self._coding = coding

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _CompressedPieces(aiter(self._content), encoder_for(self._coding))


class _CompressedPieces:
    def __init__(self, pieces: AsyncIterator[bytes], encoder: Encoder) -> None:
        self._pieces = pieces
        self._encoder: Encoder | None = encoder

    def __aiter__(self) -> "_CompressedPieces":
        return self

    async def __anext__(self) -> bytes:
        encoder = self._encoder
        if encoder is None:
            raise StopAsyncIteration
        try:
            while True:
                if coded := encoder.compress(await anext(self._pieces)):
                    return coded
        except StopAsyncIteration:
            self._encoder = None
        return encoder.flush()

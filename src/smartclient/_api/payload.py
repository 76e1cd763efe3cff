"""What a call sends: `data=` and `json=` to a body, its Content-Type, and the framing fields that callers set."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._model.body import NO_BODY, RequestBody
from .._model.errors import InvalidHeader, InvalidJSONError, InvalidOption, UnrewindableBodyError
from .._model.headers import Fields, is_host

FRAMING_FIELDS = frozenset(("content-length", "host", "transfer-encoding"))
"""Fields (lower case) that the wire writes; what a caller says of them must agree with it."""

_FORM = "application/x-www-form-urlencoded"
_PIECE = 2**16


def body_from(data: Any, json: Any) -> tuple[RequestBody, str | None]:
    """The body, and the Content-Type it has unless the caller set one.

    `data` wins over `json`, unless it is empty: a mapping or pairs are a form; str (as UTF-8) and bytes go as they
    are; files go from their position on, with known length; any other iterable of bytes goes chunked, and only once.

    Raises:
        InvalidJSONError: `json` has no JSON form (NaN included).
        InvalidOption: `data` is nothing that can be sent.
    """
    if is_nothing(data):
        return (NO_BODY, None) if json is None else (RequestBody(_json_bytes(json)), "application/json")
    if isinstance(data, str | bytes | bytearray | memoryview):
        return RequestBody(_bytes_of(data, "data")), None
    if callable(getattr(data, "read", None)):
        return _file_body(data), None
    if isinstance(data, Mapping | list | tuple):
        return RequestBody(_form(data)), _FORM
    if isinstance(data, Iterable):
        return RequestBody(_Pieces(data)), None
    raise InvalidOption(f"data: {type(data).__name__} cannot be sent; give bytes, str, a form, a file or an iterable")


def is_nothing(data: Any) -> bool:
    """Whether `data` leaves the body to `json`."""
    return data is None or (isinstance(data, str | bytes | bytearray | Mapping | list | tuple) and not data)


def _bytes_of(piece: Any, what: str) -> bytes:
    """Bytes as they are, str in UTF-8."""
    if isinstance(piece, str):
        try:
            return piece.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidOption(f"{what}: the text has surrogates, which UTF-8 cannot carry") from None
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise InvalidOption(f"{what} gave {type(piece).__name__}, not bytes")
    return bytes(piece)


def _json_bytes(value: Any) -> bytes:
    import json

    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidJSONError(f"json: {error}") from error


def _form(data: Any) -> bytes:
    from urllib.parse import urlencode

    pairs: list[tuple[Any, Any]] = []
    items = data.items() if isinstance(data, Mapping) else data
    try:
        for name, values in items:
            if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
                values = (values,)
            pairs.extend((name, value) for value in values if value is not None)
        return urlencode(pairs).encode("ascii")
    except (TypeError, ValueError, RecursionError):
        raise InvalidOption("data: a form must hold (name, value) pairs, and no surrogates") from None


class _Pieces:
    """An iterable of bytes that can be read once; str pieces become UTF-8."""

    def __init__(self, source: Iterable[Any]) -> None:
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._source:
            content = _bytes_of(piece, "data: the iterable")
            if content:
                yield content


class _FilePieces:
    """A file from the position it had, each time it is iterated."""

    def __init__(self, file: Any, start: int | None) -> None:
        self._file = file
        self._start = start
        self._begun = False

    def __iter__(self) -> Iterator[bytes]:
        if self._begun:
            if self._start is None:
                raise UnrewindableBodyError("Unable to rewind request body for redirect.")
            self._file.seek(self._start)
        self._begun = True
        while piece := self._file.read(_PIECE):
            yield _bytes_of(piece, "data: the file")


def _file_body(file: Any) -> RequestBody:
    if getattr(file, "closed", False) or not getattr(file, "readable", lambda: True)():
        raise InvalidOption("data: the file is closed, or not open for reading")
    try:
        start = file.tell()
        file.seek(0, os.SEEK_END)
        length = max(0, file.tell() - start)
        file.seek(start)
        text = isinstance(file.read(0), str)
    except (AttributeError, OSError, TypeError, ValueError):
        return RequestBody(_FilePieces(file, None))
    # Text has no length in bytes until it is encoded.
    return RequestBody(_FilePieces(file, start), None if text else length, replayable=True)


def checked_framing(fields: Fields, body: RequestBody) -> tuple[Fields, RequestBody]:
    """Fields without Content-Length and Transfer-Encoding, which the wire writes, and the body they agree with.

    Raises:
        InvalidHeader: they contradict the body, or each other (RFC 9112 section 6); Host is not one host.
    """
    if "host" in fields and not is_host(fields.get("host")):
        raise InvalidHeader("the Host field must have one host, with or without a port")
    if "transfer-encoding" in fields:
        if fields.get("transfer-encoding").strip().lower() != "chunked" or "content-length" in fields:
            raise InvalidHeader("Transfer-Encoding: only chunked, and not beside Content-Length, can be sent")
        body = RequestBody(body.pieces(), None) if not body.replayable else RequestBody(_Again(body), None, True)
    elif "content-length" in fields:
        text = fields.get("content-length").strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise InvalidHeader(f"Content-Length: {text[:80]!a} is not one number")
        if body.length is None:
            body = RequestBody(body.content, int(text), body.replayable)
        elif body.length != int(text):
            raise InvalidHeader(f"Content-Length is {int(text)}, but the body has {body.length} bytes")
    return fields.without(("content-length", "transfer-encoding")), body


class _Again:
    """The pieces of a replayable body, whose length is not to be told."""

    def __init__(self, body: RequestBody) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return self._body.pieces()

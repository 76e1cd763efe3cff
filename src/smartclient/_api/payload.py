"""What a call sends: `data=`, `json=` and `files=` to a body, its Content-Type, and the framing that callers set."""

from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from typing import Any

from .._model.body import NO_BODY, RequestBody
from .._model.errors import InvalidHeader, InvalidJSONError, InvalidOption
from .._model.headers import Fields, is_host
from .contents import Awaited, Checked, as_bytes, file_body, off_the_loop

FRAMING_FIELDS = frozenset(("content-length", "host", "transfer-encoding"))
"""Fields (lower case) that the wire writes; what a caller says of them must agree with it."""

FORM = "application/x-www-form-urlencoded"


def body_from(data: Any, json: Any, files: Any = None, *, on_loop: bool = False) -> tuple[RequestBody, str | None]:
    """The body, and the Content-Type it has unless the caller set one.

    `data` wins over `json`, unless it is empty: a mapping or pairs are a form; str (as UTF-8) and bytes go as they
    are; files go from their position on, with known length; any other iterable of bytes goes chunked, and only once.
    `files`, unless it is empty, wins over `json` and takes a form in `data` into its multipart/form-data. With
    `on_loop` iterables may be asynchronous, and files on disk are read in a thread.

    Raises:
        InvalidJSONError: `json` has no JSON form (NaN included).
        InvalidOption: `data` or `files` is nothing that can be sent.
        InvalidHeader: names, types or fields in `files` that cannot be sent.
    """
    if files:
        from .files import multipart_from

        multipart = multipart_from(data, files)
        body = RequestBody(multipart, multipart.length, multipart.replayable)
        return (off_the_loop(body) if on_loop else body), multipart.content_type
    if is_nothing(data):
        return (NO_BODY, None) if json is None else (RequestBody(_json_bytes(json)), "application/json")
    if isinstance(data, str | bytes | bytearray | memoryview):
        return RequestBody(as_bytes(data, "data"), source=data if isinstance(data, str) else None), None
    if callable(getattr(data, "read", None)):
        body = file_body(data, "data")
        return (off_the_loop(body) if on_loop else body), None
    if isinstance(data, Mapping | list | tuple):
        form = _form(data)
        return RequestBody(form.encode("ascii"), source=form), FORM
    if isinstance(data, Iterable):
        return RequestBody(Checked(data), source=data), None
    if isinstance(data, AsyncIterable):
        if not on_loop:
            raise InvalidOption("data: an asynchronous iterable needs an AsyncSession")
        return RequestBody(Awaited(data), source=data), None
    raise InvalidOption(f"data: {type(data).__name__} cannot be sent; give bytes, str, a form, a file or an iterable")


class RequestEncodingMixin:
    """What programs written for requests borrow from its `PreparedRequest`: how forms and files become a body."""

    @staticmethod
    def _encode_params(data: Any) -> Any:
        """A mapping or pairs as a form; text, bytes, files and anything else as it is."""
        if isinstance(data, str | bytes) or hasattr(data, "read") or not hasattr(data, "__iter__"):
            return data
        return _form(data)

    @staticmethod
    def _encode_files(files: Any, data: Any) -> tuple[bytes, str]:
        """The bytes of a multipart form, and its Content-Type.

        Raises:
            ValueError: there are no files, or `data` is no form.
        """
        if not files:
            raise ValueError("Files must be provided.")
        from .files import multipart_from

        multipart = multipart_from(data, files)
        return b"".join(multipart), multipart.content_type


def is_nothing(data: Any) -> bool:
    """Whether `data` leaves the body to `json`."""
    return data is None or (isinstance(data, str | bytes | bytearray | Mapping | list | tuple) and not data)


def body_with_progress(body: RequestBody, progress: Any) -> RequestBody:
    """`body`, which tells `progress` how far it is; where there is no body, nothing is told.

    Raises:
        InvalidOption: `progress` cannot be called.
    """
    if not callable(progress):
        raise InvalidOption("progress must be a function of (bytes sent, bytes in all or None)")
    return body if body is NO_BODY else body.with_progress(progress)


def _json_bytes(value: Any) -> bytes:
    import json

    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidJSONError(f"json: {error}") from error


def _form(data: Any) -> str:
    from urllib.parse import urlencode

    pairs: list[tuple[Any, Any]] = []
    items = data.items() if isinstance(data, Mapping) else data
    try:
        for name, values in items:
            if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
                values = (values,)
            pairs.extend((name, value) for value in values if value is not None)
        return urlencode(pairs)
    except (TypeError, ValueError, RecursionError):
        raise InvalidOption("data: a form must hold (name, value) pairs, and no surrogates") from None


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
        content = Whole(body.content) if isinstance(body.content, bytes) else body.content
        body = RequestBody(content, None, body.replayable, body.progress, body.source)
    elif "content-length" in fields:
        text = fields.get("content-length").strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise InvalidHeader(f"Content-Length: {text[:80]!a} is not one number")
        if body.length is None:
            body = RequestBody(body.content, int(text), body.replayable, body.progress, body.source)
        elif body.length != int(text):
            raise InvalidHeader(f"Content-Length is {int(text)}, but the body has {body.length} bytes")
    return fields.without(("content-length", "transfer-encoding")), body


class Whole:
    """Bytes whose length is not to be told."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        return iter((self._content,))

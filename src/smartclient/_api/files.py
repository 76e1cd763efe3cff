"""What `files=` means, with `data=` beside it: parts of multipart/form-data, as callers of requests write them."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from .._model.body import RequestBody
from .._model.errors import InvalidHeader, InvalidOption, shown
from .._model.headers import NO_FIELDS, fields_from
from .._model.multipart import Multipart, Part
from .contents import as_bytes, file_body, path_body


def multipart_from(data: Any, files: Any) -> Multipart:
    """The fields of `data`, a form, and then the parts of `files`.

    `files` is a mapping or pairs of a name and a content, or of a name and (file name, content[, type[, fields]]). A
    content is an open file, sent from its position on, a path object, bytes, str or int; None leaves the part out. A
    file name of None makes a plain field. Without one the last part of the file's own name is sent, or the field's
    name.

    Raises:
        InvalidOption: contents that cannot be sent, or files that cannot be read.
        InvalidHeader: names, types or fields that cannot be sent.
    """
    parts = [*_fields(data), *_file_parts(files)]
    return Multipart(parts, os.urandom(16).hex())


def _pairs(source: Any, what: str) -> list[tuple[str, Any]]:
    if isinstance(source, str | bytes | bytearray) or not isinstance(source, Mapping | Iterable):
        raise InvalidOption(f"{what}: {type(source).__name__} cannot be in a multipart form; give a mapping or pairs")
    try:
        items = [(name, value) for name, value in (source.items() if isinstance(source, Mapping) else source)]
    except (TypeError, ValueError):
        raise InvalidOption(f"{what}: a multipart form must be a mapping, or (name, value) pairs") from None
    return [(_text(name, "names"), value) for name, value in items]


def _text(value: Any, what: str) -> str:
    """`value` as text: bytes must be UTF-8, numbers are written."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidHeader(f"files: {what} must be text, or UTF-8") from None
    if not isinstance(value, str | int):
        raise InvalidOption(f"files: {what} must be text, not {type(value).__name__}")
    return str(value)


def _fields(data: Any) -> Iterable[Part]:
    if data is None:
        return
    if not isinstance(data, Mapping | list | tuple) and not (isinstance(data, str | bytes) and not data):
        raise InvalidOption("data: beside files it must be a form, a mapping or pairs")
    for name, values in _pairs(data or (), "data"):
        if isinstance(values, str | bytes | bytearray) or not isinstance(values, Iterable):
            values = (values,)
        for value in values:
            if value is not None:
                yield Part(name, RequestBody(value if isinstance(value, bytes) else _written(value)))


def _written(value: Any) -> bytes:
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    try:
        text = str(value)
    except Exception as error:  # nested too deeply, a number of too many digits, or a class of the caller's own
        raise InvalidOption(f"data: {type(value).__name__} cannot be written: {type(error).__name__}") from error
    return as_bytes(text, "data")


def _file_parts(files: Any) -> Iterable[Part]:
    for name, value in _pairs(files, "files"):
        content_type, fields = None, NO_FIELDS
        if isinstance(value, tuple | list):
            if not 2 <= len(value) <= 4:
                raise InvalidOption(f"files: {shown(name)} needs (file name, content[, content type[, fields]])")
            filename, content = value[0], value[1]
            filename = None if filename is None else _text(filename, "file names")
            if len(value) > 2 and value[2] is not None:
                content_type = _text(value[2], "content types")
            if len(value) > 3:
                fields = fields_from(value[3])
        else:
            content = value
            filename = _local_name(value) or name
        if content is not None:
            yield Part(name, _content(content, name), filename, content_type, fields)


def _local_name(content: Any) -> str | None:
    """The name of a file without its folders, which are nobody's business; None for what has none, such as <stdin>."""
    name = content if isinstance(content, os.PathLike) else getattr(content, "name", None)
    if not isinstance(name, str | bytes | os.PathLike):
        return None
    base = os.path.basename(os.fsdecode(name))
    return None if base.startswith("<") and base.endswith(">") else base


def _content(content: Any, name: str) -> RequestBody:
    what = f"files: {shown(name)}"
    if isinstance(content, str | bytes | bytearray | memoryview):
        return RequestBody(as_bytes(content, what))
    if callable(getattr(content, "read", None)):
        return file_body(content, what)
    if isinstance(content, os.PathLike):
        return path_body(content, what)
    if isinstance(content, int):
        return RequestBody(_written(content))
    raise InvalidOption(f"{what}: {type(content).__name__} cannot be sent; give a file, a path object, bytes or str")

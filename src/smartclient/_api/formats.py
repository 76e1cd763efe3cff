"""How values become content and content values: JSON by the library of choice, other media types by given functions.

Sources: RFC 8259 (JSON), RFC 6838 section 4.2.8 (structured syntax suffixes).
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from .._model.answer_errors import JSONDecodeError
from .._model.body import RequestBody
from .._model.errors import InvalidJSONError, InvalidOption, RequestException, UnexpectedContent, shown
from .._model.fields import parse_media_type
from .payload import body_from, is_nothing

Codec = tuple[Callable[[Any], bytes], Callable[[bytes], Any]]

JSON = "application/json"


class Formats:
    """The formats of a session that are not the default; fixed once made.

    Attributes:
        json_lib: has `dumps(value)`, which gives str or bytes, and `loads(text)`; None for the `json` of Python.
        codecs: (encode, decode) by media type in lower case. "application/x" serves "+x" suffixes too.
    """

    __slots__ = ("codecs", "json_lib")

    def __init__(self, json_lib: Any = None, codecs: Any = None) -> None:
        if json_lib is not None and not all(callable(getattr(json_lib, name, None)) for name in ("dumps", "loads")):
            raise InvalidOption(f"json_lib: {shown(json_lib)} has no dumps and loads")
        self.json_lib = json_lib
        self.codecs = _checked_codecs(codecs or {})

    def __reduce__(self) -> tuple[Any, ...]:
        """Modules are pickled by name; functions too, as pickle does it."""
        json_lib = self.json_lib
        if isinstance(json_lib, ModuleType):
            return _with_module, (json_lib.__name__, self.codecs)
        return Formats, (json_lib, self.codecs)

    def body_from(
        self, data: Any, json: Any, files: Any, content_type: str | None, *, on_loop: bool
    ) -> tuple[RequestBody, str | None]:
        """As `payload.body_from`, except that `data` without `files` is encoded where `content_type` has a codec.

        str, bytes and files are taken for encoded already.
        """
        codec = None if content_type is None else self.codec_for(parse_media_type(content_type).name)
        ready = files or data is None or isinstance(data, str | bytes | bytearray | memoryview) or hasattr(data, "read")
        if codec is not None and not ready:
            return RequestBody(_encoded(codec[0], data, f"data: the codec of {content_type:.80}")), None
        if self.json_lib is not None and json is not None and not files and is_nothing(data):
            return RequestBody(_encoded(self.json_lib.dumps, json, "json: json_lib.dumps")), JSON
        return body_from(data, json, files, on_loop=on_loop)

    def codec_for(self, media_type: str) -> Codec | None:
        """The codec of a media type: its own, else that of its structured suffix."""
        codec: Codec | None = self.codecs.get(media_type)
        if codec is None and "+" in media_type:
            codec = self.codecs.get(f"application/{media_type.rpartition('+')[2]}")
        return codec


def _with_module(name: str, codecs: Any) -> Formats:
    return Formats(sys.modules.get(name) or import_module(name), codecs)


def _checked_codecs(codecs: Any) -> dict[str, Codec]:
    checked: dict[str, Codec] = {}
    if not isinstance(codecs, Mapping):
        raise InvalidOption(f"codecs must map media types to (encode, decode), not {shown(codecs)}")
    for name, codec in codecs.items():
        media_type = parse_media_type(name).name if isinstance(name, str) else ""
        pair = isinstance(codec, tuple | list) and len(codec) == 2 and all(map(callable, codec))
        if not media_type or not pair:
            raise InvalidOption(f"codecs: {shown(name)} must be a media type with a pair of functions (encode, decode)")
        checked[media_type] = tuple(codec)
    return checked


def _encoded(encode: Callable[[Any], Any], value: Any, what: str) -> bytes:
    try:
        content = encode(value)
        content = content.encode("utf-8") if isinstance(content, str) else content
    except Exception as error:  # whatever somebody else's encoder says of a value
        raise InvalidJSONError(f"{what} refused the value: {type(error).__name__}: {error!s:.200}") from error
    if not isinstance(content, bytes | bytearray | memoryview):
        raise InvalidOption(f"{what} gave {type(content).__name__}, not bytes")
    return bytes(content)


def json_value(content: bytes, formats: Formats | None, options: Mapping[str, Any]) -> Any:
    """`content` read as JSON; `options` go to `loads`.

    Raises:
        JSONDecodeError: it is none; with the position, and what stands there in a note.
    """
    from .._codec.text import json_encoding

    library = None if formats is None else formats.json_lib
    if library is None:
        import json

        library = json
    try:
        return library.loads(content.decode(json_encoding(content)), **options)
    except (ValueError, RecursionError) as error:
        raise _json_failure(error, content) from error
    except Exception as error:
        if formats is None or options:
            raise  # an argument that `loads` does not take
        raise _json_failure(error, content) from error


def _json_failure(error: Exception, content: bytes) -> JSONDecodeError:
    """What `loads` meant; a number of too many digits is told as a plain ValueError."""
    import json

    if isinstance(error, json.JSONDecodeError):
        failure = JSONDecodeError(error.msg, error.doc, error.pos)
    else:
        told = {UnicodeDecodeError: "not in the encoding it begins with", RecursionError: "nested too deeply"}
        failure = JSONDecodeError(told.get(type(error), str(error)), content[:100].decode("latin-1"), 0)
    failure.sent = "wholly"
    failure.add_note(f"near {failure.doc[max(0, failure.pos - 40) : failure.pos + 40]!a}")
    return failure


def value_of(content: bytes, content_type: str | None, formats: Formats | None) -> Any:
    """The value that `content` has by its media type: by its codec, else as JSON where it is that or has no type.

    Raises:
        JSONDecodeError: it is no JSON.
        UnexpectedContent: nobody here reads the type, or its codec refused the content.
    """
    name = parse_media_type(content_type).name if content_type else JSON
    codec = None if formats is None else formats.codec_for(name)
    if codec is not None:
        try:
            return codec[1](content)
        except RequestException:
            raise
        except Exception as error:  # whatever somebody else's decoder says of hostile bytes
            raise UnexpectedContent(
                f"parse: the codec of {name} refused the content: {type(error).__name__}", sent="wholly"
            ) from error
    if name != JSON and not name.endswith("+json"):
        raise UnexpectedContent(f"parse: no codec for {name or 'content without a media type'!s:.80}", sent="wholly")
    return json_value(content, formats, {})

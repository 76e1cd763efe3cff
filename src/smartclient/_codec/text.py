"""Which encoding a text body has, and its text; never a guess by statistics, never an error for the peer's bytes.

RFC 9110 section 8.3.2, RFC 8259 section 8.1; declarations inside HTML and XML as the WHATWG and the W3C write them.
"""

import codecs
import re
from functools import lru_cache
from typing import Any

from .._model.fields import parse_media_type

_FALLBACK = "windows-1252"
_DECLARATION_WITHIN = 1024

# The four-byte marks come first: the one of UTF-32-LE begins with that of UTF-16-LE.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Of this machine's byte order, which `bytes.decode` supposes where a text has no mark.
_NATIVE_MARKS = {"utf-16": codecs.BOM_UTF16, "utf-32": codecs.BOM_UTF32}
# Python files these under text encodings, but they are escapes for names and source code, or the machine's own setting.
_NOT_FOR_BODIES = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,39}", re.ASCII)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_XML_DECLARATION = re.compile(rb"""\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_META_CHARSET = re.compile(rb"""<meta\s[^>]*?\bcharset\s*=\s*["']?\s*([A-Za-z0-9._:+-]+)""", re.IGNORECASE)


def text_encoding(content_type: str | None, content: bytes) -> str:
    """The encoding of a text body, by a name that `bytes.decode` takes.

    First match wins: charset parameter, byte order mark, declaration in the first 1024 bytes of HTML and XML, UTF-8
    if the content is valid UTF-8, windows-1252. Names of no text encoding are passed over.
    """
    return _told_encoding(content_type, content) or ("utf-8" if _utf8_text(content) is not None else _FALLBACK)


def decode_text(content: bytes, encoding: str | None, content_type: str | None) -> str:
    """The text of `content`, in `encoding` if it names one, else as `text_encoding` finds out.

    What cannot be decoded becomes U+FFFD; a byte order mark is dropped unless `encoding` was asked for.
    """
    asked = text_codec(encoding) if encoding else None
    if asked is not None:
        return content.decode(asked, "replace")
    told = _told_encoding(content_type, content)
    if told is None or told == "utf-8":  # the most frequent case, decoded once
        text = _utf8_text(content)
        if text is None:
            text = content.decode(told or _FALLBACK, "replace")
    else:
        text = content.decode(told, "replace")
    return text.removeprefix("\ufeff")


def text_decoder(encoding: str) -> codecs.IncrementalDecoder:
    """A decoder that reads in any pieces what `bytes.decode(encoding, "replace")` reads in one.

    `encoding` is one that Python knows for text.
    """
    found = codecs.lookup(encoding)
    mark = _NATIVE_MARKS.get(found.name)
    assert found.incrementaldecoder is not None
    return found.incrementaldecoder("replace") if mark is None else _Unmarked(found.incrementaldecoder("replace"), mark)


class _Unmarked(codecs.IncrementalDecoder):
    """UTF-16 or UTF-32 that need not begin with a byte order mark: Python's own decoder raises where there is none."""

    def __init__(self, decoder: codecs.IncrementalDecoder, mark: bytes) -> None:
        super().__init__("replace")
        self._decoder = decoder
        self._mark = mark
        self._start: bytes | None = b""

    def decode(self, input: Any, final: bool = False) -> str:
        if self._start is not None:
            input = self._start + input
            if len(input) < len(self._mark) and not final:
                self._start = input
                return ""
            self._start = None
            if not input.startswith((self._mark, self._mark[::-1])):
                input = self._mark + input
        return self._decoder.decode(input, final)


def json_encoding(content: bytes) -> str:
    """The encoding of JSON by its first bytes (RFC 8259 section 8.1): UTF-8 (perhaps with a mark), UTF-16 or UTF-32."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return "utf-8-sig" if encoding == "utf-8" else encoding
    if b"\0" not in content[:2]:
        return "utf-8"
    # JSON begins with an ASCII character, so zeros tell width and byte order (RFC 4627 section 3).
    if content[0] == 0:
        return "utf-32-be" if content[1:2] == b"\0" else "utf-16-be"
    return "utf-32-le" if content[2:4] == b"\0\0" else "utf-16-le"


def _utf8_text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _told_encoding(content_type: str | None, content: bytes) -> str | None:
    """What the field, the mark or the document itself says, if it names a text encoding."""
    media_type, parameters = parse_media_type(content_type) if content_type else ("", {})
    charset = parameters.get("charset")
    if charset and (encoding := text_codec(charset)) is not None:
        return encoding
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    if not media_type or "html" in media_type or "xml" in media_type:
        return _declared_encoding(content[:_DECLARATION_WITHIN])
    return None


def _declared_encoding(start: bytes) -> str | None:
    found = _XML_DECLARATION.match(start) or _META_CHARSET.search(_COMMENT.sub(b"", start))
    encoding = text_codec(found[1].decode("ascii")) if found else None
    # A declaration that can be read as ASCII does not stand in UTF-16 or UTF-32.
    return None if encoding is not None and encoding.startswith(("utf-16", "utf-32")) else encoding


def text_codec(label: str) -> str | None:
    """Python's name of the text encoding `label`; None for unknown names and for codecs that are not for bodies."""
    label = label.strip()
    return _codec_of(label.lower()) if _LABEL.fullmatch(label) else None


@lru_cache(maxsize=128)
def _codec_of(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
        b"a".decode(name, "replace")  # base64, rot13 and their like refuse here
    except (LookupError, ValueError):
        return None
    return None if name.replace("_", "-") in _NOT_FOR_BODIES else name

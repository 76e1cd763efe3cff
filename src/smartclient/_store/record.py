"""The one serialised form of a stored response; never where it is kept. Damage of any kind reads as a miss.

A format byte, the numbers packed (little-endian), a JSON list of the texts in one line, a line feed, the content, the
CRC-32 of all that. Where the store keeps the content elsewhere, there is none.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from math import isfinite, isnan
from operator import attrgetter
from struct import Struct
from struct import error as StructError
from typing import Any, NoReturn
from zlib import crc32

from .._model.declared import NamedTuple
from .._model.headers import NO_FIELDS, Fields
from .._model.stored import Part, Stored

FORMAT = b"\x03"  # another one for each change of the table below
_BODY_AFTER = b"\n"  # compact JSON never holds one
_RESIDUE = 0x2144DF1C  # the CRC-32 of whatever ends with its own CRC-32


class _Damaged(ValueError):
    """The bytes are not a record."""


class _Kind(NamedTuple):
    """How values of one kind are written, and what is taken for one when they are read."""

    types: tuple[type, ...]
    decode: Callable[[Any], Any] | None = None
    encode: Callable[[Any], Any] | None = None
    empty: Any = None  # what an empty text or list, or null, is decoded to


def _refuse(*_: object) -> NoReturn:
    raise _Damaged


def _text(value: Any) -> str:
    return value if type(value) is str else _refuse()


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _lines(value: list[Any]) -> Fields:
    texts = iter(value)
    lines = tuple(zip(texts, texts, strict=True))
    "".join(value)  # raises where one is no text
    index = {name.lower(): text for name, text in lines}
    return Fields(lines, index if len(index) == len(lines) else None)


def _part(value: list[Any] | None) -> Part | None:
    if value is None:
        return None
    first, last, total = value
    return _number(first), _number(last), None if total is None else _number(total)


def _number(value: Any) -> int:
    return value if type(value) is int else _refuse()


def _pairs(value: list[Any]) -> tuple[tuple[str, str | None], ...]:
    return tuple([(_text(name), _text_or_none(text)) for name, text in value])


TEXT = _Kind((str,))
TEXT_OR_NONE = _Kind((str, type(None)))
BYTES = _Kind((str,), bytes.fromhex, bytes.hex, b"")
LINES = _Kind((list,), _lines, lambda fields: [text for line in fields.lines for text in line], NO_FIELDS)
PAIRS = _Kind((list,), _pairs, None, ())
PART_OR_NONE = _Kind((list, type(None)), _part)
TEXTS = _Kind((list,), lambda value: tuple([_text(each) for each in value]), None, ())

MOMENTS = ("sent_at", "received_at", "date", "initial_age", "fresh_until")
LIMITS = ("swr_until", "sie_until")
"""Like moments, but they may be infinite."""
COUNTS = ("status", "length")
FLAGS = ("must_revalidate", "immutable")
TABLE: dict[str, _Kind] = {
    "uri": TEXT,
    "partition": BYTES,
    "reason": TEXT,
    "fields": LINES,
    "vary": PAIRS,
    "etag": TEXT_OR_NONE,
    "last_modified": TEXT_OR_NONE,
    "groups": TEXTS,
    "part": PART_OR_NONE,
}
"""The attributes of `Stored` that are written: the four kinds of numbers, then these; `_stored` has the same order."""

_PACKED = Struct(f"<{len(MOMENTS)}d{len(LIMITS)}d{len(COUNTS)}q{len(FLAGS)}?")
_TEXTS_AT = 1 + _PACKED.size
_LIMITS_AT = len(MOMENTS)
_COUNTS_AT = _LIMITS_AT + len(LIMITS)
_KINDS = tuple(TABLE.values())
_numbers_of = attrgetter(*MOMENTS, *LIMITS, *COUNTS, *FLAGS)
_texts_of = attrgetter(*TABLE)
_ENCODED = [(place, kind.encode) for place, kind in enumerate(_KINDS) if kind.encode is not None]
_DECODED = [(place, kind.decode, kind.empty) for place, kind in enumerate(_KINDS) if kind.decode is not None]
_encode = json.JSONEncoder(separators=(",", ":")).encode
_scan = json.JSONDecoder(parse_constant=_refuse).scan_once  # type: ignore[attr-defined]  # raw_decode() only adds a call
_shapes: set[tuple[type, ...]] = set()  # the types that values of good records had, so that most need one look-up
_known: dict[bytes, tuple[Any, ...]] = {}  # what heads say that were read lately, which takes a third of a hit
_MAX_KNOWN = 256


def to_bytes(stored: Stored, with_body: bool = True) -> bytes:
    """`stored` as bytes that `from_bytes` reads, with its content if that is in hand."""
    texts = list(_texts_of(stored))
    for place, encode in _ENCODED:
        texts[place] = encode(texts[place])
    body = (with_body and stored.body) or b""
    data = b"".join((FORMAT, _PACKED.pack(*_numbers_of(stored)), _encode(texts).encode(), _BODY_AFTER, body))
    return data + crc32(data).to_bytes(4, "little")


def from_bytes(data: bytes) -> Stored | None:
    """The response in `data`; None if it has another version or any damage. Never raises.

    Its body is None where the content is not in `data`.
    """
    if crc32(data) != _RESIDUE or data[:1] != FORMAT:
        return None
    end = data.find(_BODY_AFTER, _TEXTS_AT)
    head = data[1 : max(end, 1)]
    values = _known.get(head)
    if values is None:
        try:
            values = _decoded(head)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, StopIteration, StructError):
            return None  # a right checksum proves nothing
        if len(_known) >= _MAX_KNOWN:
            _forget_one()
        _known[head] = values
    return _stored(values, data[end + 1 : -4])


def _forget_one() -> None:
    """One at a time: many at once keep the garbage collector busy."""
    with suppress(KeyError, RuntimeError, StopIteration):  # another thread just did
        del _known[next(iter(_known))]


def _decoded(head: bytes) -> tuple[Any, ...]:
    numbers = _PACKED.unpack_from(head)
    if not isfinite(sum(numbers[:_LIMITS_AT])) or isnan(sum(numbers[_LIMITS_AT:_COUNTS_AT])):
        raise _Damaged
    text = head[_PACKED.size :].decode()
    values, length = _scan(text, 0)
    if type(values) is not list or length != len(text):
        raise _Damaged
    shape = tuple(map(type, values))
    if shape not in _shapes:
        if len(shape) != len(_KINDS) or not all(each in kind.types for each, kind in zip(shape, _KINDS, strict=True)):
            raise _Damaged
        _shapes.add(shape)
    for place, decode, empty in _DECODED:
        value = values[place]
        values[place] = decode(value) if value else empty
    return (*numbers, *values)


def _stored(values: tuple[Any, ...], body: bytes) -> Stored | None:
    stored: Stored = Stored.__new__(Stored)  # its making costs as much as all of this
    (
        stored.sent_at,
        stored.received_at,
        stored.date,
        stored.initial_age,
        stored.fresh_until,
        stored.swr_until,
        stored.sie_until,
        stored.status,
        length,
        stored.must_revalidate,
        stored.immutable,
        uri,
        partition,
        stored.reason,
        stored.fields,
        stored.vary,
        stored.etag,
        stored.last_modified,
        stored.groups,
        stored.part,
    ) = values
    if length < 0 or (body and length != len(body)):
        return None
    stored.key = (uri, partition)
    stored.length = length
    stored.body = body if body or not length else None
    stored.place = None
    return stored

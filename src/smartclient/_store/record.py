"""The one serialised form of a stored response; never where it is kept. Damage of any kind reads as a miss.

A format byte, the CRC-32 of the rest (big-endian), a JSON list in one line, a line feed, the content. Where the store
keeps the content elsewhere, nothing follows the line feed.
"""

import json
from collections.abc import Callable
from math import inf, isfinite
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, NoReturn
from zlib import crc32

from .._model.headers import NO_FIELDS, Fields
from .._model.stored import Part, Stored

FORMAT = b"\x02"  # another one for each change of the table below
_BODY_AFTER = b"\n"  # compact JSON never holds one


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
    lines = tuple(zip(value[::2], value[1::2], strict=True))
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
NUMBER = _Kind((int,))
FLAG = _Kind((bool,))
MOMENT = _Kind((float,), None, float)
LIMIT = _Kind((float,), None, float)  # may be infinite
BYTES = _Kind((str,), bytes.fromhex, bytes.hex, b"")
LINES = _Kind((list,), _lines, lambda fields: [text for line in fields.lines for text in line], NO_FIELDS)
PAIRS = _Kind((list,), _pairs, None, ())
PART_OR_NONE = _Kind((list, type(None)), _part)
TEXTS = _Kind((list,), lambda value: tuple([_text(each) for each in value]), None, ())

TABLE: dict[str, _Kind] = {
    "uri": TEXT,
    "partition": BYTES,
    "status": NUMBER,
    "reason": TEXT,
    "fields": LINES,
    "vary": PAIRS,
    "sent_at": MOMENT,
    "received_at": MOMENT,
    "date": MOMENT,
    "initial_age": MOMENT,
    "fresh_until": MOMENT,
    "swr_until": LIMIT,
    "sie_until": LIMIT,
    "must_revalidate": FLAG,
    "immutable": FLAG,
    "etag": TEXT_OR_NONE,
    "last_modified": TEXT_OR_NONE,
    "groups": TEXTS,
    "part": PART_OR_NONE,
    "length": NUMBER,
}
"""The attributes of `Stored` that are written, in this order; the first two are its key."""

_KINDS = tuple(TABLE.values())
_values_of = attrgetter(*TABLE)
_moments_of = itemgetter(*[place for place, kind in enumerate(_KINDS) if kind is MOMENT])
_ENCODED = [(place, kind.encode) for place, kind in enumerate(_KINDS) if kind.encode is not None]
_DECODED = [(place, kind.decode, kind.empty) for place, kind in enumerate(_KINDS) if kind.decode is not None]
_SETTERS = [getattr(Stored, name).__set__ for name in TABLE if name not in ("uri", "partition")]
_encoder = json.JSONEncoder(separators=(",", ":"))
_decoder = json.JSONDecoder(parse_constant=lambda name: {"Infinity": inf, "-Infinity": -inf}.get(name) or _refuse())
_shapes: set[tuple[type, ...]] = set()  # types of the values of records that were taken, so that a hit has one look-up


def to_bytes(stored: Stored, with_body: bool = True) -> bytes:
    """`stored` as bytes that `from_bytes` reads, with its content if that is in hand."""
    values = list(_values_of(stored))
    for place, encode in _ENCODED:
        values[place] = encode(values[place])
    rest = b"".join((_encoder.encode(values).encode(), _BODY_AFTER, (with_body and stored.body) or b""))
    return b"".join((FORMAT, crc32(rest).to_bytes(4, "big"), rest))


def from_bytes(data: bytes) -> Stored | None:
    """The response in `data`; None if it has another version or any damage. Never raises.

    Its body is None where the content is not in `data`.
    """
    if data[:1] != FORMAT or crc32(memoryview(data)[5:]).to_bytes(4, "big") != data[1:5]:
        return None
    end = data.find(_BODY_AFTER, 5)
    try:
        text = data[5 : max(end, 5)].decode()
        values, length = _decoder.raw_decode(text)
        return _stored(values, data[end + 1 :]) if length == len(text) else None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None  # a right checksum proves nothing


def _stored(values: Any, body: bytes) -> Stored:
    if type(values) is not list:
        raise _Damaged
    shape = tuple(map(type, values))
    if shape not in _shapes:
        if len(shape) != len(_KINDS) or not all(each in kind.types for each, kind in zip(shape, _KINDS, strict=True)):
            raise _Damaged
        _shapes.add(shape)
    if not all(map(isfinite, _moments_of(values))):
        raise _Damaged
    for place, decode, empty in _DECODED:
        value = values[place]
        values[place] = decode(value) if value else empty
    stored: Stored = Stored.__new__(Stored)  # its making costs as much as all of this
    stored.key = (values[0], values[1])
    for setter, value in zip(_SETTERS, values[2:], strict=True):
        setter(stored, value)
    length = stored.length
    if length < 0 or (body and length != len(body)):
        raise _Damaged
    stored.body = body if body or not length else None
    stored.place = None
    return stored

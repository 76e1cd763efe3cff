"""The one serialised form of a stored response; never where it is kept. Damage of any kind reads as a miss.

A format byte, a JSON list in one line, a line feed, the content, the CRC-32 of all that (little-endian). Where the
store keeps the content elsewhere, there is none.
"""

import json
from collections.abc import Callable
from math import inf, isfinite
from operator import attrgetter, itemgetter
from typing import Any, NoReturn
from zlib import crc32

from .._model.declared import NamedTuple
from .._model.headers import NO_FIELDS, Fields
from .._model.stored import Part, Stored

FORMAT = b"\x02"  # another one for each change of the table below
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
"""The attributes of `Stored` that are written, in this order, which is that of `_stored` too."""

_KINDS = tuple(TABLE.values())
_values_of = attrgetter(*TABLE)
_moments_of = itemgetter(*[place for place, kind in enumerate(_KINDS) if kind is MOMENT])
_ENCODED = [(place, kind.encode) for place, kind in enumerate(_KINDS) if kind.encode is not None]
_DECODED = [(place, kind.decode, kind.empty) for place, kind in enumerate(_KINDS) if kind.decode is not None]
_encoder = json.JSONEncoder(separators=(",", ":"))
_decoder = json.JSONDecoder(parse_constant=lambda name: {"Infinity": inf, "-Infinity": -inf}.get(name) or _refuse())
_scan = _decoder.scan_once  # type: ignore[attr-defined]  # raw_decode() only adds a call
_shapes: set[tuple[type, ...]] = set()  # the types that values of good records had, so that most need one look-up
_known: dict[bytes, list[Any]] = {}  # what lines say that were read lately, which takes a third of a hit from a disk
_MAX_KNOWN = 256


def to_bytes(stored: Stored, with_body: bool = True) -> bytes:
    """`stored` as bytes that `from_bytes` reads, with its content if that is in hand."""
    values = list(_values_of(stored))
    for place, encode in _ENCODED:
        values[place] = encode(values[place])
    line = _encoder.encode(values).encode()
    data = b"".join((FORMAT, line, _BODY_AFTER, (with_body and stored.body) or b""))
    return data + crc32(data).to_bytes(4, "little")


def from_bytes(data: bytes) -> Stored | None:
    """The response in `data`; None if it has another version or any damage. Never raises.

    Its body is None where the content is not in `data`.
    """
    if crc32(data) != _RESIDUE or data[:1] != FORMAT:
        return None
    end = data.find(_BODY_AFTER)
    line = data[1 : max(end, 1)]
    values = _known.get(line)
    if values is None:
        try:
            values = _decoded(line)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, StopIteration):
            return None  # a right checksum proves nothing
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        _known[line] = values
    return _stored(values, data[end + 1 : -4])


def _decoded(line: bytes) -> list[Any]:
    text = line.decode()
    values, length = _scan(text, 0)
    if type(values) is not list or length != len(text):
        raise _Damaged
    shape = tuple(map(type, values))
    if shape not in _shapes:
        if len(shape) != len(_KINDS) or not all(each in kind.types for each, kind in zip(shape, _KINDS, strict=True)):
            raise _Damaged
        _shapes.add(shape)
    if not isfinite(sum(map(abs, _moments_of(values)))):
        raise _Damaged
    for place, decode, empty in _DECODED:
        value = values[place]
        values[place] = decode(value) if value else empty
    return values


def _stored(values: list[Any], body: bytes) -> Stored | None:
    stored: Stored = Stored.__new__(Stored)  # its making costs as much as all of this
    (
        uri,
        partition,
        stored.status,
        stored.reason,
        stored.fields,
        stored.vary,
        stored.sent_at,
        stored.received_at,
        stored.date,
        stored.initial_age,
        stored.fresh_until,
        stored.swr_until,
        stored.sie_until,
        stored.must_revalidate,
        stored.immutable,
        stored.etag,
        stored.last_modified,
        stored.groups,
        stored.part,
        length,
    ) = values
    if length < 0 or (body and length != len(body)):
        return None
    stored.key = (uri, partition)
    stored.length = length
    stored.body = body if body or not length else None
    stored.place = None
    return stored

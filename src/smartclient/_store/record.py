"""The one serialised form of a stored response; never where it is kept. Damage of any kind reads as a miss.

A format byte, the CRC-32 of the rest (big-endian), a JSON list in one line, a line feed, the content. Where the store
keeps the content elsewhere, nothing follows the line feed.
"""

import json
from collections.abc import Callable
from math import inf, isfinite
from operator import attrgetter
from typing import Any, NamedTuple, NoReturn
from zlib import crc32

from .._model.headers import Fields
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


def _refuse(*_: object) -> NoReturn:
    raise _Damaged


def _text(value: Any) -> str:
    return value if type(value) is str else _refuse()


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _finite(value: float) -> float:
    return value if isfinite(value) else _refuse()


def _lines(value: list[Any]) -> Fields:
    lines = [(name, text) for name, text in value]
    "".join([text for _, text in lines])  # raises where one is no text; a name that is none has no lower()
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
MOMENT = _Kind((float,), _finite, float)
LIMIT = _Kind((float,), None, float)  # may be infinite
BYTES = _Kind((str,), bytes.fromhex, bytes.hex)
LINES = _Kind((list,), _lines, attrgetter("lines"))
PAIRS = _Kind((list,), _pairs)
PART_OR_NONE = _Kind((list, type(None)), _part)
TEXTS = _Kind((list,), lambda value: tuple([_text(each) for each in value]))

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
"""The attributes of `Stored` that are written, in this order; all but the first two are keywords of its making."""

_NAMES = tuple(TABLE)
_values_of = attrgetter(*_NAMES)
_ENCODED = [(place, kind.encode) for place, kind in enumerate(TABLE.values()) if kind.encode is not None]
_DECODED = [(place, kind.decode) for place, kind in enumerate(TABLE.values()) if kind.decode is not None]
_encoder = json.JSONEncoder(separators=(",", ":"))
_decoder = json.JSONDecoder(parse_constant=lambda name: {"Infinity": inf, "-Infinity": -inf}.get(name) or _refuse())
_shapes: set[tuple[type, ...]] = set()  # types of the values of records that were taken, so that a hit has one look-up


def to_bytes(stored: Stored) -> bytes:
    """`stored` as bytes that `from_bytes` reads."""
    values = list(_values_of(stored))
    for place, encode in _ENCODED:
        values[place] = encode(values[place])
    rest = b"".join((_encoder.encode(values).encode(), _BODY_AFTER, stored.body or b""))
    return b"".join((FORMAT, crc32(rest).to_bytes(4, "big"), rest))


def from_bytes(data: bytes) -> Stored | None:
    """The response in `data`; None if it has another version or any damage. Never raises.

    Its body is None where the content is not in `data`.
    """
    if data[:1] != FORMAT or crc32(memoryview(data)[5:]).to_bytes(4, "big") != data[1:5]:
        return None
    end = data.find(_BODY_AFTER, 5)
    try:
        return _stored(_decoder.decode(data[5 : max(end, 5)].decode()), data[end + 1 :])
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):  # a right checksum proves nothing
        return None


def _stored(values: Any, body: bytes) -> Stored:
    if type(values) is not list:
        raise _Damaged
    shape = tuple(map(type, values))
    if shape not in _shapes:
        if len(shape) != len(_NAMES) or not all(
            each in kind.types for each, kind in zip(shape, TABLE.values(), strict=True)
        ):
            raise _Damaged
        _shapes.add(shape)
    for place, decode in _DECODED:
        values[place] = decode(values[place])
    attributes = dict(zip(_NAMES, values, strict=True))
    length = attributes["length"]
    if length < 0 or (body and length != len(body)):
        raise _Damaged
    key = (attributes.pop("uri"), attributes.pop("partition"))
    return Stored(key=key, body=body if body or not length else None, **attributes)

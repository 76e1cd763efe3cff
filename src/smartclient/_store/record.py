"""The one serialised form of a stored response; never where it is kept. Damage of any kind reads as a miss.

A format byte, the CRC-32 of the rest (big-endian), a JSON list in one line, a line feed, the content.
"""

import json
from math import isfinite
from typing import Any, NoReturn
from zlib import crc32

from .._model.headers import Fields
from .._model.stored import Part, Stored

FORMAT = b"\x01"
_BODY_AFTER = b"\n"  # compact JSON never holds one


class _Damaged(ValueError):
    """The bytes are not a record."""


def to_bytes(stored: Stored) -> bytes:
    """`stored` as bytes that `from_bytes` reads."""
    line = json.dumps(
        [
            stored.uri,
            stored.partition.hex(),
            stored.status,
            stored.reason,
            stored.fields.lines,
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
            len(stored.body),
        ],
        separators=(",", ":"),
    ).encode()
    rest = b"".join((line, _BODY_AFTER, stored.body))
    return b"".join((FORMAT, crc32(rest).to_bytes(4, "big"), rest))


def from_bytes(data: bytes) -> Stored | None:
    """The response in `data`; None if it has another version or any damage. Never raises."""
    if data[:1] != FORMAT or crc32(memoryview(data)[5:]).to_bytes(4, "big") != data[1:5]:
        return None
    end = data.find(_BODY_AFTER, 5)
    try:
        values = json.loads(data[5 : max(end, 5)], parse_constant=_refuse)
        return _stored(values, data[end + 1 :])
    except (ValueError, TypeError, OverflowError, RecursionError):  # whoever wrote it, the checksum was right
        return None


def _refuse(*_: object) -> NoReturn:
    raise _Damaged


def _stored(values: Any, body: bytes) -> Stored:
    uri, partition, status, reason, lines, vary, *moments, must, immutable, etag, modified, groups, part, length = (
        values
    )
    if length != len(body) or len(moments) != 7:
        raise _Damaged
    sent_at, received_at, date, initial_age, fresh_until, swr_until, sie_until = [_moment(value) for value in moments]
    return Stored(
        key=(_of(str, uri), bytes.fromhex(partition)),
        status=_of(int, status),
        reason=_of(str, reason),
        fields=Fields([(_of(str, name), _of(str, value)) for name, value in lines]),
        body=body,
        vary=tuple([(_of(str, name), _text_or_none(value)) for name, value in vary]),
        sent_at=sent_at,
        received_at=received_at,
        date=date,
        initial_age=initial_age,
        fresh_until=fresh_until,
        must_revalidate=_of(bool, must),
        immutable=_of(bool, immutable),
        etag=_text_or_none(etag),
        last_modified=_text_or_none(modified),
        swr_until=swr_until,
        sie_until=sie_until,
        groups=tuple([_of(str, group) for group in groups]),
        part=None if part is None else _part(part),
    )


def _of(kind: type[Any], value: Any) -> Any:
    return value if type(value) is kind else _refuse()


def _part(value: Any) -> Part:
    first, last, total = value
    return _of(int, first), _of(int, last), None if total is None else _of(int, total)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _of(str, value)


def _moment(value: Any) -> float:
    return float(value) if type(value) in (int, float) and isfinite(value) else _refuse()

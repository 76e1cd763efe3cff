"""The serialised form: what was written is read again, and anything else is a miss."""

import json
import math
import struct
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._model.stored import Stored
from smartclient._store.record import FORMAT, from_bytes, to_bytes


def stored(**changes: Any) -> Stored:
    return Stored(
        **{
            "key": ("https://h.example/?q=\u00e9", b"\x00\xff"),
            "status": 200,
            "reason": "OK",
            "fields": Fields([("Set-Cookie", "a=1"), ("set-cookie", "b=\xe9\n2")]),
            "body": b"con\ntent\x00",
            "vary": (("accept", "a/b"), ("foo", None)),
            "sent_at": 1.5,
            "received_at": 2.25,
            "date": 2.0,
            "initial_age": 0.75,
            "fresh_until": 62.5,
            "must_revalidate": True,
            "immutable": False,
            "etag": 'W/"\xe9"',
            "last_modified": None,
            **changes,
        }
    )


def values(response: Stored) -> dict[str, Any]:
    return {name: getattr(response, name) for name in Stored.__slots__}


def sealed(rest: bytes) -> bytes:
    return FORMAT + rest + crc32(FORMAT + rest).to_bytes(4, "little")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="everything"),
        pytest.param({"body": b""}, id="empty body"),
        pytest.param({"body": bytes(range(256)) * 300}, id="large body"),
        pytest.param({"fields": Fields(), "vary": (), "groups": ()}, id="no fields"),
        pytest.param({"body": None, "length": 10**12}, id="body elsewhere"),
        pytest.param({"reason": "\ud800"}, id="lone surrogate"),
        pytest.param({"groups": ("a", "b"), "swr_until": 70.5, "sie_until": 90.0}, id="extensions"),
        pytest.param({"part": (3, 11, 20)}, id="part"),
        pytest.param({"part": (3, 11, None)}, id="part of who knows how much"),
    ],
)
def test_round_trip(changes: dict[str, Any]) -> None:
    before = stored(**changes)
    after = from_bytes(to_bytes(before))
    assert after is not None
    assert values(after) == values(before)


def test_every_cut_is_a_miss() -> None:
    data = to_bytes(stored())
    assert [from_bytes(data[:end]) for end in range(len(data))] == [None] * len(data)
    assert from_bytes(data + b"x") is None


def test_every_changed_byte_is_a_miss() -> None:
    data = to_bytes(stored())
    for index in range(len(data)):
        changed = bytearray(data)
        changed[index] ^= 0x20
        assert from_bytes(bytes(changed)) is None


def test_another_version_is_a_miss() -> None:
    data = b"\x02" + to_bytes(stored())[1:-4]
    assert from_bytes(data + crc32(data).to_bytes(4, "little")) is None


NUMBERS = struct.Struct("<7d2q2?")
MOMENTS, LIMITS, STATUS, LENGTH = range(5), range(5, 7), 7, 8


def parts() -> tuple[list[Any], list[Any], bytes]:
    content = to_bytes(stored())[1:-4]
    end = content.index(b"\n", NUMBERS.size)
    return list(NUMBERS.unpack_from(content)), json.loads(content[NUMBERS.size : end]), content[end:]


def numbers(index: int, value: Any) -> bytes:
    """A record whose checksum is right and whose `index`-th number is wrong."""
    values, texts, body = parts()
    values[index] = value
    return sealed(NUMBERS.pack(*values) + json.dumps(texts).encode() + body)


def texts(content: bytes) -> bytes:
    """A record whose checksum and numbers are right, with other texts."""
    return sealed(NUMBERS.pack(*parts()[0]) + content)


def line(index: int, value: Any) -> bytes:
    """A record whose checksum is right and whose `index`-th text is wrong."""
    _, listed, body = parts()
    listed[index] = value
    return texts(json.dumps(listed).encode() + body)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(sealed(b""), id="nothing"),
        pytest.param(sealed(bytes(40)), id="short numbers"),
        pytest.param(texts(b""), id="no texts"),
        pytest.param(texts(b" []\n"), id="space"),
        pytest.param(texts(b"\n"), id="no JSON"),
        pytest.param(texts(b"{}\n"), id="no list"),
        pytest.param(texts(b"[]\n"), id="short list"),
        pytest.param(texts(b"[" * 100_000 + b"\n"), id="deep list"),
        pytest.param(texts(b"[" + b"9" * 5000 + b"]\n"), id="endless number"),
        pytest.param(texts(b"[NaN]\n"), id="NaN"),
        pytest.param(texts(b"\xff\n"), id="no UTF-8"),
        pytest.param(line(0, 1), id="URI"),
        pytest.param(line(1, "xyz"), id="partition"),
        pytest.param(line(1, None), id="no partition"),
        pytest.param(line(3, ["a"]), id="field line"),
        pytest.param(line(3, ["a", None]), id="field value"),
        pytest.param(line(3, [["a"], ["b"]]), id="field lists"),
        pytest.param(line(3, 5), id="field lines"),
        pytest.param(line(4, [[1, "x"]]), id="vary"),
        pytest.param(line(5, 7), id="entity tag"),
        pytest.param(line(7, "a"), id="groups"),
        pytest.param(line(7, [1]), id="group"),
        pytest.param(line(8, [0, 4]), id="short part"),
        pytest.param(line(8, [0, 4, "9"]), id="total of a part"),
        *[pytest.param(numbers(at, math.inf), id=f"infinite moment {at}") for at in MOMENTS],
        *[pytest.param(numbers(at, math.nan), id=f"moment {at} that is none") for at in MOMENTS],
        *[pytest.param(numbers(at, math.nan), id=f"limit {at} that is none") for at in LIMITS],
        pytest.param(numbers(LENGTH, -1), id="negative length"),
        pytest.param(numbers(LENGTH, 3), id="length of the body"),
    ],
)
def test_damage_with_a_right_checksum_is_a_miss(data: bytes) -> None:
    assert from_bytes(data) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=18) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=20,
)


@given(data=st.binary())
def test_any_bytes_are_a_record_or_a_miss(data: bytes) -> None:
    assert from_bytes(data) is None
    assert from_bytes(sealed(data)) is None


@given(index=st.integers(0, 8), value=JSON)
def test_any_value_in_any_place_is_a_record_or_a_miss(index: int, value: Any) -> None:
    result = from_bytes(line(index, value))
    assert result is None or isinstance(from_bytes(to_bytes(result)), Stored)

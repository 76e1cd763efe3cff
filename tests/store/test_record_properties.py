"""The serialised form of any stored response: it comes back as it was, and any damage is a miss."""

from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._model.stored import Stored
from smartclient._store.record import from_bytes, to_bytes

TEXTS = st.text(max_size=8)
MOMENTS = st.floats(-1e300, 1e300)
RECORDS = st.builds(
    Stored,
    key=st.tuples(TEXTS, st.binary(max_size=8)),
    status=st.integers(100, 999),
    reason=TEXTS,
    fields=st.lists(st.tuples(TEXTS, TEXTS), max_size=4).map(Fields),
    body=st.binary(max_size=40) | st.sampled_from([b"\n", b"[]\n", b"\n\n"]),
    vary=st.lists(st.tuples(TEXTS, st.none() | TEXTS), max_size=3).map(tuple),
    sent_at=MOMENTS,
    received_at=MOMENTS,
    date=MOMENTS,
    initial_age=MOMENTS,
    fresh_until=MOMENTS,
    must_revalidate=st.booleans(),
    immutable=st.booleans(),
    etag=st.none() | TEXTS,
    last_modified=st.none() | TEXTS,
    swr_until=MOMENTS,
    sie_until=MOMENTS,
    groups=st.lists(TEXTS, max_size=2).map(tuple),
    part=st.none() | st.tuples(st.integers(), st.integers(), st.none() | st.integers()),
)


@given(RECORDS)
def test_a_record_comes_back(stored: Stored) -> None:
    after = from_bytes(to_bytes(stored))
    assert after is not None
    assert [getattr(after, name) for name in Stored.__slots__] == [getattr(stored, name) for name in Stored.__slots__]


@given(RECORDS, st.data())
def test_a_damaged_record_is_a_miss(stored: Stored, data: st.DataObject) -> None:
    record = to_bytes(stored)
    at = data.draw(st.integers(0, len(record) - 1))
    changed = record[:at] + bytes([record[at] ^ data.draw(st.integers(1, 255))]) + record[at + 1 :]
    assert [from_bytes(broken) for broken in (changed, record[:at], record + record[:1])] == [None] * 3

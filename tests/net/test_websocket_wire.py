"""The WebSocket wire: the failures that RFC 6455 speaks of, frame by frame, and any bytes in any pieces."""

import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.websocket import Deflate
from smartclient._net.websocket_wire import Closed, WebSocketWire

TEXT, BYTES, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    rsv: int = 0,
    masked: bool = False,
    size: bytes | None = None,
) -> bytes:
    """A frame as servers send it, unless told otherwise."""
    if size is None:
        length = len(payload)
        size = (
            bytes([length])
            if length < 126
            else b"\x7e" + struct.pack(">H", length)
            if length < 2**16
            else b"\x7f" + struct.pack(">Q", length)
        )
    if masked:
        size = bytes([size[0] | 0x80]) + size[1:] + bytes(4)
    return bytes([final << 7 | rsv << 4 | opcode]) + size + payload


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack(">H", code) + reason)


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


# What comes -> messages, code of the end (None: it goes on)
CONVERSATIONS = {
    "text": (frame(TEXT, "ü".encode()), ["ü"], None),
    "bytes": (frame(BYTES, b"\xff"), [b"\xff"], None),
    "empty": (frame(TEXT) + frame(BYTES), ["", b""], None),
    "fragments": (frame(TEXT, b"a", final=False) + frame(MORE, b"b", final=False) + frame(MORE, b"c"), ["abc"], None),
    "letter-cut-by-fragments": (frame(TEXT, b"\xc3", final=False) + frame(MORE, b"\xbc"), ["ü"], None),
    "ping-between-fragments": (frame(TEXT, b"a", final=False) + frame(PING, b"p") + frame(MORE, b"b"), ["ab"], None),
    "pong-unasked": (frame(PONG, b"x") + frame(TEXT, b"a"), ["a"], None),
    "16-bit-length": (frame(BYTES, b"x" * 300), [b"x" * 300], None),
    "64-bit-length": (frame(BYTES, b"x" * 70_000), [b"x" * 70_000], None),
    "close": (close(1000, b"done") + frame(TEXT, b"late"), [], 1000),
    "close-without-code": (frame(CLOSE), [], 1005),
    "close-own-code": (close(4999), [], 4999),
    "masked (5.1)": (frame(TEXT, b"a", masked=True), [], 1002),
    "rsv-unagreed (5.2)": (frame(TEXT, b"a", rsv=4), [], 1002),
    "opcode-unknown (5.2)": (frame(3, b"a"), [], 1002),
    "control-opcode-unknown (5.2)": (frame(11), [], 1002),
    "control-too-long (5.5)": (frame(PING, b"x" * 126), [], 1002),
    "control-in-fragments (5.5)": (frame(PING, b"x", final=False), [], 1002),
    "continuation-of-nothing (5.4)": (frame(MORE, b"a"), [], 1002),
    "new-message-inside-another (5.4)": (frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), [], 1002),
    "length-with-more-bytes-than-needed (5.2)": (frame(TEXT, b"a", size=b"\x7e\0\x01"), [], 1002),
    "length-of-64-bits-with-its-top-bit (5.2)": (frame(TEXT, size=b"\x7f\x80" + bytes(7)), [], 1002),
    "text-not-utf-8 (8.1)": (frame(TEXT, b"\xff"), [], 1007),
    "text-ends-inside-a-letter (8.1)": (frame(TEXT, b"\xc3"), [], 1007),
    "surrogate (8.1)": (frame(TEXT, b"\xed\xa0\x80"), [], 1007),
    "close-of-one-byte (5.5.1)": (frame(CLOSE, b"x"), [], 1002),
    "close-reason-not-utf-8 (5.5.1)": (close(1000, b"\xff"), [], 1007),
    "close-code-that-none-may-send (7.4.1)": (close(1005), [], 1002),
    "close-code-unknown (7.4.2)": (close(999), [], 1002),
    "too-long": (frame(BYTES, b"x" * 100_001), [], 1009),
    "too-long-in-fragments": ((frame(BYTES, b"x" * 60_000, final=False) + frame(MORE, b"x" * 60_000)), [], 1009),
    "flood-of-pings": (frame(PING) * 10_001, [], 1002),
}


@pytest.mark.parametrize("size", [None, 1, 7], ids=["whole", "bytewise", "by-seven"])
@pytest.mark.parametrize("case", CONVERSATIONS)
def test_conversation(case: str, size: int | None) -> None:
    data, messages, code = CONVERSATIONS[case]
    wire = WebSocketWire(message_max=100_000)
    step = size or len(data)
    got = [message for start in range(0, len(data), step) for message in wire.feed(data[start : start + step])]
    assert got == messages
    assert (None if wire.closed is None else wire.closed.code) == code
    if code is not None:
        assert wire.feed(frame(TEXT, b"more")) == []


def test_what_is_sent() -> None:
    wire = WebSocketWire()
    wire.send("a")
    wire.send(b"b")
    wire.ping(b"c")
    wire.close(1000, "d")
    wire.close()
    sent = wire.pending()
    kinds = [sent[0], sent[7], sent[14], sent[21]]
    assert kinds == [0x81, 0x82, 0x89, 0x88]
    assert all(sent[place] & 0x80 for place in (1, 8, 15, 22))  # masked
    assert wire.pending() == b""


def test_pings_are_answered_and_a_close_is_returned() -> None:
    wire = WebSocketWire()
    wire.feed(frame(PING, b"who"))
    pong = wire.pending()
    assert (pong[0], len(pong)) == (0x8A, 9)
    wire.feed(close(1001, b"bye"))
    assert wire.pending()[0] == 0x88
    assert wire.closed == Closed(1001, "bye", True)


def test_the_end_without_a_word() -> None:
    wire = WebSocketWire()
    wire.feed_eof()
    assert wire.closed is not None
    assert (wire.closed.code, wire.closed.clean) == (1006, False)


def test_compressed_messages() -> None:
    wire = WebSocketWire(Deflate())
    assert wire.feed(frame(TEXT, deflated(b"hello " * 100), rsv=4)) == ["hello " * 100]
    assert wire.feed(frame(TEXT, b"plain")) == ["plain"]
    wire.send("x" * 1000)
    assert len(wire.pending()) < 100
    assert wire.feed(frame(TEXT, b"\xff\xff\xff", rsv=4)) == []
    assert wire.closed is not None
    assert wire.closed.code in (1002, 1007)


def test_a_bomb_is_too_big() -> None:
    wire = WebSocketWire(Deflate(), message_max=1_000_000)
    bomb = frame(BYTES, deflated(bytes(50_000_000)), rsv=4)
    assert [message for start in range(0, len(bomb), 1000) for message in wire.feed(bomb[start : start + 1000])] == []
    assert wire.closed is not None
    assert wire.closed.code == 1009


pieces = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([data for data, _, _ in CONVERSATIONS.values() if len(data) < 500]),
    ),
    max_size=6,
).map(b"".join)


@given(data=pieces, cuts=st.lists(st.integers(0, 600), max_size=6), deflate=st.sampled_from([None, Deflate()]))
def test_any_split_of_any_bytes_says_the_same(data: bytes, cuts: list[int], deflate: Deflate | None) -> None:
    whole, split = WebSocketWire(deflate, 1000), WebSocketWire(deflate, 1000)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    got = [message for start, end in pairwise(places) for message in split.feed(data[start:end])]
    assert got == whole.feed(data)
    assert (split.closed and split.closed.code) == (whole.closed and whole.closed.code)

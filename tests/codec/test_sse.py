"""Event streams, byte for byte: the standard's examples, any division, limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._codec.sse import EVENT_MAX, EventParser, ServerEvent
from smartclient.exceptions import BodyTooLarge

E = ServerEvent


@pytest.mark.parametrize(
    ("text", "events"),
    [
        pytest.param("data: YHOO\ndata: +2\ndata: 10\n\n", [E("YHOO\n+2\n10")], id="lines"),
        pytest.param(":x\n\ndata: a\nid:1\n\ndata:b\nid\n\ndata:  c\n\n", [E("a", id="1"), E("b"), E(" c")], id="ids"),
        pytest.param("data\n\ndata\ndata\n\ndata:", [E(""), E("\n")], id="empty"),
        pytest.param("data:test\n\ndata: test\n\n", [E("test"), E("test")], id="one-blank-goes"),
        pytest.param("event: add\ndata: 1\n\ndata: 2\n\n", [E("1", "add"), E("2")], id="types"),
        pytest.param("event: add\n\n", [], id="no-data-no-event"),
        pytest.param("id: 7\n\ndata: x\n\n", [E("x", id="7")], id="id-without-event"),
        pytest.param("data: a\r\rdata: b\r\n\r\ndata: c\n\r", [E("a"), E("b"), E("c")], id="line-ends"),
        pytest.param("\ufeffdata: a\n\n", [E("a")], id="mark"),
        pytest.param("\ufeff\ufeffdata: a\n\n", [], id="second-mark"),
        pytest.param("data: a", [], id="no-end"),
        pytest.param("nonsense: x\ndata: ä:b\n\n", [E("ä:b")], id="unknown-field"),
        pytest.param("id: a\0b\nid: \x1b\ndata: x\n\n", [E("x")], id="ids-that-cannot-be-sent"),
        pytest.param("id: 1\ndata: a\n\nid: 2\ndata: b", [E("a", id="1")], id="cut"),
        pytest.param(" data: x\n\ndata : x\n\n", [], id="blanks-belong-to-names"),
    ],
)
def test_events(text: str, events: list[ServerEvent]) -> None:
    data = text.encode()
    assert EventParser().feed(data) == events
    parser = EventParser()
    assert [event for byte in data for event in parser.feed(bytes([byte]))] == events


def test_last_id_is_that_of_the_last_whole_event() -> None:
    parser = EventParser("0")
    parser.feed(b"data: a\n\n")
    assert parser.last_id == "0"
    parser.feed(b"id: 1\ndata: b\n\nid: 2\ndata: c\n")
    assert parser.last_id == "1"
    parser.feed(b"\n")
    assert parser.last_id == "2"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("retry: 1500", 1.5),
        ("retry: 0", 0.0),
        ("retry: 1.5", None),
        ("retry: -1", None),
        ("retry:", None),
        ("retry: \u0661", None),
        ("retry: " + "9" * 5000, 999999.999),
    ],
)
def test_retry(text: str, seconds: float | None) -> None:
    parser = EventParser()
    parser.feed(f"{text}\n".encode())
    assert parser.retry == seconds


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert EventParser().feed(b"data: \xff\n\n") == [E("\ufffd")]


@pytest.mark.parametrize("line", [b"data: " + b"x" * 1000 + b"\n", b"data: " + b"x" * 1000], ids=["lines", "line"])
def test_event_has_a_limit(line: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        EventParser().feed(line * 1100)


def test_comments_have_none() -> None:
    parser = EventParser()
    for _ in range(2 * EVENT_MAX // 1000):
        assert parser.feed(b":" + b"x" * 1000 + b"\n") == []


PIECES = st.lists(
    st.sampled_from(
        [b"data", b":", b" ", b"\r", b"\n", b"\r\n", b"id", b"event", b"a", b"\xef\xbb\xbf", b"\xe2", b"\n\n"]
    )
)


@given(PIECES, st.integers(1, 5))
def test_any_division_gives_the_same(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    whole, divided = EventParser(), EventParser()
    events = whole.feed(data)
    assert [event for at in range(0, len(data), size) for event in divided.feed(data[at : at + size])] == events
    assert divided.last_id == whole.last_id


@given(st.binary())
def test_any_bytes_are_read(data: bytes) -> None:
    for event in EventParser().feed(data + b"\n\n"):
        assert "\0" not in event.id

"""The HTTP/2 wire: whatever comes, and however it is split, gives events or an error of ours."""

import re
from itertools import pairwise

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes
from hypothesis import given
from hypothesis import strategies as st

from fuzz_targets import all_events
from smartclient._model.errors import RemoteProtocolError, RequestException, ServerDisconnected
from smartclient._model.headers import Fields
from smartclient._model.message import Head, Interim
from smartclient._net.http1_wire import End
from smartclient._net.http2_wire import LANE_WINDOW, Event, Http2Wire

PSEUDO = [(":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", "/")]
GOAWAY = b"\0\0\x08\x07\0\0\0\0\0"


def opened(*, ended: bool = True, streams: int = 1) -> tuple[Http2Wire, H2Connection]:
    """A client's wire with streams 1, 3 and so on, and a server that has seen them."""
    wire = Http2Wire()
    server = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
    server.initiate_connection()
    for _ in range(streams):
        wire.open(PSEUDO, Fields([("Accept", "*/*"), ("Connection", "keep-alive")]), ended=ended)
    server.receive_data(wire.pending())
    return wire, server


def summary(events: list[tuple[int, Event]]) -> list[tuple[int, object]]:
    """Events as values, pieces of content joined."""
    values: list[tuple[int, object]] = []
    for number, event in events:
        if isinstance(event, Head):
            values.append((number, (event.status, event.version, tuple(event.fields))))
        elif isinstance(event, Interim):
            values.append((number, event.head.status))
        elif isinstance(event, End):
            values.append((number, ("end", tuple(event.trailers))))
        elif isinstance(event, bytes) and values and isinstance(values[-1][1], bytes) and values[-1][0] == number:
            values[-1] = (number, values[-1][1] + event)
        else:
            values.append((number, event if isinstance(event, bytes) else type(event)))
    return values


def conversation() -> tuple[Http2Wire, bytes]:
    wire, server = opened(streams=3)
    return wire, all_events(server)


SAID = [
    (1, 103),
    (1, (200, "HTTP/2", (("a", "1"), ("a", "2")))),
    (3, (204, "HTTP/2", ())),
    (3, ("end", ())),
    (1, b"con"),
    (5, RemoteProtocolError),
    (1, b"tent"),
    (1, ("end", (("checksum", "x"),))),
]


@given(cuts=st.lists(st.integers(0, 400), max_size=8))
def test_any_split_says_the_same(cuts: list[int]) -> None:
    wire, data = conversation()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    events = [event for start, end in pairwise(places) for event in wire.feed(data[start:end])]
    assert summary(events) == SAID


@given(data=st.binary(max_size=200), place=st.integers(0, 400), put=st.binary(max_size=12))
def test_any_bytes_give_events_or_our_error(data: bytes, place: int, put: bytes) -> None:
    wire, said = conversation()
    for _, event in wire.feed(said[:place] + put + said[place + len(put) :] + data):
        assert isinstance(event, Head | Interim | bytes | End | RequestException)


def test_fields_of_one_connection_are_not_sent() -> None:
    wire, server = Http2Wire(), H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
    server.initiate_connection()
    wire.open(PSEUDO, Fields([("Host", "b"), ("TE", "x"), ("Upgrade", "y"), ("X-Own", "é")]), ended=True)
    heads = [event.headers for event in server.receive_data(wire.pending()) if hasattr(event, "headers")]
    assert heads == [[*PSEUDO, ("x-own", "é")]]


def test_going_away_ends_what_was_not_seen() -> None:
    wire, server = opened(streams=3)
    server.send_headers(3, [(":status", "200")], end_stream=True)
    events = wire.feed(GOAWAY + (3).to_bytes(4, "big") + bytes(4) + server.data_to_send())
    assert summary(events) == [(5, ServerDisconnected), (3, (200, "HTTP/2", ())), (3, ("end", ()))]
    refused = events[0][1]
    assert isinstance(refused, ServerDisconnected)
    assert (refused.sent, refused.stale, wire.accepts) == ("nothing", True, False)


def test_what_came_before_going_away_counts() -> None:
    """However the bytes were split: what the peer said of stream 5 first is not taken back by GOAWAY."""
    wire, server = opened(streams=3)
    server.send_headers(5, [(":status", "200")], end_stream=True)
    events = wire.feed(server.data_to_send() + GOAWAY + (3).to_bytes(4, "big") + bytes(4))
    assert summary(events) == [(5, (200, "HTTP/2", ())), (5, ("end", ()))]


def test_the_window_is_opened_as_content_is_taken() -> None:
    wire, server = opened()
    server.receive_data(wire.pending())
    server.send_headers(1, [(":status", "200")])
    before = server.local_flow_control_window(1)
    for _ in range(4):
        server.send_data(1, b"x" * 16_000)
    wire.feed(server.data_to_send())
    server.receive_data(wire.pending())
    assert server.local_flow_control_window(1) == before - 64_000
    wire.consume(1, LANE_WINDOW // 2)
    server.receive_data(wire.pending())
    assert server.local_flow_control_window(1) > before


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"\xff\xff\xff\0\0\0\0\0\x01", "frame of 16777215 bytes", id="frame-too-large"),
        pytest.param(b"\0\0\x05\x06\0\0\0\0\0" + bytes(5), "FRAME_SIZE_ERROR", id="ping-of-5-bytes"),
        pytest.param(b"\0\0\x01\0\0\0\0\0\x09x", "broke HTTP/2", id="content-of-no-stream"),
        pytest.param(b"\0\0\x01\x01\x05\0\0\0\x01\xff", "broke HTTP/2", id="head-that-is-not-hpack"),
        pytest.param(b"\0\0\x01\x01\x05\0\0\0\x01\x86", "broke HTTP/2|no status", id="head-without-status"),
        pytest.param((b"\0\0\0\0\0\0\0\0\x01") * 10_001, "without content|broke", id="empty-frames"),
    ],
)
def test_broken_frames(data: bytes, told: str) -> None:
    wire, server = opened()
    wire.feed(server.data_to_send())
    [(number, error)] = wire.feed(data)
    assert (number, type(error)) == (0, RemoteProtocolError)
    assert re.search(told, str(error))


def test_what_came_before_a_broken_frame_counts() -> None:
    """However the bytes were split: an answer that is whole is not lost with the connection."""
    wire, said = conversation()
    events = wire.feed(said + b"\0\0\x05\x06\0\0\0\0\0" + bytes(5))
    assert summary(events[:-1]) == SAID
    assert (events[-1][0], type(events[-1][1])) == (0, RemoteProtocolError)


def test_noise_is_counted_frame_by_frame() -> None:
    """An answer behind too much of it, in the same read, forgives nothing."""
    wire, server = opened()
    server.send_headers(1, [(":status", "200")])
    wire.feed(b"\0\0\x08\x06\x01\0\0\0\0".join([b"", *[bytes(8)] * 6000]))
    *_, (number, error) = wire.feed(b"\0\0\x08\x06\x01\0\0\0\0".join([b"", *[bytes(8)] * 6000]) + server.data_to_send())
    assert (number, type(error)) == (0, RemoteProtocolError)


def test_room_is_never_negative() -> None:
    """What was sent before the peer made its windows smaller leaves them below zero (RFC 9113 section 6.9.2)."""
    wire, server = opened(ended=False)
    wire.send(1, bytes(wire.room(1)), ended=False)
    server.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})
    wire.feed(server.data_to_send())
    assert wire.room(1) == 0
    server.receive_data(wire.pending())
    server.increment_flow_control_window(20_000)
    server.increment_flow_control_window(16_000, 1)
    wire.feed(server.data_to_send())
    assert wire.room(1) == 16_000 + 1000 - 16_384

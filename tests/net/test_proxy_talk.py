"""What proxies may say while a way is asked for: any bytes, in any pieces, give a way or ProxyError."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.errors import ProxyError, RemoteProtocolError
from smartclient._model.proxy import parse_proxy
from smartclient._model.url import URL
from smartclient._net.connect import Route
from smartclient._net.proxy import _open_tunnel
from smartclient._net.socks import ask_for_way, socks_address
from smartclient._runtime.base import run_blocking
from smartclient._runtime.blocking import BlockingRuntime

ANSWER = b"\x05\x02" + b"\x01\x00" + b"\x05\x00\x00"
ADDRESSES = [
    pytest.param(b"\x01" + bytes(4) + b"\0\x50", id="ipv4"),
    pytest.param(b"\x03\x03a.b\0\x50", id="name"),
    pytest.param(b"\x03\x00\0\x50", id="empty-name"),
    pytest.param(b"\x04" + bytes(16) + b"\0\x50", id="ipv6"),
]


class Pipe:
    """A stream that gives `data` in pieces of at most `size` bytes, then its end."""

    def __init__(self, data: bytes, size: int = 2**16) -> None:
        self.data = data
        self.size = size
        self.written = b""

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        count = min(max_bytes, self.size)
        piece, self.data = self.data[:count], self.data[count:]
        return piece

    async def write(self, data: bytes, timeout: float | None) -> bool:
        self.written += data
        return True


def unlimited() -> None:
    """No limit."""


def target_of(url: str, proxy: str = "socks5h://p") -> bytes:
    route = Route(URL.parse(url).origin, None)
    return run_blocking(socks_address(BlockingRuntime(), route, parse_proxy(proxy), None))


def ask(pipe: Pipe, proxy: str = "socks5h://us%20er:p@p") -> None:
    run_blocking(ask_for_way(pipe, target_of("http://h.example:80/"), parse_proxy(proxy), unlimited))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 2**16], ids=["bytewise", "whole"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_way_is_opened_and_nothing_behind_it_is_read(address: bytes, size: int) -> None:
    pipe = Pipe(ANSWER + address + b"the origin's", size)
    ask(pipe)
    assert pipe.data == b"the origin's"
    assert pipe.written == b"\x05\x02\x00\x02" + b"\x01\x05us er\x01p" + b"\x05\x01\x00\x03\x09h.example\x00\x50"


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_cut_is_an_error(address: bytes) -> None:
    whole = ANSWER + address
    for end in range(len(whole)):
        with pytest.raises(ProxyError, match="closed the connection"):
            ask(Pipe(whole[:end]))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        pytest.param("http://h.example/", b"\x03\x09h.example\x00\x50", id="name"),
        pytest.param("https://10.1.2.3/", b"\x01\x0a\x01\x02\x03\x01\xbb", id="ipv4"),
        pytest.param("http://[::1]:258/", b"\x04" + bytes(15) + b"\x01\x01\x02", id="ipv6"),
        pytest.param("http://[fe80::1%25lo]/", b"\x04\xfe\x80" + bytes(13) + b"\x01\x00\x50", id="zone-stays-at-home"),
    ],
)
def test_address_of_the_origin(url: str, target: bytes) -> None:
    assert target_of(url) == target


def test_socks5_looks_the_name_up_and_prefers_ipv4() -> None:
    assert target_of("http://localhost/", "socks5://p") == b"\x01\x7f\x00\x00\x01\x00\x50"


@given(st.binary(max_size=40) | st.builds(lambda rest: ANSWER + rest, st.binary(max_size=30)), st.integers(1, 7))
def test_any_bytes_are_a_way_or_our_error(data: bytes, size: int) -> None:
    pipe = Pipe(data, size)
    with contextlib.suppress(ProxyError):
        ask(pipe)
    assert pipe.written.startswith(b"\x05\x02")


def tunnel(pipe: Pipe, proxy: str = "http://p") -> None:
    origin = URL.parse("https://h.example/path?q").origin
    run_blocking(_open_tunnel(pipe, origin, parse_proxy(proxy), unlimited))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 2**16], ids=["bytewise", "whole"])
@pytest.mark.parametrize("status", [200, 204, 299])
def test_any_2xx_opens_whatever_its_fields_say(status: int, size: int) -> None:
    pipe = Pipe(b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 %d Yes\r\nContent-Length: 9\r\n\r\n" % status, size)
    tunnel(pipe, "http://u:p@p")
    assert pipe.written == (
        b"CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
    )


@given(
    st.binary(max_size=60) | st.builds(lambda rest: b"HTTP/1.1 200 OK\r\n" + rest, st.binary(max_size=40)),
    st.integers(1, 9),
)
def test_any_bytes_are_a_tunnel_or_our_error(data: bytes, size: int) -> None:
    pipe = Pipe(data, size)
    with contextlib.suppress(ProxyError, RemoteProtocolError):
        tunnel(pipe)
    assert pipe.written.startswith(b"CONNECT ")

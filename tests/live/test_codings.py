"""Coded bodies from end to end: whole, streamed, cut, padded, and bombs."""

from collections.abc import Callable

import brotli
import pytest

import smartclient
from coded import ENCODERS, coded, packed, skippable_frame, zeros_coded
from loopback.clients import Client
from loopback.origin import Origin, Page
from loopback.scripted import HOLD, ScriptedServer
from smartclient.exceptions import ContentDecodingError, DecodedTooLarge

CONTENT = b"".join(b"line %d of a page in many codings\n" % n for n in range(10_000))
STACKS = [*((coding,) for coding in ENCODERS), ("br", "gzip"), ("zstd", "br", "deflate")]


def page(origin: Origin, codings: tuple[str, ...], body: bytes, *, chunked: bool = False) -> str:
    pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)] if chunked else body
    headers = (("Content-Encoding", ", ".join(codings)),)
    return origin.route("/coded", lambda seen: Page(pieces, headers=headers))


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("codings", STACKS, ids="-".join)
def test_decoded(client: Client, origin: Origin, codings: tuple[str, ...], chunked: bool) -> None:
    url = page(origin, codings, coded(CONTENT, *codings), chunked=chunked)
    assert client.get(url).content == CONTENT
    assert origin.seen.requests[0].header("accept-encoding") == "gzip, deflate, br, zstd"


@pytest.mark.parametrize("codings", STACKS, ids="-".join)
def test_streamed(client: Client, origin: Origin, codings: tuple[str, ...]) -> None:
    body = coded(CONTENT, *codings)
    url = page(origin, codings, body)
    session = client.session()
    with session.stream("GET", url) as response:
        pieces = list(response.iter_content(None))
    assert (b"".join(pieces), max(map(len, pieces)) <= 65536) == (CONTENT, True)
    with session.stream("GET", url) as response:
        assert b"".join(response.iter_raw()) == body
    assert origin.seen.connections == 1


@pytest.mark.parametrize("codings", STACKS, ids="-".join)
def test_cut_is_an_error_and_costs_no_other_call(client: Client, origin: Origin, codings: tuple[str, ...]) -> None:
    url = page(origin, codings, coded(CONTENT, *codings)[:-1])
    session = client.session()
    with pytest.raises(ContentDecodingError, match="stops before its end"):
        session.get(url)
    assert session.get(origin.url + "/bytes/5").content == b"01234"


@pytest.mark.parametrize("coding", ENCODERS)
def test_bomb(client: Client, origin: Origin, coding: str) -> None:
    url = page(origin, (coding,), zeros_coded(coding, 32 << 20))
    with pytest.raises(DecodedTooLarge, match="decoded_ratio=200"):
        client.get(url)
    with pytest.raises(DecodedTooLarge, match="decoded_max=1000"):
        client.session(limits=smartclient.Limits(decoded_max=1000)).get(url)


def test_several_streams_and_padding(client: Client, origin: Origin) -> None:
    frames = coded(b"one ", "zstd") + skippable_frame(b"skipped") + coded(b"two", "zstd") + bytes(20)
    assert client.get(page(origin, ("zstd",), frames, chunked=True)).content == b"one two"
    assert client.get(page(origin, ("gzip",), packed(b"one ") + packed(b"two") + bytes(20))).content == b"one two"


def test_events_are_not_held_back(client: Client, scripted: Callable[..., ScriptedServer]) -> None:

    encoder = brotli.Compressor()
    event = encoder.process(b"tick\n") + encoder.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = scripted([head + b"%x\r\n%s\r\n" % (len(event), event), HOLD])
    with client.stream("GET", server.url) as response:
        assert next(iter(response.iter_lines())) == b"tick"

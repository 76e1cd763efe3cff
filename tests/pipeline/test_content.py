"""The content stage: what is asked for, which bodies are decoded, and the limits of a body that is read whole."""

import gzip
import zlib

import pytest

from coded import coded as in_codings
from smartclient._codec.decoders import ACCEPT_ENCODING
from smartclient._model.errors import (
    BodyTooLarge,
    ContentDecodingError,
    DecodedTooLarge,
    IncompleteBody,
    NegotiationError,
    ReadTimeout,
)
from smartclient._model.headers import Fields
from smartclient._model.options import Limits, Options
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._pipeline.content import ContentStage, whole_content
from smartclient._runtime.base import run_blocking

TEXT = b"some text " * 100
GZIP = gzip.compress(TEXT, mtime=0)
PLAIN_DEFLATE = zlib.compress(TEXT)[2:-4]


def run(below, method="GET", fields=(), **limits):
    request = Request(method, URL.parse("http://h.example/"), Fields(fields), options=Options(limits=Limits(**limits)))
    return run_blocking(ContentStage(below)(request))


def read(reply):
    return run_blocking(whole_content(reply))


def coded(below, coding, body, status=200):
    below.will(status, ("Content-Encoding", coding), body=body)


ASKED = [  # fields of the caller, Accept-Encoding as sent
    pytest.param([("Accept-Encoding", ACCEPT_ENCODING)], [ACCEPT_ENCODING], id="default"),
    pytest.param([("Accept-Encoding", ACCEPT_ENCODING), ("Range", "bytes=0-9")], ["identity"], id="range"),
    pytest.param([("Accept-Encoding", "gzip"), ("Range", "bytes=0-9")], ["gzip"], id="range-and-own-wish"),
    pytest.param([("Range", "bytes=0-9")], [], id="range-and-field-removed"),
]


@pytest.mark.parametrize(("fields", "expected"), ASKED)
def test_accept_encoding(below, fields, expected):
    below.will(200)
    run(below, fields=fields)
    assert below.requests[0].fields.getlist("accept-encoding") == expected


DECODED = [
    pytest.param("gzip", GZIP, id="gzip"),
    pytest.param("X-GZIP", GZIP, id="x-gzip"),
    pytest.param("gzip", GZIP + GZIP[:0], id="one-member"),
    pytest.param("deflate", zlib.compress(TEXT), id="deflate"),
    pytest.param("deflate", PLAIN_DEFLATE, id="deflate-without-header"),
    pytest.param("deflate, gzip", gzip.compress(zlib.compress(TEXT)), id="stack"),
    pytest.param("br", in_codings(TEXT, "br"), id="br"),
    pytest.param("ZSTD", in_codings(TEXT, "zstd"), id="zstd"),
    pytest.param("zstd , br,\tX-gzip", in_codings(TEXT, "zstd", "br", "gzip"), id="stack-of-three"),
    pytest.param("identity", TEXT, id="identity"),
]


@pytest.mark.parametrize(("coding", "wire"), DECODED)
def test_decoded(below, body, coding, wire):
    for content in (wire, body(*[wire[i : i + 7] for i in range(0, len(wire), 7)])):
        coded(below, coding, content)
        assert read(run(below)) == TEXT


def test_raw_stays_as_received(below):
    coded(below, "gzip", GZIP)
    reply = run(below)
    assert run_blocking(reply.raw.read()) == GZIP


def test_unknown_coding_is_left_on_and_named(below):
    coded(below, "gzip, sdch", b"???")
    reply = run(below)
    assert (reply.undecoded, read(reply)) == ("sdch", b"???")


NEVER = [("HEAD", 200), ("GET", 204), ("GET", 304)]


@pytest.mark.parametrize(("method", "status"), NEVER)
def test_no_content_is_never_decoded(below, method, status):
    coded(below, "gzip", b"", status)
    reply = run(below, method)
    assert reply.body is reply.raw


@pytest.mark.parametrize("status", [200, 404, 500])
def test_empty_content_stays_empty(below, status):
    coded(below, "gzip", b"", status)
    assert read(run(below)) == b""


def test_too_many_codings_cost_the_connection(below, body):
    content = body(b"x")
    coded(below, "gzip, gzip, gzip, gzip", content)
    with pytest.raises(ContentDecodingError, match="4 codings") as caught:
        run(below)
    assert content.calls == ["abort"]
    assert caught.value.sent == "wholly"


BROKEN = [
    pytest.param(GZIP[:-1], id="cut"),
    pytest.param(GZIP + b"more", id="bytes-after-the-end"),
    pytest.param(GZIP[:-8] + b"\0" * 8, id="checksum"),
    pytest.param(b"<html>", id="not-gzip"),
]


@pytest.mark.parametrize("wire", BROKEN)
def test_broken_coding(below, body, wire):
    content = body(wire)
    coded(below, "gzip", content)
    reply = run(below)
    with pytest.raises(ContentDecodingError) as caught:
        read(reply)
    assert "abort" in content.calls
    assert caught.value.sent == "wholly"


def test_broken_stays_broken(below, body):
    """Whoever asks again must not take what is left for the end."""
    coded(below, "gzip", body(GZIP[:-1]))
    reader = run(below).body
    first = run_blocking(reader.read())
    assert TEXT.startswith(first)
    for _ in range(2):
        with pytest.raises(ContentDecodingError):
            run_blocking(reader.read())


def test_end_is_the_end(below, body):
    content = body(GZIP)
    coded(below, "gzip", content)
    reader = run(below).body
    assert run_blocking(reader.read()) == TEXT
    assert [run_blocking(reader.read()) for _ in range(3)] == [b""] * 3
    assert content.calls.count("read") == 2


def test_decoded_body_hands_clean_up_and_trailers_down(below, body):
    content = body(GZIP, trailers=Fields([("Digest", "x")]))
    coded(below, "gzip", content)
    reader = run(below).body
    run_blocking(reader.discard())
    reader.abort()
    assert content.calls == ["discard", "abort"]
    assert reader.trailers.get("digest") == "x"


def test_failure_of_the_body_passes(below, body):
    coded(below, "gzip", body(GZIP[:5], failure=IncompleteBody("cut")))
    reply = run(below)
    with pytest.raises(IncompleteBody, match="cut"):
        read(reply)


STRICT = [  # status, type that comes, whether it is refused
    pytest.param(200, "application/json", False, id="match"),
    pytest.param(200, "text/html", True, id="mismatch"),
    pytest.param(404, "text/html", False, id="errors-pass"),
]


@pytest.mark.parametrize(("status", "content_type", "refused"), STRICT)
def test_strict_accept(below, body, status, content_type, refused):
    content = body(b"x")
    below.will(status, ("Content-Type", content_type), body=content)
    fields = Fields([("Accept", "application/json")])
    request = Request("GET", URL.parse("http://h.example/"), fields, options=Options(strict_accept=True))
    if not refused:
        assert run_blocking(ContentStage(below)(request)).head.status == status
        return
    with pytest.raises(NegotiationError, match="application/json was asked for") as caught:
        run_blocking(ContentStage(below)(request))
    assert content.calls == ["abort"]
    assert (caught.value.sent, caught.value.response.head.status) == ("wholly", 200)


def test_failure_of_the_call_passes(below):
    below.will(ReadTimeout("no"))
    with pytest.raises(ReadTimeout):
        run(below)


LIMITS = [  # limits, lines, body, error
    pytest.param({"body_max": 10}, [("Content-Length", "11")], [b"x" * 11], BodyTooLarge, id="announced"),
    pytest.param({"body_max": 10}, [("Content-Length", "9" * 30)], [b"x"], BodyTooLarge, id="announced-huge"),
    pytest.param({"body_max": 10}, [], [b"x" * 6, b"x" * 5], BodyTooLarge, id="came"),
    pytest.param({"decoded_max": 999}, [("Content-Encoding", "gzip")], [GZIP], DecodedTooLarge, id="decoded"),
    pytest.param({"body_max": 999}, [("Content-Encoding", "gzip")], [GZIP], BodyTooLarge, id="decoded-body-max"),
]


@pytest.mark.parametrize(("limits", "lines", "pieces", "error"), LIMITS)
def test_over_the_limit(below, body, limits, lines, pieces, error):
    content = body(*pieces)
    below.will(200, *lines, body=content)
    reply = run(below, **limits)
    with pytest.raises(error, match=rf"Limits\({next(iter(limits))}=") as caught:
        read(reply)
    assert content.calls[-1] == "abort"
    assert caught.value.sent == "wholly"


def test_announced_too_long_is_not_read_at_all(below, body):
    content = body(b"x" * 11)
    below.will(200, ("Content-Length", "11"), body=content)
    with pytest.raises(BodyTooLarge):
        read(run(below, body_max=10))
    assert content.calls == ["abort"]


WITHIN = [  # limits, method, status, lines, body
    pytest.param({"body_max": 10}, "GET", 200, [("Content-Length", "10")], b"x" * 10, id="just-fits"),
    pytest.param({"body_max": 10}, "HEAD", 200, [("Content-Length", "11")], b"", id="head-tells-another-length"),
    pytest.param({"body_max": 10}, "GET", 304, [("Content-Length", "11")], b"", id="304-tells-another-length"),
    pytest.param({"body_max": 10}, "GET", 200, [("Content-Length", "x")], b"x", id="unreadable-length"),
    pytest.param({"decoded_max": 10}, "GET", 200, [], b"x" * 11, id="plain-bodies-are-not-decoded"),
    pytest.param({"decoded_max": None}, "GET", 200, [("Content-Encoding", "gzip")], GZIP, id="lifted"),
]


@pytest.mark.parametrize(("limits", "method", "status", "lines", "wire"), WITHIN)
def test_within_the_limit(below, body, limits, method, status, lines, wire):
    for content in (wire, body(wire)):
        below.will(status, *lines, body=content)
        assert read(run(below, method, **limits)) in (wire, TEXT)


def test_whoever_stops_reading_gives_the_body_up(below, body):
    content = body(b"x", failure=KeyboardInterrupt())
    below.will(200, body=content)
    reply = run(below)
    with pytest.raises(KeyboardInterrupt):
        read(reply)
    assert content.calls[-1] == "abort"

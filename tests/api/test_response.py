"""Responses as users hold them: names, bodies in every order, JSON, statuses, errors, pickles."""

import copy
import datetime
import gzip
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._api.response import AsyncResponse, Response
from smartclient._model.answer_errors import JSONDecodeError, status_error_class
from smartclient._model.body import BytesReader, RequestBody
from smartclient._model.errors import (
    HTTPError,
    IncompleteBody,
    InvalidOption,
    ReadTimeout,
    RequestException,
    SessionMisuse,
    StreamConsumedError,
)
from smartclient._model.headers import Fields
from smartclient._model.message import Head, Interim, Reply
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._pipeline.content import ContentStage
from smartclient._runtime.base import run_blocking

URL_TEXT = "http://user:secret@h.example/path?token=secret#part"


def reply(status=200, lines=(), body=b"", reason="OK", url=URL_TEXT):
    reader = BytesReader(body) if isinstance(body, bytes) else body
    return Reply(Head(status, Fields(lines), reason), reader, Request("GET", URL.parse(url)))


def whole(content=b"", status=200, lines=(), **facts):
    """A response whose body was read by the call."""
    return Response(reply(status, lines, b"", **facts), content, 1.5)


def open_response(body, lines=(), kind=Response):
    """A streamed one."""
    return kind(reply(200, lines, body), None, 1.5)


# Head


def test_names():
    response = whole(b"x", 201, [("X-One", "1"), ("x-one", "2")], reason="Created")
    assert (response.status_code, response.reason, response.ok, bool(response)) == (201, "Created", True, True)
    assert response.url == URL_TEXT
    assert response.headers["X-ONE"] == "1, 2"
    assert response.headers is response.headers
    assert response.elapsed == datetime.timedelta(seconds=1.5)
    assert response.http_version == "HTTP/1.1"
    assert (response.encoding, response.cache, response.undecoded) == (None, None, None)
    assert [(each.status, each.seconds, each.delay) for each in response.attempts] == [(201, 1.5, None)]
    assert (response.history, response.interim, response.trailers) == ([], [], {})
    assert (response.request.method, response.request.url, response.request.body) == ("GET", URL_TEXT, None)


@pytest.mark.parametrize(("status", "ok"), [(200, True), (304, True), (399, True), (400, False), (503, False)])
def test_truth(status, ok):
    assert bool(whole(status=status)) is ok


@pytest.mark.parametrize("response", [whole(), whole().request], ids=["response", "request"])
def test_repr_shows_no_secret(response):
    assert "secret" not in repr(response)
    assert repr(whole(status=404)) == "<Response [404]>"


REDIRECTS = [(301, True, True), (302, True, False), (303, True, False), (307, True, False), (308, True, True)]


@pytest.mark.parametrize(("status", "redirect", "permanent"), [*REDIRECTS, (300, False, False), (304, False, False)])
def test_redirects(status, redirect, permanent):
    response = whole(status=status, lines=[("Location", "/")])
    assert (response.is_redirect, response.is_permanent_redirect) == (redirect, permanent)
    without = whole(status=status)
    assert (without.is_redirect, without.is_permanent_redirect) == (False, False)


def test_history_and_interim():
    last = reply()
    last.history = (reply(301), reply(302))
    last.interim = (Interim(Head(103, Fields([("Link", "</a>")]))),)
    response = Response(last, b"", 0.0)
    assert [(each.status_code, each.content) for each in response.history] == [(301, b""), (302, b"")]
    assert response.interim == [(103, {"Link": "</a>"})]


def test_cookies():
    lines = [("Set-Cookie", "a=1; Path=/x"), ("Set-Cookie", "b=2"), ("Set-Cookie", "\x01")]
    assert whole(lines=lines).cookies == {"a": "1", "b": "2"}


# Text


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        pytest.param(b"\xe9", "text/plain; charset=latin-1", "é", id="charset"),
        pytest.param("é".encode(), None, "é", id="utf-8"),
        pytest.param(b"\xff", None, "ÿ", id="neither"),
        pytest.param(b"\xef\xbb\xbfa", None, "a", id="mark"),
    ],
)
def test_text(content, content_type, text):
    lines = [("Content-Type", content_type)] if content_type else []
    assert whole(content, lines=lines).text == text


@pytest.mark.parametrize("encoding", ["latin-1", "no-such-encoding", "base64", ""])
def test_encoding_may_be_set_to_anything(encoding):
    response = whole("é".encode())
    response.encoding = encoding
    expected = "Ã©" if encoding == "latin-1" else "é"
    assert response.text == expected
    assert "".join(response.iter_content(1, decode_unicode=True)) == expected
    assert list(response.iter_lines(decode_unicode=True)) == [expected]


# JSON


JSON = [
    pytest.param(b'{"a": [1, null]}', {"a": [1, None]}, id="plain"),
    pytest.param("\ufeff[]".encode(), [], id="mark"),
    pytest.param('["é"]'.encode("utf-16"), ["é"], id="utf-16"),
    pytest.param('["é"]'.encode("utf-16-be"), ["é"], id="utf-16-be"),
    pytest.param('["é"]'.encode("utf-32-le"), ["é"], id="utf-32"),
    pytest.param(b"0", 0, id="number"),
]


@pytest.mark.parametrize(("content", "value"), JSON)
def test_json(content, value):
    assert whole(content).json() == value


NO_JSON = [  # content, position, part of the text
    pytest.param(b"", 0, "Expecting value: line 1 column 1", id="empty"),
    pytest.param(b'{"a": x}', 6, "line 1 column 7", id="broken"),
    pytest.param(b"[1] 2", 4, "Extra data", id="more"),
    pytest.param(b'["\xff"]', 0, "not in the encoding", id="not-utf-8"),
    pytest.param(b"[" * 100_000, 0, "nested too deeply", id="deep"),
    pytest.param(b"1" * 5000, 0, "Exceeds the limit", id="digits"),
    pytest.param(b"\0", 0, "", id="nul"),
    pytest.param(b"\xff\xfe\0", 0, "", id="half-a-character"),
]


@pytest.mark.parametrize(("content", "position", "text"), NO_JSON)
def test_no_json(content, position, text):
    with pytest.raises(JSONDecodeError) as caught:
        whole(content).json()
    assert caught.value.pos == position
    assert text in str(caught.value)
    assert caught.value.sent == "wholly"
    assert len(caught.value.__notes__[0]) < 500


def test_json_error_shows_the_place_escaped():
    with pytest.raises(json.JSONDecodeError) as caught:
        whole(b"[" + b"1," * 100 + b"\x1b[2J").json()
    assert caught.value.__notes__ == ["near '" + "1," * 20 + "\\x1b[2J'"]


def test_json_arguments_pass():
    assert whole(b"[1.5]").json(parse_float=str) == ["1.5"]


@given(st.binary() | st.text('[]{}0123456789.,:"\\ \n\ud800eE-+truefalsn').map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes_are_json_or_our_error(content):
    try:
        value = whole(content).json()
    except JSONDecodeError:
        return
    assert json.loads(json.dumps(value)) == value or value != value


# Bodies


def test_a_body_read_by_the_call_can_be_looked_at_in_any_way_any_number_of_times():
    response = whole(b"a\nbc")
    for _ in range(2):
        assert response.content == b"a\nbc"
        assert response.text == "a\nbc"
        assert list(response.iter_content(3)) == [b"a\nb", b"c"]
        assert list(response.iter_content()) == [b"a", b"\n", b"b", b"c"]
        assert list(response) == [b"a\nbc"]
        assert list(response.iter_lines()) == [b"a", b"bc"]
        response.close()


def test_but_its_raw_bytes_are_gone():
    with pytest.raises(StreamConsumedError):
        whole(b"x").iter_raw()


@pytest.mark.parametrize("size", [1, 2, 3, 100, None])
def test_pieces(streamed, size):
    response = open_response(streamed(b"ab", b"cdefg", b"h"))
    pieces = list(response.iter_content(size))
    assert b"".join(pieces) == b"abcdefgh"
    assert max(map(len, pieces)) == min(size or 5, 5)
    if size is None:
        assert pieces == [b"ab", b"cdefg", b"h"]


@pytest.mark.parametrize("size", [0, -1, 1.5, "5", True, [1], 10**400 * -1], ids=lambda size: str(size)[:10] or "-")
def test_no_piece_size(streamed, size):
    for read in (Response.iter_content, Response.iter_raw, Response.iter_lines):
        response = open_response(streamed(b"x"))
        with pytest.raises(InvalidOption, match="chunk_size"):
            read(response, size)
        assert response.content == b"x"


def test_lines(streamed):
    assert list(open_response(streamed(b"a\r", b"\nb\n", b"\nc")).iter_lines()) == [b"a", b"b", b"", b"c"]
    assert list(open_response(streamed(b"a|", b"b|c")).iter_lines(delimiter="|")) == [b"a", b"b", b"c"]
    lines = open_response(streamed(b"\xc3", b"\xa9\n\nb"))
    assert list(lines.iter_lines(decode_unicode=True)) == ["é", "", "b"]


@pytest.mark.parametrize("delimiter", ["", b"", 5, ["x"]], ids=repr)
def test_no_delimiter(streamed, delimiter):
    response = open_response(streamed(b"x"))
    with pytest.raises(InvalidOption, match="delimiter"):
        response.iter_lines(delimiter=delimiter)
    assert response.content == b"x"


def test_characters_are_not_cut(streamed):
    response = open_response(streamed(b"a\xe2\x82", b"\xac", b"\xff"), [("Content-Type", "text/plain; charset=utf-8")])
    assert list(response.iter_content(None, decode_unicode=True)) == ["a", "€", "\ufffd"]


def test_raw_bytes_of_a_coded_body():
    wire = gzip.compress(b"text")

    async def answer(request):
        return Reply(Head(200, Fields([("Content-Encoding", "gzip")])), BytesReader(wire), request)

    def fetch():
        return Response(run_blocking(ContentStage(answer)(Request("GET", URL.parse("http://h/")))), None, 0.0)

    assert b"".join(fetch().iter_raw(3)) == wire
    assert b"".join(fetch().iter_content(3)) == b"text"


READS = {
    "content": lambda response: response.content,
    "text": lambda response: response.text,
    "iter_content": lambda response: b"".join(response.iter_content(1)),
    "iter_lines": lambda response: b"".join(response.iter_lines()),
    "iter_raw": lambda response: b"".join(response.iter_raw()),
    "iter": lambda response: b"".join(list(response)),
}
KEEPS = ("content", "text")


@pytest.mark.parametrize("second", READS)
@pytest.mark.parametrize("first", READS)
def test_a_stream_is_read_once_unless_it_is_kept(streamed, first, second):
    response = open_response(streamed(b"ab", b"c"))
    assert READS[first](response) in (b"abc", "abc")
    if first in KEEPS and second != "iter_raw":
        assert READS[second](response) in (b"abc", "abc")
    else:
        with pytest.raises(StreamConsumedError) as caught:
            READS[second](response)
        assert caught.value.response is response


@pytest.mark.parametrize("read", READS)
def test_nothing_is_read_after_close(streamed, read):
    body = streamed(b"abc")
    response = open_response(body)
    response.close()
    assert body.aborted
    with pytest.raises(StreamConsumedError):
        READS[read](response)


@pytest.mark.parametrize("content", [b"abc", b"a"], ids=["more-to-come", "one-piece"])
def test_close_in_the_middle_is_no_quiet_end(content):
    """Also where the whole body was in hand already, so that small bodies behave like large ones."""
    response = open_response(content)
    pieces = response.iter_content(None)
    response.close()
    with pytest.raises(IncompleteBody):
        next(pieces)


def test_with_gives_up_what_was_not_read(streamed):
    body = streamed(b"abc")
    with open_response(body) as response:
        next(iter(response.iter_content(1)))
    assert body.aborted


def test_trailers_come_with_the_end(streamed):
    response = open_response(streamed(b"abc"))
    assert response.trailers == {}
    assert response.content == b"abc"
    assert response.trailers == {"Digest": "x"}


@pytest.mark.parametrize("read", READS)
def test_a_body_that_breaks_raises_and_says_which(streamed, read):
    body = streamed(b"ab", failure=IncompleteBody("broke", sent="wholly"))
    response = open_response(body)
    response._reply.attempts = ("earlier",)
    with pytest.raises(IncompleteBody, match="broke") as caught:
        READS[read](response)
    assert caught.value.request.url == URL_TEXT
    assert (caught.value.sent, caught.value.attempts) == ("wholly", ("earlier",))
    with pytest.raises(StreamConsumedError):
        response.content  # noqa: B018


# Asynchronous ones; nothing here waits, so that a blocking run will do.


async def gathered(pieces):
    return [piece async for piece in pieces]


def test_async_reads(streamed):
    def fetch():
        return open_response(streamed(b"a\n", b"b"), kind=AsyncResponse)

    assert run_blocking(fetch().read()) == b"a\nb"
    assert run_blocking(gathered(fetch().iter_content())) == [b"a\n", b"b"]
    assert run_blocking(gathered(fetch().iter_content(1))) == [b"a", b"\n", b"b"]
    assert run_blocking(gathered(fetch().iter_lines())) == [b"a", b"b"]
    assert run_blocking(gathered(fetch().iter_lines(decode_unicode=True))) == ["a", "b"]
    assert run_blocking(gathered(fetch().iter_raw())) == [b"a\n", b"b"]
    assert run_blocking(gathered(fetch())) == [b"a\n", b"b"]


def test_async_body_is_read_before_it_is_looked_at(streamed):
    response = open_response(streamed(b"[1]"), kind=AsyncResponse)
    for look in (lambda: response.content, lambda: response.text, response.json):
        with pytest.raises(SessionMisuse, match=r"await response\.read"):
            look()
    run_blocking(response.read())
    assert (response.content, response.text, response.json()) == (b"[1]", "[1]", [1])
    assert run_blocking(response.read()) == b"[1]"


def test_async_body_that_breaks(streamed):
    response = open_response(streamed(failure=ReadTimeout("late")), kind=AsyncResponse)
    with pytest.raises(ReadTimeout) as caught:
        run_blocking(response.read())
    assert caught.value.request.url == URL_TEXT


def test_async_with_and_close(streamed):
    bodies = streamed(b"a"), streamed(b"b")

    async def use():
        async with open_response(bodies[0], kind=AsyncResponse):
            pass
        await open_response(bodies[1], kind=AsyncResponse).aclose()

    run_blocking(use())
    assert all(body.aborted for body in bodies)


# Statuses


@pytest.mark.parametrize("status", [100, 200, 204, 299, 301, 304, 399])
def test_statuses_that_are_no_error(status):
    response = whole(status=status)
    assert response.raise_for_status() is response


@pytest.mark.parametrize("status", [*range(400, 600), 600, 999])
def test_statuses_that_are(status):
    response = whole(status=status, reason="Words")
    with pytest.raises(HTTPError) as caught:
        response.raise_for_status()
    error = caught.value
    side = "Client" if status < 500 else "Server"
    assert str(error) == f"{status} {side} Error: Words for url: http://h.example/path"
    assert type(error) is status_error_class(status)
    assert (error.response, error.request.url, error.sent, error.elapsed) == (response, URL_TEXT, "wholly", 1.5)


def test_attempts_go_with_the_error():
    response = whole(status=503)
    response._reply.attempts = ("earlier",)
    with pytest.raises(HTTPError) as caught:
        response.raise_for_status()
    assert caught.value.attempts == ("earlier",)


REASONS = [("", ""), ('It\'s "so"', 'It\\\'s "so"'), ("\x1b[2J\xe9", "\\x1b[2J\\xe9"), ("x" * 100, "x" * 80)]


@pytest.mark.parametrize(("reason", "shown"), REASONS, ids=["none", "quotes", "control", "long"])
def test_words_of_the_peer_are_escaped_and_cut(reason, shown):
    with pytest.raises(HTTPError) as caught:
        whole(status=404, reason=reason).raise_for_status()
    assert str(caught.value) == f"404 Client Error: {shown} for url: http://h.example/path"


# Pickles


@pytest.mark.parametrize("again", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_response_travels(again):
    last = reply(404, [("X", "1")], reason="No")
    last.history = (reply(302),)
    last.connection = open  # no socket goes along
    twin = again(Response(last, b"content", 1.5))
    assert (twin.status_code, twin.content, twin.headers, twin.url) == (404, b"content", {"X": "1"}, URL_TEXT)
    assert (twin.elapsed.total_seconds(), twin.request.url) == (1.5, URL_TEXT)
    assert [each.status_code for each in twin.history] == [302]
    with pytest.raises(HTTPError):
        twin.raise_for_status()


def test_streamed_response_is_read_first(streamed):
    twin = pickle.loads(pickle.dumps(open_response(streamed(b"ab", b"c"))))
    assert twin.content == b"abc"


def test_what_was_lost_stays_lost(streamed):
    consumed = open_response(streamed(b"ab"))
    list(consumed.iter_content(1))
    for response in (consumed, open_response(streamed(b"ab"), kind=AsyncResponse)):
        twin = pickle.loads(pickle.dumps(response))
        with pytest.raises((StreamConsumedError, SessionMisuse)):
            twin.content  # noqa: B018


def test_errors_with_a_response_travel(streamed):
    request = Request("POST", URL.parse("http://h/"), body=RequestBody(iter([b"once"])))
    answer = Reply(Head(503), BytesReader(b""), request)
    answer.attempts = (RequestException("first"),)
    with pytest.raises(HTTPError) as caught:
        Response(answer, b"down", 1.5).raise_for_status()
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (str(twin), twin.response.content, twin.request.method) == (str(caught.value), b"down", "POST")
    assert (twin.request.body, twin.elapsed, [str(each) for each in twin.attempts]) == (None, 1.5, ["first"])

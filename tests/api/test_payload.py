"""What a call sends: bodies of every kind that callers give, and the framing fields they set."""

import io
import json
import tempfile
from collections import OrderedDict, UserDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._api.payload import body_from, checked_framing
from smartclient._model.body import NO_BODY, RequestBody
from smartclient._model.errors import InvalidHeader, InvalidJSONError, InvalidOption, UnrewindableBodyError
from smartclient._model.headers import Fields

FORM = "application/x-www-form-urlencoded"


def wire(body):
    return b"".join(body.pieces())


# data


DATA = [  # data, content, Content-Type
    pytest.param(b"x\0", b"x\0", None, id="bytes"),
    pytest.param(bytearray(b"x"), b"x", None, id="bytearray"),
    pytest.param(memoryview(b"abcd")[::2], b"ac", None, id="memoryview"),
    pytest.param("é", b"\xc3\xa9", None, id="str"),
    pytest.param({"a": "1", "b": "é &"}, b"a=1&b=%C3%A9+%26", FORM, id="form"),
    pytest.param({"a": ["1", 2], "b": None, "c": 3}, b"a=1&a=2&c=3", FORM, id="form-of-lists"),
    pytest.param({b"a": b"\xff"}, b"a=%FF", FORM, id="form-of-bytes"),
    pytest.param([("a", "1"), ("a", "2")], b"a=1&a=2", FORM, id="pairs"),
    pytest.param((("a", "1"),), b"a=1", FORM, id="tuple-of-pairs"),
    pytest.param(OrderedDict(a=1), b"a=1", FORM, id="ordered-dict"),
    pytest.param(UserDict(a=1), b"a=1", FORM, id="mapping"),
    pytest.param({"a": None}, b"", FORM, id="form-of-nothing"),
]


@pytest.mark.parametrize(("data", "content", "content_type"), DATA)
def test_data(data, content, content_type):
    body, told = body_from(data, None)
    assert (wire(body), body.length, told) == (content, len(content), content_type)
    assert body.replayable
    assert wire(body) == content


EMPTY = [None, b"", "", {}, [], (), bytearray()]


@pytest.mark.parametrize("data", EMPTY, ids=repr)
def test_empty_data_is_no_body_and_leaves_the_field_to_json(data):
    assert body_from(data, None) == (NO_BODY, None)
    body, content_type = body_from(data, {"a": 1})
    assert (wire(body), content_type) == (b'{"a":1}', "application/json")


@pytest.mark.parametrize("data", [b"x", "x", {"a": 1}, io.BytesIO(b"x"), iter([b"x"])], ids=lambda d: type(d).__name__)
def test_data_wins_over_json(data):
    assert body_from(data, {"j": 1})[1] != "application/json"


async def _async_pieces():
    yield b"x"


NO_DATA = [0, 5, True, False, 1.5, object(), len, _async_pieces(), "\ud800", {"a": "\ud800"}, ["a"], [5], [("a",)]]


@pytest.mark.parametrize("data", NO_DATA, ids=lambda data: ascii(data)[:30])
def test_what_cannot_be_sent(data):
    with pytest.raises(InvalidOption, match="data"):
        body_from(data, None)


# Iterables


def test_iterables_go_chunked_and_once():
    body, content_type = body_from((piece for piece in (b"a", "é", b"", bytearray(b"b"), memoryview(b"c"))), None)
    assert (body.length, body.replayable, content_type) == (None, False, None)
    assert list(body.pieces()) == [b"a", b"\xc3\xa9", b"b", b"c"]


@pytest.mark.parametrize("piece", [5, None, ["x"], "\ud800", 1.5], ids=ascii)
def test_pieces_that_are_no_bytes(piece):
    body, _ = body_from(iter([b"a", piece]), None)
    pieces = body.pieces()
    assert next(pieces) == b"a"
    with pytest.raises(InvalidOption, match="data: the iterable"):
        next(pieces)


def test_what_a_generator_raises_passes_unchanged():
    failure = ZeroDivisionError("mine")

    def broken():
        yield b"a"
        raise failure

    pieces = body_from(broken(), None)[0].pieces()
    next(pieces)
    with pytest.raises(ZeroDivisionError) as caught:
        next(pieces)
    assert caught.value is failure


# Files


def test_file_goes_from_its_position_with_known_length_and_again():
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    body, content_type = body_from(file, None)
    assert (body.length, body.replayable, content_type) == (6, True, None)
    assert file.tell() == 4
    assert [wire(body), wire(body)] == [b"456789"] * 2


def test_file_on_disk_in_pieces():
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 200_000)
        file.seek(0)
        pieces = list(body_from(file, None)[0].pieces())
    assert len(pieces) > 1
    assert b"".join(pieces) == b"x" * 200_000


def test_position_behind_the_end_is_empty():
    file = io.BytesIO(b"012")
    file.seek(10)
    body, _ = body_from(file, None)
    assert (body.length, wire(body)) == (0, b"")


@pytest.mark.parametrize(("times", "length"), [(1, 6), (2**20, None)], ids=["short", "long"])
def test_text_file_goes_as_utf_8_with_a_length_where_it_is_short(times, length):
    with tempfile.TemporaryFile("w+", encoding="utf-16", newline="") as file:
        file.write("aé€" * times)
        file.seek(0)
        body, _ = body_from(file, None)
        assert (body.length, body.replayable) == (length, True)
        assert [wire(body), wire(body)] == ["aé€".encode() * times] * 2


class Pipe:
    """A file that cannot seek."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def read(self, size=-1):
        return self.pieces.pop(0) if self.pieces else b""


class Unseekable(Pipe):
    def tell(self):
        raise io.UnsupportedOperation("tell")


class Strange(Pipe):
    """As mocks are: everything is there, nothing means anything."""

    def tell(self):
        return object()

    def seek(self, *args):
        return object()


@pytest.mark.parametrize("kind", [Pipe, Unseekable, Strange])
def test_file_of_unknown_length_goes_once(kind):
    body, _ = body_from(kind(b"a", b"b"), None)
    assert (body.length, body.replayable) == (None, False)
    assert wire(body) == b"ab"
    with pytest.raises(UnrewindableBodyError):
        wire(body)


@pytest.mark.parametrize("piece", [5, ["x"], object()], ids=lambda piece: type(piece).__name__)
def test_file_that_gives_no_bytes(piece):
    body, _ = body_from(Pipe(b"a", piece), None)
    with pytest.raises(InvalidOption, match="data: the file"):
        wire(body)


def test_text_with_surrogates():
    with pytest.raises(InvalidOption, match="UTF-8"):
        body_from(io.StringIO("\ud800"), None)
    body, _ = body_from(io.StringIO("\ud800" * 2**21), None)
    with pytest.raises(InvalidOption, match="UTF-8"):
        wire(body)


def test_files_that_cannot_be_read_are_refused_at_once(tmp_path):
    closed = io.BytesIO(b"x")
    closed.close()
    with open(tmp_path / "out", "wb") as writing:
        for file in (closed, writing):
            with pytest.raises(InvalidOption, match="not open for reading"):
                body_from(file, None)


def test_what_only_looks_like_a_file():
    class Odd:
        read = "a name"

    with pytest.raises(InvalidOption):
        body_from(Odd(), None)


def test_list_that_is_a_file():
    class Reader(list):
        def read(self, size=-1):
            return self.pop(0) if self else b""

    assert wire(body_from(Reader([b"a", b"b"]), None)[0]) == b"ab"


# json


JSON = [
    pytest.param({"a": [1, "é", None]}, '{"a":[1,"é",null]}'.encode(), id="compact-utf-8"),
    pytest.param({}, b"{}", id="empty-object"),
    pytest.param([], b"[]", id="empty-list"),
    pytest.param(0, b"0", id="zero"),
    pytest.param("", b'""', id="empty-text"),
    pytest.param(False, b"false", id="false"),
]


@pytest.mark.parametrize(("value", "content"), JSON)
def test_json(value, content):
    body, content_type = body_from(None, value)
    assert (wire(body), content_type) == (content, "application/json")


def circular():
    value = []
    value.append(value)
    return value


def nested():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


NO_JSON = [
    pytest.param(float("nan"), id="nan"),
    pytest.param([float("-inf")], id="inf"),
    pytest.param(object(), id="object"),
    pytest.param(b"x", id="bytes"),
    pytest.param({1, 2}, id="set"),
    pytest.param({(1, 2): 3}, id="tuple-key"),
    pytest.param(circular(), id="circular"),
    pytest.param(nested(), id="too-deep"),
    pytest.param("\ud800", id="surrogate"),
    pytest.param(10**5000, id="too-many-digits"),
]


@pytest.mark.parametrize("value", NO_JSON)
def test_no_json(value):
    with pytest.raises(InvalidJSONError, match="json"):
        body_from(None, value)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.binary() | st.none(), inner, max_size=3)
        | st.sets(st.text() | st.integers(), max_size=3)
    ),
    max_leaves=10,
)


@given(ANY, ANY)
def test_anything_is_a_body_or_our_error(data, value):
    try:
        body, content_type = body_from(data, value)
        content = wire(body)
    except (InvalidOption, InvalidJSONError):
        return
    assert body.length in (None, len(content))
    if content_type == "application/json":
        json.loads(content)


# Framing


ITERATED = RequestBody([b"abc"], replayable=False)
FRAMED = [  # fields, body, length, content
    pytest.param([("Content-Length", "3")], RequestBody(b"abc"), 3, b"abc", id="right-length"),
    pytest.param([("Content-Length", "003")], RequestBody(b"abc"), 3, b"abc", id="zeros"),
    pytest.param([("Content-Length", "3")], ITERATED, 3, b"abc", id="length-of-an-iterable"),
    pytest.param([("Content-Length", "0")], NO_BODY, 0, b"", id="zero"),
    pytest.param([("Transfer-Encoding", "chunked")], RequestBody(b"abc"), None, b"abc", id="chunked"),
    pytest.param([("Transfer-Encoding", "Chunked")], ITERATED, None, b"abc", id="chunked-iterable"),
    pytest.param([("Transfer-Encoding", "chunked")], NO_BODY, None, b"", id="chunked-nothing"),
    pytest.param([("Host", "h:80")], RequestBody(b"abc"), 3, b"abc", id="host"),
]


@pytest.mark.parametrize(("lines", "body", "length", "content"), FRAMED)
def test_framing_that_agrees(lines, body, length, content):
    fields, framed = checked_framing(Fields([("A", "1"), *lines]), body)
    assert (framed.length, wire(framed)) == (length, content)
    assert {"content-length", "transfer-encoding"}.isdisjoint(fields.index)
    assert fields.get("a") == "1"


def test_chunked_bytes_can_still_be_sent_twice():
    _, body = checked_framing(Fields([("Transfer-Encoding", "chunked")]), RequestBody(b"abc"))
    assert body.replayable
    assert [wire(body), wire(body)] == [b"abc"] * 2


CONTRADICTIONS = [  # RFC 9112 section 6
    pytest.param([("Content-Length", "4")], RequestBody(b"abc"), id="wrong-length"),
    pytest.param([("Content-Length", "3")], NO_BODY, id="length-of-nothing"),
    pytest.param([("Content-Length", "3"), ("content-length", "3")], RequestBody(b"abc"), id="twice"),
    pytest.param([("Content-Length", "+3")], RequestBody(b"abc"), id="sign"),
    pytest.param([("Content-Length", "-3")], RequestBody(b"abc"), id="negative"),
    pytest.param([("Content-Length", "3.0")], RequestBody(b"abc"), id="float"),
    pytest.param([("Content-Length", "")], RequestBody(b"abc"), id="empty"),
    pytest.param([("Content-Length", "³")], RequestBody(b"abc"), id="other-digits"),
    pytest.param([("Content-Length", "9" * 30)], ITERATED, id="huge"),
    pytest.param([("Content-Length", "3"), ("Transfer-Encoding", "chunked")], RequestBody(b"abc"), id="both"),
    pytest.param([("Transfer-Encoding", "gzip, chunked")], RequestBody(b"abc"), id="other-coding"),
    pytest.param([("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], NO_BODY, id="chunked-twice"),
    pytest.param([("Transfer-Encoding", "identity")], RequestBody(b"abc"), id="identity"),
    pytest.param([("Host", "a"), ("Host", "b")], NO_BODY, id="two-hosts"),
    pytest.param([("Host", "a b")], NO_BODY, id="bad-host"),
    pytest.param([("Host", "")], NO_BODY, id="empty-host"),
    pytest.param([("Host", "h/path")], NO_BODY, id="host-with-path"),
]


@pytest.mark.parametrize(("lines", "body"), CONTRADICTIONS)
def test_framing_that_contradicts(lines, body):
    with pytest.raises(InvalidHeader):
        checked_framing(Fields(lines), body)

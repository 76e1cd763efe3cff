"""`files=` with `data=` beside it, as callers of requests write them; a strict parser reads back what was put in."""

import io
import re
import tempfile
from collections import UserDict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._api.payload import body_from
from smartclient._model.errors import InvalidHeader, InvalidOption, RequestException

_DISPOSITION = re.compile(rb'form-data; name="([^"\r\n]*)"(?:; filename="([^"\r\n]*)")?')
_UNESCAPED = {b"%22": b'"', b"%0D": b"\r", b"%0A": b"\n"}


def unquoted(text):
    return None if text is None else re.sub(rb"%(?:22|0D|0A)", lambda found: _UNESCAPED[found[0]], text).decode()


def parsed(body, content_type):
    """[(name, file name, fields but the disposition, content)], with no leniency at all."""
    boundary = re.fullmatch(r"multipart/form-data; boundary=([0-9a-f]{32})", content_type)[1].encode()
    content = b"\r\n" + body
    assert content.endswith(b"\r\n--" + boundary + b"--\r\n")
    first, *parts = content[: -len(boundary) - 8].split(b"\r\n--" + boundary + b"\r\n")
    assert first == b""
    found = []
    for part in parts:
        head, end, value = part.partition(b"\r\n\r\n")
        assert end
        (name, disposition), *lines = [line.split(b": ", 1) for line in head.split(b"\r\n")]
        assert name == b"Content-Disposition"
        names = _DISPOSITION.fullmatch(disposition)
        fields = [(key.decode(), text.decode("latin-1")) for key, text in lines]
        found.append((unquoted(names[1]), unquoted(names[2]), fields, value))
    return found


def sent(files, data=None, **options):
    body, content_type = body_from(data, None, files, **options)
    content = b"".join(body.pieces())
    assert body.length in (None, len(content))
    return parsed(content, content_type)


class Named(io.BytesIO):
    name = "/secret/folder/report.pdf"


def named(name):
    file = io.BytesIO(b"x")
    file.name = name
    return file


FILES = [  # files, what arrives
    pytest.param({"a": b"x"}, [("a", "a", [], b"x")], id="bytes"),
    pytest.param({"a": bytearray(b"x")}, [("a", "a", [], b"x")], id="bytearray"),
    pytest.param({"a": "é"}, [("a", "a", [], "é".encode())], id="str"),
    pytest.param({"a": 5}, [("a", "a", [], b"5")], id="int"),
    pytest.param({"a": None, "b": b"x"}, [("b", "b", [], b"x")], id="none-is-left-out"),
    pytest.param({"a": io.BytesIO(b"x")}, [("a", "a", [], b"x")], id="file-without-name"),
    pytest.param({"a": Named(b"x")}, [("a", "report.pdf", [], b"x")], id="file-name-without-folders"),
    pytest.param({"a": named("<stdin>")}, [("a", "a", [], b"x")], id="standard-input"),
    pytest.param({"a": named(3)}, [("a", "a", [], b"x")], id="file-of-a-descriptor"),
    pytest.param({"a": named(b"/f/\xc3\xa9")}, [("a", "é", [], b"x")], id="name-in-bytes"),
    pytest.param({"a": ("n", b"x")}, [("a", "n", [], b"x")], id="pair"),
    pytest.param({"a": ["n", b"x"]}, [("a", "n", [], b"x")], id="pair-as-list"),
    pytest.param({"a": ("/etc/n", b"x")}, [("a", "/etc/n", [], b"x")], id="name-by-the-caller-as-given"),
    pytest.param({"a": (None, "x")}, [("a", None, [], b"x")], id="plain-field"),
    pytest.param({"a": ("n", None)}, [], id="pair-of-nothing"),
    pytest.param({"a": ("n", b"x", "b/c")}, [("a", "n", [("Content-Type", "b/c")], b"x")], id="triple"),
    pytest.param({"a": ("n", b"x", None)}, [("a", "n", [], b"x")], id="triple-without-type"),
    pytest.param(
        {"a": ("n", b"x", "b/c", {"X": "1", "Y": None})},
        [("a", "n", [("Content-Type", "b/c"), ("X", "1")], b"x")],
        id="fields",
    ),
    pytest.param(
        [("a", ("1", b"x")), ("a", ("2", b"y")), (b"b", "z")],
        [("a", "1", [], b"x"), ("a", "2", [], b"y"), ("b", "b", [], b"z")],
        id="several-of-a-name",
    ),
    pytest.param(UserDict(a=b"x"), [("a", "a", [], b"x")], id="mapping"),
    pytest.param({"a": io.StringIO("é")}, [("a", "a", [], "é".encode())], id="text-file"),
]


@pytest.mark.parametrize(("files", "expected"), FILES)
def test_files(files, expected):
    assert sent(files) == expected


DATA = [  # data beside a file
    pytest.param({"a": "1", "b": 2, "c": None}, [("a", b"1"), ("b", b"2")], id="form"),
    pytest.param({"a": ["1", b"\xff", 3, None]}, [("a", b"1"), ("a", b"\xff"), ("a", b"3")], id="lists"),
    pytest.param([("a", "1"), ("a", "2")], [("a", b"1"), ("a", b"2")], id="pairs"),
    pytest.param({"a": {"b": 1}}, [("a", b"b")], id="mapping-as-value"),
    pytest.param({5: True}, [("5", b"True")], id="numbers"),
    *[pytest.param(empty, [], id=repr(empty)) for empty in (None, {}, [], "", b"")],
]


@pytest.mark.parametrize(("data", "expected"), DATA)
def test_data_beside_files(data, expected):
    fields = [(name, None, [], content) for name, content in expected]
    assert sent({"f": ("n", b"x")}, data) == [*fields, ("f", "n", [], b"x")]


@pytest.mark.parametrize("files", [None, {}, [], ()], ids=repr)
def test_no_files_are_no_multipart(files):
    body, content_type = body_from({"a": 1}, None, files)
    assert (b"".join(body.pieces()), content_type) == (b"a=1", "application/x-www-form-urlencoded")


def test_files_win_over_json():
    body, content_type = body_from(None, {"a": 1}, {"f": b"x"})
    assert parsed(b"".join(body.pieces()), content_type) == [("f", "f", [], b"x")]


def test_boundaries_differ():
    assert len({body_from(None, None, {"a": b""})[1] for _ in range(10)}) == 10


def test_path_is_opened_when_it_is_sent_and_closed_each_time(tmp_path):
    path = tmp_path / "data.bin"
    path.write_bytes(b"x" * 200_000)
    body, _ = body_from(None, None, {"a": path})
    assert body.replayable
    before = b"".join(body.pieces())
    assert len(before) == body.length
    assert parsed(before, body.content.content_type) == [("a", "data.bin", [], b"x" * 200_000)]
    path.write_bytes(b"y" * 200_000)
    assert b"".join(body.pieces()) == before.replace(b"x" * 200_000, b"y" * 200_000)


@pytest.mark.parametrize("size", [5, 15], ids=["shorter", "longer"])
def test_path_whose_length_changes(tmp_path, size):
    path = tmp_path / "data.bin"
    path.write_bytes(b"0123456789")
    body, _ = body_from(None, None, {"a": path})
    path.write_bytes(b"x" * size)
    with pytest.raises(InvalidOption, match="changed its length"):
        b"".join(body.pieces())


def test_one_file_in_two_parts_goes_from_its_position_in_both():
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    body, content_type = body_from(None, None, {"a": file, "b": ("n", file)})
    contents = [part[3] for part in parsed(b"".join(body.pieces()), content_type)]
    assert contents == [b"456789"] * 2
    assert body.replayable


def test_file_that_cannot_seek_goes_chunked_and_once():
    class Pipe:
        def __init__(self):
            self.left = [b"a", b"b"]

        def read(self, size=-1):
            return self.left.pop(0) if self.left else b""

    body, content_type = body_from(None, None, {"a": Pipe()})
    assert (body.length, body.replayable) == (None, False)
    assert parsed(b"".join(body.pieces()), content_type) == [("a", "a", [], b"ab")]


def test_encoder_that_tells_its_length():
    """As the streaming encoders of requests' world do, alone and as a part."""

    class Encoder:
        len = 2
        read = io.BytesIO(b"ab").read

    body, _ = body_from(Encoder(), None)
    assert (body.length, body.replayable, b"".join(body.pieces())) == (2, False, b"ab")


def closed():
    file = io.BytesIO(b"x")
    file.close()
    return file


REFUSED = [
    pytest.param(b"bytes", id="bytes"),
    pytest.param("text", id="str"),
    pytest.param(5, id="int"),
    pytest.param(["a"], id="no-pairs"),
    pytest.param([("a",)], id="short-pair"),
    pytest.param({"a": 1.5}, id="float"),
    pytest.param({"a": object()}, id="object"),
    pytest.param({"a": {"b": 1}}, id="mapping"),
    pytest.param({"a": ()}, id="empty-tuple"),
    pytest.param({"a": ("n",)}, id="single"),
    pytest.param({"a": ("n", b"x", "t", {}, 1)}, id="quintuple"),
    pytest.param({"a": (1.5, b"x")}, id="odd-file-name"),
    pytest.param({None: b"x"}, id="no-name"),
    pytest.param({"a": "\ud800"}, id="surrogates"),
    pytest.param({"a": 10**5000}, id="too-many-digits"),
    pytest.param({"a": closed()}, id="closed-file"),
    pytest.param({"a": Path("no such file")}, id="no-such-file"),
    pytest.param({"a": Path("\0")}, id="impossible-path"),
    pytest.param({"a": Path(tempfile.gettempdir())}, id="folder"),
]


@pytest.mark.parametrize("files", REFUSED)
def test_what_cannot_be_sent(files):
    with pytest.raises(InvalidOption, match=r"files|data"):
        body_from(None, None, files)


@pytest.mark.parametrize("fields", [{"X": "a\r\nY: b"}, {"X Y": "1"}, {"X": "\0"}, {"X": 5}, 5], ids=ascii)
def test_fields_that_cannot_be_sent(fields):
    with pytest.raises(InvalidHeader):
        body_from(None, None, {"a": ("n", b"x", None, fields)})


@pytest.mark.parametrize("data", ["text", b"bytes", io.BytesIO(b"x"), iter([b"x"]), 5], ids=lambda d: type(d).__name__)
def test_data_that_is_no_form_beside_files(data):
    with pytest.raises(InvalidOption, match="beside files"):
        body_from(data, None, {"a": b"x"})


NAMES = st.text(max_size=8) | st.sampled_from(['"', "\r\n", 'a"; filename="b', "%", "\0", "é"])
CONTENTS = st.binary(max_size=30) | st.sampled_from([b"--", b"\r\n--", b"\r\n\r\n"])


@given(
    st.lists(st.tuples(NAMES, st.none() | NAMES, CONTENTS), min_size=1, max_size=4), st.dictionaries(NAMES, CONTENTS)
)
def test_what_was_put_in_comes_out(files, data):
    try:
        found = sent([(name, (filename, content)) for name, filename, content in files], data)
    except InvalidHeader:
        texts = [text for name, filename, _ in files for text in (name, filename or "")] + list(data)
        assert re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "".join(texts))
        return
    # A name that has the letters %22 reads as a quote: WHATWG's encoding says so.
    expected = [(name, None, [], content) for name, content in data.items()]
    expected += [(name, filename, [], content) for name, filename, content in files]
    assert found == [
        (re.sub("%22", '"', name), filename and re.sub("%22", '"', filename), *rest)
        for name, filename, *rest in expected
    ]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object()),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(ANY, ANY)
def test_anything_is_a_body_or_our_error(files, data):
    try:
        body, _ = body_from(data, None, files)
        content = b"".join(body.pieces())
    except RequestException:
        return
    assert body.length in (None, len(content))

"""multipart/form-data as bytes: heads, boundaries, lengths, and what the names may be (RFC 7578)."""

import pytest

from smartclient._model.body import RequestBody
from smartclient._model.errors import InvalidHeader, InvalidOption
from smartclient._model.headers import Fields
from smartclient._model.multipart import Multipart, Part

HEADS = [
    pytest.param({"name": "a"}, b'form-data; name="a"\r\n', id="field"),
    pytest.param({"name": "a", "filename": "f.txt"}, b'form-data; name="a"; filename="f.txt"\r\n', id="file"),
    pytest.param({"name": "a", "filename": ""}, b'form-data; name="a"; filename=""\r\n', id="empty-file-name"),
    pytest.param(
        {"name": "a", "content_type": "text/csv"},
        b'form-data; name="a"\r\nContent-Type: text/csv\r\n',
        id="type",
    ),
    pytest.param(
        {"name": "a", "fields": Fields([("X-One", "1"), ("X-Two", "2")])},
        b'form-data; name="a"\r\nX-One: 1\r\nX-Two: 2\r\n',
        id="fields",
    ),
    pytest.param(
        {"name": "a", "content_type": "b/c", "fields": Fields([("content-type", "x/y"), ("X", "1")])},
        b'form-data; name="a"\r\nContent-Type: b/c\r\nX: 1\r\n',
        id="type-wins-over-the-field",
    ),
    pytest.param(
        {"name": "a", "fields": Fields([("Content-Type", "x/y")])},
        b'form-data; name="a"\r\nContent-Type: x/y\r\n',
        id="type-as-field",
    ),
    pytest.param(
        {"name": "a", "fields": Fields([("content-disposition", "attachment; name=b")])},
        b'form-data; name="a"\r\n',
        id="disposition-is-ours",
    ),
    pytest.param(
        {"name": "é€", "filename": "ü.txt"}, 'form-data; name="é€"; filename="ü.txt"\r\n'.encode(), id="utf-8"
    ),
    pytest.param({"name": 'a"b', "filename": '"'}, b'form-data; name="a%22b"; filename="%22"\r\n', id="quotes"),
    pytest.param({"name": "a\r\nX: y"}, b'form-data; name="a%0D%0AX: y"\r\n', id="line-ends"),
    pytest.param({"name": "a\\b%22"}, b'form-data; name="a\\b%22"\r\n', id="backslash-and-percent-as-they-are"),
    pytest.param({"name": "a;b=c"}, b'form-data; name="a;b=c"\r\n', id="semicolon-inside-the-quotes"),
]


@pytest.mark.parametrize(("names", "head"), HEADS)
def test_heads(names, head):
    assert Part(content=RequestBody(b""), **names).head == b"Content-Disposition: " + head


@pytest.mark.parametrize("place", ["name", "filename", "content_type"])
@pytest.mark.parametrize("text", ["a\0", "\x1b[0m", "a\x7f", "\x0b", "\ud800"], ids=ascii)
def test_what_no_head_can_carry(place, text):
    with pytest.raises(InvalidHeader, match="files") as caught:
        Part(**{"name": "a", "content": RequestBody(b""), place: text})
    assert str(caught.value).isascii()


def test_line_end_in_a_type():
    with pytest.raises(InvalidHeader):
        Part("a", RequestBody(b""), content_type="a/b\r\nX: y")


def test_the_whole_body():
    parts = [
        Part("a", RequestBody(b"1")),
        Part("b", RequestBody([b"x" * 3, b"y"], length=4, replayable=True), "f"),
        Part("c", RequestBody(b"")),
    ]
    body = Multipart(parts, "BOUNDARY")
    expected = (
        b'--BOUNDARY\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--BOUNDARY\r\nContent-Disposition: form-data; name="b"; filename="f"\r\n\r\nxxxy\r\n'
        b'--BOUNDARY\r\nContent-Disposition: form-data; name="c"\r\n\r\n\r\n'
        b"--BOUNDARY--\r\n"
    )
    assert body.content_type == "multipart/form-data; boundary=BOUNDARY"
    assert [b"".join(body), b"".join(body)] == [expected] * 2
    assert body.length == len(expected)
    assert body.replayable


def test_no_parts():
    body = Multipart([], "b")
    assert (b"".join(body), body.length) == (b"--b--\r\n", 7)


def test_a_part_of_unknown_length_that_can_be_read_once():
    body = Multipart([Part("a", RequestBody(b"1")), Part("b", RequestBody(iter([b"2"])))], "b")
    assert (body.length, body.replayable) == (None, False)
    assert b"".join(body).endswith(b"\r\n\r\n2\r\n--b--\r\n")


@pytest.mark.parametrize("content", [[b"ab"], [b"ab", b"cde"], []], ids=["shorter", "longer", "empty"])
def test_a_part_that_changes_its_length(content):
    """The sum of two such parts may be right, and the peer would still read something else."""
    parts = [Part("name", RequestBody(content, length=3)), Part("b", RequestBody([b"12345"[: 6 - len(content)]]))]
    with pytest.raises(InvalidOption, match="'name' changed its length"):
        b"".join(Multipart(parts, "b"))

"""Text of bodies: which encoding wins, and that no name and no byte makes an error."""

import codecs
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._codec.text import decode_text, json_encoding, text_encoding

HTML = "text/html"
META = b'<html><head><meta charset="shift_jis">\x83e'

ENCODINGS = [
    pytest.param("text/plain; charset=koi8-r", b"\xc1", "koi8-r", id="parameter"),
    pytest.param('text/plain; charset="UTF-8"', b"a", "utf-8", id="parameter-quoted"),
    pytest.param("text/html; charset=koi8-r", META, "koi8-r", id="parameter-before-declaration"),
    pytest.param("text/plain; charset=koi8-r", codecs.BOM_UTF8 + b"a", "koi8-r", id="parameter-before-mark"),
    pytest.param("text/plain; charset=base64", b"YQ==", "utf-8", id="base64-is-no-text-encoding"),
    pytest.param("text/plain; charset=rot13", b"a", "utf-8", id="rot13-is-no-text-encoding"),
    pytest.param("text/plain; charset=zlib", b"a", "utf-8", id="zlib-is-no-text-encoding"),
    pytest.param("text/plain; charset=idna", b"a", "utf-8", id="idna-is-not-for-bodies"),
    pytest.param("text/plain; charset=punycode", b"a-", "utf-8", id="punycode-is-not-for-bodies"),
    pytest.param("text/plain; charset=unicode_escape", b"\\x41", "utf-8", id="unicode-escape-is-not-for-bodies"),
    pytest.param("text/plain; charset=undefined", b"a", "utf-8", id="undefined-is-not-for-bodies"),
    pytest.param("text/plain; charset=no-such", b"\xe4", "windows-1252", id="unknown-name"),
    pytest.param("text/plain; charset=", b"a", "utf-8", id="empty-name"),
    pytest.param("text/plain; charset=" + "x" * 5000, b"a", "utf-8", id="endless-name"),
    pytest.param("text/plain", codecs.BOM_UTF8 + b"a", "utf-8", id="mark-utf-8"),
    pytest.param(None, codecs.BOM_UTF16_LE + b"a\0", "utf-16", id="mark-utf-16-le"),
    pytest.param(None, codecs.BOM_UTF16_BE + b"\0a", "utf-16", id="mark-utf-16-be"),
    pytest.param(None, codecs.BOM_UTF32_LE + b"a\0\0\0", "utf-32", id="mark-utf-32-le, begins as utf-16-le"),
    pytest.param(None, codecs.BOM_UTF32_BE + b"\0\0\0a", "utf-32", id="mark-utf-32-be"),
    pytest.param(HTML, META, "shift_jis", id="meta-charset"),
    pytest.param(None, META, "shift_jis", id="meta-charset-without-type"),
    pytest.param("text/plain", META, "windows-1252", id="meta-means-nothing-in-plain-text"),
    pytest.param(
        HTML, b'<META http-equiv=x content="text/html; charset=koi8-r">', "koi8-r", id="meta-http-equiv, any case"
    ),
    pytest.param(HTML, b"<!-- <meta charset=koi8-r> --><meta charset=big5>", "big5", id="meta-in-comment-passed-over"),
    pytest.param(HTML, b"<meta charset=utf-16>", "utf-8", id="meta-cannot-be-utf-16"),
    pytest.param(HTML, b"<meta charset=base64>", "utf-8", id="meta-no-text-encoding"),
    pytest.param(HTML, b" " * 1010 + b"<meta charset=koi8-r>", "utf-8", id="meta-past-1024-bytes"),
    pytest.param("application/xml", b"<?xml version='1.0' encoding='koi8-r'?>", "koi8-r", id="xml-declaration"),
    pytest.param("image/svg+xml", b'<?xml encoding = "koi8-r"?>', "koi8-r", id="xml-suffix"),
    pytest.param("text/plain", "ä".encode(), "utf-8", id="valid-utf-8"),
    pytest.param("text/plain", b"\xe4", "windows-1252", id="else-windows-1252"),
    pytest.param(None, b"", "utf-8", id="empty"),
]


@pytest.mark.parametrize(("content_type", "content", "encoding"), ENCODINGS)
def test_encoding(content_type: str | None, content: bytes, encoding: str) -> None:
    assert text_encoding(content_type, content) == encoding
    text = decode_text(content, None, content_type)
    assert text == content.decode(encoding, "replace").removeprefix("\ufeff")


@pytest.mark.parametrize(
    ("content", "encoding", "content_type", "text"),
    [
        pytest.param(b"\xc1", "koi8-r", "text/plain; charset=utf-8", "\u0430", id="asked-encoding-wins"),
        pytest.param(b"\xc3\xa4", "base64", None, "ä", id="asked-encoding-of-no-text-is-passed-over"),
        pytest.param(b"a\xffb", "utf-8", None, "a�b", id="asked-errors-replaced"),
        pytest.param(b"a\xffb", None, "text/plain; charset=utf-8", "a�b", id="told-errors-replaced"),
        pytest.param(b"\x81\x80", None, None, "�€", id="windows-1252-holes-replaced"),
        pytest.param(codecs.BOM_UTF8 + b"a", None, "text/plain; charset=utf-8", "a", id="mark-dropped"),
        pytest.param(codecs.BOM_UTF8 + b"a", "utf-8", None, "\ufeffa", id="mark-kept-when-asked"),
        pytest.param(codecs.BOM_UTF16_BE + b"\0a\0", None, None, "a�", id="half-a-unit-replaced"),
    ],
)
def test_text(content: bytes, encoding: str | None, content_type: str | None, text: str) -> None:
    assert decode_text(content, encoding, content_type) == text


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"],
)
@pytest.mark.parametrize("value", [{"ä": 1}, [], 7, 10, "漢", "", [None]], ids=repr)
def test_json_encoding(value: object, encoding: str) -> None:
    content = json.dumps(value, ensure_ascii=False).encode(encoding)
    assert json.loads(content.decode(json_encoding(content))) == value


@given(st.none() | st.text(max_size=60) | st.text(max_size=20).map("text/html; charset={}".format), st.binary())
def test_any_input_gives_text(content_type: str | None, content: bytes) -> None:
    encoding = text_encoding(content_type, content)
    assert decode_text(content, None, content_type) == content.decode(encoding, "replace").removeprefix("\ufeff")


@given(st.sampled_from([b"<meta charset=", b"<?xml encoding='", b"<!--", b"-->"]), st.binary(), st.text(max_size=30))
def test_any_declaration_and_any_asked_name_give_text(start: bytes, rest: bytes, asked: str) -> None:
    assert isinstance(decode_text(start + rest, asked, HTML), str)
    assert "a".encode(json_encoding(start + rest))

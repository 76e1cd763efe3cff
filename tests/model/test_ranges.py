"""Ranges, digests and dispositions as fields have them: every spelling a result, or none."""

from base64 import b64encode
from hashlib import md5, sha256, sha512
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.digests import Digest, checksum_from, parse_digests
from smartclient._model.disposition import disposition_name
from smartclient._model.ranges import ContentRange, parse_content_range, range_field
from smartclient.exceptions import InvalidOption

ANYTHING = st.text(st.characters(min_codepoint=0, max_codepoint=0x2FF))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("bytes 0-9/10", ContentRange(0, 10, 10), id="all"),
        pytest.param("Bytes 5-5/10", ContentRange(5, 6, 10), id="one-byte"),
        pytest.param("bytes 5-9/*", ContentRange(5, 10, None), id="unknown-total"),
        pytest.param("bytes 9-5/10", None, id="backwards"),
        pytest.param("bytes 5-10/10", None, id="past-the-end"),
        pytest.param("bytes */10", None, id="unsatisfied"),
        pytest.param("bytes 0-9", None, id="no-total"),
        pytest.param("items 0-9/10", None, id="other-unit"),
        pytest.param("bytes 0-9/10, bytes 0-9/10", None, id="repeated"),
        pytest.param("bytes 0-" + "9" * 400 + "/*", None, id="huge"),
        pytest.param("bytes \u0660-\u0669/*", None, id="other-digits"),
        pytest.param("", None, id="empty"),
    ],
)
def test_content_range(text: str, found: ContentRange | None) -> None:
    assert parse_content_range(text) == found


@given(ANYTHING)
def test_any_content_range_is_sound_or_none(text: str) -> None:
    found = parse_content_range(text)
    assert found is None or 0 <= found.start < found.stop


@pytest.mark.parametrize(("start", "stop", "field"), [(0, None, "bytes=0-"), (5, 10, "bytes=5-9")])
def test_range_field(start: int, stop: int | None, field: str) -> None:
    assert range_field(start, stop) == field


def said(name: str, digest: bytes) -> str:
    return f"{name}=:{b64encode(digest).decode()}:"


A256, A512 = sha256(b"a").digest(), sha512(b"a").digest()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(said("sha-256", A256), Digest("sha256", A256), id="sha-256"),
        pytest.param(f"{said('sha-256', A256)}, {said('sha-512', A512)}", Digest("sha512", A512), id="the-stronger"),
        pytest.param(f"x=1, {said('sha-256', A256)};p=1", Digest("sha256", A256), id="parameters"),
        pytest.param(said("md5", md5(b"a").digest()), None, id="broken-algorithm"),
        pytest.param(said("sha-256", A512), None, id="wrong-size"),
        pytest.param("sha-256=:!!!!:", None, id="no-base64"),
        pytest.param("sha-256=abc", None, id="no-bytes"),
        pytest.param("", None, id="empty"),
    ],
)
def test_repr_digest(text: str, found: Digest | None) -> None:
    assert parse_digests(text) == found


@given(ANYTHING)
def test_any_repr_digest_is_read(text: str) -> None:
    found = parse_digests(text)
    assert found is None or len(found.value) in (32, 64)


@pytest.mark.parametrize("text", [f"sha256:{A256.hex()}", f"SHA-256: {A256.hex().upper()}"], ids=["plain", "spelled"])
def test_checksum(text: str) -> None:
    assert checksum_from(text) == Digest("sha256", A256)
    assert str(checksum_from(text)) == f"sha256:{A256.hex()}"


def test_no_checksum() -> None:
    assert checksum_from(None) is None


@pytest.mark.parametrize(
    "value", ["", "abc", "sha256", "sha256:", "sha256:12", "crc32:12345678", "md5:" + "g" * 32, 5, b"x"]
)
def test_no_such_checksum(value: Any) -> None:
    with pytest.raises(InvalidOption, match="checksum"):
        checksum_from(value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("attachment; filename=a.txt", "a.txt", id="token"),
        pytest.param('attachment; filename="a b; c.txt"', "a b; c.txt", id="quoted"),
        pytest.param("attachment; filename=\"x.txt\"; filename*=UTF-8''%e2%82%ac.txt", "€.txt", id="extended-wins"),
        pytest.param("attachment; filename*=iso-8859-1'en'%A3.txt", "£.txt", id="latin-1"),
        pytest.param("attachment; filename*=UTF-8''%ff; filename=b", "b", id="broken-extended"),
        pytest.param("attachment; filename*=utf-7''a; filename=b", "b", id="other-charset"),
        pytest.param('attachment; filename="Ã¤.txt"', "ä.txt", id="raw-utf-8"),
        pytest.param('attachment; filename="ä.txt"', "ä.txt", id="raw-latin-1"),
        pytest.param("attachment", None, id="none"),
        pytest.param("attachment; filename=", None, id="empty"),
        pytest.param("", None, id="no-field"),
    ],
)
def test_disposition(text: str, name: str | None) -> None:
    assert disposition_name(text) == name


@given(ANYTHING)
def test_any_disposition_is_read(text: str) -> None:
    assert disposition_name(text) is None or disposition_name(text)

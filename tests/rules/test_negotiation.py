"""What is asked for, and whether an answer is that (RFC 9110 section 12.5, RFC 4647 section 3.3.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.errors import InvalidOption
from smartclient._model.fields import parse_weighted
from smartclient._model.headers import Fields
from smartclient._model.message import Head
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._rules.negotiation import (
    accept_value,
    coding_quality,
    language_quality,
    mismatch,
    negotiated,
    type_quality,
)
from smartclient._rules.selection import normalised

TYPES, TAGS = "accept", "accept_language"


@pytest.mark.parametrize(
    ("option", "wish", "value"),
    [
        pytest.param(TYPES, "application/json", "application/json", id="text"),
        pytest.param(TYPES, "text/html;q=0.5,  */*;q=0.1", "text/html;q=0.5, */*;q=0.1", id="text of several"),
        pytest.param(TYPES, ["application/json", ("text/html", 0.5)], "application/json, text/html;q=0.5", id="list"),
        pytest.param(TYPES, (("text/*", 0.25), "a/b"), "text/*;q=0.25, a/b", id="tuple"),
        pytest.param(TYPES, [("text/html;level=1", 0.7)], "text/html;level=1;q=0.7", id="parameters"),
        pytest.param(TYPES, ['a/b;x="c, d"'], 'a/b;x="c, d"', id="quoted parameter"),
        pytest.param(TYPES, [("a/b", 1)], "a/b", id="weight 1 is not written"),
        pytest.param(TYPES, [("a/b", 0)], "a/b;q=0", id="weight 0"),
        pytest.param(TYPES, [("a/b", 0.125), ("a/c", 0.001)], "a/b;q=0.125, a/c;q=0.001", id="3 digits"),
        pytest.param(TYPES, [("a/b", 0.30)], "a/b;q=0.3", id="no zeros at the end"),
        pytest.param(TAGS, "de", "de", id="tag"),
        pytest.param(TAGS, ["de-AT", ("en", 0.7), ("*", 0.1)], "de-AT, en;q=0.7, *;q=0.1", id="tags"),
    ],
)
def test_wish(option: str, wish: object, value: str) -> None:
    assert accept_value(option, wish) == value


@pytest.mark.parametrize(
    ("option", "wish"),
    [
        pytest.param(TYPES, "", id="empty"),
        pytest.param(TYPES, [], id="no members"),
        pytest.param(TYPES, 5, id="number"),
        pytest.param(TYPES, b"a/b", id="bytes"),
        pytest.param(TYPES, {"a/b": 1}, id="mapping"),
        pytest.param(TYPES, ("text/html", 0.5), id="a pair outside a list"),
        pytest.param(TYPES, ["json"], id="no subtype"),
        pytest.param(TYPES, ["*/html"], id="wildcard before a subtype"),
        pytest.param(TYPES, ["a/b, c/d"], id="two in one"),
        pytest.param(TYPES, ["a/b\r\nX: y"], id="line break"),
        pytest.param(TYPES, ['a/b;x="'], id="quote left open"),
        pytest.param(TYPES, [("a/b;q=0.5", 0.5)], id="two weights"),
        pytest.param(TYPES, ["a/b;q=0.5555"], id="4 digits as text"),
        pytest.param(TYPES, ["a/b;q=2"], id="over 1 as text"),
        pytest.param(TYPES, [("a/b", 1.1)], id="over 1"),
        pytest.param(TYPES, [("a/b", -0.1)], id="below 0"),
        pytest.param(TYPES, [("a/b", 0.1234)], id="4 digits"),
        pytest.param(TYPES, [("a/b", float("nan"))], id="NaN"),
        pytest.param(TYPES, [("a/b", True)], id="bool"),
        pytest.param(TYPES, [("a/b", "0.5")], id="weight as text"),
        pytest.param(TYPES, [None], id="None inside"),
        pytest.param(TAGS, ["de_DE"], id="underscore"),
        pytest.param(TAGS, ["deutschland"], id="tag too long"),
        pytest.param(TAGS, ["de-*"], id="extended range"),
    ],
)
def test_wish_that_cannot_be(option: str, wish: object) -> None:
    with pytest.raises(InvalidOption, match=option):
        accept_value(option, wish)


MEMBERS = st.tuples(st.from_regex(r"[a-z]{1,5}/[a-z+.]{1,5}", fullmatch=True), st.integers(0, 1000))


@given(st.lists(MEMBERS, min_size=1, max_size=5, unique_by=lambda member: member[0]), st.randoms())
def test_order_makes_no_difference_to_the_cache(members: list[tuple[str, int]], random: object) -> None:
    wishes = [(name, thousandths / 1000) for name, thousandths in members]
    value = accept_value(TYPES, wishes)
    assert [(each.value, each.quality) for each in parse_weighted(value)] == wishes
    random.shuffle(wishes)  # type: ignore[attr-defined]
    assert normalised("accept", accept_value(TYPES, wishes)) == normalised("accept", value)


RFC_TYPES = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"
QUALITIES = [
    pytest.param(type_quality, RFC_TYPES, "text/plain;format=flowed", 1.0, id="12.5.1 format=flowed"),
    pytest.param(type_quality, RFC_TYPES, "text/plain", 0.7, id="12.5.1 text/plain"),
    pytest.param(type_quality, RFC_TYPES, "text/html", 0.3, id="12.5.1 text/html"),
    pytest.param(type_quality, RFC_TYPES, "image/jpeg", 0.5, id="12.5.1 image/jpeg"),
    pytest.param(type_quality, RFC_TYPES, "text/plain;format=fixed", 0.4, id="12.5.1 format=fixed"),
    pytest.param(type_quality, RFC_TYPES, "TEXT/HTML;level=3", 0.3, id="12.5.1 case"),
    pytest.param(type_quality, None, "a/b", 1.0, id="12.5.1 no field"),
    pytest.param(type_quality, "", "a/b", 1.0, id="12.5.1 empty field"),
    pytest.param(type_quality, "a/b", "a/c", 0.0, id="12.5.1 nothing matches"),
    pytest.param(type_quality, "a/b;q=0, */*", "a/b", 0.0, id="12.5.1 refused by name"),
    pytest.param(type_quality, "a/b;q=0.2, a/b;q=0.8", "a/b", 0.8, id="the same twice"),
    pytest.param(type_quality, "a/b;q=0.5;x=1", "a/b;x=1", 0.5, id="12.5.1 q in the middle"),
    pytest.param(type_quality, "a/b;q=9, a/c", "a/b", 0.0, id="unreadable weight"),
    pytest.param(type_quality, "text/html;charset=utf-8", "text/html; charset=UTF-8", 1.0, id="charset in any case"),
    pytest.param(type_quality, "a/b;x=Y", "a/b;x=y", 0.0, id="other values as they are"),
    pytest.param(type_quality, "application/*", None, 1.0, id="8.3 no type is octet-stream"),
    pytest.param(type_quality, "application/json", None, 0.0, id="8.3 no type is not JSON"),
    pytest.param(type_quality, "a/b", "???", 0.0, id="unreadable type"),
    pytest.param(type_quality, "text/*", "textual/x", 0.0, id="prefix of a type"),
    pytest.param(language_quality, "de", "de", 1.0, id="same"),
    pytest.param(language_quality, "DE", "de-AT", 1.0, id="4647 3.3.1 prefix"),
    pytest.param(language_quality, "de-AT", "de", 0.0, id="4647 3.3.1 not the other way"),
    pytest.param(language_quality, "de", "den", 0.0, id="4647 3.3.1 whole subtags"),
    pytest.param(language_quality, "de;q=0.5, de-CH;q=0.2", "de-CH", 0.2, id="the longest counts"),
    pytest.param(language_quality, "de-CH;q=0, *;q=0.4", "de-CH-1996", 0.0, id="refused by name"),
    pytest.param(language_quality, "de, *;q=0.1", "en", 0.1, id="any other"),
    pytest.param(language_quality, "de", "en, de", 1.0, id="for two audiences"),
    pytest.param(language_quality, "de", None, 1.0, id="8.5 for everybody"),
    pytest.param(language_quality, None, "en", 1.0, id="12.5.4 no field"),
    pytest.param(coding_quality, None, ["br"], 1.0, id="12.5.3 no field"),
    pytest.param(coding_quality, "gzip;q=0.5", ["gzip"], 0.5, id="12.5.3 named"),
    pytest.param(coding_quality, "x-gzip", ["gzip"], 1.0, id="8.4.1.3 x-gzip"),
    pytest.param(coding_quality, "gzip", ["br"], 0.0, id="12.5.3 not named"),
    pytest.param(coding_quality, "gzip, *;q=0.1", ["br"], 0.1, id="12.5.3 any other"),
    pytest.param(coding_quality, "gzip", [], 1.0, id="12.5.3 identity by default"),
    pytest.param(coding_quality, "", [], 1.0, id="12.5.3 empty field, identity"),
    pytest.param(coding_quality, "", ["gzip"], 0.0, id="12.5.3 empty field, coded"),
    pytest.param(coding_quality, "gzip, identity;q=0", [], 0.0, id="12.5.3 identity refused"),
    pytest.param(coding_quality, "gzip, *;q=0", [], 0.0, id="12.5.3 all others refused"),
    pytest.param(coding_quality, "identity;q=0.5, *;q=0", [], 0.5, id="12.5.3 identity excepted"),
    pytest.param(coding_quality, "gzip, br;q=0.2", ["br", "gzip"], 0.2, id="the worst of a stack"),
]


@pytest.mark.parametrize(("quality", "asked", "got", "expected"), QUALITIES)
def test_quality(quality: object, asked: object, got: object, expected: float) -> None:
    assert quality(asked, got) == expected  # type: ignore[operator]


def answered(
    asked: list[tuple[str, str]], status: int, got: list[tuple[str, str]], method: str = "GET"
) -> tuple[Request, Head]:
    return Request(method, URL.parse("http://h.example/"), Fields(asked)), Head(status, Fields(got))


def test_negotiated() -> None:
    asked = [("Accept", "text/html, */*;q=0.1"), ("Accept-Language", "de"), ("Accept-Encoding", "gzip")]
    got = [("Content-Type", "text/csv"), ("Content-Language", "en"), ("Content-Encoding", "X-GZIP")]
    result = negotiated(*answered(asked, 200, got))
    assert result.type == ("text/html, */*;q=0.1", "text/csv", 0.1)
    assert result.language == ("de", "en", 0.0)
    assert result.coding == ("gzip", "gzip", 1.0)
    assert [dimension.matched for dimension in result] == [True, False, True]
    assert not result.matched


JSON = ("Accept", "application/json")
HTML = ("Content-Type", "text/html")
MISMATCHES = [
    pytest.param([JSON], 200, [HTML], "GET", "Accept: application/json was asked for, 'text/html' came", id="type"),
    pytest.param([JSON], 200, [], "GET", "content without a type", id="8.3 no type"),
    pytest.param([JSON], 201, [("Content-Length", "0")], "POST", None, id="nothing came"),
    pytest.param([JSON], 204, [], "GET", None, id="204"),
    pytest.param([JSON], 200, [], "HEAD", None, id="HEAD without a type"),
    pytest.param([JSON], 200, [HTML], "HEAD", "text/html", id="HEAD"),
    pytest.param([JSON], 206, [("Content-Type", "multipart/byteranges; boundary=x")], "GET", None, id="206 of parts"),
    pytest.param([JSON], 206, [HTML], "GET", "text/html", id="206"),
    pytest.param([JSON], 404, [HTML], "GET", None, id="no success"),
    pytest.param([JSON], 302, [HTML], "GET", None, id="a redirect"),
    pytest.param(
        [("Accept-Language", "de")], 200, [("Content-Language", "en")], "GET", "Accept-Language", id="language"
    ),
    pytest.param(
        [("Accept-Encoding", "identity")], 200, [("Content-Encoding", "gzip")], "GET", "Accept-Encoding", id="coding"
    ),
    pytest.param([], 200, [HTML], "GET", None, id="nothing asked"),
]


@pytest.mark.parametrize(("asked", "status", "got", "method", "text"), MISMATCHES)
def test_mismatch(
    asked: list[tuple[str, str]], status: int, got: list[tuple[str, str]], method: str, text: str | None
) -> None:
    reason = mismatch(*answered(asked, status, got, method))
    assert reason is None if text is None else text in str(reason)


def test_a_peer_cannot_write_into_the_reason() -> None:
    reason = mismatch(*answered([JSON], 200, [("Content-Type", "x\x9b31m" + "y" * 999)]))
    assert reason is not None
    assert reason.isascii()
    assert len(reason) < 200


TEXTS = st.text(st.characters(max_codepoint=255), max_size=60) | st.text('a/*;q=0.1, "\\', max_size=60)


@given(TEXTS, TEXTS)
def test_any_text_gives_a_quality(asked: str, got: str) -> None:
    assert 0.0 <= type_quality(asked, got) <= 1.0
    assert 0.0 <= language_quality(asked, got) <= 1.0
    assert 0.0 <= coding_quality(asked, [got]) <= 1.0

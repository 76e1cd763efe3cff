"""Lists with weights and Link fields as data (RFC 9110 section 12.4.2, RFC 8288 section 3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.fields import Link, Weighted, parse_links, parse_media_type, parse_weighted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("a/b", [Weighted("a/b", {}, 1.0)], id="no weight"),
        pytest.param("A/B ; Q = 0.5", [Weighted("a/b", {}, 0.5)], id="space and case"),
        pytest.param("gzip;q=1.000, *;q=0.", [Weighted("gzip", {}, 1.0), Weighted("*", {}, 0.0)], id="bounds"),
        pytest.param('a;x="y,;z";q=0.125', [Weighted("a", {"x": "y,;z"}, 0.125)], id="quoted"),
        pytest.param("a;q=1.5, b;q=.5, c;q=0.1234, d;q=-1, e;q=, f", [Weighted("f", {}, 1.0)], id="unreadable weights"),
        pytest.param(" , ,a", [Weighted("a", {}, 1.0)], id="empty members"),
    ],
)
def test_weighted(text: str, expected: list[Weighted]) -> None:
    assert parse_weighted(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("<a>", [Link("a", {})], id="bare"),
        pytest.param('<a>; rel="next"; TITLE=x', [Link("a", {"rel": "next", "title": "x"})], id="parameters"),
        pytest.param("<a,b>;rel=c, <d>", [Link("a,b", {"rel": "c"}), Link("d", {})], id="comma in the target"),
        pytest.param('<a>;t="x, <y>", <b>', [Link("a", {"t": "x, <y>"}), Link("b", {})], id="comma in quotes"),
        pytest.param("<a>;rel=b;rel=c", [Link("a", {"rel": "b"})], id="3.3 the first relation"),
        pytest.param("a, <b", [], id="no links"),
        pytest.param("junk, < a >", [Link("a", {})], id="after junk"),
        pytest.param('<a>;t="open, <b>', [Link("a", {"t": '"open'}), Link("b", {})], id="quote left open"),
    ],
)
def test_links(text: str, expected: list[Link]) -> None:
    assert parse_links(text) == expected


@given(st.text('<>";,= \\aq0.1/', max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert all("," in link.target or link.target in text for link in parse_links(text))
    assert all(0.0 <= each.quality <= 1.0 for each in parse_weighted(text))


@pytest.mark.parametrize("piece", ["<", '<a>\\"', "<,", '<a>;"', ",", '"', ";q=", "<a>;"])
def test_long_text_is_read_in_one_go(piece: str) -> None:
    """In quadratic time this would take hours, and the guard against a hang would end the run."""
    text = piece * 200_000
    assert len(parse_links(text)) <= 200_000
    assert len(parse_weighted(text)) <= 200_000


def test_media_type_has_names() -> None:
    media_type = parse_media_type("Text/HTML; Charset=utf-8")
    assert (media_type.name, str(media_type)) == ("text/html", "text/html")
    assert media_type.parameters == {"charset": "utf-8"}

"""What a 406 lists (RFC 2295 section 8.3, RFC 8288, RFC 9110 section 15.5.7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._rules.alternatives import Alternative, alternatives_of

PAPER = '{"paper.1" 0.9 {type text/html} {language en}}, {"paper.2" 0.7 {type text/html} {language fr} {length 9}}'
LISTED = [
    pytest.param(
        [("Alternates", PAPER)],
        b"",
        [Alternative("text/html", "en", "paper.1", 0.9), Alternative("text/html", "fr", "paper.2", 0.7)],
        id="2295 8.3",
    ),
    pytest.param([("Alternates", '{"a" 1.0}, proxy-rvp=5')], b"", [Alternative("", "", "a")], id="2295 bare"),
    pytest.param([("Alternates", '{"a" 9}')], b"", [Alternative("", "", "a", 1.0)], id="2295 quality over 1"),
    pytest.param([("Alternates", '{"a", {b} {"c" x}')], b"", [], id="2295 broken"),
    pytest.param(
        [("Link", '</d.json>; rel=alternate; type="application/json"; hreflang=de, </s.css>; rel=stylesheet')],
        b"",
        [Alternative("application/json", "de", "/d.json")],
        id="8288",
    ),
    pytest.param([("Link", '</a>; rel="next Alternate"')], b"", [Alternative("", "", "/a")], id="8288 two relations"),
    pytest.param(
        [("Content-Type", "application/json")],
        b'{"available": ["application/json", "text/csv"]}',
        [Alternative("application/json"), Alternative("text/csv")],
        id="JSON",
    ),
    pytest.param(
        [("Content-Type", "text/plain; charset=utf-8")],
        b"Available: text/html, application/vnd.a+json. See http://x/y/z.\n",
        [Alternative("text/html"), Alternative("application/vnd.a+json")],
        id="text",
    ),
    pytest.param([("Content-Type", "text/html")], b"<a>text/csv</a>", [], id="a page is not searched"),
    pytest.param(
        [("Content-Type", "text/plain"), ("Link", "</a>; rel=alternate")],
        b"text/csv",
        [Alternative("", "", "/a")],
        id="fields before text",
    ),
    pytest.param([], b"text/csv", [], id="nothing"),
]


@pytest.mark.parametrize(("lines", "content", "expected"), LISTED)
def test_listed(lines: list[tuple[str, str]], content: bytes, expected: list[Alternative]) -> None:
    assert list(alternatives_of(Fields(lines), content)) == expected


def test_at_most_fifty() -> None:
    links = ", ".join(f"</{n}>; rel=alternate" for n in range(99))
    assert len(alternatives_of(Fields([("Link", links)]), b"")) == 50


def test_text_of_one_has_no_query() -> None:
    assert str(Alternative("text/csv", "de", "/a?token=hunter2#x")) == "text/csv de /a"


ANY = st.text('{}" 0.9<>,;=alternt/', max_size=80)


@given(ANY, ANY, st.binary(max_size=40))
def test_any_text_gives_a_list(alternates: str, link: str, content: bytes) -> None:
    lines = [("Alternates", alternates), ("Link", link), ("Content-Type", "text/plain")]
    assert len(alternatives_of(Fields(lines), content)) <= 50

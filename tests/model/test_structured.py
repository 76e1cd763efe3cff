"""Structured field values (RFC 8941): what is read, and that any error leaves nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.structured import Item, Token, parse_structured_dictionary, parse_structured_list


def bare(*values: Any) -> list[Item]:
    return [Item(value, {}) for value in values]


@pytest.mark.parametrize(
    ("text", "members"),
    [
        pytest.param("", [], id="empty"),
        pytest.param('"a", "b"', bare("a", "b"), id="3.3.3 strings"),
        pytest.param('"a\\"b\\\\", ""', bare('a"b\\', ""), id="3.3.3 escapes"),
        pytest.param("1, -2,\t3.25", bare(1, -2, 3.25), id="3.3.1 and 3.3.2 numbers"),
        pytest.param("foo, *b/c:d", bare(Token("foo"), Token("*b/c:d")), id="3.3.4 tokens"),
        pytest.param("?1, ?0", bare(True, False), id="3.3.6 booleans"),
        pytest.param(":aGk=:", bare(b"aGk="), id="3.3.5 byte sequence"),
        pytest.param('a; b=1;c;d="x"', [Item("a", {"b": 1, "c": True, "d": "x"})], id="3.1.2 parameters"),
        pytest.param("a;b=1;b=2", [Item("a", {"b": 2})], id="3.1.2 the last of a repeated parameter"),
        pytest.param("(a  1);x, ()", [Item((Item("a", {}), Item(1, {})), {"x": True}), Item((), {})], id="3.1.1"),
        pytest.param("  a  ", bare("a"), id="space around"),
    ],
)
def test_lists(text: str, members: list[Item]) -> None:
    assert parse_structured_list(text) == members


@pytest.mark.parametrize(
    ("text", "members"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param(
            "max-age=10, no-store", {"max-age": Item(10, {}), "no-store": Item(True, {})}, id="3.2 both kinds"
        ),
        pytest.param("a=1, a=2", {"a": Item(2, {})}, id="3.2 the last of a repeated key"),
        pytest.param("a;x=1, b=?0;y", {"a": Item(True, {"x": 1}), "b": Item(False, {"y": True})}, id="parameters"),
    ],
)
def test_dictionaries(text: str, members: dict[str, Item]) -> None:
    assert parse_structured_dictionary(text) == members


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(",", id="comma"),
        pytest.param("a,", id="comma at the end"),
        pytest.param("a,,b", id="empty member"),
        pytest.param("a b", id="no comma"),
        pytest.param('"a', id="open quote"),
        pytest.param('"a\\b"', id="escape of what needs none"),
        pytest.param('"\u00e9"', id="beyond ASCII"),
        pytest.param("1234567890123456", id="too many digits"),
        pytest.param("1.", id="no fraction"),
        pytest.param("1.2345", id="long fraction"),
        pytest.param("?2", id="no boolean"),
        pytest.param("&&&", id="no bare item"),
        pytest.param("(a", id="open list"),
        pytest.param('("a""b")', id="no space in a list"),
        pytest.param("a;A=1", id="upper-case key"),
        pytest.param("a;=1", id="no key"),
    ],
)
def test_errors_leave_nothing(text: str) -> None:
    assert parse_structured_list(text) is None
    assert parse_structured_dictionary(f"k={text}") is None


@pytest.mark.parametrize("text", ["Max-Age=1", "=1", "a=", "a =1", "a= 1", "max-age=10, &&&&&"])
def test_what_is_no_dictionary(text: str) -> None:
    assert parse_structured_dictionary(text) is None


@given(st.text(st.characters(max_codepoint=255), max_size=40) | st.text('ab1.-"\\;,=()?: *', max_size=40))
def test_any_text_gives_members_or_none(text: str) -> None:
    assert isinstance(parse_structured_list(text), list | None)
    assert isinstance(parse_structured_dictionary(text), dict | None)


def test_long_values_cost_linear_work() -> None:
    assert parse_structured_list("(" * 100_000) is None
    members = parse_structured_list(", ".join(['"a"'] * 20_000))
    assert members is not None
    assert len(members) == 20_000

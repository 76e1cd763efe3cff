"""What is hidden wherever requests and responses are shown, and that hiding takes no longer than looking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.masking import is_secret_field, masked, masked_form, masked_value

TEXTS = [
    pytest.param("http://h/?token=x&b=1", "http://h/?token=***&b=1", id="query"),
    pytest.param("http://h/?b=1&api_key=x#f", "http://h/?b=1&api_key=***#f", id="before-a-fragment"),
    pytest.param("http://h/?b=1;token=x", "http://h/?b=1;token=***", id="semicolon"),
    pytest.param("/a;sessionid=x?b", "/a;sessionid=***", id="path-parameter"),
    pytest.param("http://h/?a?Token=x", "http://h/?a?Token=***", id="in-any-case"),
    pytest.param("http://user:pass@h/", "http://***@h/", id="userinfo"),
    pytest.param("http://us@er:p@ss@h/", "http://***@h/", id="several-ats"),
    pytest.param(
        "see http://h/?sig=x, 'http://h/?code=y'", "see http://h/?sig=*** 'http://h/?code=***'", id="in-words"
    ),
    pytest.param("http://h/?page=2&sort=key", "http://h/?page=2&sort=key", id="nothing-secret"),
    pytest.param("http://h/?token", "http://h/?token", id="no-value"),
]


@pytest.mark.parametrize(("text", "shown"), TEXTS)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer x", "Bearer ***"),
        ("Authorization", "x", "***"),
        ("X-Custom-Token", "x", "***"),
        ("Cookie", "a=x; b=y", "a=***; b=***"),
        ("Set-Cookie", "a=x; Path=/", "a=***; Path=/"),
        ("Location", "/?key=x", "/?key=***"),
        ("Accept", "text/html", "text/html"),
    ],
)
def test_masked_value(name: str, value: str, shown: str) -> None:
    assert masked_value(name, value) == shown
    assert is_secret_field("x-api-key")


def test_masked_form() -> None:
    assert masked_form("password=x&name=tea") == "password=***&name=tea"


@pytest.mark.parametrize("piece", [";key", "?key", ";", "://", "://a@", "@", "&tokenkey", "key", "&", "=", "?a;b&key"])
def test_long_texts_take_time_by_their_length(piece: str) -> None:
    """128 KiB each: anything that grew with the square of it would take minutes."""
    text = "?" + piece * (2**17 // len(piece))
    assert len(masked(text)) <= 2 * len(text)


@given(st.text(st.sampled_from("?&;=#/:@ akeytoken"), max_size=60))
def test_what_was_masked_stays_as_it_is(text: str) -> None:
    assert masked(masked(text)) == masked(text)

"""Parameters of a query: lists in three styles (what OpenAPI, PHP and Rails servers read), None, merging."""

from typing import Any

import pytest

from smartclient._api.options import with_params
from smartclient._model.errors import InvalidOption
from smartclient._model.url import URL


@pytest.mark.parametrize(
    ("style", "params", "query"),
    [
        pytest.param("repeat", {"a": [1, 2]}, "a=1&a=2", id="repeat"),
        pytest.param("comma", {"a": [1, 2]}, "a=1,2", id="comma"),
        pytest.param("brackets", {"a": [1, 2]}, "a%5B%5D=1&a%5B%5D=2", id="brackets"),
        pytest.param("comma", {"a": ["x,y", "z w"]}, "a=x%2Cy,z+w", id="comma inside a value"),
        pytest.param("comma", {"a": [1, None, 2]}, "a=1,2", id="comma without None"),
        pytest.param("comma", {"a": []}, None, id="comma of nothing"),
        pytest.param("brackets", {"a": [1]}, "a%5B%5D=1", id="brackets of one"),
        pytest.param("brackets", {"a": 1}, "a=1", id="no list, no brackets"),
        pytest.param("comma", {"a": "b,c"}, "a=b%2Cc", id="text is no list"),
        pytest.param("brackets", [("a", (1, 2)), ("b", None)], "a%5B%5D=1&a%5B%5D=2", id="pairs"),
        pytest.param("comma", "a=1&a=2", "a=1&a=2", id="a query as text stays"),
    ],
)
def test_styles(style: str, params: Any, query: str | None) -> None:
    assert URL.parse("http://h.example/").with_params(params, style).query == query


@pytest.mark.parametrize(
    ("session", "call", "query"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 3}, "a=1&b=3", id="the call wins"),
        pytest.param({"a": 1, "b": 2}, {"a": None}, "b=2", id="None removes"),
        pytest.param({"a": 1}, [("a", 2), ("a", 3)], "a=2&a=3", id="mapping and pairs"),
        pytest.param([("a", 1), ("b", 2)], {"a": None}, "b=2", id="pairs and mapping"),
        pytest.param({"a": 1}, "b=2", "a=1&b=2", id="text is appended"),
        pytest.param({"a": 1}, None, "a=1", id="session only"),
        pytest.param(None, {"a": 1}, "a=1", id="call only"),
        pytest.param({"1": 1}, {1: 2}, "1=2", id="names are compared as text"),
    ],
)
def test_session_and_call(session: Any, call: Any, query: str) -> None:
    assert with_params(URL.parse("http://h.example/"), session, call, "repeat").query == query


@pytest.mark.parametrize("style", ["commas", "", None, 1])
def test_unknown_style(style: Any) -> None:
    with pytest.raises(InvalidOption, match="array_style"):
        with_params(URL.parse("http://h.example/"), None, {"a": 1}, style)

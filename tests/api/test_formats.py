"""JSON by another library, codecs by media type, and what `parse` makes of them."""

import json
import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from smartclient._api.formats import Formats, json_value, value_of
from smartclient._model.answer_errors import JSONDecodeError
from smartclient._model.errors import (
    InvalidJSONError,
    InvalidOption,
    RequestException,
    UnexpectedContent,
)


def to_csv(rows: list[list[str]]) -> str:
    return "\n".join(map(",".join, rows))


def from_csv(content: bytes) -> list[list[str]]:
    if content == b"bad":
        raise KeyError("hunter2")
    return [line.split(",") for line in content.decode().split("\n")]


def loud_dumps(value: Any) -> bytes:
    return json.dumps(value).upper().encode()


LOUD = SimpleNamespace(dumps=loud_dumps, loads=lambda text: {"loud": json.loads(text)})
CSV = {"Text/CSV": (to_csv, from_csv)}
OWN_JSON = {"application/json": (loud_dumps, lambda content: "own codec")}
ROWS = [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("formats", "data", "value", "content_type", "content", "told"),
    [
        pytest.param(Formats(None, CSV), ROWS, None, "text/csv; charset=utf-8", b"a,b\nc,d", None, id="codec"),
        pytest.param(
            Formats(None, CSV), b"as,it,is", None, "text/csv", b"as,it,is", None, id="bytes are encoded already"
        ),
        pytest.param(Formats(None, CSV), "as,it,is", None, "text/csv", b"as,it,is", None, id="text is encoded already"),
        pytest.param(Formats(None, CSV), [], None, "text/csv", b"", None, id="an empty value has its form"),
        pytest.param(
            Formats(None, CSV), {"a": 1}, None, None, b"a=1", "application/x-www-form-urlencoded", id="no type, a form"
        ),
        pytest.param(Formats(None, OWN_JSON), {"a": 1}, None, "application/vnd.x+json", b'{"A": 1}', None, id="suffix"),
        pytest.param(Formats(LOUD), None, {"a": 1}, None, b'{"A": 1}', "application/json", id="json_lib"),
        pytest.param(Formats(LOUD), "", {"a": 1}, None, b'{"A": 1}', "application/json", id="json_lib, empty data"),
        pytest.param(Formats(LOUD), "x", {"a": 1}, None, b"x", None, id="data wins"),
        pytest.param(Formats(LOUD), None, None, None, b"", None, id="nothing"),
        pytest.param(Formats(None, CSV), None, {"a": 1}, None, b'{"a":1}', "application/json", id="plain json"),
    ],
)
def test_bodies(
    formats: Formats, data: Any, value: Any, content_type: str | None, content: bytes, told: str | None
) -> None:
    body, said = formats.body_from(data, value, None, content_type, on_loop=False)
    assert (body.content, said) == (content, told)


def refuses(value: Any) -> bytes:
    raise ZeroDivisionError("no")


@pytest.mark.parametrize(
    ("formats", "data", "value", "error"),
    [
        pytest.param(Formats(None, {"a/b": (refuses, bytes)}), [1], None, InvalidJSONError, id="codec raises"),
        pytest.param(Formats(None, {"a/b": (len, bytes)}), [1], None, InvalidOption, id="codec gives no bytes"),
        pytest.param(
            Formats(SimpleNamespace(dumps=refuses, loads=json.loads)), None, [1], InvalidJSONError, id="dumps raises"
        ),
    ],
)
def test_values_that_cannot_be_written(formats: Formats, data: Any, value: Any, error: type[RequestException]) -> None:
    with pytest.raises(error):
        formats.body_from(data, value, None, "a/b", on_loop=False)


@pytest.mark.parametrize(
    ("formats", "content", "content_type", "value"),
    [
        pytest.param(None, b"[1]", "application/json", [1], id="JSON"),
        pytest.param(None, b"[1]", "application/problem+json; x=y", [1], id="+json"),
        pytest.param(None, b"[1]", None, [1], id="no type"),
        pytest.param(None, "[1]".encode("utf-16"), "application/json", [1], id="UTF-16"),
        pytest.param(Formats(None, CSV), b"a,b", "TEXT/csv", [["a", "b"]], id="codec"),
        pytest.param(Formats(None, CSV), b"[1]", "application/json", [1], id="JSON beside codecs"),
        pytest.param(Formats(LOUD), b"[1]", "application/json", {"loud": [1]}, id="json_lib"),
        pytest.param(Formats(LOUD, OWN_JSON), b"[1]", "application/x+json", "own codec", id="a codec before json_lib"),
        pytest.param(
            Formats(None, {"a/x+json": (len, lambda _: "exact"), **OWN_JSON}),
            b"",
            "a/x+json",
            "exact",
            id="exact first",
        ),
    ],
)
def test_values(formats: Formats | None, content: bytes, content_type: str | None, value: Any) -> None:
    assert value_of(content, content_type, formats) == value


@pytest.mark.parametrize(
    ("formats", "content", "content_type", "error"),
    [
        pytest.param(None, b"x", "text/html", UnexpectedContent, id="no codec"),
        pytest.param(None, b"x", "???", UnexpectedContent, id="unreadable type"),
        pytest.param(None, b"[1", "application/json", JSONDecodeError, id="no JSON"),
        pytest.param(None, b"[" * 100_000, "application/json", JSONDecodeError, id="nested too deeply"),
        pytest.param(Formats(None, CSV), b"bad", "text/csv", UnexpectedContent, id="the codec raises"),
        pytest.param(
            Formats(SimpleNamespace(dumps=len, loads=refuses)), b"1", None, JSONDecodeError, id="loads raises its own"
        ),
    ],
)
def test_content_that_cannot_be_read(
    formats: Formats | None, content: bytes, content_type: str | None, error: type[RequestException]
) -> None:
    with pytest.raises(error) as caught:
        value_of(content, content_type, formats)
    assert "hunter2" not in str(caught.value)
    assert caught.value.sent == "wholly"


def test_arguments_of_loads() -> None:
    assert json_value(b"1.5", None, {"parse_float": str}) == "1.5"
    with pytest.raises(TypeError):
        json_value(b"1.5", Formats(LOUD), {"no_such": 1})


@pytest.mark.parametrize(
    "options",
    [
        {"json_lib": object()},
        {"json_lib": "json"},
        {"codecs": [("a/b", (len, len))]},
        {"codecs": {"json": (len, len)}},
        {"codecs": {"a/b": len}},
        {"codecs": {"a/b": (len, None)}},
        {"codecs": {5: (len, len)}},
    ],
    ids=str,
)
def test_formats_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match=next(iter(options))):
        Formats(**options)


def test_pickles() -> None:
    formats = pickle.loads(pickle.dumps(Formats(json, CSV)))
    assert formats.json_lib is json
    assert formats.codecs == {"text/csv": (to_csv, from_csv)}

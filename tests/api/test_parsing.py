"""Decoded values as the types that callers name."""

import dataclasses
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, Optional

import pytest

from smartclient._api.parsing import converted
from smartclient._model.errors import InvalidOption, UnexpectedContent


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    y: float = 0.0


@dataclass
class Shape:
    name: str
    points: list[Point]
    colour: Colour | None = None
    tags: set[str] = field(default_factory=set)


@dataclass
class Tree:
    value: int
    left: Optional["Tree"] = None
    right: "Tree | None" = None


@dataclass
class Cat:
    kind: Literal["cat"]
    lives: int


@dataclass
class Dog:
    kind: Literal["dog"]
    tricks: list[str]


@dataclass
class Strict:
    n: int

    def __post_init__(self) -> None:
        if self.n < 0:
            raise ValueError("hunter2")


@dataclass
class Derived:
    a: int
    b: int = field(init=False, default=7)


class Checked:
    """As pydantic's models are asked."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @classmethod
    def model_validate(cls, value: Any) -> "Checked":
        if value == "bad":
            raise RuntimeError("hunter2")
        return cls(value)


class Adapter:
    """As pydantic's adapters are asked."""

    def validate_python(self, value: Any) -> str:
        return f"validated {value}"


FITS = [
    pytest.param({"x": 1}, Point, Point(1, 0.0), id="dataclass"),
    pytest.param({"x": 1, "y": 2, "more": 3}, Point, Point(1, 2.0), id="members nobody named"),
    pytest.param(
        {"name": "a", "points": [{"x": 1}, {"x": 2, "y": 0.5}], "colour": "red", "tags": ["t"]},
        Shape,
        Shape("a", [Point(1), Point(2, 0.5)], Colour.RED, {"t"}),
        id="nested",
    ),
    pytest.param({"value": 1, "left": {"value": 2}}, Tree, Tree(1, Tree(2)), id="a type that names itself"),
    pytest.param({"a": 1, "b": 2}, Derived, Derived(1), id="fields that are not given"),
    pytest.param([1, 2], list[int], [1, 2], id="list"),
    pytest.param([1, "a"], tuple[int, str], (1, "a"), id="tuple"),
    pytest.param([1, 2], tuple[int, ...], (1, 2), id="tuple of any length"),
    pytest.param([1, 1], frozenset[int], frozenset({1}), id="frozenset"),
    pytest.param([1], list, [1], id="bare list"),
    pytest.param({"a": [1]}, dict[str, list[int]], {"a": [1]}, id="dict"),
    pytest.param({"a": 1}, dict, {"a": 1}, id="bare dict"),
    pytest.param(None, int | None, None, id="optional, absent"),
    pytest.param(1, Optional[int], 1, id="optional"),  # noqa: UP045
    pytest.param(1, int | float, 1, id="the number it is"),
    pytest.param(1, float | int, 1, id="the number it is, in any order"),
    pytest.param({"kind": "dog", "tricks": []}, Cat | Dog, Dog("dog", []), id="union by literal"),
    pytest.param("b", Literal["a", "b"], "b", id="literal"),
    pytest.param({"a": [None]}, Any, {"a": [None]}, id="anything"),
    pytest.param(None, None, None, id="null"),
    pytest.param(b"x", bytes, b"x", id="bytes of a codec"),
    pytest.param({"n": 1}, list[Checked] | dict[str, int], {"n": 1}, id="union by shape"),
]


@pytest.mark.parametrize(("value", "wanted", "expected"), FITS)
def test_fits(value: Any, wanted: Any, expected: Any) -> None:
    result = converted(value, wanted)
    assert result == expected
    assert type(result) is type(expected)


REFUSED = [
    pytest.param({}, Point, "x: missing, Point needs it", id="missing"),
    pytest.param({"x": "1"}, Point, "x: expected int, got str", id="text is no number"),
    pytest.param({"x": True}, Point, "x: expected int, got bool", id="bool is no number"),
    pytest.param({"x": 1.0}, Point, "x: expected int, got float", id="float is no int"),
    pytest.param({"x": 1, "y": 10**400}, Point, "y: too large for a float", id="overflow"),
    pytest.param([], Point, "the content: expected Point, got list", id="not an object"),
    pytest.param(
        {"name": "a", "points": [{"x": 1}, {"x": None}]}, Shape, r"points\[1\].x: expected int, got null", id="place"
    ),
    pytest.param({"name": "a", "points": [], "colour": "x"}, Shape, "colour: no member of Colour", id="enum"),
    pytest.param({"name": "a", "points": [], "tags": [[]]}, Shape, r"tags\[0\]: expected str", id="set"),
    pytest.param([[1]], set[Any], "hashable", id="set of lists"),
    pytest.param([1], tuple[int, int], "expected 2 members, got 1", id="tuple"),
    pytest.param("c", Literal["a", "b"], "none of", id="literal"),
    pytest.param(1, Literal[True], "none of", id="literal of another type"),
    pytest.param({"kind": "cow"}, Cat | Dog, "expected one of Cat, Dog, got dict", id="union"),
    pytest.param("x", int | None, "expected int, got str", id="optional"),
    pytest.param({"n": -1}, Strict, "Strict refused it", id="its own check"),
    pytest.param("bad", Checked, r"Checked refused it \(RuntimeError\)", id="a foreign check"),
    pytest.param(1, str, "expected str, got int", id="str"),
    pytest.param([1], dict[str, int], "expected dict, got list", id="dict"),
    pytest.param({"a": 1}, list[int], "expected list, got dict", id="list"),
]


@pytest.mark.parametrize(("value", "wanted", "text"), REFUSED)
def test_refused(value: Any, wanted: Any, text: str) -> None:
    with pytest.raises(UnexpectedContent, match=text) as caught:
        converted(value, wanted)
    assert "hunter2" not in str(caught.value)
    assert caught.value.sent == "wholly"


def test_foreign_types_check_themselves() -> None:
    assert converted({"a": 1}, Checked).value == {"a": 1}
    assert converted(1, Adapter()) == "validated 1"
    assert [each.value for each in converted([1, 2], list[Checked])] == [1, 2]


@pytest.mark.parametrize("wanted", [complex, object(), 5, "Point", list[complex]])
def test_types_nobody_can_make(wanted: Any) -> None:
    with pytest.raises(InvalidOption, match="no type that can be made"):
        converted([1], wanted)


def test_annotation_that_leads_nowhere() -> None:
    lost = dataclasses.make_dataclass("Lost", [("a", "Nowhere")])
    with pytest.raises(InvalidOption, match="Nowhere"):
        converted({"a": 1}, lost)


def test_deep_content_is_refused() -> None:
    value: dict[str, Any] = {"value": 1}
    for _ in range(5000):
        value = {"value": 1, "left": value}
    with pytest.raises(UnexpectedContent, match="nested too deeply"):
        converted(value, Tree)


@dataclass
class One:
    child: "One | Two | int"


@dataclass
class Two:
    child: "One | Two | int"


def test_unions_in_unions_are_not_tried_twice() -> None:
    """Trying one type after the other would double with every level: 2**40 conversions here."""
    value: Any = "no number"
    for _ in range(40):
        value = {"child": value}
    with pytest.raises(UnexpectedContent, match="got str"):
        converted(value, One | Two)


def test_place_is_cut_and_escaped() -> None:
    with pytest.raises(UnexpectedContent) as caught:
        converted({"\x1b[31m" + "k" * 999: "x"}, dict[str, int])
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_pydantic() -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Model", a=(int, ...))
    assert converted({"a": 1}, model).a == 1
    assert converted([1], pydantic.TypeAdapter(tuple[int])) == (1,)
    with pytest.raises(UnexpectedContent, match=r"Model refused it \(ValidationError\)"):
        converted({"a": "x"}, model)


def test_msgspec() -> None:
    msgspec = pytest.importorskip("msgspec")
    struct = msgspec.defstruct("Struct", [("a", int)])
    assert converted([{"a": 1}], list[struct]) == [struct(1)]
    with pytest.raises(UnexpectedContent, match=r"Struct refused it \(ValidationError\)"):
        converted({"a": "x"}, struct)

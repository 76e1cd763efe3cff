"""Our NamedTuple and the one of typing: the same classes."""

import copy
import inspect
import pickle
import typing
from collections.abc import Callable
from typing import Any

import pytest

from smartclient._model.declared import NamedTuple


class Ours(NamedTuple):
    """A page of a book."""

    title: str
    number: int | None = None
    marks: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        return self.title[:1]


class Theirs(typing.NamedTuple):
    """A page of a book."""

    title: str
    number: int | None = None
    marks: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        return self.title[:1]


class Derived(Ours):
    __slots__ = ()

    def __new__(cls, title: str) -> "Derived":
        return super().__new__(cls, title.upper(), 7)


SAME: dict[str, Callable[[Any], Any]] = {
    "positions": lambda page: tuple(page("a", 2, ("x",))),
    "names": lambda page: tuple(page(marks=("x",), title="a")),
    "defaults": lambda page: (*page("a"), page._field_defaults),
    "fields": lambda page: (page._fields, page.__match_args__, page.__annotations__, page.__doc__),
    "signature": lambda page: str(inspect.signature(page)),
    "values": lambda page: (page("a", 2).title, page("a", 2).number, page("a").marks, page("a").short),
    "repr": lambda page: repr(page("a", 2)).replace("Ours", "Theirs"),
    "equal to a tuple": lambda page: (page("a", 2) == ("a", 2, ()), hash(page("a", 2)) == hash(("a", 2, ()))),
    "replaced": lambda page: tuple(page("a")._replace(number=3)),
    "dict": lambda page: page("a", 2)._asdict(),
    "made": lambda page: tuple(page._make(["a", 2, ()])),
    "no dict of its own": lambda page: hasattr(page("a"), "__dict__"),
    "copied": lambda page: tuple(copy.copy(page("a", 2))),
    "pickled": lambda page: (*pickle.loads(pickle.dumps(page("a", 2))), type(pickle.loads(pickle.dumps(page("a"))))),
    "kind": lambda page: (type(page), page.__module__, page.__new__.__qualname__.replace("Ours", "Theirs")),
}


@pytest.mark.parametrize("told", SAME.values(), ids=SAME)
def test_same_as_typing(told: Callable[[Any], Any]) -> None:
    ours, theirs = told(Ours), told(Theirs)
    assert ours == theirs or (Ours in ours and Theirs in theirs)


WRONG: dict[str, Callable[[Any], Any]] = {
    "too few": lambda page: page(),
    "too many": lambda page: page("a", 1, (), 4),
    "unknown": lambda page: page("a", colour=1),
    "replaced by an unknown name": lambda page: page("a")._replace(colour=1),
    "made of too few": lambda page: page._make(["a"]),
    "assigned": lambda page: setattr(page("a"), "title", "b"),
    "assigned to another name": lambda page: setattr(page("a"), "colour", "b"),
}


@pytest.mark.parametrize("attempt", WRONG.values(), ids=WRONG)
def test_refuses_what_typing_refuses(attempt: Callable[[Any], Any]) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)) as theirs:
        attempt(Theirs)
    with pytest.raises(theirs.type):
        attempt(Ours)


def test_a_class_may_derive_from_it() -> None:
    page = Derived("a")
    assert (page.title, page.number, page.short) == ("A", 7, "A")
    assert repr(page) == "Derived(title='A', number=7, marks=())"


def test_patterns_take_it_apart() -> None:
    match Ours("a", 2):
        case Ours(title, number):
            assert (title, number) == ("a", 2)


def test_names_of_one_class_are_not_those_of_another_of_as_many() -> None:
    class Other(NamedTuple):
        a: int
        b: int
        c: int

    assert Other(c=3, b=2, a=1) == (1, 2, 3)
    assert Ours(title="a")._fields == ("title", "number", "marks")

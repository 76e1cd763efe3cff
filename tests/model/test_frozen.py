"""Classes of named values that never change."""

import copy
import pickle

import pytest

from smartclient._model.frozen import field, frozen, replace


@frozen
class Tea:
    """A kind of tea."""

    name: str
    minutes: int = 3
    secret: str = field(default="", repr=False)
    sugar: bool = field(default=False, kw_only=True)
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.minutes < 0:
            raise ValueError("minutes")
        object.__setattr__(self, "key", self.name.lower())


def test_values_by_position_and_name() -> None:
    tea = Tea("Assam", secret="s", sugar=True)
    assert (tea.name, tea.minutes, tea.secret, tea.sugar, tea.key) == ("Assam", 3, "s", True, "assam")


@pytest.mark.parametrize(
    ("args", "named", "told"),
    [
        ((), {}, "missing argument: 'name'"),
        (("a",), {"name": "b"}, "multiple values"),
        (("a", 1, "", True), {}, "positional"),
        (("a",), {"milk": 1}, "'milk'"),
        (("a",), {"key": "b"}, "'key'"),
    ],
)
def test_wrong_arguments(args: tuple[object, ...], named: dict[str, object], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        Tea(*args, **named)  # type: ignore[arg-type]


def test_nothing_changes() -> None:
    tea = Tea("Assam")
    with pytest.raises(AttributeError, match="does not change"):
        tea.minutes = 5  # type: ignore[misc]
    with pytest.raises(AttributeError, match="does not change"):
        del tea.minutes
    assert not hasattr(tea, "__dict__")


def test_equality_and_hash() -> None:
    assert Tea("a") == Tea("a", 3)
    assert hash(Tea("a")) == hash(Tea("a", 3))
    assert Tea("a") != Tea("a", 4)
    assert Tea("a") != "a"


def test_repr_leaves_secrets_out() -> None:
    assert repr(Tea("a", secret="s")) == "Tea(name='a', minutes=3, sugar=False)"


def test_replace_checks_again() -> None:
    assert replace(Tea("Assam"), name="Sencha", minutes=1).key == "sencha"
    with pytest.raises(ValueError, match="minutes"):
        replace(Tea("Assam"), minutes=-1)
    with pytest.raises(TypeError, match="milk"):
        replace(Tea("Assam"), milk=1)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copies(again: object) -> None:
    tea = Tea("Assam", 5, "s", sugar=True)
    assert again(tea) == tea  # type: ignore[operator]
    assert again(tea).key == "assam"  # type: ignore[operator]

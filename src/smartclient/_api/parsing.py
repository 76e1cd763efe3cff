"""From decoded values to the types that callers name, for `response.parse`: a small converter that guesses nothing.

Types of other libraries check themselves; they are told by what they offer, never imported.
"""

import dataclasses
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from .._model.errors import InvalidOption, UnexpectedContent, shown

_DEPTH_MAX = 100  # types may name themselves, and content may follow them as far as it likes
_LISTS = (list, tuple, set, frozenset, Sequence)
_MAPPINGS = (dict, Mapping)


def converted(value: Any, wanted: Any) -> Any:
    """`value`, as JSON and the like decode to, as an instance of the type `wanted`.

    Args:
        wanted: a dataclass, nested ones included; bool, int, float (which takes whole numbers), str, None, Any;
            list, tuple, set, frozenset, dict with str keys, and Optional, Union, Literal, Enum of all these;
            a class with `model_validate`, or an adapter with `validate_python` (as pydantic has them); a class with
            `__struct_fields__` (as msgspec has it).

    Nothing is turned into another type: "1" is no int, 1 is no str, True is no number. Members that a dataclass does
    not name are left out. Of a Union the first type is taken that the value looks like from outside (of several
    dataclasses the first whose required fields and literals are there); nothing is tried twice.

    Raises:
        UnexpectedContent: the value does not fit; the message names the place and the type, never the value.
        InvalidOption: a type that nothing here can make.
    """
    try:
        return _converted(value, wanted, "", 0)
    except RecursionError:
        raise _unfit("", "nested too deeply") from None


def _converted(value: Any, wanted: Any, place: str, depth: int) -> Any:
    if depth > _DEPTH_MAX:
        raise _unfit(place, "nested too deeply")
    if wanted is Any or wanted is object:
        return value
    foreign = _foreign(wanted)
    if foreign is not None:
        return _by_foreign(foreign, value, wanted, place)
    origin = get_origin(wanted) or wanted
    if origin is Literal or (isinstance(origin, type) and issubclass(origin, Enum)):
        return _chosen(value, wanted, place)
    if origin in (Union, types.UnionType):
        return _converted(value, _fitting(value, get_args(wanted), place), place, depth + 1)
    if origin in _LISTS:
        return _list(value, origin, get_args(wanted), place, depth)
    if origin in _MAPPINGS:
        return _mapping(value, get_args(wanted), place, depth)
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        return _dataclass(value, wanted, place, depth)
    return _plain(value, wanted, place)


def _plain(value: Any, wanted: Any, place: str) -> Any:
    if wanted not in (None, type(None), bool, int, float, str, bytes):
        raise InvalidOption(f"parse: {shown(wanted)} is no type that can be made from decoded content")
    if not _is_plain(value, wanted):
        raise _mismatch(place, wanted, value)
    return _float(value, place) if wanted is float else value


def _is_plain(value: Any, wanted: Any) -> bool:
    if wanted is None:
        return value is None
    return type(value) in (int, float) if wanted is float else type(value) is wanted


def _float(value: Any, place: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise _unfit(place, "too large for a float") from None


def _list(value: Any, origin: Any, arguments: tuple[Any, ...], place: str, depth: int) -> Any:
    if not isinstance(value, list | tuple):
        raise _mismatch(place, origin, value)
    fixed = origin is tuple and arguments and arguments[-1] is not Ellipsis
    if fixed and len(arguments) != len(value):
        raise _unfit(place, f"expected {len(arguments)} members, got {len(value)}")
    wanted = arguments if fixed else (arguments[:1] or (Any,)) * len(value)
    members = [
        _converted(member, each, f"{place}[{index}]", depth + 1)
        for index, (member, each) in enumerate(zip(value, wanted, strict=True))
    ]
    if origin in (list, Sequence):
        return members
    try:
        return origin(members)
    except TypeError:
        raise _unfit(place, "members of a set must be hashable") from None


def _mapping(value: Any, arguments: tuple[Any, ...], place: str, depth: int) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise _mismatch(place, dict, value)
    keys, wanted = arguments or (Any, Any)
    return {
        _converted(key, keys, f"{place}(key)", depth + 1): _converted(each, wanted, f"{place}.{key!s:.40}", depth + 1)
        for key, each in value.items()
    }


def _dataclass(value: Any, wanted: Any, place: str, depth: int) -> Any:
    if not isinstance(value, dict):
        raise _mismatch(place, wanted, value)
    given: dict[str, Any] = {}
    for name, (hint, required) in _fields_of(wanted).items():
        if name in value:
            given[name] = _converted(value[name], hint, f"{place}.{name}", depth + 1)
        elif required:
            raise _unfit(f"{place}.{name}", f"missing, {wanted.__name__} needs it")
    try:
        return wanted(**given)
    except (TypeError, ValueError) as error:  # what its own __post_init__ says
        raise _unfit(place, f"{wanted.__name__} refused it") from error


@lru_cache(256)
def _fields_of(wanted: Any) -> Mapping[str, tuple[Any, bool]]:
    """The type of each field that a dataclass is made with, and whether it must be given."""
    try:
        hints = get_type_hints(wanted)
    except NameError as error:
        raise InvalidOption(f"parse: a field of {wanted.__name__} has a type that is not there: {error}") from error
    return {
        field.name: (hints[field.name], field.default is field.default_factory is dataclasses.MISSING)
        for field in dataclasses.fields(wanted)
        if field.init
    }


def _fitting(value: Any, types_: tuple[Any, ...], place: str) -> Any:
    """The type of a Union that `value` is converted to: chosen from outside, so that no content makes it try twice."""
    others = [each for each in types_ if each is not type(None)]
    if value is None and len(others) < len(types_):
        return None
    if len(others) == 1:
        return others[0]
    for each in sorted(others, key=lambda one: one is float):  # a whole number stays one where int is welcome
        if _looks_like(value, each):
            return each
    raise _unfit(place, f"expected one of {', '.join(map(_name, types_))}, got {_name(type(value))}")


def _looks_like(value: Any, wanted: Any) -> bool:
    origin = get_origin(wanted) or wanted
    if wanted is Any or wanted is object:
        return True
    if origin is Literal or (isinstance(origin, type) and issubclass(origin, Enum)):
        return _choice(value, wanted) is not None
    if origin in _LISTS:
        return isinstance(value, list | tuple)
    if origin in _MAPPINGS:
        return isinstance(value, dict)
    if _foreign(wanted) is not None:
        return _is_fit_for(_foreign(wanted), value)
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        return isinstance(value, dict) and all(
            (not required or name in value)
            and (get_origin(hint) is not Literal or name not in value or _choice(value[name], hint) is not None)
            for name, (hint, required) in _fields_of(wanted).items()
        )
    return _is_plain(value, wanted)


def _is_fit_for(check: Callable[[Any], Any], value: Any) -> bool:
    try:
        check(value)
    except Exception:
        return False
    return True


def _chosen(value: Any, wanted: Any, place: str) -> Any:
    choice = _choice(value, wanted)
    if choice is None:
        raise _unfit(place, f"none of {wanted!r:.160}" if get_origin(wanted) else f"no member of {wanted.__name__}")
    return choice[0]


def _choice(value: Any, wanted: Any) -> tuple[Any] | None:
    """The literal or the Enum's member that `value` stands for, in a tuple; None when it is none of them."""
    if get_origin(wanted) is Literal:
        return next(((each,) for each in get_args(wanted) if type(each) is type(value) and each == value), None)
    return next(((each,) for each in wanted if type(each.value) is type(value) and each.value == value), None)


def _foreign(wanted: Any) -> Any:
    """The function with which a type of another library checks a value, or None."""
    for name in ("model_validate", "validate_python"):
        check = getattr(wanted, name, None)
        if callable(check):
            return check
    if hasattr(wanted, "__struct_fields__"):
        library = sys.modules["msgspec"]  # there, since the type is
        return lambda value: library.convert(value, wanted)
    return None


def _by_foreign(check: Any, value: Any, wanted: Any, place: str) -> Any:
    try:
        return check(value)
    except Exception as error:  # each library has its own; what it says may hold the value, so it stays the cause
        raise _unfit(place, f"{_name(wanted)} refused it ({type(error).__name__})") from error


def _mismatch(place: str, wanted: Any, value: Any) -> UnexpectedContent:
    return _unfit(place, f"expected {_name(wanted)}, got {_name(type(value))}")


def _unfit(place: str, reason: str) -> UnexpectedContent:
    return UnexpectedContent(f"parse: {ascii(place.lstrip('.') or 'the content')[1:-1]:.200}: {reason}", sent="wholly")


def _name(wanted: Any) -> str:
    if wanted is None or wanted is type(None):
        return "null"
    return getattr(wanted, "__name__", None) or f"{wanted!r:.80}"

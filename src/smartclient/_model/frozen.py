"""`frozen` makes classes of named values that never change, as `dataclasses` does; what the values mean is elsewhere.

`dataclasses` loads `inspect`, `ast` and `tokenize`, and compiles several methods for each class: 12 ms at every start
of every program. What loads only in some of them may well be a dataclass.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")

_MISSING: Any = object()


class Field:
    """How one value is given and shown; `field` makes them."""

    __slots__ = ("compare", "default", "init", "kw_only", "repr")

    def __init__(self, default: Any, init: bool, repr: bool, compare: bool, kw_only: bool) -> None:
        self.default = default
        self.init = init
        self.repr = repr
        self.compare = compare
        self.kw_only = kw_only


def field(
    *, default: Any = _MISSING, init: bool = True, repr: bool = True, compare: bool = True, kw_only: bool = False
) -> Any:
    """What stands behind a name in a class that is `frozen`, where a default alone does not say it all.

    Args:
        default: the value where none is given.
        init: whether it is given at all; else `__post_init__` sets it.
        repr, compare: whether it is shown, and whether it counts for equality and hash.
        kw_only: whether it is given by name only.
    """
    return Field(default, init, repr, compare, kw_only)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """`cls` with slots, and with `__init__`, `__eq__`, `__hash__` and `__repr__` over its annotated names.

    Names may be given by position, in order. `__post_init__` may check them. Instances can be pickled and copied.
    """
    names = tuple(cls.__annotations__)
    fields = {name: _field_of(cls.__dict__.get(name, _MISSING)) for name in names}
    space = {name: value for name, value in cls.__dict__.items() if name not in ("__dict__", "__weakref__", *names)}
    compared = tuple(name for name in names if fields[name].compare)
    key = attrgetter(*compared) if len(compared) > 1 else lambda each: (getattr(each, compared[0]),)
    space |= _methods(cls.__name__, fields, key, hasattr(cls, "__post_init__"))
    space["__slots__"] = names
    made: type[T] = type(cls.__name__, cls.__bases__, space)
    return made


def _field_of(given: Any) -> Field:
    return given if isinstance(given, Field) else Field(given, True, True, True, False)


def _methods(title: str, fields: dict[str, Field], key: Callable[[Any], Any], checked: bool) -> dict[str, Any]:
    by_position = tuple(name for name, each in fields.items() if each.init and not each.kw_only)
    given = (*by_position, *(name for name, each in fields.items() if each.init and each.kw_only))
    defaults = {name: fields[name].default for name in given if fields[name].default is not _MISSING}
    shown = tuple(name for name, each in fields.items() if each.repr)
    put = object.__setattr__

    def __init__(self: Any, *args: Any, **named: Any) -> None:
        if len(args) > len(by_position):
            raise TypeError(f"{title}() takes at most {len(by_position)} positional arguments, {len(args)} were given")
        for name, value in zip(by_position, args, strict=False):
            if name in named:
                raise TypeError(f"{title}() got multiple values for argument {name!r}")
            put(self, name, value)
        for name in given[len(args) :]:
            value = named.pop(name, _MISSING)
            if value is _MISSING:
                value = defaults.get(name, _MISSING)
                if value is _MISSING:
                    raise TypeError(f"{title}() missing argument: {name!r}")
            put(self, name, value)
        if named:
            raise TypeError(f"{title}() got an unexpected keyword argument {next(iter(named))!r}")
        if checked:
            self.__post_init__()

    def __eq__(self: Any, other: object) -> Any:
        return key(self) == key(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(key(self))

    def __repr__(self: Any) -> str:
        return f"{title}({', '.join([f'{name}={getattr(self, name)!r}' for name in shown])})"

    def __setattr__(self: Any, name: str, value: Any) -> None:
        raise AttributeError(f"cannot assign to {name!r}: a {title} does not change")

    def __delattr__(self: Any, name: str) -> None:
        raise AttributeError(f"cannot delete {name!r}: a {title} does not change")

    def __getstate__(self: Any) -> Any:
        return [getattr(self, name) for name in fields]

    def __setstate__(self: Any, state: Any) -> None:
        for name, value in zip(fields, state, strict=True):
            put(self, name, value)

    methods = (__init__, __eq__, __hash__, __repr__, __setattr__, __delattr__, __getstate__, __setstate__)
    return {each.__name__: each for each in methods} | {"__match_args__": by_position, "_given": given}


def replace(instance: T, **changes: Any) -> T:
    """A copy of an instance of a `frozen` class with some values changed; they are checked as in a new one."""
    cls: Any = type(instance)
    return cls(**{name: getattr(instance, name) for name in cls._given if name not in changes}, **changes)  # type: ignore[no-any-return]

"""`NamedTuple` and `Protocol` as in `typing`, at a fraction of the cost; what is declared with them is elsewhere.

Those of `typing` compile a constructor for each class, look at each annotation once more, and prepare for questions
that nobody asks here: for our 80 classes a fifth of what a start of the command takes. Type checkers see theirs.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple", "Protocol"]

if TYPE_CHECKING:
    from typing import NamedTuple, Protocol
else:
    from collections import namedtuple
    from functools import lru_cache
    from types import FunctionType

    @lru_cache(None)
    def _pattern(count: int) -> Any:
        """A class of so many values: all others of its size have its way to be made, and to be read."""
        return namedtuple("_pattern", [f"value{place}" for place in range(count)])

    def _constructor(title: str, names: tuple[str, ...], defaults: tuple[Any, ...]) -> Any:
        """`__new__` of a class with values of these names, as `namedtuple` has it."""
        new = _pattern(len(names)).__new__
        made = FunctionType(new.__code__.replace(co_varnames=("_cls", *names)), new.__globals__, "__new__", defaults)
        made.__qualname__ = f"{title}.__new__"
        return made

    class _Values(tuple):
        __slots__ = ()

        def __repr__(self) -> str:
            shown = ", ".join([f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True)])
            return f"{type(self).__name__}({shown})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        @classmethod
        def _make(cls, values: Any) -> Any:
            """An instance of these values, in order."""
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has {len(cls._fields)} values, not {len(made)}")
            return made

        def _replace(self, **changes: Any) -> Any:
            """A copy with some values changed."""
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"{type(self).__name__} has no {', '.join(changes)}")
            return made

        def _asdict(self) -> dict[str, Any]:
            """The values by their names."""
            return dict(zip(self._fields, self, strict=True))

    class _Declared(type):
        def __new__(cls, title: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, title, bases, space)
            types = space.get("__annotations__", {})
            names = tuple(types)
            defaults = {name: space[name] for name in names if name in space}
            new = _constructor(title, names, tuple(defaults.values()))
            new.__annotations__ = types
            pattern = _pattern(len(names))
            getters = {name: vars(pattern)[place] for name, place in zip(names, pattern._fields, strict=True)}
            named = {"__slots__": (), "_fields": names, "_field_defaults": defaults, "__match_args__": names}
            return type(title, (_Values,), {**space, **getters, **named, "__new__": new})

    class NamedTuple(metaclass=_Declared):
        """Stands for `typing.NamedTuple` among the bases of a class."""

    class Protocol:
        """Stands for `typing.Protocol` among the bases of a class."""

        __slots__ = ()

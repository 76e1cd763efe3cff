"""`once`: attributes that are made when somebody first looks, and may be set like any other."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):
    """A method whose result stands in the instance from the first look on.

    As no data descriptor it is passed by when the instance has the name already, be it made or set.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        return instance.__dict__.setdefault(self._name, self._make(instance))

    if TYPE_CHECKING:

        def __set__(self, instance: object, value: Any) -> None: ...


class noted_once(once[T]):
    """The same for attributes of sessions that decide how calls are made: a look is noted in `_touched`."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is not None:
            instance._touched = True
        return super().__get__(instance, owner)

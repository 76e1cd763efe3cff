"""What a session may have besides its options: who observes it; nouns, and nothing that a plain call pays for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .events import Event


class Observer(NamedTuple):
    """Who is told of events.

    Attributes:
        tell: called with each event; must not raise.
        keeps: bytes of each body that it wants to see in `Exchange.body`.
    """

    tell: "Callable[[Event], Any]"
    keeps: int = 0


class Extras(NamedTuple):
    """Each of them is a stage of its own, which is there only where it is wanted.

    Attributes:
        observers: who is told of events.
    """

    observers: tuple[Observer, ...] = ()


NO_EXTRAS = Extras()

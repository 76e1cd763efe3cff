"""Who is told of what happens in calls."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .declared import NamedTuple

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

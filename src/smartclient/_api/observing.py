"""The settings by which a session is observed: `on_event`, the logger `smartclient`, recorders; never what they see."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._model.errors import InvalidOption, shown
from .._model.extras import Extras, Observer
from .._pipeline.stage import Stage

if TYPE_CHECKING:
    from .._model.events import Event


class ObservedSettings:
    """Properties of sessions; see `Settings`."""

    _chain: Stage | None
    _lock: Any
    _recorders: tuple[Observer, ...]
    _on_event: "Callable[[Event], Any] | None"

    @property
    def on_event(self) -> "Callable[[Event], Any] | None":
        """A plain function that is called with each event of each call; what it raises is logged, and costs no call."""
        return self._on_event

    @on_event.setter
    def on_event(self, function: Any) -> None:
        if function is not None and not callable(function):
            raise InvalidOption(f"on_event must be a function of one event, not {shown(function)}")
        with self._lock:
            self._on_event = function
            self._chain = None  # the next call builds one with its observers, over the same pool

    def _record(self, recorders: tuple[Observer, ...]) -> None:
        """Has `recorders` told of the calls that begin from now on."""
        with self._lock:
            self._recorders = recorders
            self._chain = None

    def _extras(self) -> Extras:
        """What a chain that is built now has to have; the logger is looked at here, not at each call."""
        observers = self._recorders
        if self._on_event is not None:
            observers += (Observer(_Guarded(self._on_event)),)
        logger = _debug_logger()
        if logger is not None:
            observers += (Observer(lambda event: logger.debug("[%d] %s", event.call, event)),)
        return Extras(observers)


class _Guarded:
    """A function of the caller's, whose failures are logged."""

    __slots__ = ("_function",)

    def __init__(self, function: "Callable[[Event], Any]") -> None:
        self._function = function

    def __call__(self, event: "Event") -> None:
        try:
            self._function(event)
        except Exception:
            import logging

            logging.getLogger("smartclient").exception("on_event failed for %s", type(event).__name__)


def _debug_logger() -> Any:
    """The logger of the package if it wants events; where nobody has loaded `logging`, nobody does."""
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    logger = logging.getLogger("smartclient")
    return logger if logger.isEnabledFor(logging.DEBUG) else None

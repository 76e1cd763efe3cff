"""What the calls over one runtime do for each other: flights, and validations in the background; never how."""

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .._runtime.base import Runtime, new_lock
from .background import Background
from .caching import Caching

if TYPE_CHECKING:
    from .flights import Flights


class Together:
    """Shared by the stages of all sessions over one pool, and as long-lived as that.

    Attributes:
        runtime: theirs.
        background: for validations.
    """

    def __init__(self, runtime: Runtime, *, background: bool = True) -> None:
        """`background`: whether somebody is sure to close it."""
        self.runtime = runtime
        self.background = Background(runtime, open=background)
        self._lock = new_lock()
        self._flights: WeakKeyDictionary[Caching, Flights] = WeakKeyDictionary()

    def flights_of(self, caching: Caching) -> "Flights | None":
        """The flights of the calls over one cache; None where nobody waits for others."""
        if caching.collapse is False:
            return None
        from .flights import Flights

        with self._lock:
            flights = self._flights.get(caching)
            if flights is None:
                flights = self._flights[caching] = Flights(self.runtime)
            return flights

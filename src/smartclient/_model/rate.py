"""How fast a session may go, as its caller says it; never the waiting."""

from typing import Any

from .errors import InvalidOption, shown
from .frozen import frozen


@frozen
class Rate:
    """At most `count` requests in `per` seconds to one origin, retries and redirects included.

    >>> Rate(10, per=1.0)
    Rate(count=10, per=1.0, burst=10)

    Attributes:
        count: requests.
        per: seconds.
        burst: requests that may go out at once after a rest; None for as many as `count`, and at least one.

    Raises:
        InvalidOption: no positive numbers.
    """

    count: float
    per: float = 1.0
    burst: int | None = None

    def __post_init__(self) -> None:
        for name in ("count", "per"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise InvalidOption(f"Rate({name}=): expected a number above 0, not {shown(value)}")
        burst: Any = max(1, int(self.count)) if self.burst is None else self.burst
        if isinstance(burst, bool) or not isinstance(burst, int) or burst < 1:
            raise InvalidOption(f"Rate(burst=): expected a whole number, 1 or more, not {shown(burst)}")
        object.__setattr__(self, "burst", burst)

    @property
    def interval(self) -> float:
        """Seconds between two requests in the long run."""
        return self.per / self.count

    @property
    def slack(self) -> float:
        """Seconds that a request may come before its time, after a rest."""
        return self.interval * ((self.burst or 1) - 1)

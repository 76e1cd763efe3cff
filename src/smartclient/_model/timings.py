"""How long the phases of one exchange took: noted while it goes on, shown as `Timings`; no clock is read here."""

from .declared import NamedTuple


class Timings(NamedTuple):
    """Seconds of one exchange; None for a phase that did not come to its end, or whose moments nobody took down.

    Plain calls take down what opening a connection took, and when they had sent what went over a new one; all of it
    is there for sessions with `on_event`, and for those whose logger is at DEBUG.

    Attributes:
        pool_wait: for a free connection.
        dns, connect, tls: looking the name up, TCP (with the way through a proxy), TLS; 0.0 on a kept-alive connection.
        send: handing the request over.
        wait: from the end of that to the answer's head.
        receive: from the head to the end of the body.
        total: all of it.
        reused: whether the connection had been open before; None where there was none.
    """

    pool_wait: float | None = None
    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    send: float | None = None
    wait: float | None = None
    receive: float | None = None
    total: float | None = None
    reused: bool | None = None


class Notes:
    """The moments of one exchange under way, in monotonic seconds, and what opening its connection took.

    Attributes:
        began: when it began.
        pool_wait: seconds that it waited for a connection.
        dns, connect, tls: seconds; None for what did not happen.
        opened: when its connection was open; None while it is not, and for one that was open before.
        sent, head, ended: when the request was handed over, the head was there, the body had ended.
    """

    __slots__ = ("began", "connect", "dns", "ended", "head", "opened", "pool_wait", "sent", "tls")

    def __init__(self, began: float) -> None:
        self.began = began
        self.pool_wait = 0.0
        self.dns: float | None = None
        self.connect: float | None = None
        self.tls: float | None = None
        self.opened: float | None = None
        self.sent: float | None = None
        self.head: float | None = None
        self.ended: float | None = None

    def timings(self, reused: bool | None = None) -> Timings:
        """What they come to; `reused` is whether the connection was open before, where it is not known from here."""
        opening = (self.dns, self.connect, self.tls)
        fresh = self.opened is not None or self.dns is not None
        ready = self.opened
        if not fresh and self.sent is not None:
            opening, ready = (0.0, 0.0, 0.0), self.began + self.pool_wait
        elif self.opened is not None:
            opening = (self.dns or 0.0, self.connect or 0.0, self.tls or 0.0)
        return Timings(
            self.pool_wait,
            *opening,
            _between(ready, self.sent),
            _between(self.sent, self.head),
            _between(self.head, self.ended),
            _between(self.began, self.ended),
            False if fresh else reused,
        )


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else max(0.0, end - start)

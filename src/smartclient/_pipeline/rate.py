"""Holds requests back by the session's rate, inside the deadline; one time for each exchange, retries included."""

from .._model.errors import DeadlineExceeded
from .._model.message import Reply
from .._model.rate import Rate
from .._model.request import Request
from .._rules.rate import RateLimiter, quota_in
from .retry import Waits
from .stage import Stage


class RateStage:
    """Waits before an exchange for its turn, and hears afterwards what the server says of its own limits."""

    __slots__ = ("limiter", "next", "rate", "runtime")

    def __init__(self, rate: Rate, limiter: RateLimiter, runtime: Waits, next: Stage) -> None:
        """`limiter` is shared by all calls of a session."""
        self.rate = rate
        self.limiter = limiter
        self.runtime = runtime
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        origin, now = request.url.origin, self.runtime.now()
        wait = self.limiter.reserve(origin, self.rate, now, request.deadline - now)
        if wait is None:
            raise DeadlineExceeded(
                f"{request.method} {origin} failed: its turn by {self.rate!r} comes after the deadline (nothing sent)"
            )
        if wait > 0.0:
            if request.watch is not None:
                from .._model.events import RateHeld  # few sessions are observed

                request.watch.tell(RateHeld, origin, wait)
            await self.runtime.sleep(wait)
        reply = await self.next(request)
        quota = quota_in(reply.head.fields)
        if quota is not None:
            self.limiter.hear(origin, self.rate, quota, self.runtime.now())
        return reply

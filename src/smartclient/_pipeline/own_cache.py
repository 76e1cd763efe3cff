"""The place of the cache stage in sessions that keep nothing; what a cache does is in `cache`."""

from collections.abc import Callable

from .._model.message import Reply
from .._model.request import Request
from .stage import Stage
from .together import Together


class OwnCacheStage:
    """Where the session keeps nothing: a call that brings a cache of its own has it used."""

    __slots__ = ("again", "clock", "next", "together")

    def __init__(self, clock: Callable[[], float], next: Stage, together: Together, again: bool = True) -> None:
        """As for `CacheStage`."""
        self.again = again
        self.clock = clock
        self.next = next
        self.together = together

    async def __call__(self, request: Request) -> Reply:
        own = request.options.caching
        if own is None:
            return await self.next(request)
        from .cache import CacheStage

        return await CacheStage(own, self.clock, self.next, self.together, self.again)(request)

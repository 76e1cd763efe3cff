"""Repeats what failed, while the rules allow. Sees network exchanges only: cache hits never get here."""

from typing import Protocol

from .._model.errors import RequestException
from .._model.message import Reply
from .._model.request import Request
from .._rules.retry import delay_before_retry, is_passing, may_repeat
from .stage import Stage


class Waits(Protocol):
    """What this stage needs of a runtime."""

    def now(self) -> float: ...

    def random(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class RetryStage:
    """Sends again after a passing failure, at most `options.retries` times, inside the deadline.

    A kept-alive connection that turns out to be closed costs no retry: the request goes out once more, at once and
    over a new connection. With `retries=0` only if nothing of it had left.
    """

    __slots__ = ("next", "runtime")

    def __init__(self, runtime: Waits, next: Stage) -> None:
        self.runtime = runtime
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        try:
            return await self.next(request)
        except RequestException as error:
            failure = error
        return await self._again(request, failure)

    async def _again(self, request: Request, failure: RequestException) -> Reply:
        attempts: list[RequestException] = []
        delay = 0.0
        replayed = False
        while True:
            attempts.append(failure)
            failure.attempts = tuple(attempts[:-1])
            if not may_repeat(request, failure):
                raise failure
            if failure.stale and not replayed and (request.options.retries or failure.sent == "nothing"):
                replayed = True
            else:
                used = len(attempts) - 1 - replayed
                delay = delay_before_retry(delay, self.runtime.random())
                late = self.runtime.now() + delay >= request.deadline
                if used >= request.options.retries or not is_passing(failure) or late:
                    raise failure
                await self.runtime.sleep(delay)
            try:
                reply = await self.next(request.replace(fresh=True))
            except RequestException as error:
                failure = error
            else:
                reply.attempts = tuple(attempts)
                return reply

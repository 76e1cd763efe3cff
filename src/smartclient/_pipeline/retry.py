"""Repeats what failed, while the rules allow. Sees network exchanges only: cache hits never get here."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._model.declared import Protocol
from .._model.errors import RequestException
from .._model.message import Reply
from .._model.request import Request
from .._model.retry import Attempt, RetryPolicy
from .._rules.budget import RetryBudget
from .._rules.retry import Course, Moment, PolicyCourse, Verdict
from .stage import Stage

if TYPE_CHECKING:
    from .._model.events import Watch


class Waits(Protocol):
    """What this stage needs of a runtime."""

    def now(self) -> float: ...

    def random(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class RetryStage:
    """Sends again what failed, or was answered with a passing status, as `options.retries` allows and in time."""

    __slots__ = ("budget", "next", "owed", "runtime", "wall_clock")

    def __init__(self, runtime: Waits, wall_clock: Callable[[], float], budget: RetryBudget, next: Stage) -> None:
        """`wall_clock` gives seconds since the epoch; `budget` is shared by all calls of a session."""
        self.runtime = runtime
        self.wall_clock = wall_clock
        self.budget = budget
        self.owed = budget.owed
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        try:
            reply = await self.next(request)
        except RequestException as error:
            outcome: Reply | RequestException = error
        else:
            status = reply.head.status
            if status == 200 or status not in request.options.retries.statuses:
                if self.owed:
                    self.budget.give(request.url.origin)
                return reply
            outcome = reply
        try:
            return await self._follow(request, outcome)
        finally:
            del outcome  # a failure whose own frames know it, and so the request, would wait for the collector

    async def _follow(self, request: Request, outcome: Reply | RequestException) -> Reply:
        """What comes of a call whose first attempt ended as `outcome`."""
        rule, started = request.options.retries, request.began
        self.budget.give(request.url.origin)
        attempts: list[Attempt] = []
        course: Course | None = None
        try:
            while True:
                try:
                    if course is None:
                        own = isinstance(rule, RetryPolicy)
                        course = PolicyCourse(rule, request, self.budget) if own else rule.begin(request)
                    left = request.deadline - self.runtime.now()
                    verdict = course.after(outcome, Moment(self.wall_clock(), left, self.runtime.random()))
                except BaseException:  # a rule that others wrote
                    _let_go(outcome)
                    raise
                attempts.append(_attempt(outcome, self.runtime.now() - started, verdict, request.watch))
                if verdict.delay is None:
                    return _concluded(outcome, tuple(attempts), verdict)
                if request.watch is not None:
                    from .._model.events import Retried  # few sessions are observed

                    request.watch.tell(Retried, attempts[-1])
                if isinstance(outcome, Reply):
                    await outcome.raw.discard()  # its connection goes back before we wait
                if verdict.delay > 0.0:
                    await self.runtime.sleep(verdict.delay)
                started = self.runtime.now()
                try:
                    outcome = await self.next(request.replace(fresh=verdict.fresh))
                except RequestException as error:
                    outcome = error
                    continue
                if outcome.head.status not in rule.statuses:
                    attempts.append(_attempt(outcome, self.runtime.now() - started, Verdict(None, ""), request.watch))
                    outcome.attempts = tuple(attempts)
                    return outcome
        finally:
            del outcome


def _attempt(outcome: Reply | RequestException, seconds: float, verdict: Verdict, watch: "Watch | None") -> Attempt:
    timings = None if watch is None or watch.notes is None else watch.notes.timings()
    ending = (seconds, verdict.delay, verdict.reason, timings)
    if isinstance(outcome, Reply):
        return Attempt(outcome.head.status, None, "", "wholly", *ending)
    return Attempt(None, type(outcome).__name__, str(outcome), outcome.sent, *ending)


def _concluded(outcome: Reply | RequestException, attempts: tuple[Attempt, ...], verdict: Verdict) -> Reply:
    """The last answer, or raises the last failure, or the error that the rule has in its place."""
    outcome.attempts = attempts
    if verdict.error is not None:
        verdict.error.attempts = attempts
        _let_go(outcome)
        raise verdict.error from (outcome if isinstance(outcome, RequestException) else None)
    if isinstance(outcome, Reply):
        return outcome
    if verdict.reason:
        outcome.add_note(f"not sent again: {verdict.reason}")
    try:
        raise outcome
    finally:
        del outcome


def _let_go(outcome: Reply | RequestException) -> None:
    if isinstance(outcome, Reply):
        outcome.body.abort()

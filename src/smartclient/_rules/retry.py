"""Whether and when a request is sent again (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1); never the sending."""

from collections.abc import Container

from .._model.declared import NamedTuple, Protocol
from .._model.errors import (
    ConnectionError,
    DeadlineExceeded,
    ReadError,
    RequestException,
    ServerDisconnected,
    Timeout,
    WriteError,
)
from .._model.fields import parse_retry_after
from .._model.message import Reply
from .._model.request import Request
from .._model.retry import RetryPolicy
from .._model.url import Origin
from .budget import RetryBudget

_MISDIRECTED = 421
_NOT_IN_TIME = 408
_READS_NOTHING_OF_BODIES = "the body can be read only once"


class Moment(NamedTuple):
    """When, and with what luck, a decision is made.

    Attributes:
        wall: seconds since the epoch.
        left: seconds until the call's deadline; `inf` without one.
        dice: random, 0.0 <= dice < 1.0.
    """

    wall: float
    left: float
    dice: float


class Verdict(NamedTuple):
    """What follows an attempt.

    Attributes:
        delay: seconds until the next one; None when there is none.
        reason: why there is one, or why not; "" where nobody would expect one.
        fresh: whether the next goes over a new connection.
        error: raised in the place of an answer, or of a failure, that no attempt follows.
    """

    delay: float | None
    reason: str
    fresh: bool = False
    error: RequestException | None = None


class Course(Protocol):
    """What the attempts of one call go by, asked after each; it may remember what it answered."""

    def after(self, outcome: Reply | RequestException, moment: Moment) -> Verdict: ...


class Rule(Protocol):
    """What `Options.retries` may be instead of a `RetryPolicy`: the seam for policies that others wrote.

    `statuses` are those of answers after which a course wants to be asked; after a 200 it is not.
    """

    @property
    def statuses(self) -> Container[int]: ...

    def begin(self, request: Request) -> Course: ...


class PolicyCourse:
    """The attempts of one call by a `RetryPolicy`.

    Two kinds of repetition are no retries, and happen once each and at once: a kept-alive connection that turns out
    to be closed, and a 421, which says that nothing was done. With `retries=0` nothing that may have reached the
    server goes out twice.
    """

    __slots__ = ("_budget", "_delay", "_origin", "_policy", "_redirected", "_replayed", "_request", "_used")

    def __init__(self, policy: RetryPolicy, request: Request, budget: RetryBudget) -> None:
        self._policy = policy
        self._request = request
        self._origin: Origin = request.url.origin
        self._budget = budget
        self._delay = 0.0
        self._used = 0
        self._replayed = self._redirected = False

    def after(self, outcome: Reply | RequestException, moment: Moment) -> Verdict:
        if isinstance(outcome, RequestException):
            return self._after_failure(outcome, moment)
        return self._after_answer(outcome, moment)

    def _after_failure(self, failure: RequestException, moment: Moment) -> Verdict:
        if not is_passing(failure, on_timeout=self._policy.on_timeout):
            return Verdict(None, "")
        obstacle = why_not_repeatable(self._request, self._policy, failure.sent)
        if obstacle is not None:
            return Verdict(None, obstacle)
        if failure.stale and not self._replayed and (self._policy.retries or failure.sent == "nothing"):
            self._replayed = True
            return Verdict(0.0, "the server had closed the kept-alive connection", fresh=True)
        return self._retry(moment, type(failure).__name__, None, fresh=True)

    def _after_answer(self, reply: Reply, moment: Moment) -> Verdict:
        status, policy = reply.head.status, self._policy
        if policy.retries == 0:
            return Verdict(None, "retries=0")
        if status == _MISDIRECTED:
            if self._redirected or not self._request.body.replayable:
                return Verdict(None, "421 again" if self._redirected else _READS_NOTHING_OF_BODIES)
            self._redirected = True
            return Verdict(0.0, "421: another connection may be the right one", fresh=True)
        obstacle = why_not_repeatable(self._request, policy, "wholly")
        if obstacle is not None:
            return Verdict(None, obstacle)
        asked = parse_retry_after(reply.head.fields.get("retry-after", ""), moment.wall)
        if asked is not None and asked > policy.retry_after_max:
            return Verdict(None, f"Retry-After of {asked:.0f} s is over retry_after_max={policy.retry_after_max:g}")
        return self._retry(moment, f"status {status}", asked, fresh=status == _NOT_IN_TIME)

    def _retry(self, moment: Moment, reason: str, asked: float | None, *, fresh: bool) -> Verdict:
        """One retry more, if number, time and budget allow; `asked` is what the server wants to be waited."""
        policy = self._policy
        if self._used >= policy.retries:
            return Verdict(None, f"retries={policy.retries}")
        delay = self._delay = delay_before_retry(self._delay, moment.dice, policy)
        if asked is not None:
            delay, reason = asked, f"{reason}, Retry-After"
        if delay >= moment.left:
            return Verdict(None, f"a wait of {delay:.2f} s would pass the deadline")
        if not self._budget.take(self._origin, policy.budget):
            return Verdict(None, f"the budget of {policy.budget} retries for {self._origin} is used up")
        self._used += 1
        return Verdict(delay, reason, fresh)


def why_not_repeatable(request: Request, policy: RetryPolicy, sent: str) -> str | None:
    """Why sending `request` again could do a thing twice, or cannot be done; None when it may be sent again.

    Nothing of it had left: any method. Else idempotent ones. The body must be readable a second time in either case.
    """
    if not request.body.replayable:
        return _READS_NOTHING_OF_BODIES
    if sent == "nothing" or request.options.idempotent or request.method in policy.methods:
        return None
    return f"{request.method} is not idempotent, and was {sent} sent"


def is_passing(error: RequestException, *, on_timeout: bool = False) -> bool:
    """Whether trying again may help: refused, reset, closed before the head.

    Not time-outs (a caller's limit is not tripled) unless `on_timeout`, certificates, unknown names, or a peer that
    breaks HTTP.
    """
    if error.elsewhere:
        return False
    if isinstance(error, Timeout):
        return on_timeout and not isinstance(error, DeadlineExceeded)
    return isinstance(error, ReadError | WriteError | ServerDisconnected) or type(error) is ConnectionError


def delay_before_retry(previous: float, dice: float, policy: RetryPolicy) -> float:
    """Seconds to wait, decorrelated: uniform between the base and three times the wait before, capped.

    `previous` is 0.0 before the first retry; `dice` is random, 0.0 <= dice < 1.0.
    """
    base = policy.base
    upper = max(base, 3 * (previous or base))
    return min(policy.cap, base + dice * (upper - base))

"""What a caller says of retries, and what a call tells of them; never the decisions.

Source: RFC 9110 section 9.2.2 (idempotent methods), the IANA registries of methods and statuses.
"""

from collections.abc import Iterable
from typing import Any

from .declared import NamedTuple
from .errors import InvalidOption, shown
from .frozen import field, frozen
from .timings import Timings

# The IANA registry of methods: idempotent ones, WebDAV included. QUERY: RFC 10008.
IDEMPOTENT_METHODS = frozenset(
    """
    ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY DELETE GET HEAD LABEL LINK MERGE MKACTIVITY MKCALENDAR MKCOL
    MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PRI PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH TRACE
    UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL
    """.split()  # noqa: SIM905, as a list it would fill a page
)
# 421 is special: any method, once. RFC 9110 sections 15.5.9 and 15.5.20, RFC 8470 (425), RFC 6585 (429).
RETRIED_STATUSES = frozenset((408, 421, 425, 429, 502, 503, 504))


@frozen
class RetryPolicy:
    """What is sent again, how often and when. `retries=2` is short for `RetryPolicy(2)`.

    >>> patient = RetryPolicy(5, on_timeout=True, methods=RetryPolicy().methods | {"REPORT-ALL"})

    Attributes:
        retries: further attempts at most.
        statuses: answers that are retried; 421 once, at once and over a new connection, whatever the method.
        methods: those that may be sent again after they may have reached the server.
        on_timeout: a wait that passed its limit is retried too; never one that passed the limit of the whole call.
        retry_after_max: seconds; a server that asks for a longer wait gets no retry, and the caller gets its answer.
        base, cap: seconds; waits are random between `base` and three times the wait before, at most `cap`.
        budget: retries that one origin may have outstanding over all calls of the session, of which five further
            calls pay for one; None for no bound. So clients do not multiply an outage.

    Raises:
        InvalidOption: a value that none of these can have.
    """

    retries: int = 2
    statuses: frozenset[int] = field(default=RETRIED_STATUSES, kw_only=True)
    methods: frozenset[str] = field(default=IDEMPOTENT_METHODS, kw_only=True, repr=False)
    on_timeout: bool = field(default=False, kw_only=True)
    retry_after_max: float = field(default=60.0, kw_only=True)
    base: float = field(default=0.25, kw_only=True)
    cap: float = field(default=20.0, kw_only=True)
    budget: int | None = field(default=20, kw_only=True)

    def __post_init__(self) -> None:
        retries: Any = self.retries
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise InvalidOption(f"retries must be a whole number, 0 or more, or a RetryPolicy, not {shown(retries)}")
        for name in ("retry_after_max", "base", "cap"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise InvalidOption(f"RetryPolicy({name}=): expected seconds, 0 or more, not {shown(value)}")
        budget: Any = self.budget
        if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 0):
            raise InvalidOption(f"RetryPolicy(budget=): expected a whole number or None, not {shown(budget)}")
        statuses = _members("statuses", self.statuses, int)
        if 200 in statuses:
            raise InvalidOption("RetryPolicy(statuses=): a 200 is never retried")
        object.__setattr__(self, "statuses", statuses)
        methods = _members("methods", self.methods, str)
        object.__setattr__(self, "methods", frozenset(method.upper() for method in methods))


def _members(name: str, value: Any, kind: type) -> frozenset[Any]:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        members = frozenset(value)
        if all(isinstance(each, kind) for each in members):
            return members
    raise InvalidOption(f"RetryPolicy({name}=): expected a set of {kind.__name__}, not {shown(value)}")


DEFAULT_RETRIES = RetryPolicy()


class Attempt(NamedTuple):
    """One time that a request was sent, or was to be.

    Attributes:
        status: of the answer; None when there was none.
        error: the name of the error's class in `smartclient.exceptions`; None when there was an answer.
        detail: what the error said; "" for an answer.
        sent: "nothing", "partly" or "wholly": how much of the request had left.
        seconds: from its start to the answer's head or to the failure; None where nobody looked at a clock.
        delay: seconds waited before the next attempt; None when there was no further one.
        reason: why there was another attempt, or why there was none.
        timings: of its phases, for sessions that are observed; else None.
    """

    status: int | None
    error: str | None
    detail: str
    sent: str
    seconds: float | None
    delay: float | None = None
    reason: str = ""
    timings: Timings | None = None

    def __str__(self) -> str:
        what = f"{self.status}" if self.error is None else f"{self.error}: {self.detail}"
        then = "" if self.delay is None else f"; again after {self.delay:.2f} s"
        took = "" if self.seconds is None else f" after {self.seconds:.3f} s"
        return f"{what}{took}{then}{self.reason and f' ({self.reason})'}"

"""Retry objects of urllib3, by duck typing, as the rule by which an adapter repeats: they count as they are used to."""

import sys
from types import ModuleType
from typing import Any

from .._model.errors import (
    ConnectTimeout,
    InvalidOption,
    PoolTimeout,
    ProxyError,
    ReadTimeout,
    RequestException,
    RetryError,
    SSLError,
    shown,
)
from .._model.headers import Headers
from .._model.message import Reply
from .._model.request import Request
from .._model.retry import RetryPolicy
from .._rules.retry import Moment, Rule, Verdict

_METHODS = ("increment", "is_retry", "get_backoff_time")


def rule_from(value: Any) -> RetryPolicy | Rule:
    """What `max_retries=` means: at most so many further attempts, a policy, or an object like urllib3's Retry.

    A number repeats what failed, time-outs included, at once and without a budget, as urllib3 does.

    Raises:
        InvalidOption: none of these.
    """
    if isinstance(value, RetryPolicy):
        return value
    if value is False:
        value = 0
    if isinstance(value, int) and not isinstance(value, bool):
        return RetryPolicy(value, statuses=frozenset(), on_timeout=True, base=0.0, cap=0.0, budget=None)
    if all(callable(getattr(value, name, None)) for name in _METHODS):
        return ForeignRetry(value)
    raise InvalidOption(f"max_retries must be a number, a RetryPolicy, or a Retry of urllib3, not {shown(value)}")


class _EveryStatus:
    def __contains__(self, status: object) -> bool:
        return True


class ForeignRetry:
    """A rule for `Options.retries` that asks such an object."""

    statuses = _EveryStatus()

    def __init__(self, retry: Any) -> None:
        self._retry = retry

    def begin(self, request: Request) -> "ForeignCourse":
        return ForeignCourse(self._retry, request)


class ForeignCourse:
    """The attempts of one call: the object is replaced by what its `increment` gives."""

    def __init__(self, retry: Any, request: Request) -> None:
        self._retry = retry
        self._request = request

    def after(self, outcome: Reply | RequestException, moment: Moment) -> Verdict:
        if isinstance(outcome, RequestException):
            return self._after_failure(outcome, moment)
        return self._after_answer(outcome, moment)

    def _after_failure(self, failure: RequestException, moment: Moment) -> Verdict:
        if not self._request.body.replayable:
            return Verdict(None, "the body can be read only once")
        if not self._counted(error=_as_urllib3(failure, self._retry)):
            return Verdict(None, "max_retries")
        return self._again(self._retry.get_backoff_time(), type(failure).__name__, moment)

    def _after_answer(self, reply: Reply, moment: Moment) -> Verdict:
        retry, request, fields, status = self._retry, self._request, reply.head.fields, reply.head.status
        if not retry.is_retry(request.method, status, "retry-after" in fields) or not request.body.replayable:
            return Verdict(None, "")
        answer = _Answer(status, Headers(fields))
        if not self._counted(response=answer):
            if getattr(retry, "raise_on_status", True) is False:
                return Verdict(None, "max_retries")
            what = f"{request.method} {request.url.safe}: too many {status} error responses"
            return Verdict(None, "max_retries", error=RetryError(what, sent="wholly"))
        asked = None
        if getattr(self._retry, "respect_retry_after_header", False):
            asked = self._retry.get_retry_after(answer)
        return self._again(asked or self._retry.get_backoff_time(), f"status {status}", moment)

    def _counted(self, **what: Any) -> bool:
        """Whether the object allows one attempt more; it is counted then."""
        try:
            self._retry = self._retry.increment(self._request.method, self._request.url.target, **what)
        except Exception as error:
            if error is what.get("error") or type(error).__name__ == "MaxRetryError":
                return False
            raise
        return True

    def _again(self, delay: float, reason: str, moment: Moment) -> Verdict:
        if delay >= moment.left:
            return Verdict(None, f"a wait of {delay:.2f} s would pass the deadline")
        return Verdict(delay, reason, fresh=not reason.startswith("status"))


class _Answer:
    """What such objects look at in a response."""

    def __init__(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers

    def get_redirect_location(self) -> bool:
        """Redirects are followed elsewhere."""
        return False


def _as_urllib3(failure: RequestException, retry: Any) -> Exception:
    """`failure` as an error of the package that the class of `retry` comes from, which tells errors apart by class."""
    errors = _errors_beside(retry)
    if errors is None:
        return failure
    text = str(failure)
    if isinstance(failure, ProxyError):
        return errors.ProxyError(text, failure)  # type: ignore[no-any-return]
    if isinstance(failure, SSLError):
        return errors.SSLError(text)  # type: ignore[no-any-return]
    if failure.sent == "nothing" or isinstance(failure, ConnectTimeout | PoolTimeout):
        return errors.ConnectTimeoutError(text)  # type: ignore[no-any-return]
    if isinstance(failure, ReadTimeout):
        return errors.ReadTimeoutError(None, None, text)  # type: ignore[no-any-return]
    return errors.ProtocolError(text)  # type: ignore[no-any-return]


def _errors_beside(retry: Any) -> ModuleType | None:
    for kind in type(retry).__mro__:
        if kind.__name__ == "Retry":
            return sys.modules.get(f"{kind.__module__.partition('.util')[0]}.exceptions")
    return None

"""Whether and when a request is sent again (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1)."""

from .._model.errors import (
    ConnectionError,
    ReadError,
    RequestException,
    ServerDisconnected,
    Timeout,
    WriteError,
)
from .._model.request import Request

# The IANA registry of methods: idempotent ones, WebDAV included. QUERY: RFC 10008.
IDEMPOTENT_METHODS = frozenset(
    """
    ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY DELETE GET HEAD LABEL LINK MERGE MKACTIVITY MKCALENDAR MKCOL
    MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PRI PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH TRACE
    UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL
    """.split()  # noqa: SIM905, as a list it would fill a page
)

BASE_DELAY = 0.25
DELAY_CAP = 20.0


def may_repeat(request: Request, error: RequestException) -> bool:
    """Whether sending `request` again cannot do a thing twice.

    Nothing of it had left: any method. Else idempotent ones. The body must be readable a second time in either case.
    """
    if not request.body.replayable:
        return False
    return error.sent == "nothing" or request.method in IDEMPOTENT_METHODS


def is_passing(error: RequestException) -> bool:
    """Whether trying again may help: refused, reset, closed before the head.

    Not time-outs (a caller's limit is not tripled), certificates, unknown names, or a peer that breaks HTTP.
    """
    if isinstance(error, Timeout):
        return False
    return isinstance(error, ReadError | WriteError | ServerDisconnected) or type(error) is ConnectionError


def delay_before_retry(previous: float, dice: float) -> float:
    """Seconds to wait, decorrelated: uniform between the base and three times the wait before, capped.

    `previous` is 0.0 before the first retry; `dice` is random, 0.0 <= dice < 1.0.
    """
    upper = max(BASE_DELAY, 3 * (previous or BASE_DELAY))
    return min(DELAY_CAP, BASE_DELAY + dice * (upper - BASE_DELAY))

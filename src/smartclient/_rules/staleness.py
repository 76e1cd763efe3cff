"""Whether a stale response may be served: by the request, while it is validated, or for an origin that fails.

Sources: RFC 9111 sections 4.2.4 and 5.2.1.2; RFC 5861. Never whether it is stale, which is `freshness`.
"""

from math import inf

from .._model.decision import Asking, Complete, ServeStale
from .._model.errors import ConnectionError, RequestException, SSLError, Timeout
from .._model.policy import CachePolicy
from .._model.request import Request
from .._model.stored import Stored
from .answers import form_of
from .demands import Demands, demands_of
from .freshness import current_age, is_dated

ERROR_STATUSES = frozenset((500, 502, 503, 504))  # RFC 5861 section 4

License = tuple[str, str, bool]
"""Why a stale response may be served, by which rule, and whether it is to be validated in the background."""

_BY_REQUEST: License = ("the request accepts it stale", "RFC 9111 section 5.2.1.2", False)
_WHILE_VALIDATED: License = ("it may be served stale while it is validated", "RFC 5861 section 3", True)
_WHILE_ALONE: License = (*_WHILE_VALIDATED[:2], False)
_BY_DIRECTIVE = ("the origin failed, and stale-if-error covers that", "RFC 5861 section 4")
_BY_OPTION = ("the origin failed, and this cache may then serve what is stale", "RFC 9111 section 4.2.4")


def license_of(stored: Stored, demands: Demands, now: float, policy: CachePolicy) -> License | None:
    """What allows to serve `stored`, which is stale at `now`, without asking the origin; None if nothing does."""
    if stored.must_revalidate or not is_dated(stored, now):
        return None
    stale_for = now - stored.fresh_until
    if demands.max_stale is not None and stale_for <= demands.max_stale:
        return _BY_REQUEST
    if policy.stale_while_revalidate and now <= stored.swr_until and demands.min_fresh is None:
        return _WHILE_ALONE if demands.only_if_cached else _WHILE_VALIDATED
    return None


def stand_in(
    plan: Asking, request: Request, failure: RequestException | int, now: float, policy: CachePolicy
) -> ServeStale | None:
    """What to serve in the place of a failure, or of an answer with this status; None to hand that on."""
    stored = None if isinstance(plan, Complete) else plan.chosen
    if stored is None or stored.status >= 500 or stored.must_revalidate or not is_dated(stored, now):
        return None
    if not is_covered(failure):
        return None
    demands = demands_of(request)
    allowance = _allowance(stored, demands, policy)
    if allowance is None or demands.bypass is not None or demands.validated:
        return None
    if demands.stale_if_error is None and _is_refused(stored, demands, now):
        return None
    seconds, (reason, rule) = allowance
    form = form_of(request, stored)
    if form is None or now - stored.fresh_until > seconds:
        return None
    return ServeStale(stored, current_age(stored, now), form, reason, rule)


def is_covered(failure: RequestException | int) -> bool:
    """Whether it is of the kind that RFC 5861 is about: the origin could not be reached, went silent, or is broken.

    A certificate that cannot be trusted is not: whoever attacks a connection must not be able to hide by it.
    """
    if isinstance(failure, int):
        return failure in ERROR_STATUSES
    return isinstance(failure, ConnectionError | Timeout) and not isinstance(failure, SSLError)


def _allowance(stored: Stored, demands: Demands, policy: CachePolicy) -> tuple[float, tuple[str, str]] | None:
    """For how many seconds past its lifetime `stored` may stand in, and by which rule."""
    directive = max(
        stored.sie_until - stored.fresh_until if stored.sie_until else -inf,
        -inf if demands.stale_if_error is None else demands.stale_if_error,
    )
    if policy.stale_if_error is not None and policy.stale_if_error > directive:
        return policy.stale_if_error, _BY_OPTION
    return None if directive == -inf else (directive, _BY_DIRECTIVE)


def _is_refused(stored: Stored, demands: Demands, now: float) -> bool:
    too_old = demands.max_age is not None and current_age(stored, now) > demands.max_age
    return too_old or demands.min_fresh is not None

"""THE list of stages, in call order: redirect, origin, content, cache, retry, exchange."""

from collections.abc import Callable

from .._rules.budget import RetryBudget
from .._rules.hsts import HSTSList
from .._rules.jar import Jar
from .._runtime.base import Runtime
from .caching import Caching
from .content import ContentStage
from .extras import NO_EXTRAS, Extras
from .origin import OriginStage
from .own_cache import OwnCacheStage
from .redirect import RedirectStage
from .retry import RetryStage
from .stage import Stage
from .together import Together


def build_chain(
    exchange: Stage,
    *,
    together: Together,
    wall_clock: Callable[[], float],
    jar: Jar | None,
    caching: Caching | None,
    budget: RetryBudget,
    hsts: HSTSList | None = None,
    extras: Extras = NO_EXTRAS,
) -> Stage:
    """The whole pipeline around `exchange`. Down is call, up is return; no stage knows another.

    `jar` is None where no cookies are kept, `caching` where nothing is cached unless a call asks for it; `budget`
    bounds the retries of an origin; `hsts` has the hosts that are reached by https only; `extras` are stages that few
    sessions have. `together` is shared by all chains over one pool.
    """
    runtime = together.runtime
    inner = build_inner(exchange, runtime=runtime, wall_clock=wall_clock, budget=budget, extras=extras)
    hop = build_hop(inner, together=together, wall_clock=wall_clock, jar=jar, caching=caching, hsts=hsts, extras=extras)
    return extras.around_call(RedirectStage(runtime.now, hop), runtime)


def build_inner(
    exchange: Stage,
    *,
    runtime: Runtime,
    wall_clock: Callable[[], float],
    budget: RetryBudget,
    extras: Extras = NO_EXTRAS,
) -> Stage:
    """What repeats and exchanges."""
    return RetryStage(runtime, wall_clock, budget, extras.around_exchange(exchange, runtime))


def build_hop(
    inner: Stage,
    *,
    together: Together,
    wall_clock: Callable[[], float],
    jar: Jar | None,
    caching: Caching | None,
    hsts: HSTSList | None = None,
    extras: Extras = NO_EXTRAS,
    again: bool = True,
) -> Stage:
    """The stages of one hop around `inner`, which repeats and exchanges, and `again` beside the call where it may."""
    if caching is None:
        stage: Stage = OwnCacheStage(wall_clock, inner, together, again)
    else:
        from .cache import CacheStage  # with all its rules, which programs without a cache do not need

        stage = CacheStage(caching, wall_clock, inner, together, again)
    return extras.around_hop(OriginStage(jar, wall_clock, ContentStage(stage), together.runtime, hsts))

"""THE list of stages, in call order: redirect, origin, content, cache, retry, exchange."""

from collections.abc import Callable

from .._rules.budget import RetryBudget
from .._rules.jar import Jar
from .._runtime.base import Runtime
from .cache import CacheStage, OwnCacheStage
from .caching import Caching
from .content import ContentStage
from .origin import OriginStage
from .redirect import RedirectStage
from .retry import RetryStage
from .stage import Stage


def build_chain(
    exchange: Stage,
    *,
    runtime: Runtime,
    wall_clock: Callable[[], float],
    jar: Jar | None,
    caching: Caching | None,
    budget: RetryBudget,
) -> Stage:
    """The whole pipeline around `exchange`. Down is call, up is return; no stage knows another.

    `jar` is None where no cookies are kept, `caching` where nothing is cached unless a call asks for it; `budget`
    bounds the retries of an origin.
    """
    hop = build_hop(
        RetryStage(runtime, wall_clock, budget, exchange),
        runtime=runtime,
        wall_clock=wall_clock,
        jar=jar,
        caching=caching,
    )
    return RedirectStage(runtime.now, hop)


def build_hop(
    inner: Stage,
    *,
    runtime: Runtime,
    wall_clock: Callable[[], float],
    jar: Jar | None,
    caching: Caching | None,
) -> Stage:
    """The stages of one hop around `inner`, which repeats and exchanges."""
    if caching is None:
        stage: Stage = OwnCacheStage(wall_clock, inner, runtime)
    else:
        stage = CacheStage(caching, wall_clock, inner, runtime)
    return OriginStage(jar, wall_clock, ContentStage(stage), runtime)

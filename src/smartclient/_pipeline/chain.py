"""THE list of stages, in call order: redirect, origin, content, cache, retry, exchange."""

from collections.abc import Callable

from .._model.extras import NO_EXTRAS, Extras
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
    extras: Extras = NO_EXTRAS,
) -> Stage:
    """The whole pipeline around `exchange`. Down is call, up is return; no stage knows another.

    `jar` is None where no cookies are kept, `caching` where nothing is cached unless a call asks for it; `budget`
    bounds the retries of an origin; `extras` are stages that few sessions have.
    """
    if extras.observers:
        from .observe import ObservedExchange

        exchange = ObservedExchange(runtime.now, exchange)
    stage: Stage = RetryStage(runtime, wall_clock, budget, exchange)
    if caching is None:
        stage = OwnCacheStage(wall_clock, stage, runtime)
    else:
        stage = CacheStage(caching, wall_clock, stage, runtime)
    stage = ContentStage(stage)
    stage = OriginStage(jar, wall_clock, stage, runtime)
    stage = RedirectStage(runtime.now, stage)
    if extras.observers:
        from .observe import ObserveStage

        stage = ObserveStage(extras.observers, runtime.now, stage)
    return stage

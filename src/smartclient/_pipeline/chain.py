"""THE list of stages, in call order: redirect, origin, content, cache, retry, exchange."""

from collections.abc import Callable

from .._model.policy import DEFAULT_POLICY, CachePolicy
from .._rules.budget import RetryBudget
from .._rules.jar import Jar
from .._runtime.base import Runtime
from .._store.base import Store
from .cache import CacheStage
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
    store: Store | None,
    budget: RetryBudget,
    policy: CachePolicy = DEFAULT_POLICY,
) -> Stage:
    """The whole pipeline around `exchange`. Down is call, up is return; no stage knows another.

    `jar` is None where no cookies are kept, `store` where nothing is cached; `policy` says what the cache may do;
    `budget` bounds the retries of an origin.
    """
    stage: Stage = RetryStage(runtime, wall_clock, budget, exchange)
    if store is not None:
        stage = CacheStage(store, wall_clock, stage, runtime, policy)
    stage = ContentStage(stage)
    stage = OriginStage(jar, wall_clock, stage, runtime)
    return RedirectStage(runtime.now, stage)

"""What a session may have besides its options: observers, a rate, trace fields; each of them is a stage of its own."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from .._model.declared import NamedTuple
from .._model.observer import Observer
from .._runtime.base import Runtime
from .stage import Stage

if TYPE_CHECKING:
    from .._model.rate import Rate
    from .._rules.rate import RateLimiter


class Extras(NamedTuple):
    """The stages are there only where they are wanted, so that nobody else pays for them.

    Attributes:
        observers: who is told of events.
        rate: with the moments that all calls share; None for none.
        trace: whether calls get trace fields.
        trace_hosts: the hosts that they go to; None for every host.
        idempotency_key: whether POST and PATCH get one.
        spans: makes a stage that traces the exchange, of `trace_hosts` and that; None for none.
    """

    observers: tuple[Observer, ...] = ()
    rate: "tuple[Rate, RateLimiter] | None" = None
    trace: bool = False
    trace_hosts: Collection[str] | None = None
    idempotency_key: bool = False
    spans: Callable[[Collection[str] | None, Stage], Stage] | None = None

    def around_exchange(self, stage: Stage, runtime: Runtime) -> Stage:
        """The exchange, with what is around each attempt."""
        if self.spans is not None:
            stage = self.spans(self.trace_hosts, stage)
        if self.observers:
            from .observe import ObservedExchange

            stage = ObservedExchange(runtime.now, stage)
        if self.rate is not None:
            from .rate import RateStage

            stage = RateStage(*self.rate, runtime, stage)
        return stage

    def around_hop(self, stage: Stage) -> Stage:
        """All stages below the redirects, with what is around each hop."""
        if self.trace and self.trace_hosts is not None:
            from .trace import TraceHostsStage

            stage = TraceHostsStage(self.trace_hosts, stage)
        return stage

    def around_call(self, stage: Stage, runtime: Runtime) -> Stage:
        """All stages, with what is around the whole call."""
        if self.observers:
            from .observe import ObserveStage

            stage = ObserveStage(self.observers, runtime.now, stage)
        if self.trace:
            from .trace import TraceStage

            stage = TraceStage(stage)
        if self.idempotency_key:
            from .idempotency import IdempotencyStage

            stage = IdempotencyStage(stage)
        return stage


NO_EXTRAS = Extras()

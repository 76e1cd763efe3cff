"""The cache stage: looks up, asks the rules, sends, keeps what comes back; no date and no directive is read here.

Source of the rules it asks: RFC 9111. Under the content stage, so stored bytes are as received; above the retry
stage, so a hit is never an attempt.
"""

from collections.abc import Callable, Iterable

from .._model.body import BytesReader
from .._model.decision import AskAgain, Asking, Forward, Pass, Serve, ServeStale, Unsatisfiable, UseStale
from .._model.errors import RequestException
from .._model.headers import Fields, Line
from .._model.message import Head, Reply
from .._model.request import Request
from .._model.scope import Scope
from .._model.stored import Key
from .._rules.answers import head_for
from .._rules.demands import ANSWERED_METHODS, demands_nothing
from .._rules.explanation import explain, explain_served, explain_stand_in, explain_unsatisfiable
from .._rules.invalidation import SAFE_METHODS, invalidated
from .._rules.reuse import NOTHING_STORED, decide
from .._rules.staleness import stand_in
from .._rules.storing import USELESS, is_useless
from .._rules.validation import Heard, on_response
from .._runtime.base import Runtime
from .cache_keeping import Keeping, show
from .caching import Caching
from .stage import Stage

_NO_CONTENT = Fields([("Content-Length", "0")])


class CacheStage:
    """Answers from the store where the rules allow, and keeps it true to what the origin says."""

    __slots__ = ("caching", "clock", "keeping", "next", "policy", "runtime", "store")

    def __init__(self, caching: Caching, clock: Callable[[], float], next: Stage, runtime: Runtime) -> None:
        """`clock` gives wall time, seconds since the epoch; `runtime` is what the store waits with."""
        self.caching = caching
        self.store = caching.store
        self.policy = caching.policy
        self.clock = clock
        self.next = next
        self.runtime = runtime
        self.keeping = Keeping(caching, runtime)

    async def __call__(self, request: Request) -> Reply:
        options = request.options
        if options.cache is None:
            return await self._uncached(request)
        if options.caching is not None and options.caching is not self.caching:
            return await CacheStage(options.caching, self.clock, self.next, self.runtime)(request)
        if request.method == "GET" and self.store.lacks(request.url.without_fragment) and demands_nothing(request):
            return await self._first_time(request)
        keys = await self._keys_of(request)
        candidates = await self.store.lookup(self.runtime, keys) if request.method in ANSWERED_METHODS else []
        now = self.clock()
        plan = decide(request, candidates, now, self.policy)
        while isinstance(plan, Serve | ServeStale):
            reply = await self._served(request, plan, now)
            if reply is not None:
                return reply
            candidates.remove(plan.stored)  # its body went meanwhile
            plan = decide(request, candidates, now, self.policy)
        if isinstance(plan, Unsatisfiable):
            return _unsatisfiable(request, plan, keys[0])
        return await self._ask(request, plan, keys[0], now)

    async def _first_time(self, request: Request) -> Reply:
        """The short way of a plain GET for which nothing is stored, and often nothing will be."""
        sent_at = self.clock()
        reply = await self.next(request)
        if not is_useless(reply.head, self.policy):
            return await self._learn(request, reply, NOTHING_STORED, (await self._keys_of(request))[0], sent_at)
        reply.cache = explain(NOTHING_STORED, USELESS, reply.head.status, reply.head.fields, sent_at)
        return reply

    async def _uncached(self, request: Request) -> Reply:
        """A call without the cache, which has to learn of it nevertheless if it changes something."""
        reply = await self.next(request)
        if request.method not in SAFE_METHODS:
            await self._invalidate(reply, invalidated(request, reply.head), self.clock())
        return reply

    async def _keys_of(self, request: Request) -> tuple[Key, ...]:
        caching = self.caching
        if not caching.salt:
            await caching.learn_salt(self.runtime)
        return caching.keys_of(request)

    async def _served(self, request: Request, plan: Serve | ServeStale, now: float) -> Reply | None:
        """The answer from the store; None if its content is not there any more."""
        body = await self.keeping.body_of(plan.stored, plan.form)
        if body is None:
            return None
        self.store.touch(plan.stored)
        reply = Reply(head_for(plan.stored, plan.age, plan.form), body, request)
        reply.provenance = "cache"
        reply.cache = explain_served(plan, now)
        return reply

    async def _ask(self, request: Request, plan: Asking, key: Key, sent_at: float) -> Reply:
        """The origin's answer, or what stands in for it."""
        try:
            if isinstance(plan, Forward):
                reply = await self.next(request)
            else:
                reply = await self.next(_with_lines(request, plan.fields))
                request.notes = reply.request.notes
                reply.request = request  # what we added is no business of the stages above
        except RequestException as failure:
            now = self.clock()
            spare = stand_in(plan, request, failure, now, self.policy)
            served = None if spare is None else await self._served(request, spare, now)
            if spare is None or served is None:
                raise
            served.attempts = failure.attempts
            served.cache = explain_stand_in(spare, plan, None, now)
            return served
        return await self._learn(request, reply, plan, key, sent_at)

    async def _learn(self, request: Request, reply: Reply, plan: Asking, key: Key, sent_at: float) -> Reply:
        """What the answer means for the store, and so for the caller."""
        if reply.provenance == "adapter":
            return reply
        now = self.clock()
        outcome = on_response(plan, Heard(request, key, reply.head, sent_at, now, self.policy))
        if not isinstance(outcome, AskAgain):
            reply.cache = explain(plan, outcome, reply.head.status, reply.head.fields, now, key)
        if isinstance(outcome, Pass) and not outcome.invalidate:
            return reply
        if outcome.invalidate:
            await self._invalidate(reply, outcome.invalidate, now)
        try:
            if isinstance(outcome, UseStale):
                await self._stand_in(reply, outcome.plan, plan, now)
                return reply
            if isinstance(outcome, Pass) or await self.keeping.carry_out(reply, outcome, now):
                return reply
            await reply.raw.discard()
        except BaseException:  # cancelled while the store waits: nobody above knows of this reply
            reply.raw.abort()
            raise
        # Without what we added there is nothing that the answer could be compared with: this comes once.
        return await self._ask(request, Forward(plan.why, True, plan.reason, plan.rule), key, now)

    async def _invalidate(self, reply: Reply, scopes: tuple[Scope, ...], now: float) -> None:
        try:
            await self.store.invalidate(self.runtime, scopes, now)
        except BaseException:  # as in `_learn`
            reply.raw.abort()
            raise

    async def _stand_in(self, reply: Reply, spare: ServeStale, plan: Asking, now: float) -> None:
        """Puts what is stored in the place of an answer that is a failure, unless its content is gone."""
        status = reply.head.status
        served = await self._served(reply.request, spare, now)
        if served is not None:
            await show(reply, served.head, served.body, "cache")
            reply.cache = explain_stand_in(spare, plan, status, now)


class OwnCacheStage:
    """Where the session keeps nothing: a call that brings a cache of its own has it used."""

    __slots__ = ("clock", "next", "runtime")

    def __init__(self, clock: Callable[[], float], next: Stage, runtime: Runtime) -> None:
        """As for `CacheStage`."""
        self.clock = clock
        self.next = next
        self.runtime = runtime

    async def __call__(self, request: Request) -> Reply:
        own = request.options.caching
        stage = self.next if own is None else CacheStage(own, self.clock, self.next, self.runtime)
        return await stage(request)


def _unsatisfiable(request: Request, plan: Unsatisfiable, key: Key) -> Reply:
    reply = Reply(Head(504, _NO_CONTENT, "Gateway Timeout"), BytesReader(b""), request)
    reply.provenance = "cache"
    reply.cache = explain_unsatisfiable(plan, key)
    return reply


def _with_lines(request: Request, lines: Iterable[Line]) -> Request:
    fields = request.fields
    for name, value in lines:
        fields = fields.with_line(name, value)
    return request.replace(fields=fields)

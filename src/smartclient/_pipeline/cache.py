"""The cache stage: looks up, asks the rules, sends, keeps what comes back; no date and no directive is read here.

Source of the rules it asks: RFC 9111. Under the content stage, so stored bytes are as received; above the retry
stage, so a hit is never an attempt.
"""

from collections.abc import Callable

from .._model.body import BodyReader, BytesReader
from .._model.decision import AskAgain, CacheDecision, Forward, Freshen, Pass, Revalidate, Serve, Store, Unsatisfiable
from .._model.headers import Fields
from .._model.message import Head, Reply
from .._model.request import Request
from .._model.scope import Scope
from .._model.stored import Key, Stored
from .._rules.freshness import current_age
from .._rules.reuse import ANSWERED_METHODS, NOTHING_STORED, decide, demands_nothing, explain_hit
from .._rules.storing import USELESS, is_useless
from .._rules.validation import explain, on_response
from .._runtime.base import Runtime
from .._store.base import Writer
from .caching import Caching
from .stage import Stage

_NO_CONTENT = Fields([("Content-Length", "0")])


class CacheStage:
    """Answers from the store where the rules allow, and keeps it true to what the origin says."""

    __slots__ = ("caching", "clock", "next", "runtime", "store")

    def __init__(self, caching: Caching, clock: Callable[[], float], next: Stage, runtime: Runtime) -> None:
        """`clock` gives wall time, seconds since the epoch; `runtime` is what the store waits with."""
        self.caching = caching
        self.store = caching.store
        self.clock = clock
        self.next = next
        self.runtime = runtime

    async def __call__(self, request: Request) -> Reply:
        options = request.options
        if options.cache is None:
            return await self.next(request)
        if options.caching is not None and options.caching is not self.caching:
            return await CacheStage(options.caching, self.clock, self.next, self.runtime)(request)
        if request.method == "GET" and self.store.lacks(request.url.without_fragment) and demands_nothing(request):
            return await self._first_time(request)
        keys = await self._keys_of(request)
        candidates = await self.store.lookup(self.runtime, keys) if request.method in ANSWERED_METHODS else []
        now = self.clock()
        plan = decide(request, candidates, now)
        while isinstance(plan, Serve):
            body = await self._body_of(plan.stored, request)
            if body is not None:
                return self._serve(request, plan, body, now)
            candidates.remove(plan.stored)  # its body went meanwhile
            plan = decide(request, candidates, now)
        if isinstance(plan, Unsatisfiable):
            return _unsatisfiable(request, plan)
        if isinstance(plan, Forward):
            reply = await self.next(request)
        else:
            reply = await self.next(_with_conditions(request, plan))
            reply.request = request  # our conditions are no business of the stages above
        return await self._learn(request, reply, plan, keys[0], now)

    async def _first_time(self, request: Request) -> Reply:
        """The short way of a plain GET for which nothing is stored, and often nothing will be."""
        sent_at = self.clock()
        reply = await self.next(request)
        if not is_useless(reply.head):
            return await self._learn(request, reply, NOTHING_STORED, (await self._keys_of(request))[0], sent_at)
        reply.cache = explain(NOTHING_STORED, USELESS, reply.head.status, sent_at)
        return reply

    async def _keys_of(self, request: Request) -> tuple[Key, ...]:
        caching = self.caching
        if not caching.salt:
            await caching.learn_salt(self.runtime)
        return caching.keys_of(request)

    async def _learn(
        self, request: Request, reply: Reply, plan: Revalidate | Forward, key: Key, sent_at: float
    ) -> Reply:
        """What the answer means for the store, and so for the caller."""
        received_at = self.clock()
        outcome = on_response(plan, request, key, reply.head, sent_at, received_at)
        if isinstance(outcome, Freshen):
            body = await self._body_of(outcome.record, request)
            if body is not None:
                return await self._freshened(reply, plan, outcome, body, received_at)
            outcome = AskAgain()
        while isinstance(outcome, AskAgain):  # once: what is asked without conditions has no such outcome
            await reply.raw.discard()
            plan, sent_at = Forward(plan.why, True, plan.reason, plan.rule), received_at
            reply = await self.next(request)
            received_at = self.clock()
            outcome = on_response(plan, request, key, reply.head, sent_at, received_at)
        reply.cache = explain(plan, outcome, reply.head.status, received_at)
        if outcome.invalidate or not isinstance(outcome, Pass):
            await self._carry_out(outcome, reply, received_at)
        return reply

    async def _carry_out(self, outcome: Store | Freshen | Pass, reply: Reply, received_at: float) -> None:
        try:
            if outcome.invalidate:
                scopes = [Scope("uri", uri) for uri in outcome.invalidate]
                await self.store.invalidate(self.runtime, scopes, received_at)
            if isinstance(outcome, Store):
                await self._keep(reply, outcome.record)
            elif isinstance(outcome, Freshen):
                await self._keep_freshened(reply, outcome)
        except BaseException:  # cancelled while the store waits: nobody above knows of this reply
            reply.raw.abort()
            raise

    async def _body_of(self, stored: Stored, request: Request) -> BodyReader | None:
        """The content to answer with, None if the store has lost it."""
        if request.method == "HEAD":
            return BytesReader(b"")
        if stored.body is not None:
            return BytesReader(stored.body)
        return await self.store.open_body(self.runtime, stored)

    def _serve(self, request: Request, plan: Serve, body: BodyReader, now: float) -> Reply:
        self.store.touch(plan.stored)
        reply = Reply(_head_of(plan.stored, plan.age), body, request)
        reply.provenance = "cache"
        reply.cache = explain_hit(plan, now)
        return reply

    async def _freshened(
        self, reply: Reply, plan: Revalidate | Forward, outcome: Freshen, body: BodyReader, now: float
    ) -> Reply:
        """Makes the 304 in `reply` the stored response that it confirms."""
        answer, reply.network_head = reply.raw, reply.head
        reply.body = reply.raw = body
        try:
            await answer.discard()
        except BaseException:
            body.abort()
            raise
        reply.head = _head_of(outcome.record, current_age(outcome.record, now))
        reply.provenance = "revalidated"
        reply.cache = explain(plan, outcome, reply.network_head.status, now)
        await self._carry_out(outcome, reply, now)
        return reply

    async def _keep_freshened(self, reply: Reply, outcome: Freshen) -> None:
        if outcome.record.replaces(outcome.stored):
            await self.store.freshen(self.runtime, outcome.stored, outcome.record)
        elif reply.request.method != "HEAD":  # another variant or partition was confirmed for this request
            await self._keep(reply, outcome.record)

    async def _keep(self, reply: Reply, record: Stored) -> None:
        """Stores a body that is in hand at once, and any other while it is read."""
        writer = await self.store.writer(self.runtime, record)
        if not isinstance(reply.raw, BytesReader):
            reply.body = reply.raw = TeeReader(reply.raw, writer)
            return
        content = reply.raw.take()
        reply.body = reply.raw = BytesReader(content, reply.raw.trailers)
        if not (await writer.write(content) and await writer.commit()):
            reply.cache = reply.cache._replace(
                stored=False, why_not_stored="the store did not take it: too large, invalidated meanwhile, or failing"
            )


def _unsatisfiable(request: Request, plan: Unsatisfiable) -> Reply:
    reply = Reply(Head(504, _NO_CONTENT, "Gateway Timeout"), BytesReader(b""), request)
    reply.provenance = "cache"
    reply.cache = CacheDecision("miss", plan.reason, plan.rule)
    return reply


class TeeReader:
    """A body that goes into the store while it is read; committed only at its clean end, before that is shown."""

    __slots__ = ("_body", "_writer", "trailers")

    def __init__(self, body: BodyReader, writer: Writer) -> None:
        self._body = body
        self._writer: Writer | None = writer
        self.trailers = body.trailers

    async def read(self) -> bytes:
        try:
            piece: bytes = await self._body.read()
            if not piece:
                self.trailers = self._body.trailers
            await self._write(piece)
        except BaseException:  # a piece that is cancelled on its way to the store would be missing there
            self._give_up()
            raise
        return piece

    async def discard(self) -> None:
        self._give_up()
        await self._body.discard()

    def abort(self) -> None:
        self._give_up()
        self._body.abort()

    async def _write(self, piece: bytes) -> None:
        writer = self._writer
        if writer is None:
            return
        if not piece:
            await writer.commit()
            self._writer = None
        elif not await writer.write(piece):
            self._writer = None

    def _give_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.discard()


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


def _with_conditions(request: Request, plan: Revalidate) -> Request:
    fields = request.fields
    for name, value in plan.fields:
        fields = fields.with_line(name, value)
    return request.replace(fields=fields)


def _head_of(stored: Stored, age: int) -> Head:
    return Head(stored.status, stored.fields.with_line("Age", str(age)), stored.reason)

"""The cache stage: looks up, asks the rules, sends, keeps what comes back; no date and no directive is read here.

Source of the rules it asks: RFC 9111. Under the content stage, so stored bytes are as received; above the retry
stage, so a hit is never an attempt.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from .._model.body import NO_BODY, BytesReader
from .._model.decision import Asking, Forward, Serve, ServeStale, Unsatisfiable
from .._model.errors import RequestException
from .._model.headers import Fields, Line
from .._model.message import Head, Reply
from .._model.options import DEFAULT_OPTIONS, Options
from .._model.request import Request
from .._model.stored import Key
from .._rules.collapsing import expects_events, may_share, refreshing, validating
from .._rules.demands import ANSWERED_METHODS, demands_nothing
from .._rules.explanation import explain, explain_stand_in, explain_unsatisfiable
from .._rules.reuse import NOTHING_STORED, decide
from .._rules.staleness import stand_in
from .._rules.storing import USELESS, is_useless
from .background import Leash
from .cache_flights import ask_for_nobody, take_place
from .cache_keeping import Keeping
from .caching import Caching
from .stage import Stage
from .together import Together

_SERVING = (Serve, ServeStale)
_NO_CONTENT = Fields([("Content-Length", "0")])


class CacheStage:
    """Answers from the store where the rules allow, and keeps it true to what the origin says."""

    __slots__ = (
        "_plain",
        "again",
        "caching",
        "clock",
        "flights",
        "keeping",
        "next",
        "policy",
        "runtime",
        "store",
        "together",
    )

    def __init__(
        self, caching: Caching, clock: Callable[[], float], next: Stage, together: Together, again: bool = True
    ) -> None:
        """`clock` gives wall time, seconds since the epoch; `together` is shared with other sessions over one pool.

        `again`: `next` may be called beside the call, in the background.
        """
        self.again = again
        self.caching = caching
        self.together = together
        self.flights = together.flights_of(caching)
        self.store = caching.store
        self.policy = caching.policy
        self.clock = clock
        self.next = next
        self.runtime = together.runtime
        self.keeping = Keeping(caching, together.runtime)
        self._plain: tuple[Fields, Options] = _NO_CONTENT, DEFAULT_OPTIONS

    def __call__(self, request: Request) -> Awaitable[Reply]:
        uri = request.url.without_fragment
        fields, options = self._plain
        if (
            request.method == "GET"
            and (self.flights is None or self.flights.is_unshared(uri))
            and self.store.lacks(uri)
            and ((request.fields is fields and request.options is options) or self._is_plain(request))
            and request.body is NO_BODY
        ):  # the short way of what is not stored, and most likely will not be
            return self.ask(request, NOTHING_STORED, None, self.clock())
        return self._answer(request)

    def _is_plain(self, request: Request) -> bool:
        """Whether `request` takes what this cache has; if so, the next one with the same fields and options does."""
        plain = demands_nothing(request) and request.options.caching in (None, self.caching) and self.caching.salt
        if plain:
            self._plain = request.fields, request.options
        return bool(plain)

    async def _answer(self, request: Request) -> Reply:
        options = request.options
        if options.cache is None:
            reply = await self.next(request)
            await self.keeping.learn_of_change(request, reply, self.clock())
            return reply
        if options.caching is not None and options.caching is not self.caching:
            return await CacheStage(options.caching, self.clock, self.next, self.together, self.again)(request)
        caching, flights = self.caching, self.flights
        if not caching.salt:
            await caching.learn_salt(self.runtime)
        keys = caching.keys_of(request)
        landed = 0 if flights is None else flights.landed
        if request.method == "GET" and self.store.lacks(keys[0][0]) and demands_nothing(request):
            plan: Asking = NOTHING_STORED
            now = self.clock()
            shared = flights is not None and not expects_events(request)
        else:
            found = await self.look(request, keys)
            if isinstance(found, Reply):
                return found
            plan, now = found
            shared = flights is not None and may_share(request, plan)
        if shared and flights is not None:
            place = flights.join(keys[0], request)
            if place is not None:
                asking = (plan, now) if flights.landed == landed else None
                return await take_place(self, flights, place, request, keys, plan, asking)
        return await self.ask(request, plan, keys[0], now)

    async def look(self, request: Request, keys: tuple[Key, ...]) -> Reply | tuple[Asking, float]:
        """The answer from the store, or how and since when to ask the origin."""
        candidates = await self.store.lookup(self.runtime, keys) if request.method in ANSWERED_METHODS else []
        now = self.clock()
        plan = decide(request, candidates, now, self.policy)
        if isinstance(plan, ServeStale) and plan.refresh and not self._refreshes(request, keys[0]):
            plan = decide(validating(request), candidates, now, self.policy)
        while isinstance(plan, _SERVING):
            reply = await self.keeping.served(request, plan, now)
            if reply is not None:
                return reply
            candidates.remove(plan.stored)  # its body went meanwhile
            plan = decide(request, candidates, now, self.policy)
        return _unsatisfiable(request, plan, keys[0]) if isinstance(plan, Unsatisfiable) else (plan, now)

    def _refreshes(self, request: Request, key: Key) -> bool:
        """Whether what is stored under `key` is, or will be, validated in the background."""
        return self.again and self.together.background.start((self.caching, key), partial(self._refresh, request))

    async def _refresh(self, request: Request, leash: Leash) -> None:
        request = refreshing(request, self.runtime.now(), leash)
        await ask_for_nobody(self, self.flights, request, self.caching.keys_of(request))

    async def ask(self, request: Request, plan: Asking, key: Key | None, sent_at: float) -> Reply:
        """The origin's answer, or what stands in for it; `key` is None where it need not be known to ask."""
        try:
            if isinstance(plan, Forward):
                reply = await self.next(request)
            else:
                reply = await self.next(_with_lines(request, plan.fields))
                request.notes = reply.request.notes
                reply.request = request  # what we added is no business of the stages above
        except RequestException as failure:
            return await self.stand_in(request, plan, failure)
        head = reply.head
        if plan is NOTHING_STORED and request.method == "GET" and is_useless(head, self.policy):
            reply.cache = explain(NOTHING_STORED, USELESS, head.status, head.fields, sent_at)
            return reply
        key, now = key or self.caching.keys_of(request)[0], self.clock()
        if await self.keeping.learn(request, reply, plan, key, sent_at, now):
            return reply
        # Without what we added there is nothing that the answer could be compared with: this comes once.
        return await self.ask(request, Forward(plan.why, True, plan.reason, plan.rule), key, now)

    async def stand_in(self, request: Request, plan: Asking, failure: RequestException) -> Reply:
        """What stands in for an origin that fails; else raises `failure`."""
        now = self.clock()
        try:
            spare = stand_in(plan, request, failure, now, self.policy)
            served = None if spare is None else await self.keeping.served(request, spare, now)
            if spare is None or served is None:
                raise failure
            served.attempts = failure.attempts
        finally:
            del failure  # as in the retry stage
        served.cache = explain_stand_in(spare, plan, None, now)
        return served


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

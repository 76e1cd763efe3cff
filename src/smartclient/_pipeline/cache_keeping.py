"""Between the cache stage and its store: showing what is stored, keeping what comes; never deciding that.

Source of the decisions: RFC 9111, in `_rules.validation`.
"""

from collections.abc import Iterable

from .._model.body import BodyReader, BytesReader
from .._model.decision import (
    WHOLE,
    AskAgain,
    Asking,
    Form,
    Freshen,
    Outcome,
    Pass,
    Piece,
    Serve,
    ServeStale,
    Store,
    UseStale,
)
from .._model.message import Head, Reply
from .._model.request import Request
from .._model.stored import Key, Stored
from .._rules.answers import head_for
from .._rules.explanation import explain, explain_served, explain_stand_in
from .._rules.freshness import current_age
from .._rules.invalidation import SAFE_METHODS, invalidated
from .._rules.ranges import total_if_kept_broken_off
from .._runtime.base import Runtime
from .._store.base import Writer
from .cache_bodies import JoinedReader, TeeReader, poured
from .caching import Caching

_NOT_TAKEN = "the store did not take it: too large, invalidated meanwhile, or failing"


class Keeping:
    """What the cache stage does with the store, and what that makes of a reply."""

    __slots__ = ("_policy", "_runtime", "_store")

    def __init__(self, caching: Caching, runtime: Runtime) -> None:
        self._store = caching.store
        self._policy = caching.policy
        self._runtime = runtime

    async def served(self, request: Request, plan: Serve | ServeStale, now: float) -> Reply | None:
        """The answer from the store; None if its content is not there any more."""
        body = await self._body_of(plan.stored, plan.form)
        if body is None:
            return None
        self._store.touch(plan.stored)
        reply = Reply(head_for(plan.stored, plan.age, plan.form), body, request)
        reply.provenance = "cache"
        reply.cache = explain_served(plan, now)
        return reply

    async def learn(self, request: Request, reply: Reply, plan: Asking, key: Key, sent_at: float, now: float) -> bool:
        """Does what an answer that came `now` means for the store, and makes it what the caller gets.

        False if that cannot be: the origin must be asked again, without what we added.
        """
        if reply.provenance == "adapter":
            return True
        from .._rules.validation import Heard, on_response  # not for answers that nobody could use again

        outcome = on_response(plan, Heard(request, key, reply.head, sent_at, now, self._policy))
        if not isinstance(outcome, AskAgain):
            reply.cache = explain(plan, outcome, reply.head.status, reply.head.fields, now, key)
        if isinstance(outcome, Pass) and not outcome.invalidate:
            return True
        try:
            if outcome.invalidate:
                await self._store.invalidate(self._runtime, outcome.invalidate, now)
            done = await self._carry_out(reply, outcome, plan, now)
            if not done:
                await reply.raw.discard()
        except BaseException:  # cancelled while the store waits: nobody above knows of this reply
            reply.raw.abort()
            raise
        return done

    async def learn_of_change(self, request: Request, reply: Reply, now: float) -> None:
        """Drops what a call without the cache has changed."""
        scopes = () if request.method in SAFE_METHODS else invalidated(request, reply.head)
        if scopes:
            try:
                await self._store.invalidate(self._runtime, scopes, now)
            except BaseException:  # as in `learn`
                reply.raw.abort()
                raise

    async def _carry_out(self, reply: Reply, outcome: Outcome, plan: Asking, now: float) -> bool:
        if isinstance(outcome, Store):
            return await self._keep(reply, outcome, now)
        if isinstance(outcome, Freshen):
            return await self._freshen(reply, outcome, now)
        if isinstance(outcome, UseStale):
            await self._stand_in(reply, outcome.plan, plan, now)
        return not isinstance(outcome, AskAgain)

    async def _stand_in(self, reply: Reply, spare: ServeStale, plan: Asking, now: float) -> None:
        """Puts what is stored in the place of an answer that is a failure, unless its content is gone."""
        status = reply.head.status
        served = await self.served(reply.request, spare, now)
        if served is not None:
            await _show(reply, served.head, served.body, "cache")
            reply.cache = explain_stand_in(spare, plan, status, now)

    async def _body_of(self, stored: Stored, form: Form) -> BodyReader | None:
        """The content to answer with, None if the store has lost it."""
        if form.kind in ("head", "not-modified"):
            return BytesReader(b"")
        if form.span is not None:
            return await self._piece(Piece(stored, form.span.start, form.span.stop))
        if stored.body is not None:
            return BytesReader(stored.body)
        return await self._store.open_body(self._runtime, stored)

    async def _freshen(self, reply: Reply, outcome: Freshen, now: float) -> bool:
        stored, record, form, _ = outcome
        if form is not None:
            body = await self._body_of(record, form)
            if body is None:
                return False
            await _show(reply, head_for(record, current_age(record, now), form), body, "revalidated")
        if record.replaces(stored):
            await self._store.freshen(self._runtime, stored, record)
        elif form == WHOLE:  # another variant or partition was confirmed for this request
            await self._tee(reply, record, await self._store.writer(self._runtime, record), None, None)
        return True

    async def _keep(self, reply: Reply, outcome: Store, now: float) -> bool:
        if outcome.exact is not None:
            return await self._join(reply, outcome, outcome.exact, now)
        record = outcome.record
        await self._tee(reply, record, await self._store.writer(self._runtime, record), None, None)
        return True

    async def _join(self, reply: Reply, outcome: Store, exact: int, now: float) -> bool:
        """Keeps what the answer and stored content make together, and shows that where the caller asked for it."""
        opened: list[BodyReader] = []
        try:
            for piece in (outcome.before, outcome.after):
                body = None if piece is None else await self._piece(piece)
                if body is not None:
                    opened.append(body)
            before = opened[0] if outcome.before is not None and opened else None
            after = opened[-1] if outcome.after is not None and opened else None
            if len(opened) == (outcome.before is not None) + (outcome.after is not None):
                writer = await self._store.writer(self._runtime, outcome.record)
                if outcome.completes and before is not None:
                    await self._complete(reply, outcome.record, writer, JoinedReader(before, reply.raw, exact), now)
                    return True
                if before is None or await poured(before, writer):
                    await self._tee(reply, outcome.record, writer, exact, after)
                    return True
                writer.discard()
        except BaseException:
            _abort(opened)
            raise
        _abort(opened)
        _is_not_kept(reply)
        return not outcome.completes

    async def _complete(self, reply: Reply, record: Stored, writer: Writer, body: JoinedReader, now: float) -> None:
        reply.network_head, reply.head = reply.head, head_for(record, current_age(record, now), WHOLE)
        reply.provenance = "revalidated"
        reply.body = reply.raw = body
        await self._tee(reply, record, writer, None, None)

    async def _tee(
        self, reply: Reply, record: Stored, writer: Writer, exact: int | None, after: BodyReader | None
    ) -> None:
        """Stores a body that is in hand at once, and any other while it is read."""
        if not isinstance(reply.raw, BytesReader) or exact is not None:
            total = None if exact is not None else total_if_kept_broken_off(record, self._policy)
            reply.body = reply.raw = TeeReader(reply.raw, writer, record, exact=exact, after=after, total=total)
            return
        content = reply.raw.take()
        reply.body = reply.raw = BytesReader(content, reply.raw.trailers)
        if not (await writer.write(content) and await writer.commit()):
            _is_not_kept(reply)

    async def _piece(self, piece: Piece) -> BodyReader | None:
        stored, start, stop = piece
        if stored.body is not None:
            return BytesReader(stored.body[start:stop])
        return await self._store.open_body(self._runtime, stored, (start, stop))


async def _show(reply: Reply, head: Head, body: BodyReader, provenance: str) -> None:
    """Makes `head` and `body` the answer in the place of what the network gave."""
    answer, reply.network_head = reply.raw, reply.head
    reply.head, reply.body, reply.raw, reply.provenance = head, body, body, provenance
    try:
        await answer.discard()
    except BaseException:
        body.abort()
        raise


def _abort(bodies: Iterable[BodyReader]) -> None:
    for body in bodies:
        body.abort()


def _is_not_kept(reply: Reply) -> None:
    if reply.cache.stored:
        reply.cache = reply.cache._replace(stored=False, why_not_stored=_NOT_TAKEN)

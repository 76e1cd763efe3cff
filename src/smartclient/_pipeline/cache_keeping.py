"""Carrying out what an answer means for the store: keeping it, freshening what it confirms; never deciding that.

Source of the decisions: RFC 9111, in `_rules.validation`.
"""

from .._model.body import BodyReader, BytesReader
from .._model.decision import WHOLE, AskAgain, Form, Freshen, Piece, Store
from .._model.message import Head, Reply
from .._model.stored import Stored
from .._rules.answers import head_for
from .._rules.freshness import current_age
from .._rules.ranges import total_if_kept_broken_off
from .._runtime.base import Runtime
from .._store.base import Writer
from .cache_bodies import JoinedReader, TeeReader, poured
from .caching import Caching

_NOT_TAKEN = "the store did not take it: too large, invalidated meanwhile, or failing"


class Keeping:
    """What the cache stage does to the store, and what that makes of the reply."""

    __slots__ = ("_policy", "_runtime", "_store")

    def __init__(self, caching: Caching, runtime: Runtime) -> None:
        self._store = caching.store
        self._policy = caching.policy
        self._runtime = runtime

    async def body_of(self, stored: Stored, form: Form) -> BodyReader | None:
        """The content to answer with, None if the store has lost it."""
        if form.kind in ("head", "not-modified"):
            return BytesReader(b"")
        if form.span is None:
            return (
                BytesReader(stored.body)
                if stored.body is not None
                else await self._store.open_body(self._runtime, stored)
            )
        return await self._piece(Piece(stored, form.span.start, form.span.stop))

    async def carry_out(self, reply: Reply, outcome: Store | Freshen | AskAgain, now: float) -> bool:
        """Whether `reply` is now what the caller gets; else the origin must be asked again."""
        if isinstance(outcome, Store):
            return await self._keep(reply, outcome, now)
        return isinstance(outcome, Freshen) and await self._freshen(reply, outcome, now)

    async def _freshen(self, reply: Reply, outcome: Freshen, now: float) -> bool:
        stored, record, form, _ = outcome
        if form is not None:
            body = await self.body_of(record, form)
            if body is None:
                return False
            await show(reply, head_for(record, current_age(record, now), form), body, "revalidated")
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
        record = outcome.record
        before = None if outcome.before is None else await self._piece(outcome.before)
        after = None if outcome.after is None else await self._piece(outcome.after)
        if (before is None) is not (outcome.before is None) or (after is None) is not (outcome.after is None):
            _is_not_kept(reply)
            return not outcome.completes
        writer = await self._store.writer(self._runtime, record)
        if outcome.completes and before is not None:
            reply.network_head, reply.head = reply.head, head_for(record, current_age(record, now), WHOLE)
            reply.provenance = "revalidated"
            reply.body = reply.raw = JoinedReader(before, reply.raw, exact)
            await self._tee(reply, record, writer, None, None)
        elif before is not None and not await poured(before, writer):
            writer.discard()
            _is_not_kept(reply)
        else:
            await self._tee(reply, record, writer, exact, after)
        return True

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


async def show(reply: Reply, head: Head, body: BodyReader, provenance: str) -> None:
    """Makes `head` and `body` the answer in the place of what the network gave."""
    answer, reply.network_head = reply.raw, reply.head
    reply.head, reply.body, reply.raw, reply.provenance = head, body, body, provenance
    try:
        await answer.discard()
    except BaseException:
        body.abort()
        raise


def _is_not_kept(reply: Reply) -> None:
    if reply.cache.stored:
        reply.cache = reply.cache._replace(stored=False, why_not_stored=_NOT_TAKEN)

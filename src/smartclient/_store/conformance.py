"""What every store must do, as checks that take a new, empty store and a runtime; never which runtimes there are.

Each is written once and needs no clock and no sleep; moments are far apart.
"""

from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

from .._model.body import BodyReader
from .._model.errors import SmartclientError
from .._model.headers import Fields
from .._model.scope import EVERYTHING, Scope
from .._model.stored import Key, Stored
from .._runtime.base import Runtime
from .base import Store

Check = Callable[[Runtime, Store], Awaitable[None]]

_ORIGIN = "https://h.example"
_URI = f"{_ORIGIN}/a"
_KEY: Key = (_URI, b"")
_SAME = [name for name in Stored.__slots__ if name not in ("body", "place", "length")]


def _record(uri: str = _URI, partition: bytes = b"", sent_at: float = 1000.0, **changes: Any) -> Stored:
    attributes: dict[str, Any] = {
        "key": (uri, partition),
        "status": 200,
        "reason": "OK",
        "fields": Fields([("Date", "Thu, 01 Jan 1970 00:16:41 GMT"), ("X", "1")]),
        "body": b"",
        "vary": (),
        "sent_at": sent_at,
        "received_at": sent_at + 1.0,
        "date": sent_at,
        "initial_age": 1.0,
        "fresh_until": 1e10,
        "must_revalidate": False,
        "immutable": False,
        "etag": '"a"',
        "last_modified": None,
    }
    return Stored(**(attributes | changes))


async def _put(runtime: Runtime, store: Store, record: Stored, *pieces: bytes) -> bool:
    writer = await store.writer(runtime, record)
    for piece in pieces:
        if not await writer.write(piece):
            return False
    return await writer.commit()


async def _whole(body: BodyReader | None) -> bytes:
    assert body is not None, "open_body found nothing"
    pieces = []
    while piece := await body.read():
        pieces.append(piece)
    assert not await body.read(), "a body goes on behind its end"
    return b"".join(pieces)


async def _contents(runtime: Runtime, store: Store, *keys: Key) -> list[bytes]:
    """What is found, body by body, inline or not."""
    found = await store.lookup(runtime, keys or (_KEY,))
    bodies = [await _whole(await store.open_body(runtime, stored)) for stored in found]
    for stored, body in zip(found, bodies, strict=True):
        assert stored.body in (None, body), "body and open_body differ"
        assert stored.length == len(body), "length is wrong"
    return bodies


async def _begins_empty(runtime: Runtime, store: Store) -> None:
    assert await store.lookup(runtime, [_KEY]) == []
    assert (await store.stats(runtime))[:2] == (0, 0)
    assert await store.iterate(runtime) == ([], None)


async def _shows_nothing_before_commit(runtime: Runtime, store: Store) -> None:
    writer = await store.writer(runtime, _record())
    assert await writer.write(b"con")
    assert await writer.write(b"tent")
    assert await _contents(runtime, store) == []
    assert await writer.commit()
    assert await _contents(runtime, store) == [b"content"]
    assert not await writer.commit(), "commit says yes twice"
    writer.discard()
    assert await _contents(runtime, store) == [b"content"], "discard took away what was committed"
    assert not store.lacks(_URI)
    assert (await store.stats(runtime)).items == 1


async def _forgets_what_is_discarded(runtime: Runtime, store: Store) -> None:
    for size in (7, 700_000):
        writer = await store.writer(runtime, _record())
        await writer.write(b"x" * size)
        writer.discard()
        writer.discard()
        assert not await writer.commit()
        assert not await writer.write(b"x")
    assert await _contents(runtime, store) == []


async def _keeps_every_attribute(runtime: Runtime, store: Store) -> None:
    odd = _record(
        f"{_URI}?q=%C3%A9&r={'x' * 3000}",
        b"\x00\xff" * 8,
        status=299,
        reason="Fine, \u00e9",
        fields=Fields([("Set-Cookie", "a=1"), ("set-cookie", "b=\xe9"), ("X", ""), *[("N", "v")] * 100]),
        vary=(("accept", "a/b"), ("foo", None)),
        must_revalidate=True,
        immutable=True,
        etag=None,
        last_modified="Thu, 01 Jan 1970 00:00:01 GMT",
        swr_until=1e10,
        sie_until=inf,
        groups=("one", "t w o"),
        part=(3, 9, None),
    )
    before = {name: getattr(odd, name) for name in _SAME}
    assert await _put(runtime, store, odd, bytes(range(256)))
    [found] = await store.lookup(runtime, [odd.key])
    assert {name: getattr(found, name) for name in _SAME} == before
    assert await _contents(runtime, store, odd.key) == [bytes(range(256))]
    [listed] = (await store.iterate(runtime))[0]
    assert {name: getattr(listed, name) for name in _SAME} == before


async def _keeps_bodies_of_any_size(runtime: Runtime, store: Store) -> None:
    limit = store.traits.max_body or inf
    for size in (0, 1, 2**16, 2**16 + 1, 2**18, 2**18 + 1, 700_000):
        if size > limit - 4096:
            continue
        body = (b"%08d" % size * (size // 8 + 1))[:size]
        record = _record(f"{_URI}/{size}")
        assert await _put(runtime, store, record, body[:1000], body[1000:]), f"{size} bytes are not taken"
        assert await _contents(runtime, store, record.key) == [body], f"{size} bytes come back differently"
        [stored] = await store.lookup(runtime, [record.key])
        for start, stop in ((0, 0), (0, min(5, size)), (size // 2, size), (min(size, 300_000), min(size, 300_001))):
            part = await _whole(await store.open_body(runtime, stored, (start, stop)))
            assert part == body[start:stop], f"bytes {start} to {stop} of {size} are others"


async def _refuses_what_is_too_large(runtime: Runtime, store: Store) -> None:
    limit = store.traits.max_body
    if limit is None or limit > 2**22:
        return
    writer = await store.writer(runtime, _record())
    taken = [await writer.write(b"x" * 2**16) for _ in range(limit // 2**16 + 2)]
    assert not taken[-1], "more than max_body is taken"
    assert not await writer.commit()
    assert await _contents(runtime, store) == []


async def _replaces_what_answers_the_same(runtime: Runtime, store: Store) -> None:
    variant = _record(vary=(("a", "1"),))
    for record, body in ((_record(), b"one"), (variant, b"variant"), (_record(sent_at=1001.0), b"two")):
        assert await _put(runtime, store, record, body)
    assert sorted(await _contents(runtime, store)) == [b"two", b"variant"]
    assert (await store.stats(runtime)).items == 2


async def _tells_partitions_apart(runtime: Runtime, store: Store) -> None:
    for partition in (b"", b"p", b"q"):
        await _put(runtime, store, _record(partition=partition), b"of " + partition)
    assert await _contents(runtime, store, (_URI, b"p"), (_URI, b"")) == [b"of p", b"of "], "not in the keys' order"
    assert await _contents(runtime, store, (_URI, b"r")) == []
    assert await _contents(runtime, store, (f"{_URI}b", b"")) == []


async def _bounds_the_variants_of_a_key(runtime: Runtime, store: Store) -> None:
    for index in range(20):
        await _put(runtime, store, _record(vary=(("a", str(index)),)), b"%d" % index)
    found = await _contents(runtime, store)
    assert len(found) <= 16, "more than 16 variants"
    assert b"19" in found


async def _freshens(runtime: Runtime, store: Store) -> None:
    for size in (5, 300_000):
        uri, body = f"{_URI}/{size}", b"x" * min(size, (store.traits.max_body or size) // 2)
        await _put(runtime, store, _record(uri), body)
        [old] = await store.lookup(runtime, [(uri, b"")])
        new = _record(uri, sent_at=2000.0, fields=Fields([("X", "2")]))
        new.share_body(old)
        assert await store.freshen(runtime, old, new)
        [found] = await store.lookup(runtime, [(uri, b"")])
        assert (found.fields.lines, found.sent_at) == ((("X", "2"),), 2000.0)
        assert await _contents(runtime, store, (uri, b"")) == [body]
        again = _record(uri, sent_at=3000.0)
        again.share_body(old)
        assert not await store.freshen(runtime, old, again), "what has changed is freshened"
        late = _record(uri, sent_at=4000.0)
        late.share_body(found)
        await store.invalidate(runtime, [Scope("uri", uri)], 5000.0)
        assert not await store.freshen(runtime, found, late), "what went is freshened"
    assert (await store.stats(runtime)).items == 0


async def _invalidates_a_uri(runtime: Runtime, store: Store) -> None:
    for record in (_record(), _record(vary=(("a", "1"),)), _record(partition=b"p"), _record(f"{_URI}/b")):
        await _put(runtime, store, record, b"x")
    scopes = [Scope("uri", _URI), Scope("uri", f"{_ORIGIN}/none")]
    assert await store.invalidate(runtime, scopes, 2000.0) == 3
    assert await _contents(runtime, store, _KEY, (_URI, b"p")) == []
    assert await _contents(runtime, store, (f"{_URI}/b", b"")) == [b"x"]
    assert (await store.stats(runtime)).items == 1


async def _lets_no_slow_answer_undo_it(runtime: Runtime, store: Store) -> None:
    slow = await store.writer(runtime, _record(sent_at=1999.0))
    await slow.write(b"old")
    await store.invalidate(runtime, [Scope("uri", _URI)], 2000.0)
    await store.invalidate(runtime, [Scope("uri", _URI)], 500.0)
    assert not await slow.commit(), "what was sent before an invalidation is taken after it"
    assert not await _put(runtime, store, _record(sent_at=2000.0), b"old")
    assert await _put(runtime, store, _record(f"{_URI}/b", sent_at=1999.0), b"other")
    assert await _put(runtime, store, _record(sent_at=2000.5), b"new")
    assert await _contents(runtime, store) == [b"new"]


_SCOPES = {
    Scope("origin", _ORIGIN): {"/a", "/a/b", "/b"},
    Scope("group", _ORIGIN, "g"): {"/b"},
    Scope("prefix", f"{_ORIGIN}/a"): {"/a", "/a/b"},
    EVERYTHING: {"/a", "/a/b", "/b", ":8443/a", ".org/b"},
}


async def _invalidates_wider_scopes(runtime: Runtime, store: Store) -> None:
    paths = ("/a", "/a/b", "/b", ":8443/a", ".org/b")
    moment = 2000.0
    for scope, gone in _SCOPES.items():
        for path in paths:
            groups = ("g",) if path.endswith("/b") and "a" not in path else ()
            assert await _put(runtime, store, _record(_ORIGIN + path, sent_at=moment, groups=groups), b"x")
        moment += 1000.0
        assert await store.invalidate(runtime, [scope], moment) == len(gone), f"{scope.kind}: not all, or too many"
        for path in paths:
            expected = [] if path in gone else [b"x"]
            assert await _contents(runtime, store, (_ORIGIN + path, b"")) == expected, f"{scope.kind}: {path}"
        groups = ("g",) if scope.kind == "group" else ()
        slow = _record(f"{_ORIGIN}/a/new", sent_at=moment, groups=groups)
        assert not await _put(runtime, store, slow, b"x"), f"{scope.kind}: no mark is left"
        moment += 1.0


async def _pins_open_bodies(runtime: Runtime, store: Store) -> None:
    size = min(700_000, (store.traits.max_body or inf) // 2)
    body = (b"0123456789" * 70_000)[: int(size)]
    await _put(runtime, store, _record(), body)
    [stored] = await store.lookup(runtime, [_KEY])
    reader = await store.open_body(runtime, stored)
    await store.invalidate(runtime, [EVERYTHING], 2000.0)
    assert await _whole(reader) == body
    try:
        late = await store.open_body(runtime, stored)
        assert late is None or await _whole(late) == body, "a body that went is another"
    except SmartclientError:
        pass


async def _keeps_writers_apart(runtime: Runtime, store: Store) -> None:
    writers = [await store.writer(runtime, _record(sent_at=1000.0 + index)) for index in range(4)]
    for _ in range(3):
        for index, writer in enumerate(writers):
            assert await writer.write(b"%d" % index * 40_000)
    for writer in writers:
        await writer.commit()
    [body] = await _contents(runtime, store)
    assert len(body) == 120_000, "a body has parts of another"
    assert len(set(body)) == 1, "a body has parts of another"


async def _pages_through_everything(runtime: Runtime, store: Store) -> None:
    for index in range(250):
        await _put(runtime, store, _record(f"{_URI}/{index}"), b"x")
    seen: list[str] = []
    page, after = await store.iterate(runtime)
    while True:
        seen += [stored.uri for stored in page]
        if after is None:
            break
        page, after = await store.iterate(runtime, after)
    assert sorted(seen) == sorted(f"{_URI}/{index}" for index in range(250))


async def _leases(runtime: Runtime, store: Store) -> None:
    lease = await store.lease(runtime, _KEY, 1000.0)
    assert lease is not None
    assert await store.lease(runtime, (_URI, b"p"), 1000.0) is not None
    if not store.traits.leases:
        return
    assert await store.lease(runtime, _KEY, 1000.0) is None, "two leases on one key"
    lease.release()
    await store.invalidate(runtime, [Scope("uri", f"{_ORIGIN}/x")], 1.0)  # after what release may have put off
    short = await store.lease(runtime, _KEY, 0.0)
    assert short is not None, "a lease is not given back"
    held = await store.lease(runtime, _KEY, 1000.0)
    assert held is not None, "a lease does not end"
    short.release()
    await store.invalidate(runtime, [Scope("uri", f"{_ORIGIN}/x")], 1.0)
    assert await store.lease(runtime, _KEY, 1000.0) is None, "who was late has released another's lease"


async def _has_a_lasting_salt(runtime: Runtime, store: Store) -> None:
    salt = await store.salt(runtime)
    assert 16 <= len(salt) <= 64
    assert await store.salt(runtime) == salt


async def _works_after_close(runtime: Runtime, store: Store) -> None:
    await _put(runtime, store, _record(), b"x")
    [stored] = await store.lookup(runtime, [_KEY])
    store.touch(stored)
    salt = await store.salt(runtime)
    await store.close(runtime)
    await store.close(runtime)
    if store.traits.durable:
        assert await _contents(runtime, store) == [b"x"], "what is durable did not last"
        assert await store.salt(runtime) == salt
    assert await _put(runtime, store, _record(f"{_URI}/b"), b"y")
    assert await _contents(runtime, store, (f"{_URI}/b", b"")) == [b"y"]


CHECKS: tuple[Check, ...] = (
    _begins_empty,
    _shows_nothing_before_commit,
    _forgets_what_is_discarded,
    _keeps_every_attribute,
    _keeps_bodies_of_any_size,
    _refuses_what_is_too_large,
    _replaces_what_answers_the_same,
    _tells_partitions_apart,
    _bounds_the_variants_of_a_key,
    _freshens,
    _invalidates_a_uri,
    _lets_no_slow_answer_undo_it,
    _invalidates_wider_scopes,
    _pins_open_bodies,
    _keeps_writers_apart,
    _pages_through_everything,
    _leases,
    _has_a_lasting_salt,
    _works_after_close,
)


async def run_check(check: Check, runtime: Runtime, make_store: Callable[[], Store]) -> None:
    """Runs one of `CHECKS` over a store of its own.

    Raises:
        AssertionError: it fails; the message names it and the runtime.
    """
    store = make_store()
    try:
        await check(runtime, store)
    except Exception as error:
        what = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        name = check.__name__.strip("_").replace("_", " ")
        raise AssertionError(f"{type(store).__name__}, {runtime.name}: {name}: {what}") from error
    finally:
        await store.close(runtime)

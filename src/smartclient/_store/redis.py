"""Stored responses in Redis or Valkey, for all processes and machines that share one; extra `redis`.

A key's variants are one hash, bodies included, so that a hit is one round trip. What must happen at once happens in
scripts. Keys expire when nothing can be made of them any more; how much is kept is the server's own `maxmemory`.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha1
from math import inf
from typing import Any

from .._model.scope import Scope, origin_of
from .._model.stored import Key, Stored
from .._runtime.base import Runtime
from .base import Page, Stats, Traits
from .lifted import LiftedStore
from .marks import scopes_of
from .record import from_bytes, to_bytes

MAX_BODY = 8 * 2**20  # a hit brings the whole of it
MAX_VARIANTS = 16
_PAGE = 200
_MARK_SECONDS = 86_400  # longer than any exchange takes
_VALIDATED_SECONDS = 30 * 86_400  # what is stale but can be validated is kept so much longer

# KEYS: the variants, their order, all members. ARGV: record, variant, member, sent_at, expiry in ms, prefix, URI,
# the most variants, number of marks, the marks, the groups.
_PUT = """
local sent, marks = tonumber(ARGV[4]), tonumber(ARGV[9])
for i = 10, 9 + marks do
  local mark = redis.call('GET', ARGV[i])
  if mark and sent <= tonumber(mark) then return 0 end
end
local prefixes = redis.call('HGETALL', ARGV[6] .. 'mp')
for i = 1, #prefixes, 2 do
  if string.sub(ARGV[7], 1, #prefixes[i]) == prefixes[i] and sent <= tonumber(prefixes[i + 1]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[2], sent, ARGV[2])
while redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[8]) do
  redis.call('HDEL', KEYS[1], redis.call('ZPOPMIN', KEYS[2])[1])
end
redis.call('ZADD', KEYS[3], 0, ARGV[3])
for _, key in ipairs({KEYS[1], KEYS[2]}) do
  if tonumber(ARGV[5]) > 0 then redis.call('PEXPIREAT', key, ARGV[5]) else redis.call('PERSIST', key) end
end
for i = 10 + marks, #ARGV do redis.call('SADD', ARGV[i], ARGV[3]) end
return 1
"""

# KEYS: the variants. ARGV: the old variant, SHA-1 of what it was. 1: it is still that.
_IS_STILL = """
local held = redis.call('HGET', KEYS[1], ARGV[1])
return held and redis.sha1hex(held) == ARGV[2] and 1 or 0
"""

# KEYS: all members. ARGV: prefix of keys, then members to drop.
_DROP = """
local dropped = 0
for i = 2, #ARGV do
  local name = redis.sha1hex(ARGV[i])
  dropped = dropped + redis.call('HLEN', ARGV[1] .. 'k:' .. name)
  redis.call('DEL', ARGV[1] .. 'k:' .. name, ARGV[1] .. 'v:' .. name)
  redis.call('ZREM', KEYS[1], ARGV[i])
end
return dropped
"""

# KEYS: the mark, or the hash of prefixes. ARGV: moment, seconds to keep it, the prefix or "". The newer moment stays.
_LEAVE_MARK = """
local held
if ARGV[3] == '' then held = redis.call('GET', KEYS[1]) else held = redis.call('HGET', KEYS[1], ARGV[3]) end
if held and tonumber(held) >= tonumber(ARGV[1]) then return end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[3], ARGV[1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""

# KEYS: the lease. ARGV: its token.
_RELEASE = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0"


class PlainRedis:
    """The plain calls that `RedisStore` makes."""

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        import redis

        # Neither retried nor waited for: a cache that is slow is worse than none.
        self.server: Any = redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=None)
        self.prefix = prefix.encode()
        self.traits = Traits(False, True, False, True, MAX_BODY)
        self._members = self.prefix + b"u"
        self._put = self.server.register_script(_PUT)
        self._is_still = self.server.register_script(_IS_STILL)
        self._drop = self.server.register_script(_DROP)
        self._mark_left = self.server.register_script(_LEAVE_MARK)
        self._release = self.server.register_script(_RELEASE)

    def salt(self) -> bytes:
        """As lasting as the database."""
        name = self.prefix + b"salt"
        self.server.set(name, os.urandom(32), nx=True)
        return self.server.get(name)  # type: ignore[no-any-return]

    def lookup(self, keys: Iterable[Key]) -> list[Stored]:
        """One round trip, whatever is found."""
        names = [self._name(b"k:", _member(key)) for key in keys]
        if len(names) == 1:
            answers = [self.server.hvals(names[0])]
        else:
            with self.server.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.hvals(name)
                answers = pipeline.execute()
        return [stored for values in answers for stored in map(_read, values) if stored is not None]

    def put(self, record: Stored) -> bool:
        """Refused by a mark; the variant that was put in first goes where there are too many."""
        member = _member(record.key)
        marks = [self._mark(scope) for scope in scopes_of(record.uri, record.groups)] + [self.prefix + b"ma"]
        groups = [self._group(origin_of(record.uri), group) for group in record.groups]
        return bool(
            self._put(
                keys=[self._name(b"k:", member), self._name(b"v:", member), self._members],
                args=[
                    to_bytes(record),
                    _variant(record),
                    member,
                    repr(record.sent_at),
                    _expiry(record),
                    self.prefix,
                    record.uri.encode(),
                    MAX_VARIANTS,
                    len(marks),
                    *marks,
                    *groups,
                ],
            )
        )

    def freshen(self, stored: Stored, record: Stored) -> bool:
        """Only if what was read is still there."""
        member = _member(stored.key)
        same = self._is_still(keys=[self._name(b"k:", member)], args=[_variant(stored), stored.place])
        return bool(same) and self.put(record)

    def invalidate(self, scopes: Iterable[Scope], moment: float) -> int:
        """Marks first, so that nothing slips in between."""
        dropped = 0
        for scope in scopes:
            self._leave_mark(scope, moment)
            members = self._covered(scope)
            for start in range(0, len(members), _PAGE):
                page = members[start : start + _PAGE]
                dropped += self._drop(keys=[self._members], args=[self.prefix, *page])
        return dropped

    def touch(self, stored: Stored) -> None:
        """Nothing: what leaves for room is the server's choice."""

    def stats(self) -> Stats:
        """Counted on the spot."""
        items = size = 0
        after: object = None
        while True:
            page, after = self.iterate(after)
            items += len(page)
            size += sum(each.size for each in page)
            if after is None:
                return Stats(items, size, 0)

    def iterate(self, after: object) -> Page:
        """In the order of URIs; members whose variants have expired are forgotten on the way."""
        start = b"-" if after is None else b"(" + bytes(after)  # type: ignore[call-overload]
        members = self.server.zrangebylex(self._members, start, b"+", 0, _PAGE)
        with self.server.pipeline(transaction=False) as pipeline:
            for member in members:
                pipeline.hvals(self._name(b"k:", member))
            answers = pipeline.execute() if members else []
        gone = [member for member, values in zip(members, answers, strict=True) if not values]
        if gone:
            self._drop(keys=[self._members], args=[self.prefix, *gone])
        page = [stored for values in answers for stored in map(_read, values) if stored is not None]
        return page, members[-1] if len(members) == _PAGE else None

    def close(self) -> None:
        """Closes the connections; the next call opens others."""
        self.server.close()

    def take_lease(self, key: Key, seconds: float) -> tuple[bytes, bytes] | None:
        """(name, token) of the lease on `key`, or None."""
        name, token = self._name(b"l:", _member(key)), os.urandom(16)
        millis = int(seconds * 1000)
        taken = self.server.set(name, token, nx=True, px=millis) if millis > 0 else not self.server.exists(name)
        return (name, token) if taken else None

    def end_lease(self, name: bytes, token: bytes) -> None:
        """If it is still the same one."""
        self._release(keys=[name], args=[token])

    def _name(self, kind: bytes, member: bytes) -> bytes:
        return self.prefix + kind + sha1(member, usedforsecurity=False).hexdigest().encode()

    def _mark(self, scope: Scope) -> bytes:
        return self._name(b"m:", repr(tuple(scope)).encode())

    def _group(self, origin: str, group: str) -> bytes:
        return self._name(b"g:", f"{origin}\n{group}".encode())

    def _leave_mark(self, scope: Scope, moment: float) -> None:
        if scope.kind == "prefix" and scope.value:
            name, prefix = self.prefix + b"mp", scope.value.encode()
        else:
            everything = scope.kind in ("everything", "prefix")
            name, prefix = self.prefix + b"ma" if everything else self._mark(scope), b""
        self._mark_left(keys=[name], args=[repr(moment), _MARK_SECONDS, prefix])

    def _covered(self, scope: Scope) -> list[bytes]:
        if scope.kind == "group":
            name = self._group(scope.value, scope.group)
            members: list[bytes] = list(self.server.smembers(name))
            self.server.delete(name)
            return members
        if scope.kind == "everything":
            return self.server.zrangebylex(self._members, b"-", b"+")  # type: ignore[no-any-return]
        text = scope.value + {"uri": "\n", "origin": "/", "prefix": ""}[scope.kind]
        found = self.server.zrangebylex(self._members, b"[" + text.encode(), b"(" + text.encode() + b"\xff")
        if scope.kind == "origin":  # a URI may end with its origin
            text = scope.value + "\n"
            found += self.server.zrangebylex(self._members, b"[" + text.encode(), b"(" + text.encode() + b"\xff")
        return found  # type: ignore[no-any-return]


class RedisStore(LiftedStore):
    """A `Store` in a Redis or Valkey database, for `Cache(store=)`.

    Args:
        url: "redis://host:6379/0", "rediss://" for TLS, "unix://".
        prefix: of all keys, so that several caches can share a database.
        timeout: seconds that one operation may take. A server that is away or slow costs misses, never calls.
    """

    def __init__(
        self, url: str = "redis://localhost:6379/0", *, prefix: str = "smartclient:", timeout: float = 1.0
    ) -> None:
        self._redis = PlainRedis(url, prefix, timeout)
        super().__init__(self._redis)
        self.traits = self._redis.traits

    async def lease(self, runtime: Runtime, key: Key, seconds: float) -> "RedisLease | None":  # type: ignore[override]
        """One for all processes."""
        taken = await self._done(runtime, self._redis.take_lease, key, seconds)
        return None if taken is None else RedisLease(self, runtime.name == "blocking", *taken)

    def __repr__(self) -> str:
        return f"<RedisStore {self._redis.prefix.decode()!r}>"  # the URL may have a password


class RedisLease:
    """The right to fetch, for a while."""

    def __init__(self, store: RedisStore, blocking: bool, name: bytes, token: bytes) -> None:
        self._store = store
        self._blocking = blocking
        self._name = name
        self._token = token

    def release(self) -> None:
        """On an event loop the store's thread tells the server."""
        redis, worker = self._store._redis, self._store._worker
        if self._blocking:
            with suppress(Exception):  # it ends by itself
                redis.end_lease(self._name, self._token)
        else:
            worker.post(lambda: redis.end_lease(self._name, self._token))


def _member(key: Key) -> bytes:
    return f"{key[0]}\n{key[1].hex()}".encode()


def _variant(record: Stored) -> bytes:
    return sha1(repr(record.vary).encode(), usedforsecurity=False).hexdigest().encode()


def _read(data: bytes) -> Stored | None:
    stored = from_bytes(data)
    if stored is not None:
        stored.body = stored.body or b""
        stored.place = sha1(data, usedforsecurity=False).hexdigest()
    return stored


def _expiry(record: Stored) -> int:
    """Milliseconds since the epoch after which the record is of no use; 0 for never."""
    last = max(record.fresh_until, record.swr_until, record.sie_until, record.received_at)
    if record.etag is not None or record.last_modified is not None:
        last += _VALIDATED_SECONDS
    return 0 if last == inf else min(int(last * 1000) + 1000, 2**52)

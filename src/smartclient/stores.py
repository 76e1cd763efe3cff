"""Places for stored responses: those of the house, and what it takes to write another one.

A store is anything that does what `Store` says; `smartclient.testing.check_store` checks it. `from_sync` makes one of
plain calls.
"""

from ._model.scope import Scope
from ._model.stored import Key, Stored
from ._store.base import Lease, Stats, Store, Traits, Writer
from ._store.lifted import PlainStore, from_sync
from ._store.memory import MemoryStore
from ._store.record import from_bytes, to_bytes
from ._store.redis import RedisStore
from ._store.sqlite import SQLiteStore
from ._store.tiers import TieredStore

__all__ = [
    "Key",
    "Lease",
    "MemoryStore",
    "PlainStore",
    "RedisStore",
    "SQLiteStore",
    "Scope",
    "Stats",
    "Store",
    "Stored",
    "TieredStore",
    "Traits",
    "Writer",
    "from_bytes",
    "from_sync",
    "to_bytes",
]

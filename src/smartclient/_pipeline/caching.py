"""What is fixed about one cache: where it keeps, by what policy and for whom; never what it does with one request."""

from collections.abc import Callable
from typing import Literal

from .._model.policy import DEFAULT_POLICY, CachePolicy
from .._model.request import Request
from .._model.stored import Key
from .._rules.partition import keys_of
from .._runtime.base import Runtime
from .._store.base import Store
from .._store.guarded import guarded

Collapse = Literal["session", "store", False]


class Caching:
    """One cache, shared by the stages of all sessions over it.

    Attributes:
        store: where responses are kept; what it raises is a miss.
        policy: what the rules may do.
        partition: tells for whom a request is made, in the place of its credentials; None: by these.
        dialect: ends the partitions of records that only caches of the same policy may read.
        collapse: who waits for whom when several miss together: calls of one "session", all users of the "store", or
            nobody.
        salt: of the store, b"" until it was asked.
    """

    __slots__ = ("__weakref__", "collapse", "dialect", "partition", "policy", "salt", "store")

    def __init__(
        self,
        store: Store,
        policy: CachePolicy = DEFAULT_POLICY,
        partition: Callable[[Request], str] | None = None,
        collapse: Collapse = "session",
    ) -> None:
        self.store = guarded(store)
        self.policy = policy
        self.dialect = policy.dialect()
        self.partition = partition
        self.collapse = collapse
        self.salt = b""

    def keys_of(self, request: Request) -> tuple[Key, ...]:
        """The keys under which an answer may be found, the one to store it under first; `salt` must be there."""
        keys = keys_of(request, self.salt, None if self.partition is None else self.partition(request))
        return keys if not self.dialect else tuple([(uri, own + self.dialect) for uri, own in keys])

    async def learn_salt(self, runtime: Runtime) -> None:
        """Asks the store for `salt`."""
        self.salt = await self.store.salt(runtime)

"""What the house needs of whatever waits: the protocols `Runtime`, `Stream`, `Future`, and what all of them share.

Everything that waits is written once as `async def` over these. The blocking runtime never suspends, so a blocking
session runs the same coroutine with one `send(None)`.
"""

import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from .._model.declared import NamedTuple, Protocol
from .._model.errors import SessionMisuse

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")

Left = Callable[[], float | None]  # seconds that are left for all of something, None for no limit
SocketAddress = tuple[Any, ...] | str  # a str is the path of a Unix socket
PIECE = 2**18  # bytes offered to the kernel, or to the transport's buffer, between two looks for an early answer


class Address(NamedTuple):
    """Where a socket leads, and where it starts: `local` is None where the system decides."""

    family: int
    remote: SocketAddress
    local: SocketAddress | None = None


class Future(Protocol):
    """A place for one value, waited for by one caller. Done once it has the value, or its waiter was cancelled."""

    def done(self) -> bool: ...

    def set_result(self, value: Any, /) -> None: ...


class Stream(Protocol):
    """A byte pipe to one peer. Timeouts are seconds for one wait, None for no limit.

    Failures are ours: ReadTimeout, WriteTimeout, ReadError, WriteError. Their `.sent` tells how much of the data of
    the failed `write` may have left. After any of them, and after a cancellation, only `abort()` makes sense.
    """

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        """At least one byte, at most `max_bytes`; b"" at the peer's orderly end (TLS: close_notify)."""

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Hands all of `data` over, whatever the peer says meanwhile: heads and small bodies."""

    async def write_some(self, data: bytes | memoryview, timeout: float | None) -> int:
        """How many bytes of `data`, of at most `PIECE`, were handed over; waits while that is none.

        Returns early, with 0 where nothing was taken, when there is something to read (`is_readable()`); never waits
        for both sides to move at once. After 0 the same data must be offered again: TLS may have begun with it.
        """

    def abort(self) -> None:
        """Closes at once, from any state, any number of times, in plain sync code."""

    def is_readable(self) -> bool:
        """Whether there is something to read without waiting: content, the peer's end, or the loss of the peer.

        What only TLS itself has to say, such as session tickets, does not count.
        """

    def get_extra_info(self, name: str) -> Any:
        """ "ssl_object", "peername" or None."""


class OutOfTime(TimeoutError):
    """The limit passed, and not one that belongs to whatever was waited for."""


class Worker(Protocol):
    """Something that runs beside the calls."""

    def cancel(self) -> object:
        """Ends a task; a thread ends by itself, and holds no exit."""


class Runtime(Protocol):
    """Clocks, dice, waits and sockets of one way to run. One instance serves one pool."""

    name: str

    def now(self) -> float:
        """Monotonic seconds."""

    def random(self) -> float:
        """0.0 <= x < 1.0, for jitter."""

    def caller(self) -> object:
        """The thread or task that runs now: equal to itself, and to no other that lives."""

    async def sleep(self, seconds: float) -> None: ...

    def new_future(self) -> Future: ...

    async def wait(self, future: Future, timeout: float | None) -> Any:
        """The value of `future`. Raises the builtin TimeoutError; a value may have come all the same."""

    def call_threadsafe(self, function: Callable[..., Any], *args: Any) -> None:
        """Has `function(*args)` called where futures may be touched; from any thread; lost if that place is gone."""

    def run_in_thread(self, job: Callable[[], None]) -> None:
        """Has `job`, which must not raise, called in a daemon thread; for system calls that know no time-out."""

    def start(self, work: Coroutine[Any, Any, None]) -> Worker:
        """Has `work`, which must not raise, run beside the calls: in a daemon thread or a task.

        Raises:
            OSError: the system gives no thread; `work` is closed.
        """

    async def within(self, timeout: float | None, awaitable: Awaitable[Any]) -> Any:
        """The result of a caller's `awaitable`. Raises OutOfTime; a TimeoutError of its own passes as it is."""

    def begin(self, address: Address) -> Any:
        """An attempt to connect to `address` without delay (TCP_NODELAY), which goes on by itself. Never waits.

        It is the caller's to `finish`, or else to `abort()`, which is plain sync. Raises ConnectionError.
        """

    async def first(self, attempts: Sequence[Any], timeout: float | None) -> Any | None:
        """One of `attempts`, at least one, that has come to its end; None when none has within `timeout`."""

    async def finish(self, attempt: Any) -> Stream:
        """The stream of an attempt that `first` gave. Raises ConnectionError, ConnectTimeout where the system did."""

    async def start_tls(self, stream: Any, context: "ssl.SSLContext", host: str, timeout: float | None) -> Stream:
        """The same stream under TLS, certificate checked for `host`. Raises ConnectTimeout or SSLError."""

    def duplex(self, stream: Any) -> Stream:
        """`stream`, to be read by one caller while another writes.

        A read that times out leaves it whole. So does a write that does, and a cancelled task, whatever it waits for:
        what they were writing goes on by itself, or else with the next write. Not so a thread that is interrupted.
        """

    async def settle(self, streams: list[Stream]) -> None:
        """Waits until aborted streams have really let go of their sockets, at most 1 s."""


class LoopRuntime(Runtime, Protocol):
    """What only event loops have."""

    def spawn(self, clean_up: Coroutine[Any, Any, Any]) -> None:
        """Has a clean-up run to its end, though nobody waits for it; what it raises is lost."""


def nearer(limit: float | None, deadline: float, now: float) -> float | None:
    """Seconds that one wait may take: `limit`, or what is left until `deadline` (`inf` for none)."""
    left = deadline - now
    if limit is not None:
        return limit if limit < left else left
    return None if left == inf else left


def counted_down(runtime: Runtime, timeout: float | None) -> Left:
    """Tells, whenever it is called, how much of `timeout` seconds is left."""
    started = runtime.now()
    return lambda: None if timeout is None else timeout - (runtime.now() - started)


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends, which is every one over the blocking runtime.

    Raises:
        SessionMisuse: something did suspend; the coroutine was closed, so its clean-up has run.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    coroutine.close()
    raise SessionMisuse("a blocking call was made to wait for an event loop; use AsyncSession there")


async def quietly(clean_up: Coroutine[Any, Any, Any]) -> None:
    """Awaits `clean_up`; what it raises is lost."""
    with suppress(Exception):
        await clean_up


def deliver(future: Future, found: Any) -> None:
    """Gives `found` to whoever still waits; to be called where futures may be touched."""
    if not future.done():
        future.set_result(found)


async def in_thread(
    runtime: Runtime,
    post: Callable[[Callable[[], None]], object],
    function: Callable[..., T],
    *args: Any,
    timeout: float | None = None,
) -> T:
    """The result of `function(*args)`, called wherever `post` has jobs done; it goes on when the caller gives up.

    Raises the builtin TimeoutError after `timeout` seconds, and whatever `function` raises.
    """
    future = runtime.new_future()
    post(lambda: runtime.call_threadsafe(deliver, future, _outcome(function, args)))
    result, error = await runtime.wait(future, timeout)
    if error is not None:
        try:
            raise error
        finally:
            del error, future  # its traceback holds this frame
    return result  # type: ignore[no-any-return]


def _outcome(function: Callable[..., T], args: tuple[Any, ...]) -> tuple[T | None, BaseException | None]:
    try:
        return function(*args), None
    except BaseException as error:  # raised again where it was asked for
        return None, error


_locks: "WeakSet[Any]" = WeakSet()


def new_lock(*, reentrant: bool = False) -> Any:
    """A lock that a forked child finds open: the thread that may have held it does not exist there."""
    lock: Any = threading.RLock() if reentrant else threading.Lock()
    _locks.add(lock)
    return lock


def _open_locks() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()  # as the standard library does with its own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_locks)

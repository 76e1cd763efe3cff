"""Names to addresses. `getaddrinfo` has no timeout, so it runs in daemon threads, one look-up per name at a time."""

import os
import socket
import threading
from contextlib import suppress

from .._model.errors import ConnectTimeout, ResolveError
from .._runtime.base import Address, Future, Runtime, deliver

_Waiting = list[tuple[Runtime, Future]]


class Resolver:
    """Look-ups of this process. One that outlives its call ends by itself, and is shared by those who still ask."""

    def __init__(self) -> None:
        self.forget()

    async def addresses(self, runtime: Runtime, host: str, port: int, timeout: float | None) -> list[Address]:
        """Those of `host` in the system's order, never empty.

        Raises:
            ResolveError: the name has no address.
            ConnectTimeout: the system did not answer in time.
        """
        numeric = numeric_address(host, port)
        if numeric is not None:
            return [numeric]
        future = runtime.new_future()
        key = (host, port)
        with self._lock:
            waiting = self._flights.get(key)
            if waiting is None:
                self._flights[key] = [(runtime, future)]
            else:
                waiting.append((runtime, future))
        if waiting is None:
            try:
                runtime.run_in_thread(lambda: self._answer(key, _found(*key)))
            except BaseException as error:  # else the name would be waited for as long as the process lives
                self._answer(key, OSError(f"no thread for it ({type(error).__name__})"))
                if not isinstance(error, OSError):
                    raise
        try:
            found = await runtime.wait(future, timeout)
        except TimeoutError as error:
            raise ConnectTimeout(f"look-up of {host} timed out") from error
        if isinstance(found, OSError):
            raise ResolveError(f"look-up of {host} failed: {found.strerror or found}") from found
        return found  # type: ignore[no-any-return]

    def _answer(self, key: tuple[str, int], found: list[Address] | OSError) -> None:
        with self._lock:
            waiting = self._flights.pop(key, [])
        for runtime, future in waiting:
            runtime.call_threadsafe(deliver, future, found)

    def forget(self) -> None:
        """Starts afresh, as in a forked child: the threads that were asked do not exist there."""
        self._lock = threading.Lock()
        self._flights: dict[tuple[str, int], _Waiting] = {}


def _found(host: str, port: int) -> list[Address] | OSError:
    """What the system says of a name."""
    # Of text `socket` would make IDNA once more, whose tables cost a start 2 ms; stand-ins for it expect text.
    name = host.encode("ascii") if socket.getaddrinfo.__module__ == "socket" and host.isascii() else host
    try:
        entries = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except Exception as error:  # UnicodeError and the like: a name that cannot be asked for has no address
        return OSError(str(error))
    return [Address(entry[0], entry[4]) for entry in entries] or OSError("no address")


def numeric_address(host: str, port: int) -> Address | None:
    """The one address of a host that is an IP literal, with or without zone id; None for names."""
    if ":" not in host and not host[-1:].isdigit():
        return None
    with suppress(OSError):
        socket.inet_pton(socket.AF_INET, host)  # the usual spelling; the other way loads Python's IDNA tables
        return Address(socket.AF_INET, (host, port))
    try:
        entry = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
    except OSError:
        return None
    return Address(entry[0], entry[4])


RESOLVER = Resolver()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=RESOLVER.forget)

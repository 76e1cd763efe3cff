"""What `hsts=` means: a list in memory, one that a file keeps, or none."""

import os
import time
from typing import Any

from .._model.errors import InvalidOption, shown
from .._model.options import path_text
from .._rules.hsts import HOSTS_MAX, HSTSList, Policy
from .._runtime.base import new_lock
from .private_file import write_private


def hsts_from(value: Any) -> HSTSList | None:
    """The list of a session: True for a new one in memory, None or False for none, a path for one kept there.

    The list of another session is taken as it is.

    Raises:
        InvalidOption: none of these.
    """
    if value is None or value is False:
        return None
    if value is True:
        return KeptHSTS(None)
    if isinstance(value, HSTSList):
        return value
    if isinstance(value, str | bytes | os.PathLike) and value:
        return KeptHSTS(path_text("hsts", value))
    raise InvalidOption(f"hsts must be True, a path or None, not {shown(value)}")


class KeptHSTS(HSTSList):
    """A list that is written to its file, for its owner only, whenever a host is new or has changed its mind.

    A file that cannot be read or written is logged, and costs no call.
    """

    __slots__ = ("path",)

    def __init__(self, path: str | None, hosts: Any = None) -> None:
        """`hosts` in the place of what the file has."""
        self.path = path
        if hosts is None:
            hosts = [] if path is None else _read(path)
        super().__init__(new_lock(), hosts, None if path is None else self._write)

    def _write(self, host: str) -> None:
        """Puts what `host` said, or that it said nothing any more, beside what other processes have written."""
        assert self.path is not None
        now = time.time()
        hosts = {name: policy for name, policy in _read(self.path) if policy.expires > now and name != host}
        if host in self.hosts:
            hosts[host] = self.hosts[host]
        from json import dumps  # most starts read and write no list

        rows = {name: list(policy) for name, policy in list(hosts.items())[-HOSTS_MAX:]}
        try:
            write_private(self.path, dumps({"hosts": rows}, indent=1) + "\n")
        except (OSError, ValueError) as error:  # ValueError: a path that no system has
            _report(self.path, "written", error)

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickles: the hosts, and the file they go to."""
        return KeptHSTS, (self.path, self.items())


def _read(path: str) -> list[tuple[str, Policy]]:
    try:
        with open(path, encoding="utf-8") as file:
            from json import load

            rows = load(file)["hosts"]
        found = [(str(host).lower(), Policy(float(expires), bool(below))) for host, (expires, below) in rows.items()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        _report(path, "read", error)
        return []
    return found[-HOSTS_MAX:]


def _report(path: str, what: str, error: Exception) -> None:
    import logging

    logging.getLogger("smartclient").warning("HSTS: %s cannot be %s (%s)", path, what, type(error).__name__)

"""Credentials from netrc files: read when a call could use them, looked for at most ten times a second.

A look at the file system costs a microsecond for each name; calls without such a file pay one comparison.
"""

import os
import time
from typing import Any

from .._model.frozen import replace
from .._model.headers import Fields
from .._model.options import Options
from .._model.url import URL

NAMES = (".netrc", "_netrc")
_PAUSE = 0.1  # seconds: so long may a file that has just been made go unseen

Entries = dict[str, tuple[str, str]]


class _Found:
    """What the last look found.

    Attributes:
        next_look: monotonic moment at which calls must look again; -inf while there is a file.
        stamp: of the file that `entries` came from.
    """

    __slots__ = ("entries", "next_look", "stamp")

    def __init__(self) -> None:
        self.look_now()
        self.stamp: Any = None
        self.entries: Entries = {}

    def look_now(self) -> None:
        """Has the next call look: the environment may name another file."""
        self.next_look = float("-inf")


FOUND = _Found()


def netrc_auth(url: URL) -> tuple[str, str] | None:
    """(user, password) for the very host of `url`, None when no file has any; the entry `default` is not used.

    The file is that in the variable NETRC, else ~/.netrc or ~/_netrc.
    """
    path, stamp = _file_and_stamp()
    if path is None:
        FOUND.next_look, FOUND.stamp, FOUND.entries = time.monotonic() + _PAUSE, None, {}
        return None
    if stamp != FOUND.stamp:
        FOUND.entries = _entries(path)
        FOUND.stamp = stamp
    FOUND.look_now()
    return FOUND.entries.get(url.host)


def with_netrc(fields: Fields, options: Options, url: URL) -> Options:
    """`options` with credentials from a netrc file, where the call has none of its own in any way."""
    if "authorization" in fields or url.raw_userinfo:
        return options
    auth = netrc_auth(url)
    if auth is None:
        return options
    return replace(options, auth=auth)


def _file_and_stamp() -> tuple[str | None, Any]:
    named = os.environ.get("NETRC")
    for path in (named,) if named else tuple(os.path.join("~", name) for name in NAMES):
        path = os.path.expanduser(path)
        try:
            state = os.stat(path)
        except (OSError, ValueError):
            continue
        return path, (path, state.st_mtime_ns, state.st_size, state.st_ino)
    return None, None


def _entries(path: str) -> Entries:
    from netrc import NetrcParseError, netrc

    try:
        hosts = netrc(path).hosts
    except (NetrcParseError, OSError, ValueError, RecursionError) as error:
        import logging

        # Neither the text of the error nor the line: a file that is read wrongly shows its passwords.
        line = f", line {error.lineno}" if isinstance(error, NetrcParseError) else ""
        logging.getLogger("smartclient").warning("%s%s cannot be read (%s)", path, line, type(error).__name__)
        return {}
    return {
        host.lower(): (login or account or "", password or "")
        for host, (login, account, password) in hosts.items()
        if host != "default" and (login or account or password)
    }

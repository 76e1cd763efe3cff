"""HSTS: which hosts said that they are reached by https only; never where the list is kept.

Source: RFC 6797.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from .._model.declared import NamedTuple
from .._model.fields import delta_seconds
from .._model.headers import TOKEN, Fields
from .._model.url import URL

HOSTS_MAX = 10_000
_RENEWED = 86400.0  # seconds by which an expiry moves before it is a change worth writing down
_FIELD = "strict-transport-security"
# Compiled at its first use: few sessions meet the field.
_DIRECTIVE = rf'(?s)[ \t]*(?:({TOKEN})[ \t]*(?:=[ \t]*({TOKEN}|"(?:[^"\\]|\\.)*+")[ \t]*)?)?(?:;|\Z)'


class Policy(NamedTuple):
    """What a host said: until when (wall time, seconds), and whether for all hosts below it."""

    expires: float
    subdomains: bool


def parse_policy(value: str, now: float) -> Policy | None:
    """The policy of a Strict-Transport-Security field, None for one that is to be ignored (RFC 6797 section 6.1).

    A max-age of 0 gives one that has expired.
    """
    pattern = re.compile(_DIRECTIVE)
    found: dict[str, str | None] = {}
    at = 0
    while at < len(value):
        directive = pattern.match(value, at)
        if directive is None:
            return None
        at = directive.end()
        if directive[1] is not None:
            name = directive[1].lower()
            if name in found:
                return None
            found[name] = directive[2]
    seconds = delta_seconds((found.get("max-age") or "").strip('"'))
    if seconds is None or found.get("includesubdomains") is not None:
        return None
    return Policy(now + seconds if seconds else 0.0, "includesubdomains" in found)


class HSTSList:
    """Hosts that are reached by https only; safe for many threads, at most 10 000, those known longest leave first.

    Attributes:
        hosts: policies by host. Not to be changed from outside.
    """

    __slots__ = ("_changed", "_lock", "hosts")

    def __init__(
        self,
        lock: AbstractContextManager[Any],
        hosts: Iterable[tuple[str, Policy]] = (),
        changed: Callable[[str], None] | None = None,
    ) -> None:
        """`changed` is called with a host, without the lock, after a change of it that is worth keeping."""
        self.hosts: dict[str, Policy] = dict(hosts)
        self._lock = lock
        self._changed = changed

    def covers(self, url: URL, clock: Callable[[], float]) -> bool:
        """Whether `url`, of http, is to be asked for by https: by its host, or one above that speaks for it, too.

        `clock` gives wall time; RFC 6797 section 8.2.
        """
        if url.scheme != "http" or url.is_address:
            return False
        now = clock()
        host = url.host.removesuffix(".")
        policy = self.hosts.get(host)
        if policy is not None and policy.expires > now:
            return True
        while "." in host:
            host = host.partition(".")[2]
            policy = self.hosts.get(host)
            if policy is not None and policy.subdomains and policy.expires > now:
                return True
        return False

    def learn(self, url: URL, fields: Fields, now: float) -> None:
        """Takes in what the response from `url` says, of several fields the first (RFC 6797 section 8.1).

        Only for what came over TLS whose certificate was verified.
        """
        if url.is_address:
            return
        policy = parse_policy(fields.getlist(_FIELD)[0], now)
        if policy is None:
            return
        host = url.host.removesuffix(".")
        with self._lock:
            known = self.hosts.get(host)
            if policy.expires <= now:
                self.hosts.pop(host, None)
            else:
                self.hosts[host] = policy  # never out in between: another thread may be asking
                if len(self.hosts) > HOSTS_MAX:
                    self._make_room(now)
        new = policy if policy.expires > now else None
        if self._changed is not None and _differ(known, new):
            self._changed(host)

    def _make_room(self, now: float) -> None:
        for host in [host for host, policy in self.hosts.items() if policy.expires <= now]:
            del self.hosts[host]
        while len(self.hosts) > HOSTS_MAX:
            del self.hosts[next(iter(self.hosts))]

    def items(self) -> list[tuple[str, Policy]]:
        """(host, policy) of every host, the newest at the end."""
        with self._lock:
            return list(self.hosts.items())

    def __len__(self) -> int:
        return len(self.hosts)

    def __repr__(self) -> str:
        return f"<HSTSList {len(self.hosts)} hosts>"


def _differ(known: Policy | None, new: Policy | None) -> bool:
    """Whether a file that has `known` should rather have `new`."""
    if known is None or new is None:
        return known is not new
    return known.subdomains != new.subdomains or abs(new.expires - known.expires) > _RENEWED

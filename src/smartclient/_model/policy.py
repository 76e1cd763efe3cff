"""What a user lets a cache do, checked and frozen; never what follows from it for one response.

Sources: RFC 9111 sections 4.2.2, 4.2.4 and 7.1; RFC 5861; RFC 9213 section 2.2.
"""

import re
from math import inf
from typing import Any

from .errors import InvalidOption, shown
from .fields import DELTA_MAX
from .frozen import field, frozen
from .headers import is_token


@frozen
class CacheRule:
    """Freshness that the user states, in the place of what the responses of some URLs say themselves.

    It holds for answers that succeed or redirect for good (200, 203, 204, 300, 301, 308) and counts from their
    receipt. What a request demands of the cache stays in force, and so does the response's no-store.

    Attributes:
        pattern: which URLs. "*" stands for any text and everything else for itself. Without "://" any scheme will do;
            a pattern without a path covers the whole host, and one without "?" every query.
        ttl: seconds that an answer is fresh, at most 2**31; 0 to have it validated whenever it is used.
        ignore_no_store: keep answers that say no-store, too.

    Raises:
        InvalidOption: a pattern that is no text, or a ttl that is negative or no number.
    """

    pattern: str
    ttl: float
    ignore_no_store: bool = False
    _expression: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pattern: Any = self.pattern
        if not isinstance(pattern, str) or not pattern:
            raise InvalidOption(f"CacheRule(pattern=): expected text, not {shown(pattern)}")
        ttl = _seconds("CacheRule(ttl=)", self.ttl)
        _boolean("CacheRule(ignore_no_store=)", self.ignore_no_store)
        object.__setattr__(self, "ttl", min(ttl, float(DELTA_MAX)))
        object.__setattr__(self, "_expression", _expression(self.pattern))

    def covers(self, uri: str) -> bool:
        """Whether the rule is about `uri`, absolute and without a fragment."""
        return self._expression.fullmatch(uri) is not None


def _expression(pattern: str) -> re.Pattern[str]:
    scheme, mark, rest = pattern.rpartition("://")
    host, slash, path = rest.partition("/")
    text = f"{scheme.lower()}{mark}{host.lower()}{slash}{path}" if mark else f"*://{host.lower()}{slash}{path}"
    first, *others = (text if slash else f"{text}/*").split("*")
    # Atomic, so that no URL makes the search try again what it has matched: it stays linear for each "*".
    middle = [f"(?>.*?{re.escape(part)})" for part in others[:-1]]
    last = [f".*{re.escape(others[-1])}"] if others else []
    query = "" if "?" in path else r"(?:\?.*)?"
    return re.compile("".join([re.escape(first), *middle, *last, query]), re.DOTALL)


@frozen
class CachePolicy:
    """What the rules may do beyond what origin and request say.

    Attributes:
        shared: the cache serves more than one user: s-maxage, private, proxy-revalidate and RFC 9111 section 3.5 count.
        heuristic: where nothing says how long a response is fresh, take a tenth of the time since it was last modified,
            at most a day.
        stale_if_error: seconds after its lifetime that a stored response may stand in for an origin that fails or
            cannot be reached, `inf` for always; None: only where request or response allow it (RFC 5861 section 4).
        stale_while_revalidate: serve stale, and validate in the background, where the response allows it (RFC 5861
            section 3).
        complete_parts: ask only for the rest of what is stored in part, when the whole is asked for.
        targets: names of targeted Cache-Control fields (RFC 9213), the first that is valid counts.
        rules: `CacheRule` or (pattern, ttl) pairs; the first that covers a URL counts.
        store_set_cookie: False leaves Set-Cookie out of what is stored.

    Raises:
        InvalidOption: a value that none of these can have.
    """

    shared: bool = False
    heuristic: bool = False
    stale_if_error: float | None = None
    stale_while_revalidate: bool = True
    complete_parts: bool = False
    targets: tuple[str, ...] = ()
    rules: tuple[CacheRule, ...] = ()
    store_set_cookie: bool = True

    def __post_init__(self) -> None:
        for name in ("shared", "heuristic", "stale_while_revalidate", "complete_parts", "store_set_cookie"):
            _boolean(f"Cache({name}=)", getattr(self, name))
        if self.stale_if_error is not None:
            seconds = _seconds("Cache(stale_if_error=)", self.stale_if_error)
            object.__setattr__(self, "stale_if_error", seconds)
        object.__setattr__(self, "targets", _targets(self.targets))
        object.__setattr__(self, "rules", _rules(self.rules))

    def dialect(self) -> bytes:
        """What records made by this policy must be told apart by: b"" where they mean what responses say themselves.

        Lifetimes and fields are worked out when a response is stored, so that another policy must not read them; and
        what is private never reaches a shared cache over the same store.
        """
        rules = [(rule.pattern, rule.ttl, rule.ignore_no_store) for rule in self.rules]
        given = (self.shared, self.heuristic, self.targets, rules, self.store_set_cookie)
        if given == (False, False, (), [], True):
            return b""
        from hashlib import blake2b  # few policies are other than usual, and importing it loads OpenSSL

        return blake2b(repr(given).encode(), digest_size=8).digest()

    def rule_for(self, uri: str) -> CacheRule | None:
        """The first rule that covers `uri`, or None."""
        return next((rule for rule in self.rules if rule.covers(uri)), None)


def _targets(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, tuple | list) else (value,)
    if not all(isinstance(name, str) and is_token(name) for name in names):
        raise InvalidOption(f"Cache(targets=): expected names of fields, not {shown(value)}")
    return tuple([name.lower() for name in names])


def _rules(value: Any) -> tuple[CacheRule, ...]:
    rules = value if isinstance(value, tuple | list) else None
    if rules is None:
        raise InvalidOption(f"Cache(rules=): expected a sequence of CacheRule, not {shown(value)}")
    return tuple([_rule(each) for each in rules])


def _rule(value: Any) -> CacheRule:
    if isinstance(value, CacheRule):
        return value
    if isinstance(value, tuple | list) and len(value) == 2:
        return CacheRule(*value)
    raise InvalidOption(f"Cache(rules=): {shown(value)} is no CacheRule and no (pattern, ttl)")


def _boolean(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise InvalidOption(f"{name}: expected True or False, not {shown(value)}")


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InvalidOption(f"{name}: expected seconds, 0 or more, not {shown(value)}")
    return float(min(value, DELTA_MAX)) if value != inf else inf


DEFAULT_POLICY = CachePolicy()

"""Field lines of a message: `Fields`, which never changes, and `Headers`, the mapping that callers hold and change.

Grammar: RFC 9110 section 5. What a caller gives is checked here, once, before any connection.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from .errors import InvalidHeader

Line = tuple[str, str]
HeadersInput = Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None

TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
"""The pattern of a token (RFC 9110 section 5.6.2)."""

_TOKEN = re.compile(TOKEN)
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


AUTH_FIELDS = frozenset({"authorization", "cookie", "proxy-authorization"})
KEY_FIELDS = frozenset(
    {
        "x-api-key",
        "api-key",
        "x-auth-token",
        "x-access-token",
        "x-amz-security-token",
        "x-goog-api-key",
        "private-token",
        "x-vault-token",
    }
)
CREDENTIAL_FIELDS = AUTH_FIELDS | KEY_FIELDS
"""Fields (lower case) that prove who asks: they never reach another origin, and no repr shows them."""
_MASKED = CREDENTIAL_FIELDS | {"set-cookie"}


_HOST = re.compile(r"[A-Za-z0-9\-._~!$&'()*+;=%:\[\]]+")


def is_host(text: str) -> bool:
    """Whether `text` can be one value of Host: a host, with or without a port (RFC 9112 section 3.2)."""
    return _HOST.fullmatch(text) is not None


def is_token(text: str) -> bool:
    """Whether `text` is a token (RFC 9110 section 5.6.2): methods and field names are."""
    return _TOKEN.fullmatch(text) is not None


class Fields:
    """Field lines in order, with their case and repeats; immutable, cheap to share between messages.

    Lookups take lower-case names. A name that occurs in several lines gives their values joined by ", "
    (RFC 9110 section 5.3); `getlist` gives them apart, which Set-Cookie needs.

    Attributes:
        lines: (name, value) pairs as sent or received.
        index: lower-case name to combined value; what a hot path asks. Not to be changed.
    """

    __slots__ = ("_block", "index", "lines")

    lines: tuple[Line, ...]
    index: dict[str, str]

    def __init__(self, lines: Iterable[Line] = (), index: dict[str, str] | None = None) -> None:
        """`index` is for callers that have it at hand, as the wire does."""
        self.lines = tuple(lines)
        self.index = _index_of(self.lines) if index is None else index
        self._block: bytes | None = None

    def get(self, name: str, default: str | None = None) -> Any:
        """The combined value of the field `name` (lower case), else `default`."""
        return self.index.get(name, default)

    def getlist(self, name: str) -> list[str]:
        """The values of all lines named `name` (lower case), in order."""
        if name not in self.index:
            return []
        return [value for line_name, value in self.lines if line_name.lower() == name]

    def __contains__(self, name: object) -> bool:
        return name in self.index

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fields) and self.lines == other.lines

    def __hash__(self) -> int:
        return hash(self.lines)

    def __repr__(self) -> str:
        return f"Fields({', '.join(name for name, _ in self.lines)})"  # values may be secrets

    @property
    def block(self) -> bytes:
        """The lines as they go over the wire, each ended by CRLF."""
        block = self._block
        if block is None:
            block = self._block = "".join([f"{name}: {value}\r\n" for name, value in self.lines]).encode("latin-1")
        return block

    def with_line(self, name: str, value: str) -> "Fields":
        """A copy with one more line at the end. `name` and `value` must be checked already."""
        lower = name.lower()
        index = dict(self.index)
        index[lower] = f"{index[lower]}, {value}" if lower in index else value
        copy = Fields.__new__(Fields)
        copy.lines = (*self.lines, (name, value))
        copy.index = index
        copy._block = None if self._block is None else self._block + f"{name}: {value}\r\n".encode("latin-1")
        return copy

    def without(self, names: Iterable[str]) -> "Fields":
        """A copy without the lines named in `names` (lower case); itself when there are none."""
        gone = self.index.keys() & names
        if not gone:
            return self
        index = {name: value for name, value in self.index.items() if name not in gone}
        return Fields([line for line in self.lines if line[0].lower() not in gone], index)

    def replace(self, name: str, value: str) -> "Fields":
        """A copy in which `name` has the one value `value`, at the end."""
        return self.without((name.lower(),)).with_line(name, value)


def _index_of(lines: Iterable[Line]) -> dict[str, str]:
    index: dict[str, str] = {}
    for name, value in lines:
        lower = name.lower()
        index[lower] = f"{index[lower]}, {value}" if lower in index else value
    return index


NO_FIELDS = Fields()


class Headers(MutableMapping[str, str]):
    """Header fields as callers hold them: a case-insensitive mapping that keeps order, case and repeats.

    `h[name]` joins repeated lines with ", "; `getlist(name)` gives them apart; `multi_items()` gives one pair per
    line. Setting a name replaces all its lines, in the place of the first.
    """

    __slots__ = ("_lines", "version")

    def __init__(self, data: Any = None, **kwargs: str) -> None:
        self._lines: dict[str, list[Line]] = {}
        self.version = 0  # counts changes, so that what was computed from it can be kept
        if isinstance(data, Fields | Headers):
            for name, value in data.lines if isinstance(data, Fields) else data.multi_items():
                self.add(name, value)
        else:
            self.update(data or {}, **kwargs)

    def __getitem__(self, name: str) -> str:
        lines = self._lines[name.lower()]
        # What a caller put in stays what it is, a None or a list included; only repeats are joined.
        return lines[0][1] if len(lines) == 1 else ", ".join([value for _, value in lines])

    def __setitem__(self, name: str, value: str) -> None:
        self.version += 1
        self._lines[name.lower()] = [(name, value)]

    def __delitem__(self, name: str) -> None:
        self.version += 1
        del self._lines[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter([lines[0][0] for lines in self._lines.values()])

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, name: str, value: str) -> None:
        """Adds a line and keeps those that are there."""
        self.version += 1
        self._lines.setdefault(name.lower(), []).append((name, value))

    def getlist(self, name: str) -> list[str]:
        """All values of `name`, one per line."""
        return [value for _, value in self._lines.get(name.lower(), ())]

    def multi_items(self) -> list[Line]:
        """One (name, value) pair per line; lines of one name stand together."""
        # list() first: it is one step, and another thread may be adding names.
        return [line for lines in list(self._lines.values()) for line in lines]

    def lower_items(self) -> Iterator[Line]:
        """(lower-case name, joined value) pairs."""
        return ((lower, self[lower]) for lower in self._lines)

    def copy(self) -> "Headers":
        """Another one with the same lines."""
        return Headers(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        theirs = other.lower_items() if isinstance(other, Headers) else _lower_items(other)
        return dict(self.lower_items()) == dict(theirs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = {name: "***" if name.lower() in _MASKED else value for name, value in self.items()}
        return str(shown)


def _lower_items(mapping: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    return ((name.lower() if isinstance(name, str) else name, value) for name, value in mapping.items())


def checked_name(name: Any) -> str:
    """`name` as str, or InvalidHeader when it is not a token."""
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    if not isinstance(text, str):
        raise InvalidHeader(f"Header name must be str or bytes, not {type(name).__name__}")
    if not is_token(text):
        raise InvalidHeader(f"Invalid header name {text[:80]!a}")
    return text


def checked_value(name: str, value: Any) -> str:
    """`value` as str, or InvalidHeader when it could not be sent as it is."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        # Its type alone: what is no text may still hold a secret.
        raise InvalidHeader(f"Header part ({type(value).__name__}) from {{{name!r}: ...}} must be of type str or bytes")
    if text[:1] in (" ", "\t") or _BAD_VALUE.search(text):
        raise InvalidHeader(
            f"Invalid leading whitespace, reserved character(s), or return character(s) in the value of header {name!r}"
        )
    if not text.isascii():
        try:
            text.encode("latin-1")
        except UnicodeEncodeError:
            raise InvalidHeader(f"The value of header {name!r} has characters outside latin-1") from None
    return text.rstrip(" \t")


def fields_from(*sources: HeadersInput) -> Fields:
    """Checked `Fields` from what callers give; later sources replace names of earlier ones, None removes a name.

    Repeated names inside one source (given as pairs) are kept as repeated lines.

    Raises:
        InvalidHeader: a name or value that cannot be sent.
    """
    merged: dict[str, list[Line]] = {}
    for source in sources:
        if not source:
            continue
        seen: set[str] = set()
        for name, value in _pairs(source):
            name = checked_name(name)
            lower = name.lower()
            if value is None:
                merged.pop(lower, None)
                continue
            if lower not in seen:
                merged[lower] = []
                seen.add(lower)
            merged[lower].append((name, checked_value(name, value)))
    return Fields([line for lines in merged.values() for line in lines])


def _pairs(source: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(source, Headers):
        return source.multi_items()
    if isinstance(source, Mapping):
        return source.items()
    try:
        return [(name, value) for name, value in source]
    except (TypeError, ValueError):
        raise InvalidHeader("headers must be a mapping or an iterable of (name, value) pairs") from None

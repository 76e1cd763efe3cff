"""A stored response and its key: what rules judge and stores keep; never how it is kept or when it may be used.

Source: RFC 9111 sections 2 and 4. Its serialised form is in `_store.record`.
"""

from typing import Any

from .headers import Fields

_LINE_COST = 128  # bytes of CPython objects around the text of one field line
_RECORD_COST = 1024  # the same for one record with its index entries


# (URI without fragment, partition: b"" without credentials). A plain tuple, since every call makes one.
Key = tuple[str, bytes]

Part = tuple[int, int, int | None]


class Stored:
    """One stored response, with all that a later decision needs worked out. Immutable once a store shows it.

    Attributes:
        key: URI and partition.
        status, reason: of the status line.
        fields: as received, less what is never stored (RFC 9111 section 3.1) and Age.
        body: the content as received, content codings included; None where the store keeps it for `open_body`.
        length: bytes of the content.
        place: where the store that showed it has it, for that store alone; None before.
        vary: (lower-case name, normalised value or None) of each field that Vary nominates, of the original request.
        sent_at, received_at: wall time of the exchange, seconds since the epoch.
        date: the Date field as wall time, else `received_at`.
        initial_age: seconds (corrected_initial_age of RFC 9111 section 4.2.3).
        fresh_until: wall time.
        swr_until: wall time until which it may be served stale while it is validated (RFC 5861 section 3).
        sie_until: wall time until which its own stale-if-error lets it stand in for an error (RFC 5861 section 4).
        must_revalidate: never served stale (no-cache or must-revalidate).
        immutable: RFC 8246.
        etag: the entity tag as sent, weak mark included, or None.
        last_modified: the field's value if it is a date, or None.
        groups: of RFC 9875, which another answer may invalidate.
        part: (first, last, total or None) of the bytes that these are of the whole, as Content-Range counts; None for
            the whole.
    """

    __slots__ = (
        "body",
        "date",
        "etag",
        "fields",
        "fresh_until",
        "groups",
        "immutable",
        "initial_age",
        "key",
        "last_modified",
        "length",
        "must_revalidate",
        "part",
        "place",
        "reason",
        "received_at",
        "sent_at",
        "sie_until",
        "status",
        "swr_until",
        "vary",
    )

    def __init__(
        self,
        *,
        key: Key,
        status: int,
        reason: str,
        fields: Fields,
        body: bytes | None,
        vary: tuple[tuple[str, str | None], ...],
        sent_at: float,
        received_at: float,
        date: float,
        initial_age: float,
        fresh_until: float,
        must_revalidate: bool,
        immutable: bool,
        etag: str | None,
        last_modified: str | None,
        swr_until: float = 0.0,
        sie_until: float = 0.0,
        groups: tuple[str, ...] = (),
        part: Part | None = None,
        length: int | None = None,
    ) -> None:
        """`length` is needed only where `body` is None."""
        self.key = key
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = body
        self.vary = vary
        self.sent_at = sent_at
        self.received_at = received_at
        self.date = date
        self.initial_age = initial_age
        self.fresh_until = fresh_until
        self.must_revalidate = must_revalidate
        self.immutable = immutable
        self.etag = etag
        self.last_modified = last_modified
        self.swr_until = swr_until
        self.sie_until = sie_until
        self.groups = groups
        self.part = part
        self.length = len(body or b"") if length is None else length
        self.place: Any = None

    @property
    def uri(self) -> str:
        """The first half of the key."""
        return self.key[0]

    @property
    def partition(self) -> bytes:
        """The other half."""
        return self.key[1]

    def replaces(self, other: "Stored") -> bool:
        """Whether both answer exactly the same requests, so that only one can be kept."""
        return self.vary == other.vary and self.key == other.key

    @property
    def strong_etag(self) -> str | None:
        """The entity tag if it is a strong validator, which promises the same bytes (RFC 9110 section 8.8.1)."""
        return None if self.etag is None or self.etag.startswith("W/") else self.etag

    @property
    def size(self) -> int:
        """Bytes that this takes in memory, nearly."""
        text = sum([len(name) + len(value) + _LINE_COST for name, value in self.fields])
        groups = sum([len(group) + _LINE_COST for group in self.groups])
        return _RECORD_COST + len(self.uri) + text + groups + self.length

    def hold(self, body: bytes) -> None:
        """Makes `body` its content."""
        self.body = body
        self.length = len(body)

    def share_body(self, other: "Stored") -> None:
        """Makes the content of `other` its own."""
        self.body, self.length, self.place = other.body, other.length, other.place

    def __repr__(self) -> str:
        return f"<Stored {self.status}, {self.length} bytes>"  # URI and fields may hold secrets

"""A stored response and its key: what rules judge and stores keep; never how it is kept or when it may be used.

Source: RFC 9111 sections 2 and 4. Its serialised form is in `_store.record`.
"""

from .headers import Fields

_LINE_COST = 128  # bytes of CPython objects around the text of one field line
_RECORD_COST = 1024  # the same for one record with its index entries


# (URI without fragment, partition: b"" without credentials). A plain tuple, since every call makes one.
Key = tuple[str, bytes]


class Stored:
    """One stored response, with all that a later decision needs worked out. Immutable once a store shows it.

    Attributes:
        key: URI and partition.
        status, reason: of the status line.
        fields: as received, less what is never stored (RFC 9111 section 3.1) and Age.
        body: the content as received, content codings included.
        vary: (lower-case name, normalised value or None) of each field that Vary nominates, of the original request.
        sent_at, received_at: wall time of the exchange, seconds since the epoch.
        date: the Date field as wall time, else `received_at`.
        initial_age: seconds (corrected_initial_age of RFC 9111 section 4.2.3).
        fresh_until: wall time.
        must_revalidate: never served stale (no-cache or must-revalidate).
        immutable: RFC 8246.
        etag: the entity tag as sent, weak mark included, or None.
        last_modified: the field's value if it is a date, or None.
    """

    __slots__ = (
        "body",
        "date",
        "etag",
        "fields",
        "fresh_until",
        "immutable",
        "initial_age",
        "key",
        "last_modified",
        "must_revalidate",
        "reason",
        "received_at",
        "sent_at",
        "status",
        "vary",
    )

    def __init__(
        self,
        *,
        key: Key,
        status: int,
        reason: str,
        fields: Fields,
        body: bytes,
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
    ) -> None:
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

    @property
    def uri(self) -> str:
        return self.key[0]

    @property
    def partition(self) -> bytes:
        return self.key[1]

    def replaces(self, other: "Stored") -> bool:
        """Whether both answer exactly the same requests, so that only one can be kept."""
        return self.vary == other.vary and self.key == other.key

    @property
    def size(self) -> int:
        """Bytes that this takes in memory, nearly."""
        text = sum([len(name) + len(value) + _LINE_COST for name, value in self.fields])
        return _RECORD_COST + len(self.uri) + text + len(self.body)

    def __repr__(self) -> str:
        return f"<Stored {self.status}, {len(self.body)} bytes>"  # URI and fields may hold secrets

"""Stored responses for tables: everything has a value, and each row changes what it is about."""

from typing import Any

from smartclient._model.headers import Fields
from smartclient._model.stored import Stored

NOW = 1_800_000_000.0
URI = "https://h.example/"


def stored(**changes: Any) -> Stored:
    """Received 100 s ago, fresh for 100 s more, ten bytes with a strong entity tag."""
    lines = changes.pop("lines", ())
    return Stored(
        **{
            "key": (URI, b""),
            "status": 200,
            "reason": "OK",
            "fields": Fields(lines),
            "body": b"0123456789",
            "vary": (),
            "sent_at": NOW - 101,
            "received_at": NOW - 100,
            "date": NOW - 100,
            "initial_age": 0.0,
            "fresh_until": NOW + 100,
            "must_revalidate": False,
            "immutable": False,
            "etag": '"a"',
            "last_modified": None,
            **changes,
        }
    )


def part(first: int, last: int, total: int | None, **changes: Any) -> Stored:
    """Bytes `first` to `last` of `total`, each its own last digit."""
    body = "".join([str(position % 10) for position in range(first, last + 1)]).encode()
    given = {"status": 206, "reason": "Partial Content", "body": body, "part": (first, last, total), **changes}
    return stored(**given)

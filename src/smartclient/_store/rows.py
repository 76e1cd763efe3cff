"""What the disk store reads and writes in its tables: plain calls over one connection; never in which thread."""

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

from .._model.scope import Scope, origin_of
from .._model.stored import Key, Stored
from .base import Stats
from .body_files import BodyFile
from .marks import MAX_MARKS
from .memory import MAX_VARIANTS
from .numbers import number_of, range_of

BATCH = 300  # rows that one step of the eviction removes
KEPT = 0.9  # of the bounds, that eviction leaves
PAGE = 200
_FIRST_PAGE = (-inf, 0)

_LOOKUP = "SELECT id, stamp, file, checksums, record FROM response WHERE key = ? AND partition = ?"
_MARKED = """SELECT max(moment) FROM (
    SELECT moment FROM mark WHERE kind = 'everything'
    UNION ALL SELECT moment FROM mark WHERE kind = 'uri' AND value = ?
    UNION ALL SELECT moment FROM mark WHERE kind = 'origin' AND value = ?
    UNION ALL SELECT moment FROM mark WHERE kind = 'prefix' AND substr(?, 1, length(value)) = value)"""
_ADD_MARK = """INSERT INTO mark VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET moment = max(moment, excluded.moment)"""
_IN_SCOPE = {
    "uri": "key BETWEEN :low AND :high AND uri = :value",
    "origin": "key BETWEEN :low AND :high AND uri >= :value || '/' AND uri < :value || '0'",  # "0" comes after "/"
    "prefix": "key BETWEEN :low AND :high AND uri >= :value AND uri < :value || char(1114111)",
    "group": "id IN (SELECT response FROM member WHERE origin = :value AND name = :name)",
    "everything": "1",
}


# Where a stored response is: the row's id; its stamp, another one whenever it has changed; the body's file.
Place = tuple[int, int, BodyFile | None]  # a plain tuple, since every hit makes one
Row = tuple[int, int, Any, Any, Any]


def lookup(db: sqlite3.Connection, key: Key) -> list[Row]:
    """The rows of all variants of `key`."""
    uri, partition = key
    return db.execute(_LOOKUP, (number_of(uri), partition)).fetchall()


def stored_in(row: Sequence[Any]) -> Stored | None:
    """The response in a row; None if it is damaged."""
    from .record import from_bytes  # many calls find nothing, and write nothing

    id, stamp, file, checksums, record = row
    stored = from_bytes(record) if type(record) is bytes else None
    if stored is None:
        return None
    if file is None:
        if stored.body is None:
            return None
        stored.place = (id, stamp, None)
        return stored
    stored.place = (id, stamp, BodyFile(file, stored.length, checksums or b""))
    return stored


def add(db: sqlite3.Connection, record: Stored, file: BodyFile | None, now: float) -> bool:
    """Puts `record`, whose body is in it or in `file`, in the place of what it replaces; False if it was invalidated.

    To be called in a transaction.
    """
    if not _accepts(db, record):
        return False
    if file is not None and db.execute("DELETE FROM pending WHERE file = ?", (file.name,)).rowcount == 0:
        return False  # somebody took us for dead, and has removed it
    for old in _replaced(db, record):
        db.execute("DELETE FROM response WHERE id = ?", old)
    from .record import to_bytes

    data = to_bytes(record)
    stamp = _new_stamp()
    name, checksums = (None, None) if file is None else (file.name, file.checksums)
    size = len(data) + (0 if file is None else file.length)
    uri, partition = record.key
    row = (number_of(uri), partition, uri, stamp, size, now, _useless_at(record), name, checksums, data)
    id = db.execute("INSERT INTO response VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row).lastrowid or 0
    _add_groups(db, record, id)
    record.place = (id, stamp, file)
    return True


def _accepts(db: sqlite3.Connection, record: Stored) -> bool:
    uri = record.uri
    origin = origin_of(uri)
    moments = [db.execute(_MARKED, (uri, origin, uri)).fetchone()[0]]
    for group in record.groups:
        row = db.execute(
            "SELECT moment FROM mark WHERE kind = 'group' AND value = ? AND name = ?", (origin, group)
        ).fetchone()
        moments.append(row and row[0])
    return all(moment is None or record.sent_at > moment for moment in moments)


def _replaced(db: sqlite3.Connection, record: Stored) -> list[tuple[int]]:
    """The rows that answer the same requests, or that are damaged; else, with too many variants, one for room."""
    rows = lookup(db, record.key)
    if not rows:
        return []
    gone = []
    for row in rows:
        other = stored_in(row)
        if other is None or other.key != record.key or record.replaces(other):
            gone.append((row[0],))
    if gone or len(rows) < MAX_VARIANTS:
        return gone
    return db.execute(
        "SELECT id FROM response WHERE key = ? AND partition = ? ORDER BY last_used, id LIMIT 1",
        (number_of(record.uri), record.partition),
    ).fetchall()


def _useless_at(record: Stored) -> float | None:
    """When nothing can be done with it any more; None if it can be validated."""
    if record.etag is not None or record.last_modified is not None:
        return None
    return max(record.fresh_until, record.swr_until, record.sie_until)


def _add_groups(db: sqlite3.Connection, record: Stored, id: int) -> None:
    if record.groups:
        origin = origin_of(record.uri)
        db.executemany("INSERT OR IGNORE INTO member VALUES (?, ?, ?)", [(origin, name, id) for name in record.groups])


def freshen(db: sqlite3.Connection, stored: Stored, record: Stored) -> bool:
    """Writes `record` over the row of `stored`, whose body it has; False if that has changed, or it was invalidated.

    To be called in a transaction. When it was used is written with all other uses: each index that changes would take
    a fifth of all this.
    """
    if not _accepts(db, record):
        return False
    from .record import to_bytes

    id, old, file = stored.place
    data = to_bytes(record, file is None)
    stamp = _new_stamp()
    size = len(data) + (0 if file is None else file.length)
    changed = db.execute(
        "UPDATE response SET stamp = ?, size = ?, useless_at = ?, record = ? WHERE id = ? AND stamp = ?",
        (stamp, size, _useless_at(record), data, id, old),
    )
    if changed.rowcount == 0:
        return False
    if stored.groups != record.groups:
        db.execute("DELETE FROM member WHERE response = ?", (id,))
        _add_groups(db, record, id)
    record.place = (id, stamp, file)
    return True


def invalidate(db: sqlite3.Connection, scopes: Iterable[Scope], moment: float) -> int:
    """Removes what `scopes` cover and leaves marks; the number removed. To be called in a transaction."""
    dropped = 0
    for scope in scopes:
        kind, value, name = scope
        db.execute(_ADD_MARK, (kind, value, name, moment))
        given = {"value": value, "name": name, **range_of(scope)}
        dropped += db.execute(f"DELETE FROM response WHERE {_IN_SCOPE[kind]}", given).rowcount
    db.execute("UPDATE total SET changes = changes + 1")
    if os.urandom(1) == b"\0":
        _limit_marks(db)
    return dropped


def _limit_marks(db: sqlite3.Connection) -> None:
    surplus = db.execute("SELECT count(*) FROM mark").fetchone()[0] - MAX_MARKS
    if surplus <= 0:
        return
    oldest = db.execute(
        "SELECT kind, value, name, moment FROM mark WHERE kind <> 'everything' ORDER BY moment LIMIT ?", (surplus,)
    ).fetchall()
    db.executemany("DELETE FROM mark WHERE kind = ? AND value = ? AND name = ?", [row[:3] for row in oldest])
    db.execute(_ADD_MARK, ("everything", "", "", oldest[-1][3]))


def seal(db: sqlite3.Connection, name: str, id: int, checksums: bytes) -> None:
    """Notes the checksums of a body file."""
    db.execute("UPDATE response SET checksums = ? WHERE id = ? AND file = ?", (checksums, id, name))


def remove(db: sqlite3.Connection, place: Place) -> None:
    """Removes a row that turned out damaged."""
    db.execute("DELETE FROM response WHERE id = ? AND stamp = ?", place[:2])


def is_over(db: sqlite3.Connection, max_items: int, max_bytes: int) -> tuple[bool, bool]:
    """Whether there is more than the bounds allow, and whether there are files to remove."""
    items, size, littered = db.execute(
        "SELECT items, size, EXISTS (SELECT 1 FROM pending WHERE owner = 0) FROM total"
    ).fetchone()
    return items > max_items or size > max_bytes, bool(littered)


def evict(db: sqlite3.Connection, max_items: int, max_bytes: int, now: float) -> bool:
    """Removes at most `BATCH` rows, until `KEPT` of the bounds is reached; whether more must go.

    First what is expired and cannot be validated, then the least recently used. To be called in a transaction.
    """
    items, size = db.execute("SELECT items, size FROM total").fetchone()
    surplus = items - int(KEPT * max_items), size - int(KEPT * max_bytes)
    if surplus[0] <= 0 and surplus[1] <= 0:
        return False
    rows = db.execute(
        "SELECT id, size FROM response WHERE useless_at < ? ORDER BY useless_at LIMIT ?", (now, BATCH)
    ).fetchall()
    if len(rows) < BATCH:
        known = {row[0] for row in rows}
        oldest = db.execute("SELECT id, size FROM response ORDER BY last_used LIMIT ?", (BATCH,)).fetchall()
        rows += [row for row in oldest if row[0] not in known][: BATCH - len(rows)]
    gone, freed = 0, 0
    for id, bytes_there in rows:
        if gone >= surplus[0] and freed >= surplus[1]:
            break
        db.execute("DELETE FROM response WHERE id = ?", (id,))
        gone += 1
        freed += bytes_there
    db.execute("UPDATE total SET evicted = evicted + ?", (gone,))
    return bool(rows) and (gone < surplus[0] or freed < surplus[1])


def stats(db: sqlite3.Connection) -> Stats:
    """Counts of the tables."""
    return Stats(*db.execute("SELECT items, size, evicted, 0, hits, misses FROM total").fetchone())


def changes(db: sqlite3.Connection) -> int:
    """How often something was stored, freshened or invalidated, by all processes together."""
    return db.execute("SELECT changes FROM total").fetchone()[0]  # type: ignore[no-any-return]


def page(db: sqlite3.Connection, after: Any) -> tuple[list[Stored], list[Place], Any]:
    """The next responses, the least recently used first, damaged rows, and where to go on, None at the end."""
    rows = db.execute(
        "SELECT last_used, id, stamp, file, checksums, record FROM response"
        " WHERE (last_used, id) > (?, ?) ORDER BY last_used, id LIMIT ?",
        (*(after or _FIRST_PAGE), PAGE),
    ).fetchall()
    found: list[Stored] = []
    damaged: list[Place] = []
    for _, *row in rows:
        stored = stored_in(row)
        if stored is None:
            damaged.append((row[0], row[1], None))
        else:
            found.append(stored)
    return found, damaged, rows[-1][:2] if len(rows) == PAGE else None


def note_use(db: sqlite3.Connection, moments: Mapping[int, float], hits: int, misses: int) -> None:
    """Notes when rows were used last, and adds to the counts. To be called in a transaction."""
    db.executemany("UPDATE response SET last_used = ? WHERE id = ?", [(moment, id) for id, moment in moments.items()])
    db.execute("UPDATE total SET hits = hits + ?, misses = misses + ?", (hits, misses))


def lease(db: sqlite3.Connection, key: Key, now: float, until: float) -> bytes | None:
    """The token of a new lease on `key`, None while there is another. To be called in a transaction."""
    db.execute("DELETE FROM lease WHERE until <= ?", (now,))
    token = os.urandom(16)
    taken = db.execute("INSERT OR IGNORE INTO lease VALUES (?, ?, ?, ?)", (*key, token, until))
    return token if taken.rowcount else None


def release(db: sqlite3.Connection, token: bytes) -> None:
    """Ends the lease of that token."""
    db.execute("DELETE FROM lease WHERE token = ?", (token,))


# Files that no row has: those being written, with the process that does it, and those whose row was removed (owner 0).


def announce(db: sqlite3.Connection, name: str, owner: int) -> None:
    """Notes that `owner` is about to write a body file, so that it is found if that dies."""
    db.execute("INSERT INTO pending VALUES (?, ?)", (name, owner))


def removable(db: sqlite3.Connection) -> list[str]:
    """Files whose rows are gone."""
    return [name for (name,) in db.execute("SELECT file FROM pending WHERE owner = 0").fetchall()]


def owners(db: sqlite3.Connection) -> list[tuple[str, int]]:
    """All files that no row has, and who writes them."""
    return db.execute("SELECT file, owner FROM pending").fetchall()


def forget(db: sqlite3.Connection, names: Iterable[str]) -> None:
    """Notes that these files are gone."""
    db.executemany("DELETE FROM pending WHERE file = ?", [(name,) for name in names])


def _new_stamp() -> int:
    return int.from_bytes(os.urandom(8), "big") >> 1

"""The tables of the disk store, and how a file becomes or proves to be one; never what is read or written later."""

import os
import sqlite3
import time

APPLICATION_ID = 0x536D4368  # "SmCh"
VERSION = 2
_CACHE_KIB = (2_048, 24_576)  # of one connection, at least and at most
_CACHED_PER_ITEM = 64  # bytes: the index of keys has 20, and as much passes between two uses of a page of it
FILE_NAME = "cache.sqlite3"

# Responses are found by a number made of their URI (`numbers`), not by the URI itself: that index is a fifth as large,
# and so stays in hand, which leaves one page to read for a hit, whatever the number of rows.
# Large values come last in a row: to read past one, SQLite follows its pages. What is counted and what is to be cleared
# away are kept by triggers, so that no way of removing a row can forget them.
_TABLES = """
CREATE TABLE response (
    id INTEGER PRIMARY KEY,
    key INTEGER NOT NULL,
    partition BLOB NOT NULL,
    uri TEXT NOT NULL,
    stamp INTEGER NOT NULL,
    size INTEGER NOT NULL,
    last_used REAL NOT NULL,
    useless_at REAL,
    file TEXT,
    checksums BLOB,
    record BLOB NOT NULL
);
CREATE INDEX response_key ON response (key, partition);
CREATE INDEX response_use ON response (last_used);
CREATE INDEX response_useless ON response (useless_at) WHERE useless_at IS NOT NULL;
CREATE TABLE member (
    origin TEXT, name TEXT, response INTEGER, PRIMARY KEY (origin, name, response)
) WITHOUT ROWID;
CREATE INDEX member_response ON member (response);
CREATE TABLE mark (
    kind TEXT, value TEXT, name TEXT, moment REAL NOT NULL, PRIMARY KEY (kind, value, name)
) WITHOUT ROWID;
CREATE TABLE pending (file TEXT PRIMARY KEY, owner INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE lease (
    uri TEXT, partition BLOB, token BLOB NOT NULL, until REAL NOT NULL, PRIMARY KEY (uri, partition)
) WITHOUT ROWID;
CREATE TABLE total (
    items INTEGER NOT NULL,
    size INTEGER NOT NULL,
    evicted INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    hits INTEGER NOT NULL,
    misses INTEGER NOT NULL,
    salt BLOB NOT NULL
);
CREATE TRIGGER response_added AFTER INSERT ON response BEGIN
    UPDATE total SET items = items + 1, size = size + NEW.size, changes = changes + 1;
END;
CREATE TRIGGER response_freshened AFTER UPDATE OF stamp ON response BEGIN
    UPDATE total SET size = size + NEW.size - OLD.size, changes = changes + 1;
END;
CREATE TRIGGER response_removed AFTER DELETE ON response BEGIN
    UPDATE total SET items = items - 1, size = size - OLD.size;
    DELETE FROM member WHERE response = OLD.id;
    INSERT INTO pending SELECT OLD.file, 0 WHERE OLD.file IS NOT NULL;
END;
"""


class ForeignDatabase(Exception):
    """The file is somebody else's, or of a newer version of this store."""


def connect(path: str, timeout: float, durable: bool, items: int) -> sqlite3.Connection:
    """A connection to the store's file, which exists and was looked at by `prepare`, for at most so many `items`.

    It is used by one thread, and may be closed by another.
    """
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    db.text_factory = _text
    try:
        db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        least, most = _CACHE_KIB
        db.execute(f"PRAGMA cache_size=-{min(max(least, items * _CACHED_PER_ITEM // 1024), most)}")
    except BaseException:
        db.close()
        raise
    return db


def _text(data: bytes) -> str:
    """For damaged rows, whose text need not be UTF-8."""
    return data.decode("utf-8", "replace")


def prepare(path: str, timeout: float) -> None:
    """Makes the file at `path`, with its tables, if there is none; for its owner alone.

    Raises:
        ForeignDatabase: there is one, and it is not this store's.
        sqlite3.Error, OSError: it is no database, or cannot be made.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # its log and its index take its mode
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        db.execute("BEGIN")  # one look: another process may be making the tables
        ours = _is_ours(db)
        db.execute("COMMIT")
        if not ours:
            _to_log(db, timeout)
            db.execute("BEGIN IMMEDIATE")
            if not _is_ours(db):  # else another process was faster
                left = _drop_older(db)
                for statement in _statements():
                    db.execute(statement)
                db.execute("INSERT INTO total VALUES (0, 0, 0, 0, 0, 0, ?)", (os.urandom(16),))
                db.executemany("INSERT INTO pending VALUES (?, 0)", left)
                db.execute(f"PRAGMA application_id={APPLICATION_ID}")
                db.execute(f"PRAGMA user_version={VERSION}")
            db.execute("COMMIT")
    finally:
        db.close()


def _is_ours(db: sqlite3.Connection) -> bool:
    """Whether the tables are there; False for an empty file, and for an older version. In a transaction."""
    marks = (db.execute("PRAGMA application_id").fetchone()[0], db.execute("PRAGMA user_version").fetchone()[0])
    if marks == (APPLICATION_ID, VERSION):
        return True
    if marks[0] == APPLICATION_ID and 0 < marks[1] < VERSION:
        return False
    if marks != (0, 0) or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise ForeignDatabase
    return False


def _drop_older(db: sqlite3.Connection) -> list[tuple[str]]:
    """Removes the tables of an older version, if there are any; the files that its bodies were in. In a transaction."""
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    if not tables:
        return []
    files: list[tuple[str]] = db.execute(
        "SELECT file FROM response WHERE file IS NOT NULL UNION SELECT file FROM pending"
    ).fetchall()
    for name in tables:
        db.execute(f"DROP TABLE {name}")
    return files


def _to_log(db: sqlite3.Connection, timeout: float) -> None:
    """Has changes written to a log first (WAL). SQLite does not wait by itself for another that does the same."""
    until = time.monotonic() + timeout
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.005)


def _statements() -> list[str]:
    """Those of `_TABLES`, one by one, since executescript() would end the transaction."""
    statements, whole = [], ""
    for line in _TABLES.splitlines():
        whole += line + "\n"
        if sqlite3.complete_statement(whole):
            statements.append(whole)
            whole = ""
    return statements

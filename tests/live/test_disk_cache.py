"""Sessions over a folder: what is stored in one is served in the next, large bodies and broken folders included."""

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from loopback.clients import Client
from loopback.origin import Origin, Page
from smartclient import Cache
from smartclient.stores import SQLiteStore

FRESH = ("Cache-Control", "max-age=60")
LARGE = bytes(range(256)) * 4000  # 1 MB


@pytest.fixture(params=["path", "store"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """What `cache=` is given: a path (memory over disk), or the bare store."""
    folder = tmp_path / "cache"
    return str(folder) if request.param == "path" else Cache(store=SQLiteStore(folder))


def test_one_session_stores_and_another_serves(client: Client, origin: Origin, disk: Any, tmp_path: Path) -> None:
    url = origin.route("/large", lambda seen: Page(LARGE, headers=(FRESH,)))
    small = origin.route("/small", lambda seen: Page(b"small", headers=(FRESH, ("Vary", "Accept-Language"))))
    session = client.session(cache=disk)
    assert session.get(url).content == LARGE
    assert session.get(small).content == b"small"
    other = client.session(cache=Cache(store=SQLiteStore(tmp_path / "cache")))
    for each in (session, other):
        for wanted, content in ((url, LARGE), (small, b"small")):
            response = each.get(wanted)
            assert (response.content, response.cache.status) == (content, "hit")
    with other.stream("GET", url) as response:
        assert b"".join(response.iter_content(100_000)) == LARGE
    assert other.head(url).headers["Content-Length"] == str(len(LARGE))
    assert origin.seen.hits == {"/large": 1, "/small": 1}


def test_a_part_of_a_large_body(client: Client, origin: Origin, disk: Any) -> None:
    url = origin.route("/large", lambda seen: Page(LARGE, headers=(FRESH, ("ETag", '"a"'))))
    session = client.session(cache=disk)
    session.get(url)
    response = session.get(url, headers={"Range": "bytes=300000-300009"})
    assert (response.status_code, response.content) == (206, LARGE[300_000:300_010])
    assert origin.seen.hits == {"/large": 1}


def test_a_large_body_is_validated(client: Client, origin: Origin, disk: Any) -> None:
    def page(seen: Any) -> Page:
        headers = (("ETag", '"a"'), ("Cache-Control", "max-age=0"))
        return Page(status=304, headers=headers) if seen.header("If-None-Match") else Page(LARGE, headers=headers)

    url = origin.route("/large", page)
    session = client.session(cache=disk)
    assert session.get(url).content == LARGE
    for _ in range(2):
        response = session.get(url)
        assert (response.content, response.cache.status) == (LARGE, "revalidated")
    assert [seen.header("If-None-Match") for seen in origin.seen.requests] == [None, '"a"', '"a"']


def test_what_is_not_read_to_its_end_is_not_stored(client: Client, origin: Origin, disk: Any, tmp_path: Path) -> None:
    url = origin.route("/large", lambda seen: Page(LARGE, headers=(FRESH,)))
    session = client.session(cache=disk)
    with session.stream("GET", url) as response:
        next(iter(response.iter_content(1000)))
    assert session.get(url).cache.status == "miss"
    assert session.get(url).cache.status == "hit"


def test_a_change_reaches_other_sessions(client: Client, origin: Origin, disk: Any, tmp_path: Path) -> None:
    url = origin.route("/page", lambda seen: Page(str(len(origin.seen.requests)).encode(), headers=(FRESH,)))
    session, other = client.session(cache=disk), client.session(cache=Cache(store=SQLiteStore(tmp_path / "cache")))
    assert (session.get(url).text, other.get(url).text) == ("1", "1")
    session.post(url)
    assert (other.get(url).text, session.get(url).text) == ("3", "3")


def test_users_keep_their_own_across_sessions(client: Client, origin: Origin, tmp_path: Path) -> None:
    url = origin.route("/me", lambda seen: Page(str(seen.header("Authorization")).encode(), headers=(FRESH,)))
    sessions = [client.session(cache=Cache(store=SQLiteStore(tmp_path / "cache"))) for _ in range(2)]
    for session in sessions:
        for user in ("ann", "bob"):
            assert session.get(url, headers={"Authorization": user}).text == user
    assert origin.seen.hits == {"/me": 2}, "the partitions of the same user differ"


def foreign(folder: Path) -> None:
    db = sqlite3.connect(folder / "cache.sqlite3")
    db.execute("CREATE TABLE accounts (name)")
    db.close()


def torn(folder: Path) -> None:
    (folder / "cache.sqlite3").write_bytes(b"SQLite format 3\x00" + bytes(200))


def unwritable(folder: Path) -> None:
    (folder / "cache.sqlite3").mkdir()


@pytest.mark.parametrize("spoil", [foreign, torn, unwritable])
def test_a_folder_that_cannot_be_used_costs_a_line_in_the_log(
    client: Client, origin: Origin, tmp_path: Path, spoil: Any, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    spoil(folder)
    url = origin.route("/large", lambda seen: Page(LARGE, headers=(FRESH,)))
    session = client.session(cache=os.fspath(folder))
    with caplog.at_level(logging.WARNING, "smartclient"):
        for _ in range(3):
            assert session.get(url).content == LARGE
            assert session.post(url).content == LARGE
    messages = [record.getMessage() for record in caplog.records]
    assert messages
    assert len(messages) == len(set(messages))
    assert str(folder) not in caplog.text

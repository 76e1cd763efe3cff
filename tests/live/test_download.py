"""Downloads in all three modes: whole and checked or not at all, whatever server, disk and earlier calls have done."""

import errno
import gzip
import itertools
import os
import random
import stat
import threading
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from loopback.clients import Client
from loopback.files import Entity, FileServer, Head, content_of
from smartclient._api.part_file import PartFile, boot_name
from smartclient._rules import resume
from smartclient._rules.download import record_from
from smartclient.exceptions import (
    ChecksumError,
    ContentDecodingError,
    FileError,
    HTTPError,
    IncompleteBody,
    InvalidOption,
    NotFound,
    RemoteProtocolError,
    ServiceUnavailable,
)

MIB = 2**20
CONTENT = content_of(3 * MIB)
OTHER = content_of(3 * MIB, seed=2)
LARGE = content_of(20 * MIB)
SUM = f"sha256:{sha256(CONTENT).hexdigest()}"
MODIFIED = "Sun, 01 Nov 2026 09:00:00 GMT"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(Entity(CONTENT)) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "delay_before_retry", lambda *_: 0.001)


def cuts(least: int, most: int, seed: int = 1) -> Iterator[int]:
    dice = random.Random(seed)
    return (dice.randrange(least, most) for _ in itertools.count())


def in_folder(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def ranges(server: FileServer) -> list[str | None]:
    return [head.get("range") for head in server.heads]


# What comes out


def test_file(client: Client, server: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "file"
    done = client.download(server.url + "/x", path, headers={"X-Test": "1"})
    assert path.read_bytes() == CONTENT
    assert in_folder(tmp_path) == ["file"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask()
    assert (done.path, done.size, done.digest, done.resumed_from) == (path, len(CONTENT), None, 0)
    assert done.response.status_code == 200
    head = server.heads[0]
    assert head["accept-encoding"] == "identity"
    assert head["want-repr-digest"] == "sha-256=5, sha-512=3"
    assert head["x-test"] == "1"
    assert "range" not in head
    client.download(server.url + "/x", path)
    assert len(server.heads) == 2  # past the cache


def mask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found


def test_old_file_is_replaced_with_its_mode(client: Client, server: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    client.download(server.url, str(path))
    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_link_is_replaced_and_its_mode_means_nothing(client: Client, server: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.symlink_to(tmp_path / "elsewhere")
    client.download(server.url, path)
    assert (path.is_symlink(), stat.S_IMODE(path.stat().st_mode)) == (False, 0o666 & ~mask())
    assert in_folder(tmp_path) == ["file"]


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
def test_small_files(client: Client, server: FileServer, tmp_path: Path, length: bool) -> None:
    for size in (0, 1, 100_000):
        server.entity = Entity(CONTENT[:size], length=length)
        done = client.download(server.url, tmp_path / "file", checksum=f"sha256:{sha256(CONTENT[:size]).hexdigest()}")
        assert (tmp_path / "file").read_bytes() == CONTENT[:size]
        assert done.size == size


def test_progress(client: Client, server: FileServer, tmp_path: Path) -> None:
    told: list[tuple[int, int | None, float]] = []
    client.download(server.url, tmp_path / "file", progress=lambda *now: told.append(now))
    assert told[-1][:2] == (len(CONTENT), len(CONTENT))
    assert told[-1][2] > 0


def test_progress_may_end_it(client: Client, server: FileServer, tmp_path: Path) -> None:
    def enough(done: int, total: int | None, rate: float) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        client.download(server.url, tmp_path / "file", progress=enough)
    assert in_folder(tmp_path) == ["file.part", "file.part.json"]


def test_limit_rate(client: Client, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    from smartclient._rules import download

    add = download.Pace.add
    monkeypatch.setattr(download.Pace, "add", lambda pace, size, now: pauses.append(add(pace, size, now)) or 0.0)
    client.download(server.url, tmp_path / "file", limit_rate=2**20)
    assert max(pauses) > 1.0


# Breaks


@pytest.mark.parametrize("parallel", [1, 4])
def test_server_that_cuts(client: Client, server: FileServer, tmp_path: Path, parallel: int) -> None:
    server.entity = Entity(LARGE)
    server.cuts = cuts(1, 3 * MIB)
    done = client.download(server.url, tmp_path / "file", parallel=parallel, retries=5)
    assert (tmp_path / "file").read_bytes() == LARGE
    assert in_folder(tmp_path) == ["file"]
    assert done.resumed_from == 0
    assert len(server.heads) > 6


def test_server_that_dies_and_comes_back(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.entity = Entity(CONTENT)
    seen = threading.Event()

    def watched(head: Head) -> None:
        if len(server.heads) == 3:
            seen.set()

    def restart() -> None:
        seen.wait(20)
        server.stop()
        server.start()

    server.cuts = cuts(MIB // 2, MIB)
    server.respond = watched
    restarter = threading.Thread(target=restart)
    restarter.start()
    client.download(server.url, tmp_path / "file", retries=5)
    restarter.join()
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_unknown_length_is_resumed(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.entity = Entity(CONTENT, length=False)
    server.cuts = iter([MIB])
    client.download(server.url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={MIB}-"]


def test_without_validator_it_begins_again(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.entity = Entity(CONTENT, etag=None)
    server.cuts = iter([MIB, 2 * MIB])
    client.download(server.url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert ranges(server) == [None, None, None]


def test_date_is_a_validator(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.entity = Entity(CONTENT, etag=None, modified=MODIFIED)
    server.cuts = iter([MIB])
    client.download(server.url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.heads[1]["if-range"] == MODIFIED


def test_server_without_parts(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.entity = Entity(CONTENT, ranges=False)
    server.cuts = iter([MIB, 2 * MIB])
    client.download(server.url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_five_breaks_without_progress_end_it(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.cuts = itertools.chain([MIB], itertools.repeat(0))
    with pytest.raises(IncompleteBody):
        client.download(server.url, tmp_path / "file")
    assert len(server.heads) == 7
    assert in_folder(tmp_path) == ["file.part", "file.part.json"]
    server.cuts = iter(())
    done = client.download(server.url, tmp_path / "file")
    assert done.resumed_from == MIB
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("parallel", [1, 4])
def test_entity_that_changes_meanwhile(client: Client, server: FileServer, tmp_path: Path, parallel: int) -> None:
    server.entity = Entity(LARGE)

    def swap(head: Head) -> None:
        if len(server.heads) == 2:
            server.entity = Entity(LARGE[::-1], etag='"two"')

    server.cuts = iter([MIB, None, MIB])
    server.respond = swap
    client.download(server.url, tmp_path / "file", parallel=parallel)
    assert (tmp_path / "file").read_bytes() == LARGE[::-1]


def test_server_that_lies_about_parts(client: Client, server: FileServer, tmp_path: Path) -> None:
    def liar(head: Head) -> bytes | None:
        if "range" not in head:
            return None
        part = OTHER[MIB:]
        return (
            b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\nETag: %s\r\nContent-Length: %d\r\n\r\n"
            % (MIB, len(OTHER) - 1, len(OTHER), b'"two"', len(part))
            + part
        )

    server.respond = liar
    server.cuts = iter([MIB])
    client.download(server.url, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={MIB}-{len(CONTENT) - 1}", None]


def test_part_that_nobody_asked_for(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.respond = lambda head: (
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/5\r\nContent-Length: 2\r\n\r\nab"
    )
    with pytest.raises(RemoteProtocolError, match="nobody had asked"):
        client.download(server.url, tmp_path / "file")
    assert in_folder(tmp_path) == []


def test_passing_status_of_a_later_request(client: Client, server: FileServer, tmp_path: Path) -> None:
    def busy(head: Head) -> bytes | None:
        if len(server.heads) == 2:
            return b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
        return None

    server.respond = busy
    server.cuts = iter([MIB])
    client.download(server.url, tmp_path / "file", retries=0)
    assert (tmp_path / "file").read_bytes() == CONTENT


# Later calls


def leave_part(client: Client, server: FileServer, path: Path, at: int = MIB) -> None:
    """An earlier call that has got so far."""
    server.cuts = iter([at])
    server.respond = lambda head: b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n" if "range" in head else None
    with pytest.raises(NotFound):
        client.download(server.url + "/file", path)
    server.cuts = iter(())
    server.respond = lambda head: None
    server.heads.clear()


def test_later_call_goes_on(client: Client, server: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "file"
    leave_part(client, server, path)
    assert stat.S_IMODE((tmp_path / "file.part").stat().st_mode) == 0o600
    done = client.download(server.url + "/file", path, checksum=SUM)
    assert (done.resumed_from, done.digest) == (MIB, SUM)
    assert ranges(server) == [f"bytes={MIB}-{len(CONTENT) - 1}"]
    assert path.read_bytes() == CONTENT
    assert in_folder(tmp_path) == ["file"]


def test_later_call_into_a_folder_goes_on(client: Client, server: FileServer, tmp_path: Path) -> None:
    leave_part(client, server, tmp_path)
    done = client.download(server.url + "/file", tmp_path)
    assert (done.path, done.resumed_from) == (tmp_path / "file", MIB)
    assert done.path.read_bytes() == CONTENT


def test_resume_off_begins_afresh(client: Client, server: FileServer, tmp_path: Path) -> None:
    leave_part(client, server, tmp_path / "file")
    server.cuts = iter([MIB])
    with pytest.raises(IncompleteBody):
        client.download(server.url + "/file", tmp_path / "file", resume=False)
    assert ranges(server) == [None]
    assert in_folder(tmp_path) == []


@pytest.mark.parametrize("how", ["entity", "url"])
def test_part_of_something_else_begins_again(client: Client, server: FileServer, tmp_path: Path, how: str) -> None:
    leave_part(client, server, tmp_path / "file")
    server.entity = Entity(OTHER, etag='"two"')
    done = client.download(server.url + ("/file" if how == "entity" else "/other"), tmp_path / "file")
    assert done.resumed_from == 0
    assert (tmp_path / "file").read_bytes() == OTHER
    assert in_folder(tmp_path) == ["file"]


def test_shorter_entity_begins_again(client: Client, server: FileServer, tmp_path: Path) -> None:
    leave_part(client, server, tmp_path / "file")
    server.entity = Entity(CONTENT[:1000])  # and the same tag: 416
    client.download(server.url + "/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT[:1000]


def test_whole_part_is_confirmed_by_its_last_byte(client: Client, server: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "file"
    leave_part(client, server, path)
    client.download(server.url + "/file", path)
    part = PartFile.new(str(path))
    part.write_at(0, [CONTENT])
    from smartclient._api.destination import Destination
    from smartclient._model.url import URL
    from smartclient._rules.download import Record

    key = Destination(str(path), URL.parse(server.url + "/file"), overwrite=True).key
    part.note(Record(key, '"one"', len(CONTENT), [], [], boot_name()))
    part.close()
    path.unlink()
    server.heads.clear()
    done = client.download(server.url + "/file", path)
    assert ranges(server) == [f"bytes={len(CONTENT) - 1}-{len(CONTENT) - 1}"]
    assert done.resumed_from == len(CONTENT) - 1
    assert path.read_bytes() == CONTENT


def test_what_the_disk_has_is_noted(
    client: Client, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartclient._api.filling._FLUSHED_EVERY", MIB)
    for runtime in (
        "blocking.Blocking",
        "asyncio_.Asyncio",
        "trio_.Trio",
    ):
        monkeypatch.setattr(f"smartclient._runtime.{runtime}Runtime.run_in_thread", staticmethod(lambda job: job()))
    path = tmp_path / "file"
    leave_part(client, server, path, at=2 * MIB + 1000)
    record = record_from((tmp_path / "file.part.json").read_bytes())
    assert record is not None
    assert record.missing == [(2 * MIB + 1000, len(CONTENT))]
    assert MIB <= record.durable[0][0] <= 2 * MIB + 1000
    assert record.boot == boot_name()


def test_parallel_parts_are_resumed(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.entity = Entity(LARGE)
    path = tmp_path / "file"

    def refuse(head: Head) -> bytes | None:
        return b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n" if len(server.heads) > 3 else None

    server.respond = refuse
    server.cuts = iter([MIB, None, MIB])
    with pytest.raises(NotFound):
        client.download(server.url, path, parallel=2)
    assert not path.exists()
    server.respond = lambda head: None
    done = client.download(server.url, path)
    assert done.resumed_from >= MIB
    assert path.read_bytes() == LARGE


# Checks


def test_wrong_checksum_leaves_nothing(client: Client, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(ChecksumError, match="checksum says"):
        client.download(server.url, tmp_path / "file", checksum="sha256:" + "0" * 64)
    assert in_folder(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("coded", [False, True], ids=["plain", "gzip"])
def test_digest_of_the_server(client: Client, server: FileServer, tmp_path: Path, coded: bool, right: bool) -> None:
    body = gzip.compress(CONTENT[:100_000]) if coded else CONTENT
    digest = b64encode(sha256(body if right else b"").digest()).decode()
    fields = {"Repr-Digest": f"sha-256=:{digest}:"} | ({"Content-Encoding": "gzip"} if coded else {})
    server.entity = Entity(body, fields=fields)
    if right:
        done = client.download(server.url, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == (CONTENT[:100_000] if coded else CONTENT)
        assert done.digest == (None if coded else SUM)
    else:
        with pytest.raises(ChecksumError, match="Repr-Digest says"):
            client.download(server.url, tmp_path / "file")
        assert in_folder(tmp_path) == []


def test_coded_answer_that_breaks_is_asked_for_again(client: Client, server: FileServer, tmp_path: Path) -> None:
    body = gzip.compress(CONTENT)
    server.entity = Entity(body, fields={"Content-Encoding": "gzip"})
    server.cuts = iter([MIB])
    client.download(server.url, tmp_path / "file", checksum=SUM)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert ranges(server) == [None, None]


def test_coded_answer_that_is_damaged_leaves_nothing(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.entity = Entity(gzip.compress(CONTENT)[:-4], fields={"Content-Encoding": "gzip"})
    with pytest.raises(ContentDecodingError):
        client.download(server.url, tmp_path / "file")
    assert in_folder(tmp_path) == []


# If changed


def test_if_changed(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.entity = Entity(CONTENT, modified=MODIFIED)
    path = tmp_path / "file"
    client.download(server.url, path, if_changed=True)
    before = path.stat()
    done = client.download(server.url, path, if_changed=True)
    assert (done.response.status_code, done.size) == (304, len(CONTENT))
    assert path.stat() == before
    server.entity = Entity(OTHER, etag='"two"', modified="Sun, 01 Nov 2026 09:00:01 GMT")
    assert client.download(server.url, path, if_changed=True).response.status_code == 200
    assert path.read_bytes() == OTHER


# Refusals: nothing is written where it should not be


def test_status_is_raised_and_nothing_written(client: Client, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    for status in (401, 404, 410, 416, 500, 302):
        server.respond = lambda head, status=status: b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status
        with pytest.raises(HTTPError, match=str(status)) as raised:
            client.download(server.url, tmp_path / "file", retries=0)
        assert raised.value.response.content == b"no"
    server.respond = lambda head: b"HTTP/1.1 304 No\r\n\r\n"
    with pytest.raises(HTTPError, match="304"):
        client.download(server.url, tmp_path / "file")
    assert in_folder(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_overwrite_off(client: Client, server: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "file"
    client.download(server.url, path, overwrite=False)
    with pytest.raises(FileError) as raised:
        client.download(server.url, path, overwrite=False)
    assert raised.value.errno == errno.EEXIST
    assert len(server.heads) == 1


def test_overwrite_off_holds_at_the_end_too(client: Client, server: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(FileError) as raised:
        client.download(server.url, path, overwrite=False, progress=lambda *_: path.write_bytes(b"mine"))
    assert raised.value.errno == errno.EEXIST
    assert path.read_bytes() == b"mine"


def test_hostile_names_stay_in_the_folder(client: Client, server: FileServer, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("../evil", "..\\evil", "/tmp/evil", ".evil", "evil\u202e", "evil"):
        quoted = "".join(f"%{byte:02x}" for byte in name.encode())
        server.entity = Entity(CONTENT, fields={"Content-Disposition": f"attachment; filename*=UTF-8''{quoted}"})
        done = client.download(server.url + "/x", folder)
        assert done.path == folder / "evil"
        assert in_folder(tmp_path) == ["folder"]
        with pytest.raises(FileError):  # never replaced: the server chose the name
            client.download(server.url + "/x", folder)
        done.path.unlink()


def test_folder_that_is_not_there(client: Client, server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(FileError) as raised:
        client.download(server.url, tmp_path / "none" / "file")
    assert raised.value.errno == errno.ENOENT


def test_disk_without_room(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.respond = lambda head: (
        b'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 100000000000000000\r\n\r\n' + b"x" * 1000
    )
    with pytest.raises(FileError) as raised:
        client.download(server.url, tmp_path / "file")
    assert raised.value.errno == errno.ENOSPC
    assert in_folder(tmp_path) == []


def test_disk_that_fills_up(
    client: Client, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = PartFile.write_at

    def full(file: PartFile, position: int, pieces: Any) -> None:
        if position > MIB:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(file, position, pieces)

    with monkeypatch.context() as patch:
        patch.setattr(PartFile, "write_at", full)
        with pytest.raises(FileError, match="No space") as raised:
            client.download(server.url, tmp_path / "file", checksum=SUM)
        assert raised.value.errno == errno.ENOSPC
    assert "file" not in in_folder(tmp_path)
    assert client.download(server.url, tmp_path / "file", checksum=SUM).resumed_from > MIB


def test_keywords_that_make_no_sense(client: Client, tmp_path: Path) -> None:
    for options in ({"stream": True}, {"cache": None}, {"data": b"x"}, {"nonsense": 1}):
        with pytest.raises(TypeError, match="download"):
            client.download("http://127.0.0.1:1/", tmp_path / "file", **options)
    for values in ({"headers": {"Range": "bytes=0-"}}, {"checksum": "x"}, {"parallel": 0}, {"progress": 5}):
        with pytest.raises(InvalidOption):
            client.download("http://127.0.0.1:1/", tmp_path / "file", **values)
    for path in (5, "", "a\0", "\ud800"):
        with pytest.raises(InvalidOption, match="path"):
            client.download("http://127.0.0.1:1/", path)


def test_first_request_that_fails_is_not_insisted_on(client: Client, server: FileServer, tmp_path: Path) -> None:
    server.respond = lambda head: b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(ServiceUnavailable):
        client.download(server.url, tmp_path / "file", retries=0)
    assert len(server.heads) == 1

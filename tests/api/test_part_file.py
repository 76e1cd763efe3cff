"""The files of a download: nobody else's is ever written to, and one writer has them at a time."""

import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from smartclient._api import part_file
from smartclient._api.part_file import PartFile, boot_name
from smartclient._rules.download import RECORD_SIZE, Record, record_bytes
from smartclient.exceptions import FileError

RECORD = Record("key", '"x"', 10, [(4, 10)], [(2, 10)], boot_name())


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def record_of(path: Path) -> Path:
    return path.with_name(path.name + ".part.json")


def left_at(path: Path, record: Record = RECORD) -> None:
    """What a download leaves when it ends too early."""
    file = PartFile.new(str(path))
    file.start(record)
    file.write_at(0, [b"01", b"23"])
    file.note(record)
    file.close()


def whole(file: PartFile) -> None:
    file.write_at(0, [b"whole"])
    file.finish(5, overwrite=True, modified=None)


def test_part_is_private_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    file = PartFile.new(str(path))
    file.start(RECORD)
    for each in (part_of(path), record_of(path)):
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
    assert record_of(path).stat().st_size == RECORD_SIZE
    assert not path.exists()
    whole(file)
    assert path.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["f"]


def test_part_of_an_earlier_call_is_found(tmp_path: Path) -> None:
    path = tmp_path / "f"
    left_at(path)
    file = PartFile.begun(str(path), "key")
    assert file is not None
    assert file.record == RECORD
    file.write_at(4, [b"456789"])
    assert b"".join(file.pieces(0)) == b"0123456789"
    assert b"".join(file.pieces(7)) == b"789"
    file.finish(10, overwrite=True, modified=1000.0)
    assert (path.read_bytes(), path.stat().st_mtime) == (b"0123456789", 1000.0)


def test_part_of_another_run_of_the_system_counts_as_far_as_the_disk_has_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    left_at(path, RECORD._replace(boot="before"))
    file = PartFile.begun(str(path), "key")
    assert file is not None
    assert file.record == RECORD._replace(missing=[(2, 10)])
    file.close()


def other_owner(path: Path) -> None:
    os.chown(part_of(path), 12345, 12345)


def symbolic(path: Path) -> None:
    part_of(path).rename(path.with_name("mine"))
    part_of(path).symlink_to(path.with_name("mine"))


def several_names(path: Path) -> None:
    os.link(part_of(path), path.with_name("mine"))


def pipe(path: Path) -> None:
    part_of(path).unlink()
    os.mkfifo(part_of(path))


def folder(path: Path) -> None:
    part_of(path).unlink()
    part_of(path).mkdir()


def no_record(path: Path) -> None:
    record_of(path).unlink()


def damaged_record(path: Path) -> None:
    record_of(path).write_bytes(b"{}")


def symbolic_record(path: Path) -> None:
    record_of(path).rename(path.with_name("mine.json"))
    record_of(path).symlink_to(path.with_name("mine.json"))


SPOILERS = [symbolic, several_names, pipe, folder, no_record, damaged_record, symbolic_record]
if hasattr(os, "geteuid") and os.geteuid() == 0:
    SPOILERS.append(other_owner)


@pytest.mark.parametrize("spoil", SPOILERS)
def test_nobody_elses_file_is_touched(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    path = tmp_path / "f"
    left_at(path)
    spoil(path)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()}
    assert PartFile.begun(str(path), "key") is None
    file = PartFile.new(str(path))
    file.start(RECORD)
    whole(file)
    assert path.read_bytes() == b"whole"
    path.unlink()
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()} == before


def test_part_of_another_url_is_used_up(tmp_path: Path) -> None:
    path = tmp_path / "f"
    left_at(path)
    assert PartFile.begun(str(path), "another") is None
    file = PartFile.new(str(path))
    file.start(RECORD._replace(key="another"))
    assert part_of(path).read_bytes() == b""
    whole(file)
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("spoil", ["shorter", "no-validator"])
def test_part_that_cannot_be_gone_on_with(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "f"
    left_at(path, RECORD if spoil == "shorter" else RECORD._replace(validator=None))
    if spoil == "shorter":
        os.truncate(part_of(path), 3)
    assert PartFile.begun(str(path), "key") is None


def test_what_a_killed_call_has_only_just_made_is_used(tmp_path: Path) -> None:
    path = tmp_path / "f"
    part_of(path).touch()
    record_of(path).touch()
    whole(PartFile.new(str(path)))
    assert os.listdir(tmp_path) == ["f"]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "f"
    left_at(path)
    first = PartFile.begun(str(path), "key")
    assert first is not None
    assert PartFile.begun(str(path), "key") is None
    second = PartFile.new(str(path))  # under another name
    second.write_at(0, [b"second"])
    second.finish(6, overwrite=True, modified=None)
    assert path.read_bytes() == b"second"
    first.write_at(4, [b"456789"])
    first.finish(10, overwrite=True, modified=None)
    assert path.read_bytes() == b"0123456789"
    assert os.listdir(tmp_path) == ["f"]


def test_part_that_was_renamed_meanwhile_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    left_at(path)
    flock = part_file.fcntl.flock

    def late(handle: int, how: int) -> None:  # the other call ends between our open and our lock
        if how & part_file.fcntl.LOCK_EX and not path.exists():
            part_of(path).rename(path)
        flock(handle, how)

    monkeypatch.setattr(part_file.fcntl, "flock", late)
    assert PartFile.begun(str(path), "key") is None
    file = PartFile.new(str(path))
    file.start(RECORD)
    assert path.read_bytes() == b"0123"
    file.discard()
    assert path.read_bytes() == b"0123"


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    path = tmp_path / "f"
    left_at(path)
    file = PartFile.begun(str(path), "key")
    assert file is not None
    file.close()
    file.write_at(0, [b"xxxx"])
    file.note(RECORD._replace(missing=[]))
    file.flush_some()
    file.finish(4, overwrite=True, modified=None)
    file.discard()
    file.close()
    assert part_of(path).read_bytes() == b"0123"
    assert record_of(path).read_bytes() == record_bytes(RECORD)
    assert not path.exists()


def test_file_that_somebody_changed_is_not_renamed(tmp_path: Path) -> None:
    path = tmp_path / "f"
    file = PartFile.new(str(path))
    file.write_at(0, [b"whole"])
    os.truncate(part_of(path), 3)
    with pytest.raises(FileError, match="changed its length"):
        file.finish(5, overwrite=True, modified=None)
    file.discard()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_no_overwriting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def none(source: str, target: str) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", none)
    path = tmp_path / "f"
    file = PartFile.new(str(path))
    file.write_at(0, [b"whole"])
    path.write_bytes(b"mine")
    with pytest.raises(FileError) as raised:
        file.finish(5, overwrite=False, modified=None)
    assert raised.value.errno == errno.EEXIST
    path.unlink()
    file.finish(5, overwrite=False, modified=None)
    assert path.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["f"]


def test_disk_that_takes_little_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, bytes(data[:3])))
    file = PartFile.new(str(tmp_path / "f"))
    file.write_at(2, [b"abcdefgh", b"ij"])
    assert b"".join(file.pieces(0)) == b"\0\0abcdefghij"
    file.discard()


def test_threads_write_where_they_mean(tmp_path: Path) -> None:
    file = PartFile.new(str(tmp_path / "f"))

    def fill(digit: int) -> None:
        for at in range(50):
            file.write_at(digit * 5000 + at * 100, [b"%d" % digit * 60, b"%d" % digit * 40])

    threads = [threading.Thread(target=fill, args=(digit,)) for digit in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert b"".join(file.pieces(0)) == b"".join(b"%d" % digit * 5000 for digit in range(8))
    file.discard()

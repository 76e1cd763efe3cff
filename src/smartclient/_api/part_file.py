"""The files of a download: `PATH.part`, the record `PATH.part.json` beside it, and the rename at the end.

Nobody else's file is ever written to: what exists must be a regular file of ours with one name and a record that can be
read, and be locked by nobody; else the part gets a name by chance, and no record. All calls are plain system calls.
"""

import errno
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

from .._model.errors import FileError
from .._rules.download import RECORD_SIZE, Record, record_bytes, record_from

fcntl: Any = None
with suppress(ImportError):  # Windows: there an open file cannot be replaced by another one
    import fcntl

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_REOPEN = os.O_RDWR | os.O_NONBLOCK if hasattr(os, "O_NONBLOCK") else os.O_RDWR
_REOPEN |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NOTED_EVERY = 8 * 2**20  # bytes between two records
_NOTED_AFTER = 1.0  # seconds between two records


def file_error(error: OSError, what: str, path: str) -> FileError:
    """`error` of the system as one of ours, with its number."""
    failure = FileError(f"cannot {what} {path!a}: {error.strerror or error}")
    failure.errno = error.errno
    return failure


class PartFile:
    """The file that a download fills. Safe for several threads; nothing is written once it is closed.

    Attributes:
        path: where the file goes in the end.
        record: what is known of the download, as the file beside says it; None where there is none.
    """

    def __init__(self, path: str, part: str, handle: int, beside: int | None) -> None:
        self.path = path
        self.record: Record | None = None
        self._part = part
        self._handle = handle
        self._beside = beside
        self._lock = threading.Lock()
        self._closed = False
        self._position = 0
        self._unnoted = 0
        self._noted_at = 0.0

    @classmethod
    def begun(cls, path: str, key: str) -> "PartFile | None":
        """The part that an earlier download of the same URL has left, locked; None where there is none to go on with.

        Raises:
            FileError: the system does not let us look.
        """
        found = _existing(path)
        if found is None:
            return None
        record = found.record and found.record.after_boot(boot_name())
        if record is None or record.key != key or record.validator is None or not found._holds(record):
            found.close()
            return None
        found.record = record
        return found

    @classmethod
    def new(cls, path: str) -> "PartFile":
        """An empty part, locked.

        Raises:
            FileError: it cannot be made.
        """
        found = _existing(path)
        if found is not None:
            return found
        try:
            return _made(path)
        except OSError as error:
            raise file_error(error, "write", path) from error

    def _holds(self, record: Record) -> bool:
        """Whether the part is as long as its record says that it was written."""
        size = os.fstat(self._handle).st_size
        if record.length is None:
            return size >= record.missing[0][0]
        end = record.length
        for at, stop in reversed(record.missing):
            if stop != end:
                break
            end = at
        return size >= end

    def start(self, record: Record) -> None:
        """Begins anew, with nothing in the file that counts.

        Raises:
            FileError: there is no room for the file.
        """
        self.note(record)  # first: what the file holds is worth nothing from here on
        try:
            os.ftruncate(self._handle, 0)
            self._position = os.lseek(self._handle, 0, os.SEEK_SET)
        except OSError as error:
            raise file_error(error, "write", self._part) from error

    def check_room(self, size: int) -> None:
        """Whether `size` more bytes fit on the disk.

        Raises:
            FileError: they do not.
        """
        import shutil

        try:
            free = shutil.disk_usage(os.path.dirname(self._part) or ".").free
        except OSError:  # some file systems do not tell
            return
        if free < size:
            full = OSError(errno.ENOSPC, f"{size} bytes are missing, and the disk has room for {free}")
            raise file_error(full, "write", self._part)

    def write_at(self, position: int, pieces: Iterable[bytes]) -> None:
        """Hands `pieces` to the system. Nothing happens to a closed file: a thread may come late."""
        with self._lock:
            if self._closed:
                return
            if self._position != position:
                self._position = os.lseek(self._handle, position, os.SEEK_SET)
            for piece in pieces:
                done = os.write(self._handle, piece)
                while done < len(piece):
                    done += os.write(self._handle, memoryview(piece)[done:])
                self._position += done
                self._unnoted += done

    def is_record_due(self, now: float) -> bool:
        """Whether the record is old, by bytes or by seconds."""
        return self._unnoted >= _NOTED_EVERY or now - self._noted_at >= _NOTED_AFTER

    def note(self, record: Record, now: float = 0.0) -> None:
        """Puts down what is safe: of the process's end, since the system has it, though not of the system's."""
        self.record = record
        self._unnoted, self._noted_at = 0, now
        data = record_bytes(record)
        with self._lock:
            if self._beside is not None and not self._closed and data is not None:
                os.lseek(self._beside, 0, os.SEEK_SET)
                os.write(self._beside, data)

    def flush_some(self) -> bool:
        """Has the disk take what was written, so that the end does not have to wait for all of it; whether it has."""
        copy = self._copied()
        if copy is None:
            return False
        try:
            getattr(os, "fdatasync", os.fsync)(copy)
        except OSError:
            return False  # the last one will tell
        finally:
            os.close(copy)
        return True

    def _copied(self) -> int | None:
        """A descriptor for what takes long and needs no lock; None once the file is closed."""
        with self._lock:
            return None if self._closed else os.dup(self._handle)

    def pieces(self, start: int) -> Iterator[bytes]:
        """What the file holds from `start` on, read back."""
        while True:
            with self._lock:
                if self._closed:
                    return
                os.lseek(self._handle, start, os.SEEK_SET)
                piece = os.read(self._handle, 2**20)
                self._position = start = start + len(piece)
            if not piece:
                return
            yield piece

    def finish(self, size: int, *, overwrite: bool, modified: float | None) -> None:
        """Makes the part the file, at once and whole, and for good. Nothing happens to one that was closed meanwhile.

        Raises:
            FileError: it is not `size` bytes long; the disk fails; with `overwrite` off, somebody has made the file.
        """
        try:
            copy = self._copied()
            if copy is None:
                return
            try:
                _make_last(copy, size, _mode_for(self.path), modified)
            finally:
                os.close(copy)
            with self._lock:
                if self._closed:
                    return
                if fcntl is None:
                    self._shut()
                _rename(self._part, self.path, overwrite=overwrite)
                self._forget_record()
                self._shut()
            _sync_folder(self.path)
        except OSError as error:
            raise file_error(error, "write", self.path) from error

    def discard(self) -> None:
        """Leaves nothing behind; nothing happens to one that was closed or finished."""
        with self._lock:
            if self._closed:
                return
            if fcntl is None:
                self._shut()
            with suppress(OSError):
                os.unlink(self._part)  # while it is locked: afterwards it may be another's
            self._forget_record()
            self._shut()

    def _forget_record(self) -> None:
        if self._beside is not None:
            with suppress(OSError):
                os.unlink(f"{self.path}.part.json")

    def close(self) -> None:
        """Lets go of the file; it stays, with its record."""
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        if self._closed:
            return
        self._closed = True
        if fcntl is not None:
            with suppress(OSError):
                fcntl.flock(self._handle, fcntl.LOCK_UN)  # a copy of the descriptor may still be in use
        os.close(self._handle)
        if self._beside is not None:
            os.close(self._beside)


@cache
def boot_name() -> str:
    """Names this run of the system, "" where that has no name."""
    with suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read(64).strip()
    return ""


def _existing(path: str) -> PartFile | None:
    """The part and the record that lie at `path`, locked; None where there are none that are ours."""
    part = f"{path}.part"
    beside = _reopened(f"{part}.json")
    if beside is None:
        return None
    handle = None
    try:
        said, record = _record_in(beside)
        handle = _reopened(part) if said else None
        # A process that ended between making the two has left both of them empty.
        if handle is not None and (record or not os.fstat(handle).st_size) and _locked(handle, part):
            found = PartFile(path, part, handle, beside)
            found.record = record
            return found
    except BaseException:
        _close_all(handle, beside)
        raise
    _close_all(handle, beside)
    return None


def _record_in(beside: int) -> tuple[bool, Record | None]:
    """Whether the file is one of ours, and the record in it."""
    data = os.read(beside, RECORD_SIZE + 1)
    record = record_from(data)
    return not data or record is not None, record


def _close_all(*handles: int | None) -> None:
    for handle in handles:
        if handle is not None:
            os.close(handle)


def _reopened(path: str) -> int | None:
    """A file that exists, when it is a regular one of ours with one name."""
    try:
        handle = os.open(path, _REOPEN)
    except OSError:
        return None
    status = os.fstat(handle)
    ours = getattr(os, "geteuid", lambda: status.st_uid)() == status.st_uid
    if stat.S_ISREG(status.st_mode) and ours and status.st_nlink == 1:
        return handle
    os.close(handle)
    return None


def _locked(handle: int, path: str) -> bool:
    """Whether the file is ours alone from now on, and still has its name: its last writer may have renamed it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there, here = os.stat(path, follow_symlinks=False), os.fstat(handle)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _made(path: str) -> PartFile:
    """A part that did not exist before: beside its record if both names are free, else under a name by chance."""
    part = f"{path}.part"
    beside: int | None = None
    try:
        beside = _new_record(f"{part}.json", part)
        if beside is not None:
            handle = os.open(part, _CREATE, 0o600)
            if _locked(handle, part):
                return PartFile(path, part, handle, beside)
            os.close(handle)
    except FileExistsError:
        pass
    except BaseException:
        _close_all(beside)
        raise
    _close_all(beside)
    name = f"{path}.{os.urandom(8).hex()}.part"
    return PartFile(path, name, os.open(name, _CREATE, 0o600), None)


def _new_record(path: str, part: str) -> int | None:
    """The file for a record, made before its part, so that no part of ours is without one."""
    if os.path.lexists(part):
        return None
    try:
        return os.open(path, _CREATE, 0o600)
    except FileExistsError:
        beside = _reopened(path)
    if beside is not None and not _record_in(beside)[0]:
        os.close(beside)
        return None
    return beside


def _mode_for(path: str) -> int:
    """That of the file which is replaced, else what any new file would get."""
    with suppress(OSError):
        mode = os.stat(path, follow_symlinks=False).st_mode
        if stat.S_ISREG(mode):  # a link, which is replaced too, has a mode that says nothing
            return stat.S_IMODE(mode) & 0o777
    mask = os.umask(0o077)  # there is no way to ask; what others make in between is too private, not too open
    os.umask(mask)
    return 0o666 & ~mask


def _make_last(handle: int, size: int, mode: int, modified: float | None) -> None:
    """Gives the file its mode and time, and waits until the disk has it."""
    if os.fstat(handle).st_size != size:
        raise OSError(errno.EIO, "somebody else has changed its length")
    with suppress(OSError, AttributeError):  # file systems and systems without modes
        os.fchmod(handle, mode)
    if modified is not None and os.utime in os.supports_fd:
        os.utime(handle, (modified, modified))
    os.fsync(handle)


def _rename(part: str, path: str, *, overwrite: bool) -> None:
    if overwrite:
        os.replace(part, path)
        return
    try:
        os.link(part, path)  # unlike a rename it fails when the name is taken
    except FileExistsError:
        raise
    except (OSError, AttributeError, NotImplementedError):  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(part, path)
    else:
        os.unlink(part)


def _sync_folder(path: str) -> None:
    """Makes the new name last; where folders cannot be opened, that is the system's business."""
    with suppress(OSError):
        handle = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

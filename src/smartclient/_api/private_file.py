"""Files that are for their owner only, replaced in one step: a reader sees the old content or the new."""

import os


def write_private(path: "str | os.PathLike[str]", text: str) -> None:
    """Writes `text` in UTF-8 to `path`, mode 0600; what was there stays until all of it is on the disk.

    Raises:
        OSError: it cannot be written; nothing has changed then.
    """
    target = os.fspath(path)
    beside = f"{target}.{os.urandom(8).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        with open(os.open(beside, flags, 0o600), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        if os.path.lexists(beside):
            os.unlink(beside)
        raise

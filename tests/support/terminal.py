"""The program in a pseudo-terminal: what stands on the screen when it has ended."""

import errno
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple

PROGRAM = [sys.executable, "-m", "smartclient"]


class Screen(NamedTuple):
    """Exit code, and everything that the terminal was sent: line ends as newlines, carriage returns as they came."""

    code: int
    text: str


def on_screen(*arguments: str, environment: Mapping[str, str] | None = None, program: list[str] = PROGRAM) -> Screen:
    """Runs the program with a terminal as stdin, stdout and stderr; without colours unless `environment` says so."""
    import pty

    master, slave = pty.openpty()
    own = {"NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "100", "LANG": "C.UTF-8", **(environment or {})}
    process = subprocess.Popen(
        [*program, *arguments], stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **own}
    )
    os.close(slave)
    shown = b""
    while data := _read(master):
        shown += data
    os.close(master)
    return Screen(process.wait(60), shown.decode("utf-8", "backslashreplace").replace("\r\n", "\n"))


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError as error:
        if error.errno == errno.EIO:  # Linux's word for the end of a terminal
            return b""
        raise

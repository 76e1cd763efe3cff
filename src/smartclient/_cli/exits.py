"""Exit codes by name (curl's numbers where it has one), and the fault that ends a command at once.

Cheap to load: every start needs it. Which error of the library has which code is in `codes`.
"""

from typing import Literal

OK = 0
NO = 1
USAGE = 2
STATUS = 22
CANNOT_WRITE = 23
CANNOT_READ = 26
TLS_HANDSHAKE = 35
CLIENT_CERTIFICATE = 58
CERTIFICATE_REFUSED = 60
INTERNAL = 70
CA_FILE = 77
INTERRUPTED = 130
CLOSED_PIPE = 141


class Fault(Exception):
    """What ends a command with `code` and one line; raised by the command line's own checks."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, and in its text how to go on."""


def cannot(deed: Literal["read", "write"], name: str, error: OSError) -> Fault:
    """The Fault for a local file that the system refuses to read or write."""
    return Fault(CANNOT_READ if deed == "read" else CANNOT_WRITE, f"cannot {deed} {name}: {error.strerror or error}")

"""A private redis-server on a Unix socket, which ends with this object and keeps nothing."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

MISSING = "redis-server is not installed (Debian and Ubuntu: apt-get install redis-server)"
_PATIENCE = 30.0


def find_redis() -> str | None:
    """Path of the program, or None."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


class RedisServer:
    """`url` names it; it may be stopped and started again, empty."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        program = find_redis()
        if program is None:
            raise FileNotFoundError(MISSING)
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(self.socket)) == 0:
                    return
            time.sleep(0.01)  # it tells nobody when it is ready
        raise TimeoutError("redis-server does not answer")

    def stop(self) -> None:
        """At once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.socket.unlink(missing_ok=True)

    def pause(self, signal: int) -> None:
        """SIGSTOP or SIGCONT."""
        assert self._process is not None
        os.kill(self._process.pid, signal)

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

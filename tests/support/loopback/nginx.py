"""A private nginx: its sockets are bound here and handed over, so that no port is guessed and no start is awaited."""

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

BACKLOG = 4096  # connections in the queue; a benchmark opens a thousand at once
MISSING = "nginx is not installed (Debian and Ubuntu: apt-get install nginx)"

_MAIN = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type text/plain;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    {http}
}}
"""


def find_nginx() -> str | None:
    """Path of the program, or None."""
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


class Nginx:
    """One nginx with one worker that ends with this object.

    `http` is the text of the http block; "{ports[0]}" and so on stand for the ephemeral ports, "{backlog}" for
    what belongs behind each `listen`, "{folder}" for `folder`; nginx's own braces are doubled. `count` is the number
    of ports.
    """

    def __init__(self, folder: Path, http: str, count: int = 1) -> None:
        self.folder = folder
        self._http = http
        self._listeners = [_listener() for _ in range(count)]
        self.ports: Sequence[int] = [each.getsockname()[1] for each in self._listeners]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Nginx":
        program = find_nginx()
        if program is None:
            raise FileNotFoundError(MISSING)
        http = self._http.format(ports=self.ports, folder=self.folder, backlog=f"backlog={BACKLOG}")
        config = self.folder / "nginx.conf"
        # Without it a worker started by root could not read the folder; a master process is needed, because nginx
        # without one crashes on sockets that it inherits.
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(_MAIN.format(folder=self.folder, http=http, user=user))
        handles = [each.fileno() for each in self._listeners]
        self._process = subprocess.Popen(
            [program, "-p", str(self.folder), "-c", str(config)],
            pass_fds=handles,
            env={**os.environ, "NGINX": "".join(f"{handle};" for handle in handles)},
            stderr=subprocess.DEVNULL,
        )
        for each in self._listeners:
            each.close()
        self._await_answer()
        return self

    def _await_answer(self) -> None:
        # The kernel queues the connection until nginx accepts it; when nginx dies the queue is reset.
        try:
            with socket.create_connection(("127.0.0.1", self.ports[0]), timeout=10) as probe:
                probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if not probe.recv(1):
                    raise ConnectionResetError("no answer")
        except OSError as error:
            self.stop()
            log = self.folder / "error.log"
            text = log.read_text() if log.exists() else ""
            raise RuntimeError(f"nginx did not start: {text}") from error

    @property
    def process_ids(self) -> list[int]:
        """Of the master and its workers."""
        master = 0 if self._process is None else self._process.pid
        workers = Path(f"/proc/{master}/task/{master}/children")
        return [master, *map(int, workers.read_text().split())] if master and workers.exists() else []

    def stop(self) -> None:
        """Ends the process; any number of times."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(BACKLOG)
    return listener

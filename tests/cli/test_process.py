"""The program as a process: pipes, terminals, signals, memory, and what starting loads."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from loopback.origin import Origin, Page
from loopback.scripted import READ, ScriptedServer, Send, Tell, Wait

PROGRAM = [sys.executable, "-m", "smartclient"]
PATIENCE = 50.0  # seconds: a guard for broken tests

pty = pytest.importorskip("pty", reason="needs pseudo-terminals")


@contextlib.contextmanager
def started(*arguments: str, stdout: int = subprocess.PIPE) -> "Iterator[subprocess.Popen[bytes]]":
    """The program, which does not outlive a failure of the block."""
    command, environment = [*PROGRAM, *arguments], {**os.environ, "NO_COLOR": "1"}
    listening = partial(
        signal.signal, signal.SIGINT, signal.SIG_DFL
    )  # runs in the background ignore it, and pass that on
    with subprocess.Popen(
        command, stdout=stdout, stderr=subprocess.PIPE, env=environment, preexec_fn=listening
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def test_a_pipe_gets_the_body_as_it_arrives(scripted: Callable[..., ScriptedServer]) -> None:
    rest = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = scripted([READ, Send(head + b"5\r\nfirst\r\n"), Wait(rest), Send(b"4\r\nlast\r\n0\r\n\r\n")])
    with started("get", server.url) as process:
        assert process.stdout is not None
        assert os.read(process.stdout.fileno(), 100) == b"first"
        rest.set()
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, b"last", b"")


def test_a_closed_pipe_ends_quietly(origin: Origin) -> None:
    with started("get", f"{origin.url}/bytes/5000000") as process:
        assert process.stdout is not None
        assert process.stdout.read(10) == b"0123456789"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 141


def test_ctrl_c_ends_with_one_line(scripted: Callable[..., ScriptedServer]) -> None:
    asked, over = threading.Event(), threading.Event()
    server = scripted([READ, Tell(asked), Wait(over)])
    with started("get", server.url) as process:
        assert asked.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    over.set()
    assert (process.returncode, out, err) == (130, b"", b"smartclient: interrupted\n")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the peak of memory as Linux tells it")
def test_memory_does_not_follow_the_body(origin: Origin) -> None:
    piece = bytes(1 << 20)
    url = origin.route("/large", lambda seen: Page(piece for _ in range(100)))
    code = (
        "import pathlib, sys; from smartclient._cli.main import main\n"
        f"code = main(['get', {url!r}])\n"
        "print(code, pathlib.Path('/proc/self/status').read_text(), file=sys.stderr)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        size = 0
        while data := process.stdout.read(1 << 20):
            size += len(data)
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert size == 100 << 20
    assert told.startswith("0 ")
    assert int(told.partition("VmHWM:")[2].split()[0]) < 48 * 1024  # KiB; the interpreter alone has 10 000


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["get", "--help"]], ids=" ".join)
def test_starting_is_cheap(arguments: list[str]) -> None:
    code = (
        "import json, sys; from smartclient._cli.main import main\n"
        f"assert main({arguments!r}) == 0\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE, check=True)
    loaded = set(json.loads(done.stderr))
    unwanted = {"ssl", "asyncio", "email", "rich", "socket", "shutil", "smartclient._api", "smartclient._pipeline"}
    assert loaded & unwanted == set()


def on_terminal(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what a terminal as stdout was sent, and stderr."""
    master, slave = pty.openpty()
    with started(*arguments, stdout=slave) as process:
        os.close(slave)
        shown = b""
        while data := read_terminal(master):
            shown += data
        assert process.stderr is not None
        err = process.stderr.read().decode()
    os.close(master)
    return process.returncode, shown.decode().replace("\r\n", "\n"), err


def read_terminal(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError as error:
        if error.errno == errno.EIO:  # Linux's word for the end of a terminal
            return b""
        raise


@pytest.mark.parametrize(
    ("body", "content_type", "shown", "told"),
    [
        pytest.param(b'{"id":7}', "application/json", '{\n  "id": 7\n}\n', "", id="json-indented"),
        pytest.param(b"\x1b[31mred\n", "text/plain", "\\x1b[31mred\n", "", id="control-bytes-escaped"),
        pytest.param(b"\x89PNG\0\1\2", "image/png", "", "* binary content (image/png) is not shown", id="binary"),
    ],
)
def test_terminal(origin: Origin, body: bytes, content_type: str, shown: str, told: str) -> None:
    url = origin.route("/page", lambda seen: Page(body, headers=(("Content-Type", content_type),)))
    code, out, err = on_terminal("get", url)
    assert (code, out) == (0, shown)
    assert err.startswith(told)
    assert bool(err) == bool(told)


def test_head_on_a_terminal_is_escaped(origin: Origin) -> None:
    url = origin.route("/page", lambda seen: Page(b"a\n", headers=(("X-Title", "\x9b31m"),)))
    assert "X-Title: \\x9b31m\n" in on_terminal("get", "-i", url)[1]


def finished(*arguments: str) -> tuple[int, bytes, bytes]:
    with started(*arguments) as process:
        out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def test_one_program_uses_what_another_has_stored(origin: Origin) -> None:
    fresh, stale = f"{origin.url}/page/tea", f"{origin.url}/page/chai?max_age=0"
    for url in (fresh, fresh, stale, stale):
        code, out, err = finished("get", url)
        assert (code, b"hit 1\n" in out, err) == (0, True, b"")
    paths = [seen.path for seen in origin.seen.requests]
    assert paths == ["/page/tea", "/page/chai", "/page/chai"]
    assert origin.seen.requests[-1].header("if-none-match") == '"chai-1"'


def test_python_shares_the_store(origin: Origin, tmp_path: Path) -> None:
    import smartclient
    from smartclient._api.cache import cache_at

    finished("get", f"{origin.url}/page/tea")
    with smartclient.Session(cache=cache_at(tmp_path / "cache")) as session:
        assert session.get(f"{origin.url}/page/tea").cache.status == "hit"
    assert origin.seen.hits["/page/tea"] == 1


def test_an_interrupted_download_says_how_to_go_on(scripted: Callable[..., ScriptedServer], tmp_path: Path) -> None:
    head = b'HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: 1000000\r\n\r\n'
    half, over = threading.Event(), threading.Event()
    server = scripted([READ, Send(head + bytes(500_000)), Tell(half), Wait(over)])
    with started("download", f"{server.url}/file", "-o", str(tmp_path / "file")) as process:
        assert half.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    over.set()
    assert (process.returncode, out, (tmp_path / "file").exists()) == (130, b"", False)
    assert err == b"smartclient: interrupted: what came is kept; the same command goes on there\n"


@pytest.mark.parametrize("command", ["cache", "cors", "doctor", "download", "explain", "headers", "tls"])
def test_a_command_is_loaded_alone(command: str) -> None:
    code = (
        "import json, sys; from smartclient._cli.main import main\n"
        f"assert main([{command!r}, '--help']) == 0\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE, check=True)
    assert set(json.loads(done.stderr)) & {"ssl", "asyncio", "email", "smartclient._pipeline"} == set()


def test_a_full_disk_under_stdout() -> None:
    with open("/dev/full", "wb") as full, started("--help", stdout=full.fileno()) as process:
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (23, b"smartclient: cannot write stdout: No space left on device\n")


@pytest.mark.parametrize("arguments", [["--help"], ["doctor"], ["version"], ["cache", "stat"]], ids=" ".join)
def test_in_a_terminal_and_in_a_pipe(arguments: list[str]) -> None:
    code, shown, err = on_terminal(*arguments)
    piped = finished(*arguments)
    assert (code, err) == (piped[0], piped[2].decode()) == (0, "")
    # A clock moves between two looks at it.
    assert [line for line in shown.splitlines() if not line.startswith("clock")] == [
        line for line in piped[1].decode().splitlines() if not line.startswith("clock")
    ]


@pytest.mark.parametrize(
    "verb",
    [["get"], ["post"], ["put"], ["patch"], ["delete"], ["options"], ["query"], ["request", "PURGE"]],
    ids=" ".join,
)
def test_a_verb_in_a_pipe(origin: Origin, verb: list[str]) -> None:
    code, out, err = finished(*verb, f"{origin.url}/echo")
    assert (code, json.loads(out)["method"]) == (0, verb[-1].upper())
    assert err == (b"* allow: not said\n" if verb == ["options"] else b"")


def test_colours_on_a_terminal(origin: Origin) -> None:
    from terminal import on_screen

    url = origin.route("/page", lambda seen: Page(b'{"id":7}', headers=(("Content-Type", "application/json"),)))
    colours = {"NO_COLOR": "", "TERM": "xterm"}
    assert '\x1b[36m"id"\x1b[0m: \x1b[33m7\x1b[0m' in on_screen("get", url, environment=colours).text
    assert "\x1b" not in on_screen("get", url, environment={**colours, "TERM": "dumb"}).text
    assert "\x1b" not in on_screen("get", url, "--color", "never", environment=colours).text
    assert "\x1b[36m" in finished("get", url, "--color", "always")[1].decode()

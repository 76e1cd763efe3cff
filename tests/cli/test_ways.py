"""Flags that choose the way to a server and what is taken from it, downloads that break off, and words of advice."""

import json
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from loopback.authority import Authority
from loopback.nginx import Nginx
from loopback.origin import Origin, Page
from loopback.scripted import ScriptedServer
from smartclient._cli.main import main
from terminal import on_screen

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the program with some arguments and gives its exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        return main(arguments), *capfd.readouterr()

    return run


@pytest.mark.parametrize(("flags", "version"), [(["--http2"], "HTTP/2"), ([], "HTTP/1.1")], ids=["http2", "default"])
def test_http2(run: Run, nginx_process: Nginx, authority: Authority, flags: list[str], version: str) -> None:
    url = f"https://localhost:{nginx_process.ports[2]}/1k"
    code, out, _ = run("get", *flags, "--cacert", str(authority.ca_file), "--json-out", url)
    assert (code, json.loads(out)["response"]["http"]) == (0, version)


@pytest.mark.parametrize(("flags", "code"), [(["--strict"], 22), ([], 0)], ids=["strict", "default"])
def test_strict(run: Run, origin: Origin, flags: list[str], code: int) -> None:
    url = origin.route("/page", lambda seen: Page(b"tea", headers=(("Content-Type", "text/plain"),)))
    ended, out, err = run("get", "--accept", "json", *flags, url)
    assert (ended, out) == (code, "" if code else "tea")
    assert ("application/json was asked for, 'text/plain' came" in err) is bool(code)


@pytest.mark.parametrize(
    ("trust", "named", "code"),
    [
        pytest.param([], True, 0, id="the-environment's"),
        pytest.param(["--trust", "certifi"], True, 60, id="certifi-whatever-the-environment-says"),
        pytest.param(["--trust", "system"], False, 0, id="the-system's"),
        pytest.param(["--trust", "certifi"], False, 60, id="certifi"),
    ],
)
def test_trust(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tls_origin: Origin,
    authority: Authority,
    trust: list[str],
    named: bool,
    code: int,
) -> None:
    if named:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    paths = SimpleNamespace(openssl_cafile=str(authority.ca_file), openssl_capath=None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert run("get", *trust, "--tls-min", "1.3", f"{tls_origin.url}/bytes/5")[:2] == (code, "" if code else "01234")


def test_unix_socket(run: Run, scripted: Callable[..., ScriptedServer], tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    server = scripted([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], listener=listener)
    assert run("get", "--unix-socket", path, "http://name.test/path") == (0, "ok", "")
    assert server.connection(0).requests[0].startswith(b"GET /path HTTP/1.1\r\nHost: name.test\r\n")
    missing = str(tmp_path / "none")
    code, out, err = run("get", "--unix-socket", missing, "--retry", "0", "http://name.test/")
    assert (code, out) == (7, "")
    assert "No such file or directory" in err


SIZE = 400_000
CONTENT = bytes(range(250)) * (SIZE // 250)
HEAD = f'HTTP/1.1 200 OK\r\nETag: "9f-61"\r\nContent-Length: {SIZE}\r\n\r\n'.encode()
TOLD = [
    "disk.img  connection lost: resumed at 200.0 kB (1)",
    "disk.img  connection lost: resumed at 300.0 kB (2)",
    "disk.img  400.0 kB in 0.0 s, saved as disk.img",
]


def part(start: int, stop: int) -> list[bytes]:
    """The rest from `start` on, broken off at `stop`."""
    fields = f'ETag: "9f-61"\r\nContent-Range: bytes {start}-{SIZE - 1}/{SIZE}\r\nContent-Length: {SIZE - start}'
    return [f"HTTP/1.1 206 Partial Content\r\n{fields}\r\n\r\n".encode() + CONTENT[start:stop]]


@pytest.mark.parametrize("shown", ["terminal", "pipe", "silent"])
def test_a_download_tells_that_its_connection_was_lost(
    run: Run, scripted: Callable[..., ScriptedServer], tmp_path: Path, shown: str
) -> None:
    server = scripted([HEAD + CONTENT[:200_000]], part(200_000, 300_000), part(300_000, SIZE))
    line = ["download", f"{server.url}/disk.img", "-o", str(tmp_path)]
    if shown == "terminal":
        code, text = on_screen(*line)
        told = "\n".join([each.rpartition("\x1b[K")[2] for each in text.split("\n")])  # without bars
    else:
        code, out, told = run(*line, *(["-s"] if shown == "silent" else []))
        assert out == ""
    told = re.sub(r"\d+\.\d s", "0.0 s", told.replace(f"{tmp_path}/", ""))
    lines = [line for line in told.splitlines() if "MB/s" not in line and "kB/s" not in line]  # of a slow machine
    assert (code, lines) == (0, [] if shown == "silent" else TOLD)
    assert (tmp_path / "disk.img").read_bytes() == CONTENT


def test_a_download_tells_that_it_goes_on(run: Run, scripted: Callable[..., ScriptedServer], tmp_path: Path) -> None:
    gone = b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n"
    server = scripted([HEAD + CONTENT[:200_000]], [gone], part(200_000, SIZE))
    line = ["download", f"{server.url}/disk.img", "-o", str(tmp_path / "it")]
    assert run(*line)[0] == 22
    code, _, told = run(*line)
    assert (code, told.splitlines()[0]) == (0, 'disk.img  resuming at 200.0 kB ("9f-61", If-Range)')
    assert "resumed at 200.0 kB, saved as" in told
    assert (tmp_path / "it").read_bytes() == CONTENT


def test_all_downloads_are_tried(run: Run, origin: Origin, tmp_path: Path) -> None:
    missing, good = f"{origin.url}/status/404", f"{origin.url}/bytes/5"
    code, _, told = run("download", missing, good, f"{origin.url}/status/403", "-o", str(tmp_path))
    assert (code, (tmp_path / "5").read_bytes()) == (22, b"01234")
    assert [line.partition(" ")[0] for line in told.splitlines()] == ["smartclient:", "5", "smartclient:"]


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("gte", "did you mean get?"),
        ("downlaod", "did you mean download?"),
        ("frob", "URLs begin with http:// or https://"),
    ],
)
def test_no_such_command(run: Run, word: str, advice: str) -> None:
    told = f"smartclient: no such command: {word}; {advice} (see smartclient --help)\n"
    assert run(word, "http://127.0.0.1:1/") == (2, "", told)


def test_a_coding_that_nobody_knows(run: Run, origin: Origin, tmp_path: Path) -> None:
    url = origin.route("/coded", lambda seen: Page(b"abc", headers=(("Content-Encoding", "snappy"),)))
    kept = tmp_path / "kept"
    kept.write_text("before")
    for flags in ([], ["--json-out"], ["-o", str(kept)]):
        code, _, told = run("get", *flags, url)
        assert (code, "'snappy'; --raw takes it as it is" in told) == (61, True)
    assert kept.read_text() == "before"
    assert run("get", "--raw", url) == (0, "abc", "")
    assert run("head", url)[0] == 0


def test_what_the_cache_answers_has_no_timing(run: Run, origin: Origin) -> None:
    page = f"{origin.url}/page/tea"
    run("get", page)
    code, out, told = run("get", "--timing", page)
    assert (code, out, told) == (0, "page tea, hit 1\n", "no request was sent: from the cache\n")

"""Each flag, through `main` and against a real origin in this process."""

import base64
import gzip
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from loopback.authority import Authority
from loopback.origin import Origin, Page
from loopback.scripted import ScriptedServer, Send
from smartclient._cli.main import main

MARKER = "s3cr3t-marker"


class Ended(NamedTuple):
    code: int
    out: bytes
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs the program with some arguments and gives its exit code and what it wrote."""

    def run(*arguments: str) -> Ended:
        code = main(arguments)
        out, err = capfdbinary.readouterr()
        return Ended(code, out, err.decode())

    return run


def echoed(ended: Ended) -> dict[str, Any]:
    """The request that /echo saw: method, target, headers (lower-case names), body."""
    assert ended.code == 0, ended.err
    seen = json.loads(ended.out)
    seen["headers"] = {name.lower(): value for name, value in seen["headers"]}
    seen["body"] = base64.b64decode(seen["body"])
    return dict(seen)


def test_body_alone_goes_to_stdout(run: Run, origin: Origin) -> None:
    assert run("get", f"{origin.url}/bytes/1000") == (0, b"0123456789" * 100, "")


def test_a_url_alone_is_get(run: Run, origin: Origin) -> None:
    assert echoed(run(f"{origin.url}/echo"))["method"] == "GET"


def test_several_urls_share_one_session(run: Run, origin: Origin) -> None:
    page = f"{origin.url}/page/tea"
    assert run("get", page, page, f"{origin.url}/bytes/5") == (0, b"page tea, hit 1\n" * 2 + b"01234", "")
    assert origin.seen.connections == 1


def test_a_status_of_400_shows_in_the_exit_code_whatever_follows(run: Run, origin: Origin) -> None:
    ended = run("get", f"{origin.url}/status/404", f"{origin.url}/bytes/5")
    assert (ended.code, ended.out[-5:]) == (22, b"01234")


def test_of_several_urls_all_are_called_whatever_fails(run: Run, origin: Origin) -> None:
    page = f"{origin.url}/bytes/5"
    ended = run("get", "http://127.0.0.1:9/", page, "http:///", page)
    assert (ended.code, ended.out) == (7, b"01234" * 2)
    assert [line.partition(":")[0] for line in ended.err.splitlines()] == ["smartclient"] * 2


def test_several_urls_go_into_one_file(run: Run, origin: Origin, tmp_path: Path) -> None:
    assert run("get", "-o", str(tmp_path / "out"), *[f"{origin.url}/bytes/5"] * 2).code == 0
    assert (tmp_path / "out").read_bytes() == b"0123401234"


def test_stdin_goes_to_one_url_only(run: Run, origin: Origin) -> None:
    ended = run("post", "-d", "-", f"{origin.url}/echo", f"{origin.url}/echo")
    assert (ended.code, origin.seen.requests) == (2, [])


def test_gzip_is_decoded(run: Run, origin: Origin) -> None:
    assert run("get", f"{origin.url}/gzip").out == b"a gzip page\n" * 100


@pytest.mark.parametrize("command", ["get", "post", "put", "patch", "delete", "options", "query"])
def test_commands_are_methods(run: Run, origin: Origin, command: str) -> None:
    assert echoed(run(command, f"{origin.url}/echo"))["method"] == command.upper()


@pytest.mark.parametrize(
    ("arguments", "method"),
    [
        pytest.param(["request", "PROPFIND"], "PROPFIND", id="request"),
        pytest.param(["get", "-X", "REPORT"], "REPORT", id="-X"),
        pytest.param(["-d", "a=b"], "POST", id="url-with-data"),
        pytest.param(["get", "-d", "a=b"], "GET", id="get-with-data"),
    ],
)
def test_method(run: Run, origin: Origin, arguments: list[str], method: str) -> None:
    assert echoed(run(*arguments, f"{origin.url}/echo"))["method"] == method


@pytest.mark.parametrize("arguments", [["head"], ["get", "-I"]], ids=["head", "-I"])
def test_head_shows_the_head(run: Run, origin: Origin, arguments: list[str]) -> None:
    ended = run(*arguments, f"{origin.url}/bytes/10")
    assert ended.code == 0
    assert ended.out.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 10\r\n" in ended.out
    assert ended.out.endswith(b"\r\n\r\n")


def test_include_puts_the_head_before_the_body(run: Run, origin: Origin) -> None:
    url = origin.route("/twice", lambda seen: Page(b"body", headers=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))))
    head, _, body = run("get", "-i", url).out.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Set-Cookie: a=1\r\nSet-Cookie: b=2" in head
    assert body == b"body"


def test_headers(run: Run, origin: Origin) -> None:
    ended = run("get", "-H", "X-One: 1", "-H", "Accept: text/html", "-H", "X-Empty;", f"{origin.url}/echo")
    headers = echoed(ended)["headers"]
    assert (headers["x-one"], headers["accept"], headers["x-empty"]) == ("1", "text/html", "")


def test_a_header_without_value_is_taken_away(run: Run, origin: Origin) -> None:
    assert "user-agent" not in echoed(run("get", "-H", "User-Agent:", f"{origin.url}/echo"))["headers"]


def test_form(run: Run, origin: Origin) -> None:
    seen = echoed(run("post", "-d", "a=b", "-d", "c=d e", f"{origin.url}/echo"))
    assert seen["body"] == b"a=b&c=d e"
    assert seen["headers"]["content-type"] == "application/x-www-form-urlencoded"


def test_data_with_its_own_type(run: Run, origin: Origin) -> None:
    seen = echoed(run("post", "-d", "{}", "-H", "content-type: application/json", f"{origin.url}/echo"))
    assert (seen["body"], seen["headers"]["content-type"]) == (b"{}", "application/json")


def test_data_from_a_file_is_sent_as_it_is(run: Run, origin: Origin, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"\0\r\n\xff")
    seen = echoed(run("put", "-d", f"@{path}", f"{origin.url}/echo"))
    assert (seen["body"], "content-type" in seen["headers"]) == (b"\0\r\n\xff", False)


@pytest.mark.parametrize("name", ["-", "@-"])
def test_data_from_stdin(run: Run, origin: Origin, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from stdin")))
    assert echoed(run("post", "-d", name, f"{origin.url}/echo"))["body"] == b"from stdin"


def test_user(run: Run, origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGIN", "user:pass")
    (tmp_path / "login").write_text("user:pass\n")
    for value in ("user:pass", "env:LOGIN", f"@{tmp_path / 'login'}"):
        assert run("get", "-u", value, f"{origin.url}/basic") == (0, b"welcome\n", "")


def test_redirects_are_followed_unless_told_otherwise(run: Run, origin: Origin) -> None:
    assert echoed(run("get", "-L", f"{origin.url}/redirect/2"))["target"] == "/echo"
    ended = run("get", "--no-follow", "-i", f"{origin.url}/redirect/2")
    assert ended.code == 0
    assert ended.out.startswith(b"HTTP/1.1 302 ")


def test_output_file(run: Run, origin: Origin, tmp_path: Path) -> None:
    path = tmp_path / "page"
    assert run("get", "-o", str(path), f"{origin.url}/bytes/10") == (0, b"", "")
    assert path.read_bytes() == b"0123456789"
    assert run("get", "-o", "-", f"{origin.url}/bytes/10").out == b"0123456789"


def test_a_failed_call_leaves_the_output_file(
    run: Run, scripted: Callable[..., ScriptedServer], tmp_path: Path
) -> None:
    path = tmp_path / "page"
    path.write_bytes(b"old")
    assert run("get", "-o", str(path), scripted([b"no HTTP at all\r\n\r\n"]).url).code == 8
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [([], 22, "404 Not Found"), (["--no-fail"], 0, ""), (["-s"], 22, "")],
    ids=["plain", "--no-fail", "-s"],
)
def test_error_status(run: Run, origin: Origin, flags: list[str], code: int, told: str) -> None:
    ended = run("get", *flags, f"{origin.url}/status/404")
    assert (ended.code, ended.out) == (code, b"404")
    assert ended.err == (f"smartclient: GET {origin.url}/status/404: {told}\n" if told else "")


def test_tls_with_the_issuers_named(run: Run, tls_origin: Origin, authority: Authority) -> None:
    assert run("get", "--cacert", str(authority.ca_file), f"{tls_origin.url}/bytes/3") == (0, b"012", "")
    assert run("get", "-k", f"{tls_origin.url}/bytes/3") == (0, b"012", "")


def test_a_refused_certificate(run: Run, tls_origin: Origin) -> None:
    ended = run("get", f"{tls_origin.url}/bytes/3")
    assert (ended.code, ended.out) == (60, b"")
    assert ended.err.startswith("smartclient: ")
    assert ended.err.count("\n") == 1


def test_tls_to_a_server_without_it(run: Run, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted([Send(b"HTTP/1.1 400 Bad Request\r\n\r\n")])
    assert run("get", server.url.replace("http:", "https:")).code == 35


def test_no_cache_keeps_the_cache_out(run: Run, origin: Origin) -> None:
    assert "(cache" not in run("get", "--no-cache", "-v", f"{origin.url}/page/tea").err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        pytest.param(["get"], 2, "URL", id="no-url"),
        pytest.param(["get", "--nonsense", "http://h"], 2, "--nonsense", id="unknown-flag"),
        pytest.param(["get", "--head", "--hea", "http://h"], 2, "--hea", id="no-abbreviations"),
        pytest.param(["get", "-m", "x", "http://h"], 2, "-m", id="timeout-no-number"),
        pytest.param(["get", "-m=-1", "http://h"], 2, "total", id="timeout-negative"),
        pytest.param(["get", "-H", "nonsense", "http://h"], 2, "-H", id="header-without-colon"),
        pytest.param(["get", "-H", "a b: c", "http://h"], 2, "header", id="header-name-bad"),
        pytest.param(["get", "-H", "a: b\nc: d", "http://h"], 2, "header", id="header-injection"),
        pytest.param(["post", "-d", "a=b", "-d", "@f", "http://h"], 2, "alone", id="file-beside-pairs"),
        pytest.param(["get", "-u", "env:NO_SUCH_NAME", "http://h"], 2, "NO_SUCH_NAME", id="no-variable"),
        pytest.param(["get", "example.org"], 3, "https://example.org", id="no-scheme"),
        pytest.param(["get", "ftp://h/"], 3, "ftp", id="scheme"),
        pytest.param(["get", "http://[::1"], 3, "URL", id="malformed"),
        pytest.param(["get", ""], 3, "URL", id="empty"),
        pytest.param(["post", "-d", "@/no/such/file", "http://h"], 26, "/no/such/file", id="cannot-read"),
        pytest.param(["get", "-u", "@/no/such/file", "http://h"], 26, "/no/such/file", id="cannot-read-secret"),
        pytest.param(["get", "--cacert", "/no/such/file", "https://h"], 77, "/no/such/file", id="no-ca-file"),
        pytest.param(["get", "--cacert", __file__, "https://h"], 77, "CA file", id="bad-ca-file"),
    ],
)
def test_refused_before_any_connection(run: Run, arguments: list[str], code: int, told: str) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.out) == (code, b"")
    assert ended.err.startswith("smartclient: ")
    assert told in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("name", ["/no/such/folder/file", "/dev/full"])
def test_cannot_write(run: Run, origin: Origin, name: str) -> None:
    ended = run("get", "-o", name, f"{origin.url}/bytes/10")
    assert ended.code == 23
    assert ended.err.startswith(f"smartclient: cannot write {name}: ")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(b"no HTTP at all\r\n\r\n", 8, id="not-http"),
        pytest.param(b"", 52, id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", 18, id="cut"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 8, id="bad-chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", 61, id="no-gzip"),
        pytest.param(b"HTTP/1.1 302 F\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 47, id="redirect-loop"),
    ],
)
def test_a_bad_peer(run: Run, scripted: Callable[..., ScriptedServer], answer: bytes, code: int) -> None:
    retries = ("--retry", "0") if code == 52 else ()  # else it would wait
    ended = run("get", *retries, scripted([answer]).url)
    assert ended.code == code
    assert ended.err.startswith("smartclient: ")
    assert ended.err.count("\n") == 1


def test_nobody_listens(run: Run, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted([])
    server.close()
    assert run("get", "--retry", "0", server.url).code == 7


def test_time_limit(run: Run, origin: Origin) -> None:
    assert run("get", "-m", "0.05", f"{origin.url}/wait").code == 28


def test_verbose_tells_each_exchange_on_stderr(run: Run, origin: Origin) -> None:
    ended = run("get", "-v", f"{origin.url}/redirect/1?q=1")
    lines = ended.err.splitlines()
    assert echoed(ended)["target"] == "/echo"
    assert [line for line in lines if line.startswith("> GET")] == [
        "> GET /redirect/1?q=1 HTTP/1.1",
        "> GET /echo HTTP/1.1",
    ]
    assert f"> Host: 127.0.0.1:{origin.port}" in lines
    assert [line.split(" (")[0] for line in lines if line.startswith("< HTTP")] == [
        "< HTTP/1.1 302 Found",
        "< HTTP/1.1 200 OK",
    ]
    assert all(line[:1] in "<>*" for line in lines)


def test_verbose_tells_what_the_cache_did(run: Run, origin: Origin) -> None:
    told = run("get", "-v", f"{origin.url}/page/tea").err
    assert re.search(r"^< HTTP/1.1 200 OK \(cache miss, fresh for \d+ s more\)$", told, re.MULTILINE)


def test_no_secret_is_told(run: Run, origin: Origin, other_origin: Origin) -> None:
    def page(seen: Any) -> Page:
        cookie = ("Set-Cookie", f"sid={MARKER}; Path=/")
        return Page(b"", 302, (("Location", f"{other_origin.url}/status/500?token={MARKER}"), cookie))

    ended = run(
        "get",
        "-v",
        *("-H", f"X-API-Key: {MARKER}", "-H", f"Cookie: a={MARKER}", "-H", f"X-Auth-Token: {MARKER}"),
        origin.route("/secrets", page).replace("//", f"//user:{MARKER}@") + f"?sig={MARKER}",
    )
    assert ended.code == 22
    assert MARKER in repr(origin.seen.requests)
    assert MARKER not in ended.err
    assert MARKER.encode() not in ended.out
    assert "> Authorization: Basic ***" in ended.err


def test_errors_tell_no_secret(run: Run) -> None:
    for url in (f"http://user:{MARKER}@127.0.0.1:1/?token={MARKER}", f"ftp://user:{MARKER}@h/?key={MARKER}"):
        ended = run("get", "--retry", "0", "-u", f"user:{MARKER}", url)
        assert ended.code in (3, 7)
        assert MARKER not in ended.err


def test_unforeseen_fault(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import smartclient

    def broken(**options: object) -> None:
        raise KeyError(MARKER)

    monkeypatch.setattr(smartclient, "Session", broken)
    ended = run("get", "http://h/")
    assert ended.code == 70
    assert ended.err.startswith("smartclient: internal error (KeyError)")
    assert MARKER not in ended.err
    monkeypatch.setenv("SMARTCLIENT_DEBUG", "1")
    assert "Traceback" in run("get", "http://h/").err


def test_help_has_three_examples(run: Run) -> None:
    for arguments in (["--help"], ["help"], [], ["get", "--help"], ["post", "-h"], ["request", "--help"]):
        ended = run(*arguments)
        assert ended.code == 0
        assert ended.out.decode().partition("examples:\n")[2].count("  smartclient ") == 3


def test_version(run: Run) -> None:
    from smartclient import __version__

    for arguments in (["--version"], ["version"], ["-V"]):
        assert run(*arguments) == (0, f"smartclient {__version__}\n".encode(), "")


def events(seen: Any) -> Page:
    """Two events, and then, to whoever comes back, no more."""
    if seen.header("last-event-id"):
        return Page(b"", 204)
    return Page(b"retry: 1\nid: 7\ndata: a\n\nevent: b\ndata: c\n\n", headers=(("Content-Type", "text/event-stream"),))


def test_events_as_they_come(run: Run, origin: Origin) -> None:
    assert run("get", "--sse", origin.route("/events", events)).out == b"a\nc\n"


def test_events_as_json(run: Run, origin: Origin) -> None:
    lines = run("get", "--sse", "--json-out", origin.route("/events", events)).out.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"v": 1, "event": "message", "id": "7", "data": "a"},
        {"v": 1, "event": "b", "id": "7", "data": "c"},
    ]


def test_a_har_file(run: Run, origin: Origin, tmp_path: Path) -> None:
    assert run("get", "--har", str(tmp_path / "har"), f"{origin.url}/redirect/1").code == 0
    entries = json.loads((tmp_path / "har").read_text())["log"]["entries"]
    assert [entry["response"]["status"] for entry in entries] == [302, 200]
    assert run("get", "--har", "/no/such/folder/har", f"{origin.url}/bytes/1").code == 23


def test_the_curl_line_does_the_same(run: Run, origin: Origin) -> None:
    import shutil
    import subprocess

    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    call = ("post", f"{origin.url}/echo?a=1", "--json", "name=Ada's", "-H", "X-One: 1")
    line = run(*call, "--curl").out.decode()
    assert origin.seen.requests == []
    theirs = json.loads(subprocess.run(line, shell=True, capture_output=True, check=True).stdout)
    ours = json.loads(run(*call).out)
    assert [ours[key] for key in ("method", "target", "body")] == [theirs[key] for key in ("method", "target", "body")]
    assert dict(theirs["headers"]) == dict(ours["headers"])


def test_cookies_are_kept_under_a_name(run: Run, origin: Origin, tmp_path: Path) -> None:
    for keeping in (("--session", "tea"), ("--cookie-jar", str(tmp_path / "jar"))):
        assert run("get", *keeping, f"{origin.url}/cookies/set?sid=1", f"{origin.url}/cookies").code == 0
        assert json.loads(run("get", *keeping, f"{origin.url}/cookies/").out) == {"sid": "1"}
    assert (tmp_path / "state" / "smartclient" / "sessions" / "tea.json").stat().st_mode & 0o777 == 0o600
    assert json.loads(run("get", f"{origin.url}/cookies/").out) == {}


@pytest.mark.parametrize("name", ["../tea", "", ".", "a/b", "-a\n"])
def test_names_of_sessions_are_names(run: Run, name: str) -> None:
    assert run("get", f"--session={name}", "http://h/").code == 2


def test_offline_has_nothing(run: Run, origin: Origin) -> None:
    assert run("get", "--offline", f"{origin.url}/page/tea").code == 22
    assert origin.seen.requests == []


def test_refresh_asks(run: Run, origin: Origin) -> None:
    for flags in ([], ["--refresh"]):
        assert run("get", *flags, f"{origin.url}/page/tea").out == b"page tea, hit 1\n"
    assert origin.seen.requests[-1].header("if-none-match") == '"tea-1"'


def test_json_out_tells_errors(run: Run) -> None:
    ended = run("get", "--json-out", "--retry", "0", "http://127.0.0.1:1/")
    value = json.loads(ended.out)
    assert (ended.code, value["exit"], value["error"]["type"], value["error"]["sent"]) == (
        7,
        7,
        "ConnectionError",
        "nothing",
    )


@pytest.mark.parametrize(
    ("flags", "body"),
    [
        (["--json", '{"a": 1}'], b'{"a": 1}'),
        (
            ["--json", "a=1", "--json", "b=x", "--json", "c=null", "--json", "d=1.50"],
            b'{"a":1,"b":"x","c":null,"d":1.5}',
        ),
        (["--json", "a=007"], b'{"a":"007"}'),
        (["--json", "a=NaN"], b'{"a":"NaN"}'),
        (["--json", 'a={"b":[1]}'], b'{"a":{"b":[1]}}'),
        (["--json", "5"], b"5"),
    ],
)
def test_json_body(run: Run, origin: Origin, flags: list[str], body: bytes) -> None:
    seen = echoed(run(*flags, f"{origin.url}/echo"))
    assert (seen["method"], seen["body"], seen["headers"]["content-type"]) == ("POST", body, "application/json")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--json", "{a"], "JSON"),
        (["--json", "a=1", "--json", "a=2"], "twice"),
        (["--json", "a=1", "--json", "[1]"], "members"),
        (["-d", "a", "--json", "b=1"], "two bodies"),
        (["-F", "nonsense"], "name=value"),
        (["--resolve", "h:1"], "host:port:address"),
        (["--lang", "de;q=x"], "weight"),
        (["--rate", "fast"], "--rate"),
        (["--bearer", "a", "-u", "b:c"], "two kinds"),
        (["--key", "k"], "--cert"),
        (["--sse", "-X", "POST"], "--sse"),
    ],
)
def test_flags_that_make_no_sense(run: Run, flags: list[str], told: str) -> None:
    ended = run("get", *flags, "http://127.0.0.1:1/")
    assert (ended.code, told in ended.err) == (2, True), ended.err


def test_a_body_is_compressed(run: Run, origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"tea" * 1000)
    seen = echoed(run("post", "--compress", "gzip", "-d", f"@{tmp_path / 'body'}", f"{origin.url}/echo"))
    assert (gzip.decompress(seen["body"]), seen["headers"]["content-encoding"]) == (b"tea" * 1000, "gzip")


def test_the_name_is_the_servers(run: Run, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = (("Content-Disposition", 'attachment; filename="../../tea.txt"'),)
    url = origin.route("/named", lambda seen: Page(b"tea", headers=named))
    assert run("get", "-O", f"{origin.url}/bytes/5", f"{origin.url}/bytes/6") == (0, b"", "")
    assert ((tmp_path / "5").read_bytes(), (tmp_path / "6").read_bytes()) == (b"01234", b"012345")
    assert run("get", "-O", url).code == 0
    assert (tmp_path / "tea.txt").read_bytes() == b"tea"
    ended = run("get", "-O", url)
    assert (ended.code, ended.err) == (23, "smartclient: cannot write tea.txt: File exists\n")


def test_a_proxy(run: Run, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = origin.url.removeprefix("http://")
    for flags in (["-x", proxy], ["-x", f"http://u:p@{proxy}"], ["-x", "env:PROXY"]):
        monkeypatch.setenv("PROXY", origin.url)
        run("get", *flags, "http://tea.test/echo")
        assert origin.seen.requests[-1].target == "http://tea.test/echo"
    assert run("get", "-x", "http://127.0.0.1:1", "--noproxy", "127.0.0.1", f"{origin.url}/bytes/3").out == b"012"


def test_exceptions_from_the_environments_proxies(run: Run, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert run("get", "--noproxy", "*", f"{origin.url}/bytes/3").out == b"012"
    assert run("get", "-x", "", f"{origin.url}/bytes/3").out == b"012"


@pytest.mark.parametrize("flags", [["-4"], ["-4", "--resolve", "tea.test:PORT:127.0.0.1"]], ids=["-4", "--resolve"])
def test_families_and_addresses(run: Run, origin: Origin, flags: list[str]) -> None:
    host = "tea.test" if len(flags) > 1 else "localhost"
    flags = [flag.replace("PORT", str(origin.port)) for flag in flags]
    assert run("get", *flags, f"http://{host}:{origin.port}/bytes/3") == (0, b"012", "")
    assert origin.seen.requests[-1].header("host") == f"{host}:{origin.port}"


def test_a_client_certificate(run: Run, authority: Authority, tmp_path: Path) -> None:
    chain, key = authority.files("client")
    (tmp_path / "bad").write_text("no certificate")
    secure = Origin(authority.server_context(ask_client=True))
    try:
        call = ("get", "--cacert", str(authority.ca_file), "--retry", "0", f"{secure.url}/bytes/3")
        assert run(*call, "--cert", str(chain), "--key", str(key), "--tls-min", "1.3") == (0, b"012", "")
        assert run(*call, "--cert", str(tmp_path / "bad")).code == 58
        assert run(*call, "--cert", "/no/such/file").code == 58
    finally:
        secure.close()


def test_hosts_that_want_https_are_remembered(
    run: Run, tls_origin: Origin, origin: Origin, authority: Authority, tmp_path: Path
) -> None:
    secure = tls_origin.url.replace("127.0.0.1", "localhost")
    lines = (("Strict-Transport-Security", "max-age=60"),)
    tls_origin.route("/hsts", lambda seen: Page(b"tea", headers=lines))
    assert run("get", "--cacert", str(authority.ca_file), f"{secure}/hsts").code == 0
    assert "localhost" in (tmp_path / "state" / "smartclient" / "hsts.json").read_text()
    plain = origin.url.replace("127.0.0.1", "localhost")
    assert run("get", "--retry", "0", f"{plain}/bytes/3").code != 0  # https now, which this origin does not speak
    assert run("get", "--no-hsts", f"{plain}/bytes/3").out == b"012"

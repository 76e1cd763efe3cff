"""Every command in a terminal: what stands on the screen, beside the files of `screens`, which the documentation shows.

SMARTCLIENT_WRITE_SCREENS=1 writes the files anew; whatever changes from run to run is made one first.
"""

import hashlib
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from loopback.authority import Authority
from loopback.origin import Origin, Page, Seen
from terminal import on_screen

pytest.importorskip("pty", reason="needs pseudo-terminals")

FOLDER = Path(__file__).parent / "screens"
DISK = bytes(412_000)
ORDER = '{"id":7,"name":"Ada","on":true}'

NAMES = {"api": "https://api.example", "secure": "https://localhost", "ca": "ca.pem", "folder": "downloads"}
NAMES |= {"sum": "HEX", "wrong": "0000..."}

# What each screen shows: the command line, with the places of this run in braces.
SCREENS = {
    "get": "get {api}/users/7 -v --bearer s3cr3t",
    "head": "head {api}/users/7",
    "json": "post {api}/orders --json name=tea --json count=3",
    "methods": "put {api}/orders/1 --json count=4 && patch {api}/orders/1 -d note=milk && delete {api}/orders/1 -i "
    "&& query {api}/orders -d name=tea && request PROPFIND {api}/orders/1",
    "text": "{api}/hostile",
    "binary": "get {api}/binary",
    "error-status": "get {api}/missing",
    "no-connection": "get http://127.0.0.1:9/ --retry 0",
    "usage": "get --includ {api}/users/7",
    "options": "options {api}/users/7",
    "timing": "get {api}/users/7 --timing -o {folder}/out",
    "json-out": "get {api}/users/7 --json-out --format raw",
    "cors-blocked": "cors {api}/orders --origin https://app.example --method POST "
    "--header 'content-type: application/json' --header x-trace-id --credentials",
    "cors-allowed": "cors {api}/open --origin https://app.example",
    "tls": "tls {secure} --cacert {ca} --warn-days 30",
    "tls-refused": "tls {secure}",
    "headers": "headers {api}/page --require content-security-policy",
    "explain": "explain {api}/users/7 --calls 2",
    "explain-stale": "explain {api}/stale --calls 2",
    "download": "download {api}/disk.img -o {folder} --checksum sha256:{sum}",
    "download-refused": "download {api}/disk.img -o {folder} --checksum sha256:{wrong}",
    "cache": "get {api}/users/7 -s && cache list && cache show {api}/users/7 && cache verify "
    "&& cache purge {api}/users/7",
    "cached": "get {api}/users/7 -s && get {api}/users/7 -v",
    "sse": "get {api}/events --sse",
    "offline": "get {api}/users/7 --offline",
    "curl": "post {api}/orders --json name=tea -u Ada:s3cr3t --curl",
    "print-request": "post {api}/orders?token=s3cr3t --json name=tea -u Ada:s3cr3t --print-request",
}


@pytest.fixture
def places(origin: Origin, tls_origin: Origin, authority: Authority, tmp_path: Path) -> dict[str, str]:
    user = (("Content-Type", "application/json"), ("Cache-Control", "private, max-age=60"), ("ETag", '"v1"'))
    html = (("Content-Type", "text/html"), ("X-Content-Type-Options", "nosniff"), ("Set-Cookie", "sid=s3cr3t; Path=/"))
    policy = ("Content-Security-Policy", "default-src 'self'; script-src 'unsafe-inline'")
    origin.route("/users/7", lambda seen: Page(b"", 204, (("Allow", "GET, HEAD, PUT"),)) if seen.method == "OPTIONS"
                 else Page(ORDER.encode(), headers=user))  # fmt: skip
    origin.route("/orders", _orders)
    origin.route("/orders/1", _order)
    origin.route("/open", lambda seen: Page(b"{}", headers=(("Access-Control-Allow-Origin", "*"), ("X-One", "1"))))
    origin.route("/hostile", lambda seen: Page(b"tea \x1b[31mred\x1b[0m\n", headers=(("Content-Type", "text/plain"),)))
    origin.route("/binary", lambda seen: Page(b"\x89PNG\0\1", headers=(("Content-Type", "image/png"),)))
    origin.route("/missing", lambda seen: Page(b"no such page\n", 404, (("Content-Type", "text/plain"),)))
    stale = (("Cache-Control", "max-age=0"), ("ETag", '"v1"'))
    origin.route(
        "/stale", lambda seen: Page(b"", 304, stale) if seen.header("if-none-match") else Page(b"tea", 200, stale)
    )
    events = Page(b"retry: 1\nid: 1\ndata: tea\n\nevent: refill\ndata: two\ndata: lines\n\n",
                  headers=(("Content-Type", "text/event-stream"),))  # fmt: skip
    origin.route("/events", lambda seen: Page(b"", 204) if seen.header("last-event-id") else events)
    origin.route("/disk.img", lambda seen: Page(DISK, headers=(("ETag", '"9f-61"'),)))
    origin.route("/page", lambda seen: Page(b"<p>", headers=(*html, policy)))
    secure = tls_origin.url.replace("127.0.0.1", "localhost")
    places = {"api": origin.url, "secure": secure, "ca": str(authority.ca_file), "folder": str(tmp_path)}
    return places | {"sum": hashlib.sha256(DISK).hexdigest(), "wrong": "0" * 64}


def _order(seen: Seen) -> Page:
    if seen.method == "DELETE":
        return Page(b"", 204)
    return Page(f"{seen.method} {seen.body.decode()}".encode(), headers=(("Content-Type", "text/plain"),))


def _orders(seen: Seen) -> Page:
    allowed = (("Access-Control-Allow-Origin", "https://app.example"), ("Access-Control-Allow-Credentials", "true"))
    if seen.method == "OPTIONS":
        return Page(b"", 204, (*allowed, ("Access-Control-Allow-Headers", "content-type")))
    return Page(seen.body, 201, (("Content-Type", "application/json"), ("Location", "/orders/1")))


@pytest.fixture
def screen(places: dict[str, str]) -> Callable[[str], str]:
    """The screen of a command line, as it stands in its file."""

    def screen(line: str) -> str:
        parts = []
        for each in line.split(" && "):
            shown = on_screen(*shlex.split(each.format_map(places)))
            parts.append(f"$ smartclient {each.format_map(NAMES)}\n{steady(shown.text, places)}")
            parts.append(f"exit {shown.code}\n" if shown.code else "")
        return "".join(parts)

    return screen


def steady(text: str, places: dict[str, str]) -> str:
    """`text` with what changes from run to run, and the places of this run, written in one way."""
    for place, name in NAMES.items():
        text = text.replace(places[place], name)
    port, tls_port = (places[place].rpartition(":")[2] for place in ("api", "secure"))
    text = text.replace(f"127.0.0.1 port {port}", "203.0.113.7 port 443").replace(f"127.0.0.1:{port}", "api.example")
    text = text.replace(f"localhost:{tls_port}", "localhost")
    for pattern, same in (
        (r"\r\x1b\[K([^\r\n]*(?=\r))?", ""),  # bars, which only a slow machine shows, and their ends
        (r"smartclient/[\w.]+", "smartclient/1.0"),
        (r"Server: .*", "Server: example"),
        (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} [\d:]{8} GMT", "Mon, 23 Nov 2026 12:00:00 GMT"),
        (r"(?m)^((?: {11})?[a-z][a-z ]{9}) *\d+\.\d ms", r"\1    12 ms"),
        (r"\d+(\.\d+)? ms", "12 ms"),
        (r"after \d+\.\d s", "after 0.1 s"),
        (r"(?m)ms \|.*$", "ms | ####"),
        (r'"(server|date)": ?"[^"]*"', r'"\1": "..."'),
        (r'(\["Server",)"[^"]*"', r'\1"example"'),
        (r'("(?:seconds|pool_wait|dns|connect|tls|send|wait|receive|total)"): ?\d[\d.e-]*', r"\1:0.012"),
        (r"\d+ days left", "9 days left"),
        (r"valid( +)\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d", r"valid\g<1>2026-09-02 to 2026-12-01"),
        (r"\b(stored|fresh)( for)? [56]\d s\b", r"\1\2 60 s"),
        (r"\bage \d+ s\b", "age 0 s"),
        (r'"ttl":[56]\d\b', '"ttl":60'),
        (r'"age":\d+', '"age":0'),
        (r"\d{4}-\d\d-\d\dT[\d:]{8}Z", "2026-11-23T12:00:00Z"),
        (r"\b[01] s\b", "0 s"),
        (r"Age: \d+", "Age: 0"),
        (r"in \d+\.\d s", "in 0.1 s"),
        (r"trustme v[\d.]+", "Example CA"),
    ):
        text = re.sub(pattern, same, text)
    return text


@pytest.mark.parametrize("name", SCREENS)
def test_screen(name: str, screen: Callable[[str], str]) -> None:
    shown = screen(SCREENS[name])
    assert "s3cr3t" not in re.sub(r"(?m)^\$ .*$", "", shown)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    path = FOLDER / f"{name}.txt"
    if os.environ.get("SMARTCLIENT_WRITE_SCREENS") == "1":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_no_screen_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(SCREENS)

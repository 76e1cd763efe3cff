"""curl's spellings mean what they mean in curl: both programs call one server, and it sees the same requests.

Left out of the comparison are User-Agent, Accept-Encoding and Connection, which each program fills in its own way.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from loopback.origin import Origin, Seen
from smartclient._cli.main import main

CURL = shutil.which("curl")
OWN_WAY = ("user-agent", "accept-encoding", "connection")

pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")


class Pair(NamedTuple):
    """One call in both spellings; "URL" stands for the origin, "DIR" for a folder with files to send."""

    curl: str
    ours: str


SAME = {
    "get": "URL/echo",
    "query-kept": "URL/echo?a=1&b=%20x",
    "header": "-H 'X-One: 1' URL/echo",
    "headers-repeated": "-H 'X-One: 1' -H 'X-One: 2' URL/echo",
    "header-replaced": "-H 'Accept: text/html' URL/echo",
    "header-removed": "-H 'Accept:' URL/echo",
    "header-empty": "-H 'X-Empty;' URL/echo",
    "user": "-u user:pass URL/echo",
    "user-long": "--user user:pa:ss URL/echo",
    "user-in-url": "USERURL/echo",
    "user-agent": "-A tea/1 URL/echo",
    "referer": "-e http://a.example/ URL/echo",
    "range": "-r 0-9 URL/echo",
    "cookie": "-b a=1 URL/echo",
    "cookies": "-b 'a=1; b=2' URL/echo",
    "method": "-X PURGE URL/echo",
    "method-with-body": "-X PUT -d a=b URL/echo",
    "form": "-d a=b -d 'c=d e' URL/echo",
    "form-typed": "-d '{}' -H 'Content-Type: application/json' URL/echo",
    "data-raw": "--data-raw @no-file URL/echo",
    "data-binary": "--data-binary @DIR/bytes URL/echo",
    "data-urlencode": "--data-urlencode 'a=b c&d' --data-urlencode '=e f' --data-urlencode g@DIR/text URL/echo",
    "get-with-data": "-G -d a=b -d c=d URL/echo?x=1",
    "get-with-encoded": "-G --data-urlencode 'a=b c&d' URL/echo",
    "url-query": "--url-query a=b URL/echo",
    "json": "--json '{\"a\": 1}' URL/echo",
    "json-accept": "--json '{}' -H 'Accept: text/html' URL/echo",
    "form-part": "-F a=b -F 'c=d e' URL/echo",
    "form-file": "-F f=@DIR/text URL/echo",
    "form-file-named": "-F 'f=@DIR/text;type=text/csv;filename=t.csv' URL/echo",
    "form-file-text": "-F 'f=<DIR/text' URL/echo",
    "form-typed-part": "-F 'a=b;type=text/html' URL/echo",
    "head": "-I URL/echo",
    "redirect-followed": "-L URL/redirect/1",
    "post-redirect": "-L -d a=b URL/redirect/1",
    "resolve": "--resolve tea.test:PORT:127.0.0.1 http://tea.test:PORT/echo",
    "compressed": "--compressed URL/echo",
    "fail": "-f URL/echo",
}
OTHERS = {
    "get-verb": Pair("URL/echo", "get URL/echo"),
    "post-verb": Pair("-d a=b URL/echo", "post URL/echo -d a=b"),
    "put-verb": Pair("-X PUT -d a=b URL/echo", "put URL/echo -d a=b"),
    "delete-verb": Pair("-X DELETE URL/echo", "delete URL/echo"),
    "options-verb": Pair("-X OPTIONS URL/echo", "options URL/echo"),
    "request": Pair("-X PROPFIND URL/echo", "request PROPFIND URL/echo"),
    "json-members": Pair('--json {"name":"Ada","age":36,"on":true} URL/echo',
                         "post URL/echo --json name=Ada --json age=36 --json on=true"),
    "bearer": Pair("--oauth2-bearer abc URL/echo", "get URL/echo --bearer abc"),
    "netrc": Pair("-n --netrc-file DIR/netrc URL/echo", "get URL/echo --netrc-file DIR/netrc"),
    "accept": Pair("-H 'Accept: application/json' URL/echo", "get URL/echo --accept json"),
    "languages": Pair("-H 'Accept-Language: de, en;q=0.5' URL/echo", "get URL/echo --lang 'de,en;q=.5'"),
    "query": Pair("URL/echo?a=b+c&d=%26", "get URL/echo --query 'a=b c' --query 'd=&'"),
    "upload": Pair("-T DIR/bytes -H Expect: URL/echo", "-T DIR/bytes URL/echo"),
    "upload-named": Pair("-T DIR/bytes -H Expect: URL/echo/", "-T DIR/bytes URL/echo/"),
    "no-follow": Pair("URL/redirect/1", "get --no-follow URL/redirect/1"),
}  # fmt: skip
CASES = {name: Pair(text, text) for name, text in SAME.items()} | OTHERS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bytes").write_bytes(b"\0\r\n\xff")
    (tmp_path / "text").write_text("h i&j")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password pass")
    return tmp_path


@pytest.fixture
def words(origin: Origin, folder: Path) -> Callable[[str], list[str]]:
    """Splits a line as a shell does, with the places filled in."""

    def words(text: str) -> list[str]:
        places = {"USERURL": origin.url.replace("//", "//us%40er:pa%3Ass@"), "URL": origin.url, "DIR": str(folder)}
        places["PORT"] = str(origin.port)
        parts = re.findall(r"'([^']*)'|(\S+)", text)
        return [
            re.sub("USERURL|URL|DIR|PORT", lambda found: places[found[0]], quoted or plain) for quoted, plain in parts
        ]

    return words


def compared(seen: Seen) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """What must be the same; the random boundary of a multipart body is made one."""
    content_type = seen.header("content-type") or ""
    body = seen.body
    boundary = content_type.partition("boundary=")[2]
    if boundary:
        body = body.replace(boundary.encode(), b"BOUNDARY")
    lines = [(name.lower(), value.replace(boundary, "BOUNDARY") if boundary else value) for name, value in seen.headers]
    kept = sorted(line for line in lines if line[0] not in OWN_WAY)
    if boundary:
        kept = [line for line in kept if line[0] != "content-length"]  # boundaries differ in length
    return seen.method, seen.target, kept, body


@pytest.mark.parametrize("name", CASES)
def test_the_same_request(
    name: str, origin: Origin, words: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch, capfd: object
) -> None:
    monkeypatch.setenv("NETRC", os.devnull)  # and undoes what the flag sets
    pair = CASES[name]
    assert CURL is not None
    done = subprocess.run([CURL, "-sS", "-m", "10", *words(pair.curl)], capture_output=True, timeout=20)
    assert done.returncode in (0, 22), done.stderr
    theirs = list(map(compared, origin.seen.requests))
    named = "user-agent" in {key.lower() for key, _ in origin.seen.requests[0].headers} and "-A" in pair.curl
    agents = [seen.header("user-agent") for seen in origin.seen.requests] if named else []
    origin.seen.requests.clear()
    assert main(words(pair.ours)) in (0, 22)
    assert list(map(compared, origin.seen.requests)) == theirs
    assert not named or [seen.header("user-agent") for seen in origin.seen.requests] == agents


def test_there_are_enough() -> None:
    assert len(CASES) >= 30

"""The lines of `snippets.txt`, each run with requests and with us: results, errors and what servers saw are the same.

The names in them: `R`, the module; `s`, a new session of it; `u` and `u2`, two origins. A result is the value of the
last statement. What differs knowingly, and is listed in docs/migrating-from-requests.md, is not among them.
"""

import ast
import base64
import collections
import copy
import datetime
import hashlib
import importlib
import io
import json
import os
import pickle
import re
import shutil
from http import cookiejar
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest

import smartclient
from loopback.origin import Page, Seen

requests = pytest.importorskip("requests")

MODULES = "adapters auth certs compat cookies exceptions hooks models packages sessions status_codes structures utils"
ERRORS = [name for name in dir(requests.exceptions) if isinstance(getattr(requests.exceptions, name), type)]
ERRORS = [name for name in ERRORS if name in smartclient.exceptions.__all__]
BUILT_IN = (ValueError, TypeError, KeyError, AttributeError, OSError, UnicodeError, NotImplementedError)
OWN_FIELDS = ("user-agent", "accept-encoding")


def sections() -> dict[str, list[str]]:
    """The snippets by heading."""
    found: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "snippets.txt").read_text().splitlines():
        if line.startswith("# "):
            snippets = found[line[2:]] = []
        elif line:
            snippets.append(line)
    return found


SECTIONS = sections()


def said(seen: Seen) -> Page:
    """The page that its query describes: status, body, and fields as h=Name:value."""
    pairs = parse_qsl(urlsplit(seen.target).query, encoding="latin-1", keep_blank_values=True)
    known = dict(pairs)
    fields = tuple(tuple(value.split(":", 1)) for name, value in pairs if name == "h")
    return Page(known.get("body", "").encode("latin-1"), int(known.get("status", "200")), fields)


def behind_digest(seen: Seen) -> Page:
    """A page for "user" with the password "pass"; `alg` and `qop` in the query are asked for."""
    algorithm, qop = seen.query.get("alg", "MD5"), seen.query.get("qop", "auth")

    def digested(text: str) -> str:
        return hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest()

    given = dict(re.findall(r'(\w+)="?([^",]+)"?', seen.header("authorization") or ""))
    if given:
        middle = f"{given['nc']}:{given['cnonce']}:{given['qop']}:" if "qop" in given else ""
        secret, asked = digested("user:realm:pass"), digested(f"{seen.method}:{seen.target}")
        if given["response"] == digested(f"{secret}:{given['nonce']}:{middle}{asked}"):
            return Page(b"in")
    challenge = f'Digest realm="realm", nonce="n", algorithm={algorithm}, opaque="o"' + (
        f', qop="{qop}"' if qop else ""
    )
    return Page(b"who?", 401, (("WWW-Authenticate", challenge),))


def even(value: Any) -> Any:
    """Text without what differs from run to run: boundaries, nonces, addresses; JSON with the same spaces."""
    if isinstance(value, bytes):
        if value[:1] in (b"{", b"["):
            try:
                return json.dumps(json.loads(value)).encode()
            except ValueError:
                return value
        mark = re.match(rb"--([0-9a-f]{32})(--)?\r\n", value)
        return value.replace(mark[1], b"BOUNDARY") if mark else value
    if value.startswith("Digest "):
        value = " ".join(sorted(re.sub(r'"|,|(?<=response=)\w+|(?<=cnonce=)\w+', "", value).split()))
    return re.sub(r"boundary=[0-9a-f]{32}|(?<= at )0x[0-9a-f]+", "X", value)


def fields_of(items: Any) -> list[tuple[Any, Any]]:
    """Fields in order of their names; of those that differ knowingly, only that they are there."""
    fields = [(name, "X" if str(name).lower() in OWN_FIELDS else value) for name, value in items]
    if any("json" in str(value) or "boundary" in str(value) for _, value in fields):  # as long as the spaces in it
        fields = [(name, "X" if str(name).lower() == "content-length" else value) for name, value in fields]
    return sorted(((name, even(value) if isinstance(value, str) else value) for name, value in fields), key=repr)


def plain(value: Any, module: Any) -> Any:
    """A result in terms that both modules have in common."""
    if isinstance(value, BaseException):
        bases = [name for name in ERRORS if isinstance(value, getattr(module.exceptions, name))]
        # What is wrong in the program's own arguments is a RequestException with us, too.
        return "error", bases or "other", [each.__name__ for each in BUILT_IN if bases and isinstance(value, each)]
    if isinstance(value, module.Response):
        items = [item for item in value.headers.items() if item[0] not in ("Date", "Server")]
        content = b"" if value.content and b'"target"' in value.content else value.content  # that is seen by the server
        history = [plain(each, module) for each in value.history]
        return value.status_code, value.url, value.reason, fields_of(items), content, history
    if isinstance(value, module.PreparedRequest):
        return value.method, value.url, plain(value.headers, module), plain(value.body, module)
    if isinstance(value, module.structures.CaseInsensitiveDict):
        return fields_of(value.items())
    if isinstance(value, cookiejar.CookieJar):
        return sorted((each.name, each.value, each.domain, each.path, each.secure) for each in value)
    if isinstance(value, dict):
        return {plain(name, module): plain(each, module) for name, each in value.items()}
    if isinstance(value, str | bytes):
        return even(value)
    if isinstance(value, list | tuple) or type(value).__name__.startswith("dict_"):
        return [plain(each, module) for each in value]
    if value is None or isinstance(value, int | float):
        return value
    return value.__name__ if isinstance(value, type) else type(value).__name__


class Runner:
    """Runs snippets before two origins."""

    known: ClassVar[dict[str, Any]] = {}

    def __init__(self, origins: Any, folder: Path) -> None:
        self.origins = origins
        self.folder = folder

    def theirs(self, snippet: str) -> Any:
        """What comes of `snippet` with requests."""
        if snippet not in self.known:
            self.known[snippet] = self.run(snippet, requests)
        return self.known[snippet]

    def run(self, snippet: str, module: ModuleType) -> Any:
        """What comes of `snippet` with `module`: its result, and what each origin saw."""
        for each in self.origins:
            each.forget()
            each.route("/say", said)
            each.route("/digest", behind_digest)
        first, second = self.origins
        names = {"R": module, "u": first.url, "u2": second.url, "port": first.port, "tmp": str(self.folder)}
        names |= {"io": io, "os": os, "json": json, "pickle": pickle, "copy": copy, "shutil": shutil}
        names |= {"collections": collections, "cookielib": cookiejar, "base64": base64, "datetime": datetime}
        environment = dict(os.environ)
        with module.Session() as names["s"]:
            try:
                result = plain(self.value(snippet, names | {"origin": first}), module)
            except Exception as error:
                result = plain(error, module)
            finally:
                os.environ.clear()
                os.environ.update(environment)
        return result, [[self.shown(seen) for seen in origin.seen.requests] for origin in self.origins]

    @staticmethod
    def value(snippet: str, names: dict[str, Any]) -> Any:
        """The value of the last statement."""
        *statements, last = ast.parse(snippet).body
        assert isinstance(last, ast.Expr), snippet
        exec(compile(ast.Module(statements, []), "snippet", "exec"), names)
        return eval(compile(ast.Expression(last.value), "snippet", "eval"), names)

    @staticmethod
    def shown(seen: Seen) -> Any:
        """A request as the origin saw it."""
        fields = [field for field in seen.headers if field[0].lower() not in OWN_FIELDS]
        return seen.method, seen.target, fields_of(fields), even(seen.body)


@pytest.fixture
def runner(origin, other_origin, tmp_path):
    for name in MODULES.split():  # attributes of their packages then
        importlib.import_module(f"requests.{name}")
        importlib.import_module(f"smartclient.{name}")
    (tmp_path / "file.txt").write_text("hello\n")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login n password q\n")
    (tmp_path / "netrc").chmod(0o600)
    return Runner((origin, other_origin), tmp_path)


@pytest.mark.filterwarnings("ignore")  # both warn of old names and of files that nobody closes
@pytest.mark.parametrize("heading", SECTIONS)
def test_the_same_comes_of_it(runner, way, heading):
    different = []
    for snippet in SECTIONS[heading]:
        theirs, ours = runner.theirs(snippet), runner.run(snippet, smartclient)
        if theirs != ours:
            different.append(f"{snippet}\n  requests: {theirs}\n  here:     {ours}")
    assert not different, "\n".join(different)

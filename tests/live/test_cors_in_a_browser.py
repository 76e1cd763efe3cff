"""`smartclient.cors.check` and a browser judge the same calls: headless Chromium runs a page that makes them all."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from loopback.origin import Origin, Page, Seen
from smartclient import cors

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 60.0  # seconds: a guard for a browser that hangs

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

ANY = {"Access-Control-Allow-Origin": "*"}
NAMED = {"Access-Control-Allow-Origin": "PAGE"}
WITH = {"Access-Control-Allow-Credentials": "true"}
JSON = {"content-type": "application/json"}
METHODS, HEADERS, EXPOSE = (
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Expose-Headers",
)


@dataclass(frozen=True)
class Case:
    """A call of the page, and what the server says; PAGE, API and OTHER stand for origins."""

    answer: dict[str, str] = field(default_factory=dict)
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    credentials: bool = False
    preflight: dict[str, str] = field(default_factory=dict)
    preflight_status: int = 204
    status: int = 200
    url: str = ""
    extra: tuple[tuple[str, str], ...] = ()  # further lines of the answer


def asked(preflight: dict[str, str], **options: Any) -> Case:
    """A call with a preflight, whose own answer allows it."""
    return Case({**NAMED, **WITH}, preflight=preflight, **options)


CASES = {
    # simple calls
    "nothing": Case(),
    "any": Case(ANY),
    "named": Case(NAMED),
    "another": Case({"Access-Control-Allow-Origin": "https://other.example"}),
    "with-a-slash": Case({"Access-Control-Allow-Origin": "PAGE/"}),
    "null": Case({"Access-Control-Allow-Origin": "null"}),
    "upper-case": Case({"Access-Control-Allow-Origin": "HTTP://127.0.0.1"}),
    "two-values": Case({"Access-Control-Allow-Origin": "PAGE, https://other.example"}),
    "two-lines": Case(NAMED, extra=(("Access-Control-Allow-Origin", "PAGE"),)),
    "error-status-allowed": Case(ANY, status=404),
    "error-status": Case(status=500),
    "post": Case(ANY, "POST"),
    "post-nothing": Case({}, "POST"),
    "head": Case(ANY, "HEAD"),
    "simple-type": Case(ANY, "POST", {"content-type": "text/plain;charset=utf-8"}),
    "range": Case(ANY, headers={"range": "bytes=0-9"}),
    # credentials
    "credentials": Case({**NAMED, **WITH}, credentials=True),
    "credentials-any": Case({**ANY, **WITH}, credentials=True),
    "credentials-not-allowed": Case(NAMED, credentials=True),
    "credentials-false": Case({**NAMED, "Access-Control-Allow-Credentials": "false"}, credentials=True),
    "credentials-case": Case({**NAMED, "Access-Control-Allow-Credentials": "TRUE"}, credentials=True),
    # preflights: methods
    "put-allowed": asked({**NAMED, METHODS: "PUT"}, method="PUT"),
    "put-not-allowed": asked(NAMED, method="PUT"),
    "put-any": asked({**ANY, METHODS: "*"}, method="PUT"),
    "put-any-credentials": asked({**NAMED, **WITH, METHODS: "*"}, method="PUT", credentials=True),
    "put-lower": asked({**NAMED, METHODS: "put"}, method="PUT"),
    "patch-lower": asked({**NAMED, METHODS: "PATCH"}, method="patch"),
    "patch": asked({**NAMED, METHODS: "PATCH"}, method="PATCH"),
    "delete-among-others": asked({**NAMED, METHODS: "GET, DELETE,PUT"}, method="DELETE"),
    "own-method": asked({**NAMED, METHODS: "PURGE"}, method="PURGE"),
    "trace": asked({**NAMED, METHODS: "TRACE"}, method="TRACE"),
    "methods-no-list": asked({**NAMED, METHODS: "PUT POST"}, method="PUT"),
    # preflights: fields
    "json-allowed": asked({**NAMED, HEADERS: "content-type"}, method="POST", headers=JSON),
    "json-not-allowed": asked(NAMED, method="POST", headers=JSON),
    "field-allowed": asked({**NAMED, HEADERS: "X-Trace-Id"}, headers={"x-trace-id": "1"}),
    "field-any": asked({**NAMED, HEADERS: "*"}, headers={"x-trace-id": "1"}),
    "field-any-credentials": asked({**NAMED, **WITH, HEADERS: "*"}, headers={"x-a": "1"}, credentials=True),
    "one-of-two-fields": asked({**NAMED, HEADERS: "x-a"}, headers={"x-a": "1", "x-b": "2"}),
    "authorization-any": asked({**NAMED, HEADERS: "*"}, headers={"authorization": "Bearer x"}),
    "authorization-named": asked({**NAMED, HEADERS: "*, Authorization"}, headers={"authorization": "Bearer x"}),
    "accept-unsafe": asked(NAMED, headers={"accept": "a(b"}),
    "language-unsafe": asked(NAMED, headers={"accept-language": "de_DE"}),
    "long-value": asked(NAMED, headers={"accept": "a" * 129}),
    "range-unsafe": asked(NAMED, headers={"range": "bytes=-5"}),
    "range-turned": asked(NAMED, headers={"range": "bytes=9-5"}),
    "forbidden-field": Case(ANY, headers={"accept-charset": "x"}),
    "override-forbidden": Case(ANY, headers={"x-http-method-override": "TRACE"}),
    "override-asked": asked({**NAMED, HEADERS: "x-http-method-override"}, headers={"x-http-method-override": "PUT"}),
    # preflights: the rest
    "preflight-not-allowed": asked({METHODS: "PUT"}, method="PUT"),
    "preflight-status": asked({**NAMED, METHODS: "PUT"}, method="PUT", preflight_status=404),
    "preflight-200": asked({**NAMED, METHODS: "PUT"}, method="PUT", preflight_status=200),
    "preflight-redirect": asked({**NAMED, METHODS: "PUT", "Location": "/any"}, method="PUT", preflight_status=307),
    "preflight-credentials": asked({**NAMED, METHODS: "PUT"}, method="PUT", credentials=True),
    "preflight-yes-answer-no": Case({}, method="PUT", preflight={**NAMED, METHODS: "PUT"}),
    # what the page can read
    "exposed": Case({**ANY, EXPOSE: "X-One, x-two", "X-One": "1", "X-Two": "2", "X-Three": "3"}),
    "exposed-any": Case({**ANY, EXPOSE: "*", "X-One": "1", "Set-Cookie": "a=b"}),
    "exposed-any-credentials": Case({**NAMED, **WITH, EXPOSE: "*", "X-One": "1"}, credentials=True),
    "exposed-safelisted": Case({**ANY, "Expires": "0", "Pragma": "x", "Last-Modified": "0", "Content-Language": "de"}),
    # redirects
    "redirect-allowed": Case({**ANY, "Location": "/any"}, status=302),
    "redirect-not-allowed": Case({"Location": "/any"}, status=302),
    "redirect-to-nothing": Case({**ANY, "Location": "/none"}, status=302),
    "redirect-elsewhere": Case({**NAMED, "Location": "OTHER/any"}, status=302),
    "redirect-elsewhere-named": Case({**NAMED, "Location": "OTHER/named"}, status=302),
    "redirect-elsewhere-null": Case({**NAMED, "Location": "OTHER/null"}, status=302),
    "redirect-userinfo": Case({**ANY, "Location": "http://u:p@API_HOST/any"}, status=302),
    "redirect-post": Case({**ANY, "Location": "/any"}, "POST", status=303),
    # the URL
    "same-origin": Case(url="PAGE/own"),
    "userinfo": Case(ANY, url="http://u:p@API_HOST/any"),
    "blocked-port": Case(ANY, url="http://127.0.0.1:25/"),
}

# The standard wants authorization to be named; Chromium still takes "*" for it, with a warning in its console.
CHROMIUM_IS_BEHIND = {"authorization-any"}

SCRIPT = """<!doctype html><title>calls</title><script>
(async () => {
  const results = {};
  for (const [name, call] of Object.entries(CALLS)) {
    try {
      const answer = await fetch(call.url, {method: call.method, headers: call.headers,
        credentials: call.credentials ? "include" : "same-origin"});
      const names = []; answer.headers.forEach((value, key) => names.push(key));
      results[name] = {allowed: true, exposed: names.sort()};
    } catch (error) { results[name] = {allowed: false, exposed: null}; }
  }
  await fetch("/report", {method: "POST", body: JSON.stringify(results)});
})();
</script>"""


class World:
    """Both origins with the pages of all cases; the API has a second name, which makes a third origin."""

    def __init__(self, page: Origin, api: Origin) -> None:
        self.page, self.api = page, api
        self.other = api.url.replace("127.0.0.1", "localhost")
        self.reported = threading.Event()
        self.results: dict[str, dict[str, Any]] = {}
        page.route("/own", lambda seen: Page(b"own"))
        page.route("/report", self._report)
        api.route("/any", lambda seen: self._answer(ANY, 200))
        api.route("/named", lambda seen: self._answer(NAMED, 200))
        api.route("/null", lambda seen: self._answer({"Access-Control-Allow-Origin": "null"}, 200))
        api.route("/none", lambda seen: Page(b""))
        for name, case in CASES.items():
            api.route(f"/case/{name}", lambda seen, case=case: self._served(case, seen))

    def places(self, text: str) -> str:
        for word, value in (
            ("PAGE", self.page.url),
            ("API_HOST", self.api.url.removeprefix("http://")),
            ("OTHER", self.other),
        ):
            text = text.replace(word, value)
        return text

    def url(self, name: str) -> str:
        return self.places(CASES[name].url) or f"{self.api.url}/case/{name}"

    def calls(self) -> dict[str, Any]:
        return {
            name: {
                "url": self.url(name),
                "method": case.method,
                "headers": case.headers,
                "credentials": case.credentials,
            }
            for name, case in CASES.items()
        }

    def _answer(self, headers: dict[str, str], status: int, extra: tuple[tuple[str, str], ...] = ()) -> Page:
        lines = [(name, self.places(value)) for name, value in (*headers.items(), *extra)]
        return Page(b"" if status == 204 else b"x", status, tuple(lines))

    def _served(self, case: Case, seen: Seen) -> Page:
        if seen.method == "OPTIONS":
            return self._answer(case.preflight, case.preflight_status)
        return self._answer(case.answer, case.status, case.extra)

    def _report(self, seen: Seen) -> Page:
        self.results = json.loads(seen.body)
        self.reported.set()
        return Page(b"thanks")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """After the browser has made all calls."""
    page, api = Origin(), Origin()
    world = World(page, api)
    script = SCRIPT.replace("CALLS", json.dumps(world.calls()))
    url = page.route("/page", lambda seen: Page(script.encode(), headers=(("Content-Type", "text/html"),)))
    folder: Path = tmp_path_factory.mktemp("browser")
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
    command = [str(CHROMIUM), *flags, f"--user-data-dir={folder}", "--remote-debugging-port=0", url]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            assert world.reported.wait(PATIENCE), (folder / "log").read_text()[-2000:]
            yield world
        finally:
            process.terminate()
            process.wait(PATIENCE)
            page.close()
            api.close()


@pytest.mark.parametrize("name", CASES)
def test_the_same_verdict(world: World, name: str) -> None:
    case, theirs = CASES[name], world.results[name]
    verdict = cors.check(
        world.url(name),
        origin=world.page.url,
        method=case.method,
        headers=case.headers,
        credentials=case.credentials,
        send=True,
    )
    exposed = None if verdict.exposed is None else list(verdict.exposed)
    agree = {"allowed": verdict.outcome == "allowed", "exposed": exposed} == theirs
    assert agree is (name not in CHROMIUM_IS_BEHIND), (verdict, theirs)


def test_there_are_enough() -> None:
    assert len(CASES) >= 40

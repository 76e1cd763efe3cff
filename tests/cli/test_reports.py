"""The diagnosis commands through `main`: verdicts, exit codes, JSON, and no secret in any of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from loopback.authority import Authority
from loopback.origin import Origin, Page
from loopback.scripted import ScriptedServer, Send
from smartclient import cors, headers_report
from smartclient._api.handshakes import handshake_report
from smartclient._cli.main import main
from smartclient.exceptions import InvalidOption, InvalidSchema

MARKER = "s3cr3t-marker"
PAGE = "https://app.example"


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the program with some arguments and gives its exit code and what it wrote."""

    def run(*arguments: str) -> Ended:
        code = main(arguments)
        return Ended(code, *capfd.readouterr())

    return run


def record(ended: Ended) -> dict[str, Any]:
    """The one object on stdout, which tells the exit code too."""
    value: dict[str, Any] = json.loads(ended.out)
    assert ended.out.count("\n") == 1
    assert (value["v"], value["exit"]) == (1, ended.code)
    return value


@pytest.fixture
def allowing(origin: Origin) -> str:
    """URL of a page that allows everything to `PAGE`."""
    lines = (("Access-Control-Allow-Origin", PAGE), ("Access-Control-Allow-Methods", "PUT"))
    return origin.route("/allowing", lambda seen: Page(b"", headers=lines))


def methods(origin: Origin) -> list[str]:
    return [seen.method for seen in origin.seen.requests]


def test_cors_sends_unsafe_calls_only_when_asked(run: Run, origin: Origin, allowing: str) -> None:
    call = ("cors", allowing, "--origin", PAGE, "--method", "put", "--json")
    assert record(run(*call))["outcome"] == "untested"
    assert methods(origin) == ["OPTIONS"]
    assert record(run(*call, "--send", "-d", "body"))["outcome"] == "allowed"
    assert methods(origin)[1:] == ["OPTIONS", "PUT"]
    assert origin.seen.requests[-1].body == b"body"


def test_cors_asks_as_a_browser_does(run: Run, origin: Origin, allowing: str) -> None:
    run("cors", allowing, "--origin", f"{PAGE}:443/", "--method", "PUT", "-H", "X-B: 1", "-H", "x-a")
    preflight = origin.seen.requests[0]
    assert preflight.header("origin") == PAGE
    assert preflight.header("access-control-request-method") == "PUT"
    assert preflight.header("access-control-request-headers") == "x-a,x-b"
    assert preflight.header("cookie") is preflight.header("authorization") is None


def test_cors_tells_which_rule_blocks(run: Run, origin: Origin) -> None:
    ended = run("cors", f"{origin.url}/echo", "--origin", PAGE)
    assert ended.code == 1
    assert "  FAIL  no Access-Control-Allow-Origin\n" in ended.out
    assert "\nblocked   a browser would not let the page read the answer." in ended.out


def test_cors_tells_what_pages_cannot_set(run: Run, allowing: str) -> None:
    assert record(run("cors", allowing, "--origin", PAGE, "-H", "cookie: a", "--json"))["ignored"] == ["cookie"]


@pytest.mark.parametrize("origin_text", ["app.example", "https://app.example/path", "https://u@app.example", "ftp://a"])
def test_cors_refuses_what_is_no_origin(run: Run, origin_text: str) -> None:
    assert run("cors", "https://api.example/", "--origin", origin_text).code == 2
    with pytest.raises(InvalidOption, match="origin"):
        cors.check("https://api.example/", origin=origin_text)


def test_cors_follows_no_loop_for_ever(origin: Origin) -> None:
    lines = (("Access-Control-Allow-Origin", "*"), ("Location", "/loop"))
    verdict = cors.check(origin.route("/loop", lambda seen: Page(b"", 302, lines)), origin=PAGE)
    assert [failure.rule for failure in verdict.failures] == ["redirect"]
    assert len(origin.seen.requests) == 21


def test_cors_goes_on_after_a_redirect_as_another_method(origin: Origin) -> None:
    lines = (("Access-Control-Allow-Origin", "*"), ("Location", "/page/tea"))
    url = origin.route("/moved", lambda seen: Page(b"", 303, lines))
    verdict = cors.check(url, origin=PAGE, method="POST", send=True, data=b"body")
    assert methods(origin) == ["POST", "GET"]
    assert verdict.outcome == "blocked"


def test_tls_fails_when_the_certificate_ends_soon(
    run: Run, authority: Authority, scripted: Callable[..., ScriptedServer]
) -> None:
    end = datetime.now(UTC) + timedelta(days=9, hours=1)
    context = authority.crafted.context(end=end)
    server = scripted([Send(b"")], context=context)
    url = server.url.replace("http:", "https:")
    ended = run("tls", url, "--cacert", str(authority.ca_file), "--warn-days", "30")
    assert ended.code == 1
    assert "9 days left   WARNING (limit 30)" in ended.out
    value = record(run("tls", url, "--cacert", str(authority.ca_file), "--json"))
    assert (value["exit"], round(value["certificate"]["days_left"])) == (0, 9)


@pytest.mark.parametrize(
    ("options", "check"),
    [
        ({"end": datetime.now(UTC) - timedelta(days=1), "begin": datetime.now(UTC) - timedelta(days=7)}, "expired"),
        ({"names": ("other.test",)}, "name"),
        ({"self_signed": True}, "self-signed"),
    ],
    ids=["expired", "name", "self-signed"],
)
def test_tls_names_the_check(
    run: Run, authority: Authority, scripted: Callable[..., ScriptedServer], options: dict[str, Any], check: str
) -> None:
    server = scripted([Send(b"")], context=authority.crafted.context(**options))
    url = server.url.replace("http:", "https:")
    value = record(run("tls", url, "--cacert", str(authority.ca_file), "--json"))
    assert (value["exit"], value["error"]["check"]) == (1, check)
    assert value["certificate"]["key"] == "ECDSA P-256"
    assert value["verified"] is False


def test_tls_without_tls(run: Run, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted([Send(b"HTTP/1.1 400 Bad Request\r\n\r\n")])
    ended = run("tls", server.url.replace("http:", "https:"))
    assert ended.code == 1
    assert ended.out.startswith("refused     ")


def test_a_handshake_is_https() -> None:
    import smartclient

    with smartclient.Session() as session, pytest.raises(InvalidSchema):
        handshake_report(session, "http://h/")


@pytest.mark.parametrize(
    ("required", "code"), [((), 0), (("X-Content-Type-Options",), 0), (("referrer-policy",), 1)], ids=str
)
def test_headers_required(run: Run, origin: Origin, required: tuple[str, ...], code: int) -> None:
    url = origin.route("/page", lambda seen: Page(b"<p>", headers=(("X-Content-Type-Options", "nosniff"),)))
    value = record(run("headers", url, "--json", *[part for name in required for part in ("--require", name)]))
    assert (value["exit"], value["unmet"]) == (code, [name for name in required if code])


def test_headers_report_of_a_response(origin: Origin) -> None:
    import smartclient

    found = headers_report(smartclient.get(f"{origin.url}/page/tea"))
    assert {finding.state for finding in found} <= {"present", "missing", "weak"}


def test_doctor_masks_what_it_sees(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SMARTCLIENT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("https_proxy", f"http://user:{MARKER}@proxy.example:3128")
    ended = run("doctor")
    assert ended.code == 0, ended.out
    assert MARKER not in ended.out
    assert "https_proxy=http://***@proxy.example:3128" in ended.out
    topics = {fact["topic"] for fact in record(run("doctor", "--json"))["facts"]}
    assert topics >= {"smartclient", "python", "tls", "coding", "trust", "proxy", "cache", "state", "address", "clock"}


def test_doctor_finds_what_is_broken(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SMARTCLIENT_CACHE_DIR", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    ended = run("doctor")
    assert ended.code == 1
    assert sorted(line.split()[0] for line in ended.out.splitlines() if " FAIL " in line) == ["cache", "trust"]


@pytest.mark.parametrize("command", ["cors", "tls", "headers", "doctor"])
def test_help_has_three_examples(run: Run, command: str) -> None:
    ended = run(command, "--help")
    assert ended.code == 0
    assert ended.out.partition("examples:\n")[2].count("  smartclient ") == 3


@pytest.mark.parametrize("command", ["cors", "tls", "headers"])
def test_one_url(run: Run, command: str) -> None:
    flags = ["--origin", PAGE] if command == "cors" else []
    assert run(command, "https://a.example/", "https://b.example/", *flags).code == 2

"""A marker that is put into every place where secrets are appears in no output, unless --show-secrets asks for it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from loopback.origin import Origin, Page, Seen
from loopback.scripted import ScriptedServer
from smartclient._cli.main import main

MARKER = "s3cr3t-marker"

# Where a secret can stand on the command line.
PLACES = {
    "user": ("-u", f"name:{MARKER}"),
    "digest": ("-u", f"name:{MARKER}", "--digest"),
    "bearer": ("--bearer", MARKER),
    "bearer-env": ("--bearer", "env:SECRET"),
    "bearer-file": ("--bearer", "@FILE"),
    "cookie": ("-b", f"sid={MARKER}"),
    "authorization": ("-H", f"Authorization: Token {MARKER}"),
    "key-field": ("-H", f"X-API-Key: {MARKER}"),
    "proxy-field": ("-H", f"Proxy-Authorization: Basic {MARKER}"),
    "cookie-field": ("-H", f"Cookie: a={MARKER}; b={MARKER}"),
    "query": ("--query", f"token={MARKER}"),
    "form": ("-d", f"password={MARKER}"),
    "referer": ("-e", f"https://h.example/?key={MARKER}"),
    "idempotency-key": (f"--idempotency-key={MARKER}",),
}
# What tells the most about a call.
OUTPUTS = {
    "verbose": ("-vv", "-i", "--timing"),
    "json-out": ("--json-out", "-v"),
    "har": ("--har", "HAR"),
    "curl": ("--curl",),
    "print-request": ("--print-request",),
}


class World(NamedTuple):
    """One call with secrets on both sides: `told` gives all that it wrote, but for the body."""

    url: str
    told: Callable[..., str]


@pytest.fixture
def world(
    origin: Origin, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> World:
    def page(seen: Seen) -> Page:
        lines = (
            ("Set-Cookie", f"sid={MARKER}; Path=/"),
            ("X-Auth-Token", MARKER),
            ("Location", f"https://u:{MARKER}@h.example/?sig={MARKER}"),
            ("Link", f"<https://h.example/?access_token={MARKER}>; rel=next"),
            ("Content-Type", "text/plain"),
        )
        return Page(b"", 404, lines)

    monkeypatch.setenv("SECRET", MARKER)
    (tmp_path / "file").write_text(MARKER + "\n")

    def told(*arguments: str) -> str:
        places = {"HAR": str(tmp_path / "har"), "@FILE": f"@{tmp_path / 'file'}"}
        code = main([places.get(each, each) for each in arguments])
        out, err = capfdbinary.readouterr()
        har = (tmp_path / "har").read_text() if "HAR" in arguments else ""
        assert code in (0, 22), err
        return out.decode() + err.decode() + har

    return World(origin.route("/secrets", page), told)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("place", PLACES)
def test_no_output_has_the_marker(world: World, place: str, output: str) -> None:
    flags = OUTPUTS[output]
    if output == "verbose":  # -i shows the head as it came, which is what it is for
        flags = ("-vv", "--timing")
    told = world.told("post", world.url, *PLACES[place], *flags, "--retry", "0")
    assert told
    assert MARKER not in told


@pytest.mark.parametrize("place", ["user", "bearer", "cookie", "key-field", "query"])
def test_explain_has_it_not_either(world: World, place: str) -> None:
    assert MARKER not in world.told("explain", world.url, *PLACES[place], "-v")


@pytest.mark.parametrize("output", ["verbose", "curl", "print-request", "har"])
def test_secrets_are_shown_when_asked(world: World, output: str) -> None:
    assert MARKER in world.told("post", world.url, "-H", f"X-API-Key: {MARKER}", *OUTPUTS[output], "--show-secrets")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["get", f"http://u:{MARKER}@127.0.0.1:1/?token={MARKER}"], id="no-connection"),
        pytest.param(["get", f"ftp://u:{MARKER}@h/?key={MARKER}"], id="scheme"),
        pytest.param(["get", f"http://u:{MARKER}@[::1/"], id="malformed"),
        pytest.param(["get", "http://127.0.0.1:1/", "-x", f"http://u:{MARKER}@127.0.0.1:1"], id="proxy"),
        pytest.param(["get", "http://127.0.0.1:1/", "-x", f"gopher://u:{MARKER}@127.0.0.1"], id="proxy-scheme"),
        pytest.param(["get", "http://127.0.0.1:1/", "--bearerr", MARKER], id="unknown-flag"),
        pytest.param(["get", "http://127.0.0.1:1/", f"--bearerr={MARKER}"], id="unknown-flag-with-value"),
        pytest.param(["get", "http://127.0.0.1:1/", f"-Z{MARKER}"], id="unknown-letter"),
        pytest.param(["get", "http://127.0.0.1:1/", "-H", f"Authorization {MARKER}"], id="field-without-colon"),
        pytest.param(["get", "http://127.0.0.1:1/", "-H", f"X-API-Key: a\n{MARKER}"], id="field-injection"),
        pytest.param(["get", "http://127.0.0.1:1/", "--bearer", f"a\n{MARKER}"], id="bearer-injection"),
        pytest.param(["get", "http://127.0.0.1:1/", "-b", f"a={MARKER}\r\n"], id="cookie-injection"),
        pytest.param(["download", f"http://u:{MARKER}@127.0.0.1:1/f?sig={MARKER}", "-o", "/tmp"], id="download"),
        pytest.param(
            ["cors", f"http://u:{MARKER}@127.0.0.1:1/?key={MARKER}", "--origin", "https://a.example"], id="cors"
        ),
        pytest.param(["tls", f"https://u:{MARKER}@127.0.0.1:1/?key={MARKER}"], id="tls"),
        pytest.param(["headers", f"http://u:{MARKER}@127.0.0.1:1/?key={MARKER}"], id="headers"),
        pytest.param(["cache", "show", f"https://u:{MARKER}@h.example/?key={MARKER}"], id="cache"),
    ],
)
def test_errors_have_it_not(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    extra = ["--retry", "0"] if arguments[0] in ("get", "download") else []
    assert main([*arguments, *extra]) != 0
    assert MARKER not in "".join(capfd.readouterr())


def test_a_peer_that_repeats_it(scripted: Callable[..., ScriptedServer], capfd: pytest.CaptureFixture[str]) -> None:
    reason = b"HTTP/1.1 500 http://u:" + MARKER.encode() + b"@h/?token=" + MARKER.encode()
    server = scripted([reason + b"\r\nContent-Length: 0\r\n\r\n"])
    assert main(["get", server.url, "-v", "--retry", "0"]) == 22
    assert MARKER not in "".join(capfd.readouterr())

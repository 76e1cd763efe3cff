"""Writes docs/cli.md from the parsers of the command and from the screens that the tests produce.

python scripts/cli_docs.py [--check]

With --check nothing is written; the exit code is 1 when the page is not what it should be.
"""

import argparse
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from smartclient._cli import codes, exits
from smartclient._cli.main import FILES, METHODS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "cli.md"
SCREENS = ROOT / "tests" / "cli" / "screens"

INTRODUCTION = """# The command line

`smartclient get URL` is the library seen from a shell: the same session, the same rules, the same errors. `python -m smartclient` is the
same program. This page is written by `scripts/cli_docs.py` from the parsers and from screens that the tests produce.

- The body goes to stdout, **everything else to stderr**: notes, heads of `-v`, bars, timing, errors. The reports of the diagnosis commands
  go to stdout, and so does the head that `-i` asks for.
- What is no terminal gets exactly the body's bytes, decoded, as they arrive. On a terminal JSON is indented and text is shown; what is no
  text is not written. Control characters from servers never reach a terminal: they are written out, as `\\x1b`.
- Nothing is read from stdin unless `-` asks for it.
- Secrets are `***` in all that is told, unless `--show-secrets`. They may be given as `env:NAME` or `@FILE`, so that they stay out of the
  list of processes.
- Redirects are followed, compressed answers are decoded, what may be repeated is repeated, and what may be stored is stored on disk, where
  Python shares it as `Cache.default()`: in the folder that SMARTCLIENT_CACHE_DIR names, else in the user's cache folder. Hosts that want
  https are remembered; cookies only with `--cookie-jar` or `--session`.
- A closed pipe ends the program as quietly as SIGPIPE does, Ctrl-C with 130 and one line. There is never a traceback, unless
  `SMARTCLIENT_DEBUG=1` asks for it.
- curl's letters and long names mean what they mean in curl where both have them. Two things differ: a status of 400 and above is not a
  success (exit code 22; `--no-fail` gives 0), and `-d @FILE` sends the file as it is, without a type (`--data-binary` sends it as curl does).
"""  # noqa: E501

MACHINE = """## Machine output

`--json-out` writes one JSON object to stdout, and an error gives one too; with several calls, files or events it is one a line. Keys are
only ever added.

| key | what it is |
|---|---|
| `v` | 1 |
| `request` | `method`, `url`, `headers` as pairs |
| `response` | `status`, `reason`, `http`, `url`, `headers` as pairs; `body` with `bytes` and one of `text`, `base64`, `file`; null without an answer |
| `history` | request and response of each redirect, oldest first |
| `attempts` | each time that the request was sent: `status` or `error`, `detail`, `sent`, `seconds`, `delay`, `reason` |
| `timings` | seconds of the last exchange: `pool_wait`, `dns`, `connect`, `tls`, `send`, `wait`, `receive`, `total`; `reused` |
| `cache` | `status`, `reason`, `rule`, `age`, `ttl`, `stored`, `why_not_stored`; null without a cache |
| `negotiated` | `type`, `language`, `coding`: each `asked`, `got`, `matched` |
| `connection`, `tls` | `address`, `alpn`, `reused`; `version`, `cipher`, `verified` |
| `error` | `type`, `message`, `sent` ("nothing", "partly", "wholly"); null for an answer |
| `exit` | the exit code |
"""  # noqa: E501

MEANINGS = {
    0: "the final status is below 400; the report is good",
    1: "a diagnosis command's answer is *no*",
    2: "usage",
    3: "the URL cannot be used",
    5: "the proxy cannot be used",
    6: "the host has no address",
    7: "no connection",
    8: "the peer breaks HTTP",
    18: "the body was cut short",
    22: "the final status is 400 or above (its body is written all the same)",
    23: "a local file cannot be written",
    26: "a local file cannot be read",
    28: "a time limit passed",
    35: "the TLS handshake failed",
    47: "too many redirects",
    52: "an empty reply",
    55: "sending failed",
    56: "receiving failed",
    58: "the client's certificate cannot be used",
    60: "the server's certificate was refused; the message says by which check",
    61: "the content coding is broken or not known",
    63: "a limit of size or expansion",
    65: "the body cannot be sent again",
    70: "an internal error",
    77: "the CA file cannot be used",
    92: "an HTTP/2 stream was ended",
    97: "the proxy refused",
    120: "the checksum differs",
    130: "Ctrl-C",
    141: "a closed pipe",
}


def page() -> str:
    """The whole text."""
    parts = [
        INTRODUCTION,
        *_calls(),
        *(part for name in _diagnoses() for part in _command(name)),
        MACHINE,
        _exit_codes(),
    ]
    return "\n".join(parts)


def _diagnoses() -> list[str]:
    return sorted({name for name, file in FILES.items() if file != "call"})


def _calls() -> Iterator[str]:
    yield f"## Calls: `{'`, `'.join(METHODS)}`\n"
    yield (
        "Each is a method; `smartclient request METHOD URL` sends any other, and `smartclient URL` means `get`, or "
        "`post` with a body.\n"
    )
    yield _flags("get")
    yield from _screens((*METHODS, "request", "https:"))


def _command(name: str) -> Iterator[str]:
    parser = import_module(f"smartclient._cli.{FILES[name]}").parser(name)
    yield f"## `smartclient {name}`\n"
    first, *rest = parser.description.split("\n\n")
    yield " ".join(first.split()) + "\n" + "".join(f"\n```text\n{each}\n```\n" for each in rest)
    yield _flags(name)
    yield from _screens((name,))


def _flags(command: str) -> str:
    """Tables of what the parser knows, the same whatever version of argparse writes the help."""
    parser = import_module(f"smartclient._cli.{FILES[command]}").parser(command)
    lines = []
    for group in parser._action_groups:
        actions = [
            each for each in group._group_actions if each.help not in (None, argparse.SUPPRESS) and each.dest != "help"
        ]
        if not actions:
            continue
        title = "arguments" if group.title == "positional arguments" else group.title
        lines += [f"| {title} | |", "|---|---|"]
        lines += [f"| {_spelling(each)} | {_cell(each.help or '')} |" for each in actions]
        lines.append("")
    return "\n".join(lines)


def _spelling(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else action.metavar or "{" + ",".join(map(str, action.choices or ())) + "}"
    if not action.option_strings:
        return f"`{_cell(str(value))}`"
    names = ", ".join(action.option_strings)
    return f"`{_cell(f'{names} {value}'.strip())}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _screens(commands: tuple[str, ...]) -> Iterator[str]:
    for path in sorted(SCREENS.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        word = text.split()[2]
        if word in commands or any(word.startswith(each) for each in commands if each.endswith(":")):
            yield f"```console\n{text.rstrip()}\n```\n"


def _exit_codes() -> str:
    used = {*codes.CODES.values(), *(code for code in vars(exits).values() if isinstance(code, int))}
    assert used <= MEANINGS.keys(), used - MEANINGS.keys()
    rows = [f"| {code} | {MEANINGS[code]} |" for code in sorted(used)]
    return "\n".join(
        ["## Exit codes", "", "curl's numbers where it has one.", "", "| code | meaning |", "|---|---|", *rows, ""]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes docs/cli.md.")
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    text = page()
    if parser.parse_args().check:
        return 0 if PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

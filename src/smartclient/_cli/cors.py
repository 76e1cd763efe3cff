"""`smartclient cors`: whether a browser would make a call from another origin, told rule by rule."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from .bodies import revealed
from .exits import NO, OK, USAGE, Fault
from .flags import Parser
from .masks import masked
from .report import Report, add_report_flags, report_parser
from .settings import blaming_files, session_options

if TYPE_CHECKING:
    from ..cors import Exchange, Verdict


def parser(command: str) -> Parser:
    """The flags of `cors`."""
    parser = report_parser(
        command,
        "Tells what a browser would do when a page of one origin calls the URL of another: which preflight it sends,\n"
        "which rule blocks the call, what the page may read. Exit code 1 when it is blocked.",
        "https://api.example/orders --origin https://app.example",
        "https://api.example/orders --origin https://app.example --method PUT --header x-trace-id",
        "https://api.example/me --origin https://app.example --credentials --json",
    )
    parser.add_argument("url", metavar="URL", help="what the page calls")
    add = parser.add_argument_group("the page's call").add_argument
    add(
        "--origin", required=True, metavar="ORIGIN", help="where the page is from, such as https://app.example, or null"
    )
    add("-X", "--method", default="GET", metavar="METHOD", help="of the call (GET)")
    add("-H", "--header", action="append", default=[], metavar="'K: V'", help="a field that the page sets; also a name")
    add("--credentials", action="store_true", help="cookies and credentials go along")
    add("-d", "--data", metavar="TEXT", help="body of a call that is sent with --send")
    add("--send", action="store_true", help="send the call itself, even where it may change something")
    add_report_flags(parser)
    return parser


def run(command: str, arguments: argparse.Namespace) -> int:
    """Asks the server as a browser would, and tells the verdict; 1 when the call is blocked."""
    from .. import Session, cors

    options = session_options(arguments) | {"cookies": None, "cache": None}
    with blaming_files(arguments), Session(**options) as session:
        verdict = cors.check(
            arguments.url,
            origin=arguments.origin,
            method=arguments.method,
            headers=[_field(text) for text in arguments.header],
            credentials=arguments.credentials,
            send=arguments.send,
            data=None if arguments.data is None else revealed(arguments.data).encode(),
            session=session,
        )
    code = OK if verdict.allowed else NO
    report = Report(arguments.color)
    if arguments.json_out:
        report.json({"v": 1, **asdict(verdict), "allowed": verdict.allowed, "exit": code})
    else:
        _tell(report, verdict)
    return code


def _field(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    if not name.strip():
        raise Fault(USAGE, "--header wants 'Name: value', or a name")
    return name.strip(), value.strip()


def _tell(report: Report, verdict: "Verdict") -> None:
    if verdict.ignored:
        report.line(f"left out: pages cannot set {', '.join(verdict.ignored)}")
    if verdict.kind == "same-origin":
        report.line("same origin: CORS has no say")
    elif verdict.kind == "simple":
        report.line("simple call: the browser sends it without asking first")
    elif verdict.kind == "preflighted":
        report.line(f"preflight needed: {'; '.join(verdict.reasons)}")
    for exchange in verdict.exchanges:
        _tell_exchange(report, exchange)
    for check in verdict.checks:
        report.line("  ", ("bad", "FAIL"), f"  {masked(check.text)}")
    if verdict.max_age is not None and verdict.allowed:
        report.line(f"  the preflight counts for {verdict.max_age} s (browsers cap it: Chromium 7200, Firefox 86400)")
    report.line(*_conclusion(verdict))
    if verdict.exposed is not None and verdict.kind != "same-origin":
        report.row("readable", ", ".join(verdict.exposed) or "no field")
        if verdict.hidden:
            report.row("hidden", ", ".join(verdict.hidden))


def _tell_exchange(report: Report, exchange: "Exchange") -> None:
    from urllib.parse import urlsplit

    report.line(f"  {exchange.method} {urlsplit(exchange.url).path or '/'}  {exchange.status}")
    for check in exchange.checks:
        mark = ("good", "pass") if check.passed else ("bad", "FAIL")
        report.line("  ", mark, f"  {check.text}")


def _conclusion(verdict: "Verdict") -> list[str | tuple[str, str]]:
    if verdict.outcome == "allowed":
        return [("good", "allowed"), "   the page can read the answer"]
    if verdict.outcome == "untested":
        if verdict.kind == "simple":
            text = f"a browser sends the {verdict.method}; whether the page can read the answer shows only with --send"
        else:
            text = f"the preflight allows the {verdict.method}; its own answer, which --send asks for, is judged too"
        return [("doubt", "untested"), f"  {text}"]
    sent = [exchange.method for exchange in verdict.exchanges if exchange.method == verdict.method]
    what = "let the page read the answer" if sent else f"send the {verdict.method}"
    text = f"   a browser would not {what}. The server is open to any other client: CORS protects users, not the API."
    return [("bad", "blocked"), text]

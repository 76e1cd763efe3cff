"""`smartclient headers`: which security fields an answer has, lacks, or has in a form that protects little."""

import argparse
from dataclasses import asdict

from .exits import NO, OK
from .flags import Parser
from .masks import masked
from .report import Report, add_report_flags, report_parser
from .settings import blaming_files, session_options
from .telling import status_words

_KINDS = {"present": "good", "missing": "doubt", "weak": "bad"}


def parser(command: str) -> Parser:
    """The flags of `headers`."""
    parser = report_parser(
        command,
        "Looks at the security fields of an answer. Exit code 1 when a field named by --require is missing or weak.",
        "https://example.org",
        "https://example.org --require strict-transport-security --require content-security-policy",
        "https://example.org --json",
    )
    parser.add_argument("url", metavar="URL", help="called by GET, redirects followed; its body is not read")
    parser.add_argument("--require", action="append", default=[], metavar="NAME", help="a field that must be good")
    add_report_flags(parser)
    return parser


def run(command: str, arguments: argparse.Namespace) -> int:
    """Calls the URL and tells what its fields are worth; 1 when a required one is missing or weak."""
    from .._api.audit import headers_report
    from .._api.session import Session

    options = session_options(arguments) | {"cookies": None}
    with blaming_files(arguments), Session(**options) as session, session.get(arguments.url, stream=True) as response:
        found = headers_report(response)
        words, url = masked(status_words(response)), masked(response.url)
    good = {finding.name.lower() for finding in found if finding.state == "present"}
    unmet = [name for name in arguments.require if name.lower() not in good]
    code = NO if unmet else OK
    report = Report(arguments.color)
    if arguments.json_out:
        report.json({"v": 1, "url": url, "findings": [asdict(each) for each in found], "unmet": unmet, "exit": code})
        return code
    report.line(f"{url}  {words}")
    width = max(len(finding.name) for finding in found)
    for finding in found:
        state = (_KINDS[finding.state], f"{finding.state:<7}")
        report.line(state, f"  {finding.name:<{width}}  {finding.text}")
    if unmet:
        report.line(("bad", "unmet"), f"    {', '.join(unmet)}")
    return code

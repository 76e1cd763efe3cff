"""`smartclient tls`: what a handshake shows of a server, which check it fails, and what the network can see."""

import argparse
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .exits import NO, OK
from .flags import Parser
from .report import Report, add_report_flags, report_parser
from .settings import blaming_files, session_options

if TYPE_CHECKING:
    from .._api.handshakes import HandshakeReport

_SHOWN_NAMES = 8
_VISIBLE = "to the network: address, the name {host}, sizes and times. Not visible: path, fields, body."


def parser(command: str) -> Parser:
    """The flags of `tls`."""
    parser = report_parser(
        command,
        "Makes a TLS handshake, sends nothing, and tells what it showed. Exit code 1 when a check fails or the\n"
        "certificate ends soon.",
        "https://api.example",
        "https://api.example --warn-days 30",
        "https://localhost:8443 --cacert ca.pem --json",
    )
    parser.add_argument("url", metavar="URL", help="https://; only its host and port count")
    parser.add_argument("--warn-days", type=float, default=0.0, metavar="N", help="fail when fewer days are left (0)")
    add_report_flags(parser)
    return parser


def run(command: str, arguments: argparse.Namespace) -> int:
    """Makes the handshake and tells of it; 1 when a check failed, or the certificate ends within --warn-days."""
    from .._api.handshakes import handshake_report
    from .._api.session import Session
    from .._model.url import URL

    url = arguments.url if "://" in arguments.url else f"https://{arguments.url}"
    with blaming_files(arguments), Session(**session_options(arguments)) as session:
        found = handshake_report(session, url)
    days = _days_left(found)
    ends_soon = days is not None and days < arguments.warn_days
    code = NO if found.error is not None or ends_soon else OK
    report = Report(arguments.color)
    if arguments.json_out:
        report.json(_record(found, url, days, code))
    else:
        _tell(report, found, URL.parse(url).host, days, arguments.warn_days)
    return code


def _days_left(found: "HandshakeReport") -> float | None:
    certificate = found.info.certificate if found.info else None
    return None if certificate is None else (certificate.not_after.timestamp() - time.time()) / 86400


def _tell(report: Report, found: "HandshakeReport", host: str, days: float | None, limit: float) -> None:
    info, certificate = found.info, found.info.certificate if found.info else None
    if info is not None:
        took = "" if found.seconds is None else f"; handshake {found.seconds * 1000:.0f} ms"
        alpn = f", ALPN {info.alpn}" if info.alpn else ""
        report.row("protocol", f"{info.version.replace('TLSv', 'TLS ')}, {info.cipher}{alpn}{took}")
    if certificate is not None:
        names = ", ".join(certificate.names[:_SHOWN_NAMES])
        more = len(certificate.names) - _SHOWN_NAMES
        wrong = found.error is not None and found.error.check == "name"
        verdict = ("bad", "NO MATCH") if wrong else ("good", "match")
        shown = (names or "none that counts (no subject alternative name)") + (f" and {more} more" if more > 0 else "")
        report.row("names", f"{shown}   asked: {host}   ", *([verdict] if found.tls.verify else ["not checked"]))
        report.row("valid", f"{_day(certificate.not_before)} to {_day(certificate.not_after)}   ", *_left(days, limit))
        report.row("issued by", f"{', '.join(found.issuers) or 'nobody'}   trusted: {_trust(found)}")
        if found.key:
            report.row("key", found.key + (f", signature {found.signature}" if found.signature else ""))
    if found.error is not None:
        report.row("refused", ("bad", str(found.error)))
    report.row("visible", _VISIBLE.format(host=host))


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _left(days: float | None, limit: float) -> list[str | tuple[str, str]]:
    if days is None:
        return []
    if days < 0:
        return [("bad", f"EXPIRED {-days:.0f} days ago")]
    if days < limit:
        return [f"{days:.0f} days left   ", ("doubt", f"WARNING (limit {limit:g})")]
    return [f"{days:.0f} days left"]


def _trust(found: "HandshakeReport") -> str:
    if not found.tls.verify:
        return "not checked"
    if found.error is not None and found.error.check in ("issuer", "self-signed"):
        return "NO"
    return found.tls.ca or found.tls.trust


def _record(found: "HandshakeReport", url: str, days: float | None, code: int) -> dict[str, Any]:
    info, certificate = found.info, found.info.certificate if found.info else None
    record: dict[str, Any] = {"v": 1, "url": url, "address": found.address, "error": None, "exit": code}
    if info is not None:
        record |= {"version": info.version, "cipher": info.cipher, "alpn": info.alpn, "verified": found.error is None}
        record["seconds"] = None if found.seconds is None else round(found.seconds, 6)
    if certificate is not None:
        record["certificate"] = {
            "subject": certificate.subject,
            "names": certificate.names,
            "not_before": certificate.not_before.isoformat(),
            "not_after": certificate.not_after.isoformat(),
            "days_left": None if days is None else round(days, 2),
            "issuers": found.issuers,
            "key": found.key,
            "signature": found.signature,
        }
    record["trust"] = _trust(found)
    if found.error is not None:
        record["error"] = {"type": "SSLError", "check": found.error.check, "message": str(found.error)}
    return record

"""`smartclient explain`: a call told in the order of the wire, with the rule behind each decision."""

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .bodies import body_options
from .cache import duration
from .exits import OK, STATUS, USAGE, Fault
from .flags import (
    Parser,
    add_cache_flags,
    add_identity_flags,
    add_negotiation_flags,
    add_request_flags,
    add_route_flags,
    add_time_flags,
    add_tls_flags,
)
from .report import Report
from .settings import blaming_files, call_options, session_options
from .telling import Teller, status_kind, status_words
from .timing import Exchanges, size_text, timing_lines

if TYPE_CHECKING:
    from .. import Response
    from .._model.events import Exchange

_RULE_COLUMN = 72
_CONDITIONS = ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range")
_TOLD_OF_ANSWERS = ("etag", "last-modified", "cache-control", "expires", "age", "vary", "location", "retry-after")


def parser(command: str) -> Parser:
    """The flags of `explain`."""
    parser = Parser(
        command,
        "Makes the call and tells each decision: cache, connection, TLS, request, cookies, negotiation, redirects.\n"
        "The answer's body is not shown.",
        "examples:\n"
        "  smartclient explain https://example.org/\n"
        "  smartclient explain https://example.org/data --calls 3 --pause 1,61\n"
        "  smartclient explain https://example.org/data --refresh --json-out\n",
    )
    parser.add_argument("urls", metavar="URL", nargs=1, help="http:// or https://")
    add = parser.add_argument_group("explain").add_argument
    add("--calls", type=int, default=1, metavar="N", help="make the call so often, to see the cache at work (1)")
    add("--pause", default="0", metavar="S,S", help="seconds between the calls; the last one counts for the rest")
    add("--json-out", action="store_true", help="one JSON object a line for each call")
    add("-v", "--verbose", action="count", default=0, help="every field of requests and answers")
    add("-s", "--silent", action="store_true", help="say nothing on stderr")
    add("--no-fail", action="store_true", help="exit 0 for statuses of 400 and above too")
    add("--color", choices=("auto", "always", "never"), default="auto", help="auto: on terminals without NO_COLOR")
    add("--show-secrets", action="store_true", help="do not write *** for credentials")
    add_request_flags(parser)
    add_identity_flags(parser)
    add_negotiation_flags(parser)
    add_route_flags(parser)
    add_time_flags(parser)
    add_tls_flags(parser)
    add_cache_flags(parser)
    parser.set_defaults(trace_id=None)
    return parser


def run(command: str, arguments: argparse.Namespace) -> int:
    """Makes the calls and tells of them; the code of the last answer."""
    from .. import Session

    if arguments.calls < 1:
        raise Fault(USAGE, "--calls wants a number, 1 or more")
    pauses = _pauses(arguments.pause)
    exchanges = Exchanges()
    options = session_options(arguments) | {"on_event": exchanges}
    with blaming_files(arguments), Session(**options) as session:
        told = _Conversation(arguments, exchanges, Report(arguments.color))
        for number in range(arguments.calls):
            pause = 0.0 if number == 0 else pauses[min(number, len(pauses)) - 1]
            time.sleep(pause)
            with ExitStack() as stack:
                body, fields = body_options(arguments, stack)
                method = _method(arguments)
                with session.request(method, arguments.urls[0], **call_options(arguments, fields), **body) as response:
                    told.call(number + 1, pause, response)
        told.result(session)
        return told.code


def _pauses(text: str) -> list[float]:
    try:
        return [max(0.0, float(each)) for each in text.split(",")]
    except ValueError:
        raise Fault(USAGE, "--pause wants seconds, separated by commas") from None


def _method(arguments: argparse.Namespace) -> str:
    if arguments.override:
        return str(arguments.override)
    if arguments.head:
        return "HEAD"
    if arguments.upload_file is not None:
        return "PUT"
    return "POST" if (arguments.data or arguments.form or arguments.json) and not arguments.get else "GET"


class _Conversation:
    """What is told of the calls, and what they come to."""

    def __init__(self, arguments: argparse.Namespace, exchanges: Exchanges, report: Report) -> None:
        self._arguments = arguments
        self._exchanges = exchanges
        self._report = report
        self._teller = Teller(arguments)
        self._counts = {"full answer": 0, "without request": 0, "validated": 0}
        self._saved = self._whole = self._opened = self._reused = 0
        self.code = OK

    def call(self, number: int, pause: float, response: "Response") -> None:
        """Tells of one call, whose body is read and dropped."""
        size = sum(len(piece) for piece in response.iter_content(None))
        exchanges = self._exchanges.taken()
        self._count(response, exchanges, size)
        self.code = STATUS if response.status_code >= 400 and not self._arguments.no_fail else OK
        if self._arguments.json_out:
            from .machine import record

            self._report.json(record(response, self._teller, {"bytes": size}, exchanges, self.code))
            return
        url = self._teller.text((response.history or [response])[0].request.url)
        later = f"{duration(int(pause))} later" if pause else ""
        self._line(f"call {number}", f"{response.request.method} {url}", later)
        if url.startswith("https:") and self._arguments.urls[0].lower().startswith("http:"):
            self._line("hsts", "http became https: the host had asked for it", "RFC 6797 section 8.3")
        decision = response.cache
        if decision is not None:
            self._line("cache", f"{decision.status}: {decision.reason}", decision.rule)
        for exchange in exchanges:
            self._exchange(exchange)
        if not exchanges:
            self._line("wire", "no request was sent")
        for topic, text in _decisions(response):
            self._line(topic, self._teller.text(text))
        self._line("cache", _next_call(decision), getattr(decision, "rule", "") if not exchanges else "")
        for text in timing_lines(exchanges, size):
            self._report.line(f"           {text}")

    def _exchange(self, exchange: "Exchange") -> None:
        timings = exchange.timings
        if timings.reused:
            self._line("tcp", "kept-alive connection, nothing to open")
        elif exchange.address is not None:
            address = exchange.address
            place = address if isinstance(address, str) else f"{address[0]} port {address[1]}"
            self._line("look-up", f"{exchange.request.url.host}: {place}, {_ms(timings.dns)}")
            self._line("tcp", f"connected, {_ms(timings.connect)}")
            if exchange.tls_version is not None:
                checked = "certificate and name checked" if exchange.request.options.tls.verify else "NOT CHECKED"
                version = exchange.tls_version.replace("TLSv", "TLS ")
                self._line("tls", f"{version}, {checked}, {_ms(timings.tls)}")
        request = exchange.request
        conditions = [f"{name}: {value}" for name, value in request.fields.lines if name.lower() in _CONDITIONS]
        self._line("wire >", "   ".join([f"{request.method} {self._teller.text(request.url.target)}", *conditions]))
        if self._arguments.verbose:
            self._fields("     >", request.fields.lines)
        head = exchange.head
        if head is None:
            self._line("wire <", ("bad", f"{exchange.error}: no answer"))
            return
        told = [f"{name} {self._teller.value(name, value)}" for name, value in head.fields.lines
                if name.lower() in _TOLD_OF_ANSWERS]  # fmt: skip
        status = self._teller.text(f"{head.status} {head.reason}".rstrip())
        words = ", ".join([status, size_text(exchange.received), *told])
        self._line("wire <", (status_kind(head.status), words))
        if self._arguments.verbose:
            self._fields("     <", head.fields.lines)

    def _fields(self, label: str, lines: Any) -> None:
        for name, value in lines:
            self._line(label, f"{name}: {self._teller.value(name, value)}")

    def _line(self, label: str, text: str | tuple[str, str], rule: str = "") -> None:
        kind, words = ("", text) if isinstance(text, str) else text
        gap = " " * max(1, _RULE_COLUMN - len(words)) if rule else ""
        self._report.line(f"{label:<9}" if label.startswith("call") else f"  {label:<9}", (kind, words), f"{gap}{rule}")

    def _count(self, response: "Response", exchanges: "list[Exchange]", size: int) -> None:
        status = response.cache.status if response.cache is not None else ""
        received = sum(exchange.received for exchange in exchanges)
        kind = "validated" if status == "revalidated" else "full answer" if exchanges else "without request"
        self._counts[kind] += 1
        whole = max(size, received)
        self._whole += whole
        self._saved += whole - received if kind != "full answer" else 0
        reused = sum(1 for exchange in exchanges if exchange.timings.reused)
        self._reused += reused
        self._opened += len(exchanges) - reused

    def result(self, session: Any) -> None:
        """Tells what all calls came to."""
        if self._arguments.json_out:
            return
        counts = ", ".join(f"{count} {kind}" for kind, count in self._counts.items() if count)
        words = f"{counts}; {size_text(self._saved)} of {size_text(self._whole)} not transferred"
        self._report.line(f"result   {words}")
        hosts = session.hsts
        host = _host(self._arguments.urls[0])
        known = hosts is not None and host in dict(hosts.items())
        hsts = "known" if known else "not known"
        self._report.line(f"also     connections: {self._opened} opened, {self._reused} reused; HSTS of {host}: {hsts}")


def _host(url: str) -> str:
    from .._model.url import URL

    return URL.parse(url).host


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f} ms"


def _decisions(response: "Response") -> Iterator[tuple[str, str]]:
    """What was decided about cookies, credentials, negotiation, attempts and redirects."""
    for step in response.explain():
        if step.topic in ("cookies", "auth", "redirect", "hsts"):
            yield step.topic, step.text
        elif step.topic == "negotiation":
            yield "asked", step.text
        elif step.topic == "attempts" and step.facts["attempt"].delay is not None:
            yield "attempt", step.text
    yield "answer", f"{status_words(response)}, {response.http_version}"


def _next_call(decision: Any) -> str:
    """What the cache makes of the answer, and so what the next call will do."""
    if decision is None:
        return "off: nothing is stored, and the next call asks again"
    ttl = decision.ttl
    if decision.stored or decision.status in ("hit", "revalidated", "stale"):
        how = "stored" if decision.stored else "kept"
        if ttl is not None and ttl > 0:
            return f"{how}, fresh for {duration(ttl)} more: until then the next call sends no request"
        return f"{how}, but not fresh: the next call asks the server whether it still holds"
    return f"not stored: {decision.why_not_stored or 'nothing allows it'}; the next call asks again"

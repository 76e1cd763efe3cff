"""What is told about a call on stderr: requests, heads, connections and cache, with secrets masked; never a body."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .colours import paint_for
from .masks import escaped, masked, masked_value
from .render import note

if TYPE_CHECKING:
    from .. import Response
    from .._model.decision import CacheDecision
    from .._model.events import Exchange


class Teller:
    """Notes on stderr, by -s, -v, --color and --show-secrets."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.silent: bool = arguments.silent
        self.verbose: int = arguments.verbose
        self._secrets: bool = arguments.show_secrets
        self._paint = paint_for(sys.stderr, arguments.color)

    def text(self, text: str) -> str:
        """`text` without its secrets."""
        return text if self._secrets else masked(text)

    def value(self, name: str, value: str) -> str:
        """The value of a field without its secrets."""
        return value if self._secrets else masked_value(name, value)

    def failure(self, text: str) -> None:
        """One line about what went wrong."""
        if not self.silent:
            note(f"smartclient: {self.text(text)}")

    def line(self, mark: str, text: str, kind: str = "") -> None:
        """One line with a mark before it."""
        if self._paint.on and sys.stderr is not None:
            # Escaped before it gets its colours, which would be written out themselves.
            mark, text = self._paint("dim", mark), escaped(text)
            print(f"{mark} {self._paint(kind, text) if kind else text}".rstrip(), file=sys.stderr, flush=True)
        else:
            note(f"{mark} {text}".rstrip())

    def exchange(self, response: "Response") -> None:
        """Request and head of one hop, and how the server was reached."""
        from urllib.parse import urlsplit

        request = response.request
        url = urlsplit(request.url)
        for number, attempt in enumerate(response.attempts[:-1], 1):
            self.line("*", f"attempt {number}: {self.text(str(attempt))}", "doubt")
        for line in connection_lines(response):
            self.line("*", line)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self.line(">", f"{request.method} {self.text(target)} HTTP/1.1")
        if "host" not in request.headers:
            self.line(">", f"Host: {url.netloc.rpartition('@')[2]}")
        for name, value in request.headers.multi_items():
            self.line(">", f"{name}: {self.value(name, value)}")
        self.line(">", "")
        if self.verbose > 1:
            self._interim(response)
        status = self.text(status_line(response))
        self.line("<", f"{status}{cache_words(response.cache)}", status_kind(response.status_code))
        for name, value in response.headers.multi_items():
            self.line("<", f"{name}: {self.value(name, value)}")
        self.line("<", "")

    def _interim(self, response: "Response") -> None:
        for status, headers in response.interim:
            self.line("<", f"HTTP/1.1 {status}")
            for name, value in headers.multi_items():
                self.line("<", f"{name}: {self.value(name, value)}")
            self.line("<", "")


def status_kind(status: int) -> str:
    """The colour of a status."""
    return "good" if status < 300 else "doubt" if status < 400 else "bad"


def status_words(response: "Response") -> str:
    """Status and reason."""
    return f"{response.status_code} {response.reason}".rstrip()


def status_line(response: "Response") -> str:
    """The first line of a response."""
    return f"{response.http_version} {status_words(response)}"


def connection_lines(response: "Response") -> list[str]:
    """Where the answer came from, as far as it came over a connection."""
    address = response.address
    if address is None:
        return []
    where = address if isinstance(address, str) else f"{address[0]} port {address[1]}"
    tls = response.tls
    how = [where]
    if tls is not None:
        how.append(f"{tls.version.replace('TLSv', 'TLS ')}{'' if tls.verified else ', certificate not checked'}")
    timings = response.timings
    if timings.reused:
        how.append("kept-alive connection")
    elif timings.reused is False:
        opening = sum(filter(None, (timings.dns, timings.connect, timings.tls)))
        how.append(f"new connection ({opening * 1000:.0f} ms)")
    return [", ".join(how)]


def end_words(response: "Response", exchanges: "Sequence[Exchange]", size: int) -> str:
    """What came, when the body is through, and whether it is kept; `size` is that of the content, 0 if unknown."""
    received = exchanges[-1].received if exchanges else 0
    words = f"{received} bytes received"
    if size and size != received:
        words += f", {size} {'decoded' if exchanges else 'from the cache'}"
    decision = response.cache
    if decision is not None and decision.stored:
        words += "; stored" + (f" for {decision.ttl} s" if (decision.ttl or 0) > 0 else ", to be validated")
    elif decision is not None and decision.why_not_stored:
        words += f"; not stored: {decision.why_not_stored}"
    return words


def cache_words(decision: "CacheDecision | None") -> str:
    """What the cache did, in brackets; "" without one."""
    if decision is None:
        return ""
    words = f" (cache {decision.status}"
    if decision.status in ("hit", "stale", "revalidated") and decision.age is not None:
        words += f", age {decision.age} s"
    if decision.ttl is not None and decision.ttl > 0:
        words += f", fresh for {decision.ttl} s more"
    return words + ")"

"""What each wait of a call gives when it goes wrong, by the phase of the call that it belongs to."""

import re
from typing import Any, NamedTuple

from smartclient.exceptions import (
    BodyReadTimeout,
    ConnectionError,
    ConnectTimeout,
    DeadlineExceeded,
    FileError,
    IncompleteBody,
    ProxyError,
    ReadError,
    ReadTimeout,
    RequestException,
    ResolveError,
    SSLError,
    WebSocketError,
    WriteError,
    WriteTimeout,
)

Failure = type[Exception] | None


class Phase(NamedTuple):
    """One kind of wait in a call.

    Attributes:
        kind: as `loopback.faults.Step` has it.
        broken, late: the very class of the error when it fails and when it times out; None when the call goes on.
        sent: what the error says had left; None for any.
    """

    kind: str
    broken: Failure
    late: Failure
    sent: str | None = None


PHASES = {
    "lookup": Phase("wait", ResolveError, ConnectTimeout, "nothing"),
    "slot": Phase("wait", DeadlineExceeded, DeadlineExceeded, "nothing"),
    "connect": Phase("connect", ConnectionError, ConnectTimeout, "nothing"),
    "tls": Phase("start_tls", SSLError, ConnectTimeout, "nothing"),
    "proxy": Phase("connect", ProxyError, ConnectTimeout, "nothing"),
    "ask": Phase("write", ProxyError, ConnectTimeout, "nothing"),  # of the proxy
    "hear": Phase("read", ProxyError, ConnectTimeout, "nothing"),
    "send": Phase("write", WriteError, WriteTimeout, "nothing"),
    "resend": Phase("write", None, WriteTimeout, "nothing"),  # over a kept connection that has died, it seems
    "rest": Phase("write", WriteError, WriteTimeout, "partly"),
    "head": Phase("read", ReadError, ReadTimeout, "wholly"),
    "body": Phase("read", IncompleteBody, BodyReadTimeout, "wholly"),
    "drain": Phase("read", None, None),  # of a body that nobody needs
    "pause": Phase("sleep", None, None),
    "reread": Phase("read", None, None),  # what is asked for again by itself
    "again": Phase("write", None, None),
    "reconnect": Phase("connect", None, None),
    "store": Phase("wait", None, None),  # that fails is never the call's failure
    "file": Phase("wait", FileError, FileError, "nothing"),
    "begin": Phase("wait", FileError, FileError, "nothing"),  # before anything was asked for
    "listen": Phase("read", WebSocketError, ReadTimeout, "wholly"),
    # Of connections that are shared, where who reads and who writes does so for others, too.
    "frame": Phase("write", WriteError, WriteTimeout, "wholly"),
    "credit": Phase("write", IncompleteBody, None, "wholly"),  # that is late is no fault of the content that has come
    "window": Phase("read", ReadError, WriteTimeout, "partly"),
    "answer": Phase("read", ReadError, ReadTimeout, "partly"),
    "early": Phase("read", None, ReadTimeout, "nothing"),
}


def spelled(results: list[tuple[str, Any]], fault: str, pattern: str) -> None:
    """Fails unless the waits are those of `pattern`, a regular expression over the names of phases.

    Each error must be of its phase's very class, tell of its request, and how long it took.
    """
    letters: dict[tuple[str, Failure, str | None], str] = {}

    def letter(phase: Phase, result: Failure, sent: str | None) -> str:
        return letters.setdefault((phase.kind, result, sent), chr(ord("A") + len(letters)))

    def of_name(match: re.Match[str]) -> str:
        phase = PHASES[match[0]]
        result = phase.broken if fault == "broken" else phase.late
        return letter(phase, result, None if result is None else phase.sent)

    expected = re.compile(re.sub("[a-z]+", of_name, pattern).replace(" ", ""))
    seen = "".join(
        letters.get((kind, type(result) if result is not None else None, getattr(result, "sent", None)), "?")
        for kind, result in results
    )
    told: Any = [(kind, type(result).__name__, getattr(result, "sent", None), str(result)) for kind, result in results]
    assert expected.fullmatch(seen), (pattern, told)
    for kind, result in results:
        if isinstance(result, RequestException):
            asked = not (kind == "wait" and isinstance(result, FileError))
            assert result.elapsed is not None or not asked, told
            assert result.request is not None or not asked, told

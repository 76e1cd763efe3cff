"""`smartclient doctor`: what this installation sees: versions, codecs, trust, proxies, folders, addresses, clock."""

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Literal

from .._api.places import cache_folder, state_folder
from .._model.declared import NamedTuple
from .exits import NO, OK
from .flags import Parser
from .masks import masked
from .report import Report, add_report_flags, report_parser

State = Literal["ok", "note", "FAIL"]

_KINDS = {"ok": "good", "note": "doubt", "FAIL": "bad"}
_CODECS = {"gzip, deflate": "zlib", "br": "brotli", "zstd": "compression.zstd" if sys.version_info >= (3, 14) else
           "backports.zstd"}  # fmt: skip
_EXTRAS = ("trio", "uvloop", "h2", "wsproto", "redis", "opentelemetry")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_ISSUERS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_VARIABLES = (
    "SMARTCLIENT_CACHE_DIR",
    "SMARTCLIENT_DEBUG",
    "NETRC",
    "NO_COLOR",
    "FORCE_COLOR",
    "TERM",
    "REQUEST_METHOD",
)
# No clock is right that is before this line was written.
_NOT_BEFORE = 1_767_225_600


class Fact(NamedTuple):
    """One thing that was looked at."""

    topic: str
    state: State
    text: str


def parser(command: str) -> Parser:
    """The flags of `doctor`."""
    parser = report_parser(
        command,
        "Looks at this installation and its surroundings; calls nobody. Exit code 1 when something is broken.",
        "",
        "--json",
        "--color never",
    )
    add_report_flags(parser, calls=False)
    return parser


def run(command: str, arguments: argparse.Namespace) -> int:
    """Tells what is there; 1 when something that calls need is not."""
    facts = [Fact(topic, state, text if arguments.show_secrets else masked(text)) for topic, state, text in _facts()]
    code = NO if any(fact.state == "FAIL" for fact in facts) else OK
    report = Report(arguments.color)
    if arguments.json_out:
        report.json({"v": 1, "facts": [fact._asdict() for fact in facts], "exit": code})
        return code
    for fact in facts:
        report.row(fact.topic, (_KINDS[fact.state], f"{fact.state:<4}"), f"  {fact.text}")
    return code


def _facts() -> Iterator[Fact]:
    yield from _versions()
    yield from _codecs()
    yield from _trust()
    yield from _environment()
    yield from _folders()
    yield from _addresses()
    yield _clock()


def _versions() -> Iterator[Fact]:
    import ssl

    from .._version import __version__

    yield Fact("smartclient", "ok", __version__)
    yield Fact("python", "ok", f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}")
    tls = ", ".join(name for name, there in (("TLS 1.2", ssl.HAS_TLSv1_2), ("TLS 1.3", ssl.HAS_TLSv1_3)) if there)
    yield Fact("tls", "ok" if tls else "FAIL", f"{ssl.OPENSSL_VERSION}; {tls or 'no version that is spoken'}")


def _codecs() -> Iterator[Fact]:
    for coding, module in _CODECS.items():
        there = _is_there(module)
        yield Fact("coding", "ok" if there else "FAIL", f"{coding}: {'by ' if there else 'missing: '}{module}")
    here = [name for name in _EXTRAS if _is_there(name)]
    yield Fact("extras", "ok", f"installed: {', '.join(here) or 'none'}")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _trust() -> Iterator[Fact]:
    named = [(name, os.environ[name]) for name in _ISSUERS if os.environ.get(name)]
    for number, (name, path) in enumerate(named):
        there = all(os.path.exists(part) for part in path.split(os.pathsep))
        state: State = "note" if there or number else "FAIL"
        text = (
            f"{name}={path}"
            + ("" if there else ": is not there")
            + (" (a variable before it counts)" if number else "")
        )
        yield Fact("trust", state, text)
    try:
        import certifi

        path = certifi.where()
        there = os.path.exists(path)
        yield Fact("trust", "ok" if there else "FAIL", f"certifi {certifi.__version__}: {path}")
    except ImportError:
        yield Fact("trust", "FAIL", "certifi is not installed")
    if os.environ.get("SSLKEYLOGFILE"):
        text = f"SSLKEYLOGFILE={os.environ['SSLKEYLOGFILE']}: secrets of connections are written there"
        yield Fact("trust", "note", text)


def _environment() -> Iterator[Fact]:
    for name in (*_PROXIES, *(each.upper() for each in _PROXIES)):
        if name in os.environ:
            ignored = name == "HTTP_PROXY" and "REQUEST_METHOD" in os.environ
            shadowed = name.isupper() and name.lower() in os.environ
            text = f"{name}={os.environ[name]}"
            text += " (ignored: this is a CGI script)" if ignored else f" ({name.lower()} counts)" if shadowed else ""
            yield Fact("proxy", "note", text)
    if not any(name in os.environ or name.upper() in os.environ for name in _PROXIES):
        yield Fact("proxy", "ok", "none named by the environment")
    for name in _VARIABLES:
        if name in os.environ:
            yield Fact("variable", "note", f"{name}={os.environ[name]}")


def _folders() -> Iterator[Fact]:
    for topic, path in (("cache", cache_folder()), ("state", state_folder())):
        yield _folder(topic, path)


def _folder(topic: str, path: str) -> Fact:
    existing = path
    while not os.path.lexists(existing) and os.path.dirname(existing) != existing:
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        return Fact(topic, "FAIL", f"{path}: {existing} is no folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        return Fact(topic, "FAIL", f"{path}: not writable; calls go on without it")
    if existing != path:
        return Fact(topic, "ok", f"{path} (made when it is needed)")
    mode = os.stat(path).st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        return Fact(topic, "note", f"{path}: others have access to it (mode {mode:o})")
    return Fact(topic, "ok", path)


def _addresses() -> Iterator[Fact]:
    import socket

    # A UDP socket is connected without a packet: it only asks the system for a way. RFC 5737, RFC 3849.
    for name, family, address in (("IPv4", socket.AF_INET, "192.0.2.1"), ("IPv6", socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, 53))
            yield Fact("address", "ok", f"{name}: the system knows a way")
        except OSError as error:
            yield Fact("address", "note", f"{name}: {error.strerror or error}")


def _clock() -> Fact:
    import time

    now = time.time()
    text = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < _NOT_BEFORE:
        return Fact("clock", "FAIL", f"{text}: in the past; certificates will not be valid yet")
    return Fact("clock", "ok", text)

"""The flags of a call and the parser that reads them; what they mean is said elsewhere, the help is made here.

curl's letters mean what they mean in curl where both have them, and its long names are accepted.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

from .exits import USAGE, Fault

# Else every start looks for translations of a dozen words, in files that are not there: 1.6 ms.
argparse._ = str  # type: ignore[attr-defined]

BODY_METHODS = ("post", "put", "patch", "query")

_EXAMPLES = """examples:
  smartclient {command} {url}
  smartclient {command} {url} {second}
  smartclient {command} {url} {third}
"""
_WITH_BODY = ("-d name=Ada -d role=admin", "--json name=Ada --json age=36 -m 10")
_WITHOUT_BODY = ("-i -u env:LOGIN", "-o page.html -m 10")

# Their value is written with "=", so that what follows them stays what it is.
_VALUE_AFTER_EQUALS = ("--idempotency-key", "--trace-id")


class Parser(argparse.ArgumentParser):
    """argparse that ends with our Fault, takes URLs anywhere, and repeats no value that it does not know."""

    def __init__(self, command: str, description: str, epilog: str) -> None:
        super().__init__(
            prog=f"smartclient {command}",
            description=description,
            epilog=epilog,
            formatter_class=_help_layout,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        raise Fault(USAGE, f"{message} (see {self.prog} --help)")

    def parsed(self, argv: Sequence[str]) -> argparse.Namespace:
        """The flags of `argv`."""
        argv = [f"{each}=" if each in _VALUE_AFTER_EQUALS else each for each in argv]
        arguments, extra = self.parse_known_args(argv)
        unknown = [each for each in extra if each.startswith("-") and each != "-"]
        if unknown:
            # Only the name: what stands beside it may be a secret.
            name = unknown[0].partition("=")[0] if unknown[0].startswith("--") else unknown[0][:2]
            self.error(f"no such flag: {name}{self._nearest(name)}")
        if extra:
            if not isinstance(getattr(arguments, "urls", None), list):
                self.error("one URL only" if hasattr(arguments, "url") else "too many words")
            arguments.urls += extra
        return arguments

    def _nearest(self, name: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, self._option_string_actions, 1, 0.6)
        return f"; did you mean {near[0]}?" if near else ""


def _help_layout(prog: str) -> argparse.HelpFormatter:
    # argparse asks for the terminal's width through modules that take longer to load than all of this.
    return argparse.RawDescriptionHelpFormatter(prog, width=100, max_help_position=30)


def call_parser(command: str) -> Parser:
    """The flags of a verb: `command` is a method's name in lower case, or "request"."""
    verb = "request PROPFIND" if command == "request" else command
    second, third = _WITH_BODY if command in BODY_METHODS else _WITHOUT_BODY
    parser = Parser(
        command,
        "Calls each URL. Bodies go to stdout, everything else to stderr.",
        _EXAMPLES.format(command=verb, url="https://example.org/page", second=second, third=third),
    )
    if command == "request":
        parser.add_argument("method", metavar="METHOD", help="any method, such as PROPFIND")
    parser.add_argument("urls", metavar="URL", nargs="+", help="http:// or https://; several are all called in turn")
    add_request_flags(parser)
    add_identity_flags(parser)
    add_negotiation_flags(parser)
    add_output_flags(parser)
    add_route_flags(parser)
    add_time_flags(parser)
    add_tls_flags(parser)
    add_cache_flags(parser)
    add_insight_flags(parser)
    return parser


def _kind(kind: str) -> Any:
    """The type of an argument that remembers which flag it came with."""
    return partial(_of_kind, kind)


def _of_kind(kind: str, text: str) -> tuple[str, str]:
    return kind, text


_MANY: dict[str, Any] = {"action": "append", "default": []}


def add_field_flags(add: Any) -> None:
    """Fields and query; `add` adds a flag."""
    add("-H", "--header", **_MANY, metavar="'K: V'", help="a field; 'K:' removes, 'K;' is empty")
    add("--query", "--url-query", **_MANY, metavar="K=V", help="added to the URL's query, encoded")
    add("-A", "--user-agent", metavar="TEXT", help="the User-Agent field")
    add("-e", "--referer", metavar="URL", help="the Referer field")


def add_request_flags(parser: argparse.ArgumentParser) -> None:
    """Method, fields, query and body."""
    add = parser.add_argument_group("request").add_argument
    add_field_flags(add)
    add("-d", "--data", **_MANY, type=_kind("plain"), metavar="DATA", help="k=v (a form), @FILE, or - for stdin")
    add("--data-raw", dest="data", **_MANY, type=_kind("raw"), metavar="TEXT", help="as -d, and @ means nothing")
    add(
        "--data-binary", dest="data", **_MANY, type=_kind("binary"), metavar="DATA", help="as -d, @FILE typed as a form"
    )
    add("--data-urlencode", dest="data", **_MANY, type=_kind("encoded"), metavar="K=V", help="as -d, V encoded")
    add("--json", **_MANY, metavar="K=V|JSON", help="members of an object, or JSON text, @FILE, - (numbers, true, null "
        "by JSON's rules)")  # fmt: skip
    add("-F", "--form", **_MANY, metavar="K=V", help="multipart; K=@FILE[;type=T][;filename=N] sends a file, K=<FILE "
        "its text")  # fmt: skip
    add("--compress", choices=("gzip", "zstd"), help="send a body of 1 KiB or more in this coding")
    add("-T", "--upload-file", metavar="FILE", help="the body, by PUT; - is stdin")
    add("-G", "--get", action="store_true", help="-d goes to the query, by GET")
    add("-X", "--request", dest="override", metavar="METHOD", help="send METHOD instead")
    add("-I", "--head", action="store_true", help="HEAD, and show the head")
    add("-r", "--range", metavar="RANGE", help="bytes of the body, such as 0-99")


def add_identity_flags(parser: argparse.ArgumentParser) -> None:
    """Who asks."""
    add = parser.add_argument_group("identity (values also as env:NAME or @FILE)").add_argument
    add("-u", "--user", metavar="USER:PW", help="basic credentials")
    add("--digest", action="store_true", help="digest instead of basic")
    add("--bearer", "--oauth2-bearer", metavar="TOKEN", help="a bearer token")
    add("-n", "--netrc", action="store_true", help="credentials of ~/.netrc for the host they name (the default)")
    add("--no-netrc", action="store_true", help="leave ~/.netrc alone")
    add("--netrc-file", metavar="FILE", help="that file instead")
    add("-b", "--cookie", action="append", default=[], metavar="K=V", help="a cookie for this call; also a jar's FILE")
    add("-c", "--cookie-jar", metavar="FILE", help="cookies are taken from there, and kept there")
    add("--session", metavar="NAME", help="the same, in a jar of that name")


def add_negotiation_flags(parser: argparse.ArgumentParser) -> None:
    """What kind of answer is wanted."""
    add = parser.add_argument_group("negotiation").add_argument
    add("--accept", metavar="TYPES", help="json, html, xml, text or media types, with ;q=")
    add("--lang", metavar="TAGS", help="languages, such as 'de,en;q=.5'")
    add("--strict", action="store_true", help="another kind of answer is a failure")
    add("--raw", action="store_true", help="the bytes as received, still coded")
    add("--compressed", action="store_true", help="answers may come compressed (always on)")


def add_output_flags(parser: argparse.ArgumentParser) -> None:
    """Where the answer goes and how it looks."""
    add = parser.add_argument_group("output").add_argument
    add("-i", "--include", action="store_true", help="the head too, before the body")
    add("-o", "--output", metavar="FILE", default="-", help="write the body to FILE; - is stdout")
    add("-O", "--remote-name", action="store_true", help="write to a new file with the server's name for it, made safe")
    add("-J", "--remote-header-name", action="store_true", help="with -O: the name of the head counts (always on)")
    add("-v", "--verbose", action="count", default=0, help="requests and heads on stderr, secrets masked; -vv more")
    add("-s", "--silent", action="store_true", help="say nothing on stderr")
    add("-N", "--no-buffer", action="store_true", help="bodies are written as they arrive (always on)")
    add("-f", "--fail", action="store_true", help="no body for statuses of 400 and above")
    add("--no-fail", action="store_true", help="exit 0 for statuses of 400 and above too")
    add("--sse", action="store_true", help="the server's events as they come, reconnecting; with --json-out whole")
    add("--json-out", action="store_true", help="one JSON object on stdout that tells everything")
    add_look_flags(parser)


def add_look_flags(parser: argparse.ArgumentParser) -> None:
    """Layout and colours."""
    add = parser.add_argument_group("look").add_argument
    add("--format", choices=("auto", "raw", "pretty"), default="auto", help="pretty indents JSON; auto on terminals")
    add("--color", choices=("auto", "always", "never"), default="auto", help="auto: on terminals without NO_COLOR")
    add("--show-secrets", action="store_true", help="do not write *** for credentials")


def add_route_flags(parser: argparse.ArgumentParser) -> None:
    """How the server is reached."""
    add = parser.add_argument_group("route").add_argument
    add("-L", "--follow", "--location", action="store_true", default=True, help="follow redirects (the default)")
    add("--no-follow", dest="follow", action="store_false", help="show a redirect instead of following it")
    add("--max-redirects", "--max-redirs", type=int, metavar="N", help="hops at most (30)")
    add("--http2", action="store_true", help="offer HTTP/2 to https servers")
    add_way_flags(add)


def add_way_flags(add: Any) -> None:
    """Proxies, addresses and sockets; `add` adds a flag."""
    add("-x", "--proxy", metavar="URL", help="http, https, socks5 or socks5h; also env:NAME or @FILE; '' for none")
    add("--noproxy", metavar="HOSTS", help="reached directly, separated by commas; * for all")
    add("--resolve", action="append", default=[], metavar="H:P:ADDR", help="the address of a host and port")
    add("--unix-socket", metavar="PATH", help="connect to this socket")
    add("-4", "--ipv4", dest="family", action="store_const", const=4, help="IPv4 addresses only")
    add("-6", "--ipv6", dest="family", action="store_const", const=6, help="IPv6 addresses only")


def add_time_flags(parser: argparse.ArgumentParser) -> None:
    """How long and how often."""
    add = parser.add_argument_group("time").add_argument
    add("-m", "--timeout", "--max-time", type=float, metavar="TOTAL", help="seconds for the whole call (300)")
    add("--connect-timeout", type=float, metavar="S", help="seconds to connect (5)")
    add("--read-timeout", type=float, metavar="S", help="seconds between two pieces of the answer (30)")
    add("--retry", type=int, metavar="N", help="further attempts at most, where nothing is done twice (2)")
    add("--rate", metavar="N/S", help="requests in so many seconds to one origin at most, such as 10/1")
    add("--idempotency-key", metavar="KEY", help="written --idempotency-key[=KEY]: makes POST and PATCH repeatable")


def add_tls_flags(parser: argparse.ArgumentParser) -> None:
    """Whom to trust, and as whom to come."""
    add = parser.add_argument_group("TLS").add_argument
    add("--cacert", "--capath", metavar="FILE", help="trusted issuers, instead of the default ones")
    add("-E", "--cert", metavar="FILE", help="the client's certificate, in PEM")
    add("--key", metavar="FILE", help="its key, where it is not in the same file")
    add("-k", "--insecure", action="store_true", help="do not check the server's certificate")
    add("--tls-min", choices=("1.2", "1.3"), help="oldest version of TLS (1.2)")
    add("--tlsv1.2", dest="tls_min", action="store_const", const="1.2", help=argparse.SUPPRESS)
    add("--tlsv1.3", dest="tls_min", action="store_const", const="1.3", help=argparse.SUPPRESS)
    add("--trust", choices=("certifi", "system"), help="whose list of issuers (certifi)")


def add_cache_flags(parser: argparse.ArgumentParser) -> None:
    """What the cache may do."""
    add = parser.add_argument_group("cache").add_argument
    add("--cache", metavar="DIR", help="keep what is stored there, not in the user's cache folder")
    add("--no-cache", action="store_true", help="neither use nor fill the cache")
    add("--refresh", action="store_true", help="ask the server whether what is stored still holds")
    add("--offline", action="store_true", help="answer from the cache only; 504 where it has nothing")
    add("--no-hsts", action="store_true", help="neither use nor keep the list of hosts that want https")


def add_insight_flags(parser: argparse.ArgumentParser) -> None:
    """What is told about the call."""
    add = parser.add_argument_group("look inside").add_argument
    add("--timing", action="store_true", help="how long each phase took, on stderr")
    add("--har", metavar="FILE", help="a record of all exchanges, for tools that read HAR 1.2")
    add("--curl", action="store_true", help="print curl's command for the same request, and send nothing")
    add("--print-request", action="store_true", help="print the request's bytes, and send nothing")
    add(
        "--trace-id",
        metavar="ID",
        help="written --trace-id[=ID]: traceparent and X-Request-Id, the same in all attempts",
    )


def wants_body(arguments: argparse.Namespace) -> bool:
    """Whether a call without a command is a POST."""
    return bool(arguments.data or arguments.form or arguments.json) and not arguments.get

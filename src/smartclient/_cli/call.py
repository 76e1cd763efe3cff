"""Calls from the shell: their flags, the requests they mean, and where the answers go."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from .exits import CA_FILE, CANNOT_READ, CANNOT_WRITE, OK, STATUS, USAGE, Fault, cannot
from .render import Output, head_text, masked, masked_value, note, show_body, write_head

if TYPE_CHECKING:
    from .. import Response
    from .._model.decision import CacheDecision

_FORM = "application/x-www-form-urlencoded"

_EXAMPLES = """examples:
  smartclient {command} {url}
  smartclient {command} {url} {second}
  smartclient {command} {url} {third}
"""
_WITH_BODY = ("-d name=Ada -d role=admin", "-d @order.json -H 'Content-Type: application/json' -m 10")
_WITHOUT_BODY = ("-i -u env:LOGIN", "-o page.html -m 10")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Fault(USAGE, f"{message} (see {self.prog} --help)")


def _help_layout(prog: str) -> argparse.HelpFormatter:
    # argparse asks for the terminal's width through modules that take longer to load than all of this.
    return argparse.RawDescriptionHelpFormatter(prog, width=100, max_help_position=28)


def parser_for(command: str) -> argparse.ArgumentParser:
    """The flags of `command`, which is a method's name in lower case, or "request"."""
    verb = "request PROPFIND" if command == "request" else command
    second, third = _WITH_BODY if command in ("post", "put", "patch", "query") else _WITHOUT_BODY
    parser = _Parser(
        prog=f"smartclient {command}",
        description="Calls each URL. Bodies go to stdout, everything else to stderr.",
        epilog=_EXAMPLES.format(command=verb, url="https://example.org/page", second=second, third=third),
        formatter_class=_help_layout,
        allow_abbrev=False,
    )
    if command == "request":
        parser.add_argument("method", metavar="METHOD", help="any method, such as PROPFIND")
    parser.add_argument("urls", metavar="URL", nargs="+", help="http:// or https://; several are called in turn")
    _add_request_flags(parser)
    _add_output_flags(parser)
    return parser


def _add_request_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("request").add_argument
    add("-H", "--header", action="append", default=[], metavar="'K: V'", help="a field; 'K:' removes, 'K;' is empty")
    add("-d", "--data", action="append", default=[], metavar="DATA", help="k=v (a form), @FILE, or - for stdin")
    add("-u", "--user", metavar="USER:PW", help="basic credentials; also env:NAME or @FILE")
    add("-X", "--request", dest="override", metavar="METHOD", help="send METHOD instead")
    add("-I", "--head", action="store_true", help="HEAD, and show the head")
    add("-L", "--follow", "--location", action="store_true", default=True, help="follow redirects (the default)")
    add("--no-follow", dest="follow", action="store_false", help="show a redirect instead of following it")
    add("-m", "--timeout", "--max-time", type=float, metavar="TOTAL", help="seconds for the whole call")
    add("--no-cache", action="store_true", help="neither use nor fill the cache")
    add("-k", "--insecure", action="store_true", help="do not check the server's certificate")
    add("--cacert", metavar="FILE", help="trusted issuers, instead of the default ones")


def _add_output_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("output").add_argument
    add("-i", "--include", action="store_true", help="the head too, before the body")
    add("-o", "--output", metavar="FILE", default="-", help="write the body to FILE; - is stdout")
    add("-v", "--verbose", action="store_true", help="show requests and heads on stderr, secrets masked")
    add("-s", "--silent", action="store_true", help="say nothing on stderr")
    add("--no-fail", action="store_true", help="exit 0 for statuses of 400 and above too")


def run(command: str, arguments: argparse.Namespace) -> int:
    """Makes the calls over one session, and writes the answers; the exit code tells of a final status above 399.

    Raises:
        Fault: a flag, a local file or a stream cannot be used.
        RequestException: as the library says; what comes after it is not called.
    """
    method = _method(command, arguments)
    import smartclient

    code = OK
    out: Output | None = None
    with ExitStack() as stack:
        options = _call_options(arguments, stack)
        session = stack.enter_context(smartclient.Session())
        for url in arguments.urls:
            with session.request(method, url, **options) as response:
                if arguments.verbose:
                    for hop in (*response.history, response):
                        _tell_exchange(hop)
                if out is None:  # only now: a call that fails leaves the old file alone
                    out = stack.enter_context(_output(arguments.output))
                _write_answer(response, out, with_head=arguments.include or method == "HEAD")
                if response.status_code >= 400 and not arguments.no_fail:
                    code = STATUS
                    if not arguments.silent:
                        note(f"smartclient: {method} {masked(response.url)}: {_status_words(response)}")
    return code


def _method(command: str, arguments: argparse.Namespace) -> str:
    if arguments.override:
        return str(arguments.override)
    if arguments.head:
        return "HEAD"
    return str(arguments.method) if command == "request" else command.upper()


def _call_options(arguments: argparse.Namespace, stack: ExitStack) -> dict[str, Any]:
    """The keywords of `Session.request` that the flags mean; `stack` closes what they open."""
    import smartclient

    headers = [_field(text) for text in arguments.header]
    options: dict[str, Any] = {"allow_redirects": arguments.follow, "stream": True, "headers": headers}
    if arguments.data:
        options["data"] = _body(arguments.data, stack, several=len(arguments.urls) > 1)
        if isinstance(options["data"], bytes) and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", _FORM))
    if arguments.user is not None:
        user, _, password = _revealed(arguments.user).partition(":")
        options["auth"] = (user, password)
    if arguments.timeout is not None:
        options["timeout"] = smartclient.Timeout(total=arguments.timeout)
    if arguments.no_cache:
        options["cache"] = None
    if arguments.insecure:
        import warnings

        from ..exceptions import InsecureRequestWarning

        options["verify"] = False
        warnings.simplefilter("ignore", InsecureRequestWarning)  # it was asked for
    elif arguments.cacert is not None:
        options["verify"] = _usable_issuers(arguments.cacert)
    return options


def _usable_issuers(path: str) -> str:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if os.path.isdir(path):
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror
        raise Fault(CA_FILE, f"cannot use the CA file {path}: {reason}") from error
    return path


def _field(text: str) -> tuple[str, str | None]:
    name, colon, value = text.partition(":")
    if colon:
        return name, value.strip() or None  # None takes a default field away
    if text.endswith(";"):
        return text[:-1], ""
    raise Fault(USAGE, "-H wants 'Name: value'")


def _body(parts: Sequence[str], stack: ExitStack, *, several: bool) -> bytes | BinaryIO:
    """What -d gives: pairs joined as a form, or a file that is sent as it is read."""
    if len(parts) == 1 and parts[0] in ("-", "@-"):
        if several:
            raise Fault(USAGE, "-d - can be sent to one URL only")
        if sys.stdin is None:
            raise Fault(CANNOT_READ, "cannot read the body: stdin is closed")
        return sys.stdin.buffer
    if len(parts) == 1 and parts[0].startswith("@"):
        with _reading(parts[0][1:]):
            return stack.enter_context(open(parts[0][1:], "rb"))
    if any(part == "-" or part.startswith("@") for part in parts):
        raise Fault(USAGE, "-d @FILE and -d - stand alone")
    return "&".join(parts).encode("utf-8", "surrogateescape")


def _revealed(value: str) -> str:
    """A secret that may be named instead of written: env:NAME or @FILE."""
    if value.startswith("env:"):
        if value[4:] not in os.environ:
            raise Fault(USAGE, f"the variable {value[4:]} is not set")
        return os.environ[value[4:]]
    if value.startswith("@"):
        with _reading(value[1:]), open(value[1:], encoding="utf-8", errors="surrogateescape") as file:
            return file.read().rstrip("\r\n")
    return value


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot("read", name, error) from error


@contextmanager
def _output(name: str) -> Iterator[Output]:
    if name == "-":
        if sys.stdout is None:
            raise Fault(CANNOT_WRITE, "cannot write the body: stdout is closed")
        yield Output(getattr(sys.stdout.buffer, "raw", sys.stdout.buffer), "stdout")
        return
    try:
        file = open(name, "wb", buffering=0)  # noqa: SIM115 - closed below
    except OSError as error:
        raise cannot("write", name, error) from error
    with file:
        yield Output(file, name)


def _write_answer(response: "Response", out: Output, *, with_head: bool) -> None:
    if with_head:
        write_head(out, head_text(_status_line(response), response.headers.multi_items()))
    if out.is_terminal:
        show_body(out, response.iter_content(None, decode_unicode=True), response.headers.get("content-type"))
    else:
        for piece in response.iter_content(None):
            out.write(piece)


def _status_words(response: "Response") -> str:
    return f"{response.status_code} {response.reason}".rstrip()


def _status_line(response: "Response") -> str:
    return f"{response.http_version} {_status_words(response)}"


def _tell_exchange(response: "Response") -> None:
    """Tells request and head of one hop on stderr, with secrets masked."""
    from urllib.parse import urlsplit

    request = response.request
    url = urlsplit(request.url)
    target = url.path + (f"?{url.query}" if url.query else "")
    note(f"> {request.method} {masked(target)} HTTP/1.1")
    if "host" not in request.headers:
        note(f"> Host: {url.netloc.rpartition('@')[2]}")
    for name, value in request.headers.multi_items():
        note(f"> {name}: {masked_value(name, value)}")
    note(">")
    note(f"< {_status_line(response)}{_cache_words(response.cache)}")
    for name, value in response.headers.multi_items():
        note(f"< {name}: {masked_value(name, value)}")
    note("<")


def _cache_words(decision: "CacheDecision | None") -> str:
    if decision is None:
        return ""
    words = f" (cache {decision.status}"
    if decision.status in ("hit", "stale", "revalidated") and decision.age is not None:
        words += f", age {decision.age} s"
    if decision.ttl is not None and decision.ttl > 0:
        words += f", fresh for {decision.ttl} s more"
    return words + ")"

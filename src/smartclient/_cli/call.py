"""Calls from the shell: what the verbs do with their flags, and where the answers go."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from .bodies import body_options
from .colours import Paint
from .exits import CANNOT_WRITE, OK, STATUS, USAGE, Fault, cannot
from .flags import Parser, call_parser, wants_body
from .masks import escaped
from .render import Look, Output, head_text, look_for, note, show_body, write_head
from .settings import blaming_files, call_options, session_options
from .telling import Teller, end_words, status_line, status_words

if TYPE_CHECKING:
    from .. import Response, Session
    from .._api.preview import Preview
    from .timing import Exchanges


def parser(command: str) -> Parser:
    """The flags of the verb `command`."""
    return call_parser(command)


def run(command: str, arguments: argparse.Namespace) -> int:
    """Makes the calls over one session, and writes the answers; the exit code tells of a final status above 399.

    Raises:
        Fault: a flag, a local file or a stream cannot be used.
        RequestException: as the library says, where there is one URL. Of several all are called, whatever fails.
    """
    with blaming_files(arguments), ExitStack() as stack:
        call = _Calls(command, arguments, stack)
        if len(arguments.urls) == 1:
            return call.code_of(arguments.urls[0])
        return max([call.code_told(url) for url in arguments.urls])


class _Calls:
    """The calls of one command line, one after the other."""

    def __init__(self, command: str, arguments: argparse.Namespace, stack: ExitStack) -> None:
        import smartclient

        self._arguments = arguments
        self._method = _method(command, arguments)
        self._teller = Teller(arguments)
        self._stack = stack
        self._out: Output | None = None
        self._exchanges: Exchanges | None = None
        options = session_options(arguments)
        if arguments.timing or arguments.verbose or arguments.json_out:
            from . import timing

            options["on_event"] = self._exchanges = timing.Exchanges()
        self._preview: Preview | None = None
        if arguments.curl or arguments.print_request:
            from .._api import preview

            self._preview = preview.Preview()
            options |= {"transport": self._preview, "cache": None}
        if options["cache"] is not None:
            stack.callback(options["cache"].close)
        self._session: Session = stack.enter_context(smartclient.Session(**options))
        if arguments.har is not None:
            from .records import kept_har

            stack.enter_context(kept_har(self._session, arguments))
        if arguments.cookie_jar is not None or arguments.session is not None or arguments.cookie:
            from .jars import kept_cookies

            stack.enter_context(kept_cookies(self._session, arguments))

    def code_told(self, url: str) -> int:
        """As `code_of`; a failure is told here."""
        from ..exceptions import RequestException
        from .codes import exit_code

        try:
            return self.code_of(url)
        except RequestException as error:
            self._teller.failure(" ".join(str(error).split()))
            return exit_code(error)

    def code_of(self, url: str) -> int:
        """Makes one call, and gives the exit code that its answer has."""
        with ExitStack() as stack:
            body, fields = body_options(self._arguments, stack)
            options = call_options(self._arguments, fields)
            if self._preview is not None:
                return self._shown(url, options | body)
            if self._arguments.sse:
                return self._streamed(url, options)
            if not self._arguments.json_out:
                with self._session.request(
                    self._method, _uploading_to(url, self._arguments), **options, **body
                ) as response:
                    return self._answered(response)
            from .codes import exit_code
            from .machine import failure, line

            try:
                with self._session.request(self._method, url, **options, **body) as response:
                    return self._told(response)
            except (OSError, Fault) as error:
                with _opened("-") as stdout:
                    stdout.write(line(failure(error, self._method, url, self._teller, exit_code(error))))
                raise

    def _streamed(self, url: str, options: dict[str, Any]) -> int:
        """Writes the server's events; it is the server, or Ctrl-C, that ends them."""
        from .events import write_events

        if self._method != "GET":
            raise Fault(USAGE, "--sse goes with GET")
        del options["stream"]
        write_events(
            self._session, url, options, self._output(self._arguments.output), as_json=self._arguments.json_out
        )
        return OK

    def _shown(self, url: str, options: dict[str, Any]) -> int:
        """Prints the request instead of sending it."""
        from .._api.preview import Halted

        assert self._preview is not None
        with suppress(Halted):
            self._session.request(self._method, _uploading_to(url, self._arguments), **options)
        secrets = self._arguments.show_secrets
        if self._arguments.curl:
            data = f"{self._preview.curl(secrets=secrets)}\n".encode("utf-8", "surrogateescape")
        else:
            data = self._preview.wire(secrets=secrets)
        with _opened("-") as out:
            if out.is_terminal:
                out.write_text(escaped(data.decode("utf-8", "backslashreplace")))
            else:
                out.write(data)
        return OK

    def _answered(self, response: "Response") -> int:
        arguments, code = self._arguments, self._code(response)
        self._tell(response)
        _check_coding(response, arguments)
        out = self._output(response)
        look = look_for(out, arguments.format, arguments.color)
        if arguments.include or self._method == "HEAD":
            write_head(
                out, look, response.status_code, head_text(status_line(response), response.headers.multi_items())
            )
        size = 0
        if not (arguments.fail and response.status_code >= 400):
            size = _write_body(response, out, arguments, look)
        self._tell_end(response, size)
        if self._method == "OPTIONS" and not self._teller.silent:
            note(f"* allow: {self._teller.text(response.headers.get('allow', 'not said'))}")
        self._tell_status(response, code)
        return code

    def _tell_end(self, response: "Response", size: int) -> None:
        """What is known when the body is through; `size` is that of the content."""
        if self._exchanges is None:
            return
        from .timing import timing_lines

        exchanges = self._exchanges.taken()
        if self._teller.verbose:
            self._teller.line("*", end_words(response, exchanges, size))
        if self._arguments.timing:
            for text in timing_lines(exchanges, size) if exchanges else ("no request was sent: from the cache",):
                note(text)

    def _told(self, response: "Response") -> int:
        """With --json-out: one object, which has the content unless that goes to a file."""
        from .machine import body_member, line, record

        code = self._code(response)
        self._tell(response)
        _check_coding(response, self._arguments)
        if self._arguments.output == "-" and not self._arguments.remote_name:
            content = response.content
            body = body_member(content, lambda: response.text, response.headers.get("content-type"))
        else:
            out = self._output(response)
            size = _write_body(response, out, self._arguments, Look(False, False, Paint(False)))
            body = {"file": out.name, "bytes": size}
        exchanges = self._exchanges.taken() if self._exchanges is not None else []
        with _opened("-") as stdout:
            stdout.write(line(record(response, self._teller, body, exchanges, code)))
        self._tell_status(response, code)
        return code

    def _code(self, response: "Response") -> int:
        return STATUS if response.status_code >= 400 and not self._arguments.no_fail else OK

    def _tell(self, response: "Response") -> None:
        if self._teller.verbose:
            for hop in (*response.history, response):
                self._teller.exchange(hop)

    def _tell_status(self, response: "Response", code: int) -> None:
        if code == STATUS:
            offline = self._arguments.offline and response.status_code == 504
            why = ", for nothing usable is stored, and --offline asks nobody" if offline else ""
            self._teller.failure(f"{self._method} {response.url}: {status_words(response)}{why}")

    def _output(self, response: "Response | None") -> Output:
        """Opened at the first answer: a call that fails leaves the old file alone. With -O each answer has its own."""
        if self._arguments.remote_name and response is not None:
            from .._api.file_name import file_name

            return self._stack.enter_context(_opened(file_name(response), new=True))
        if self._out is None:
            self._out = self._stack.enter_context(_opened(self._arguments.output))
        return self._out


def _check_coding(response: "Response", arguments: argparse.Namespace) -> None:
    """Raises ContentDecodingError for content that nobody could read."""
    if response.undecoded is not None and not arguments.raw:
        from .._model.errors import ContentDecodingError

        coding = ascii(response.undecoded[:40])
        raise ContentDecodingError(
            f"the content has a coding that nobody here knows, {coding}; --raw takes it as it is"
        )


def _method(command: str, arguments: argparse.Namespace) -> str:
    if arguments.override:
        return str(arguments.override)
    if arguments.head:
        return "HEAD"
    if command == "request":
        return str(arguments.method)
    if command in ("", "get") and arguments.upload_file is not None:
        return "PUT"
    if command == "":
        return "POST" if wants_body(arguments) else "GET"
    return command.upper()


def _uploading_to(url: str, arguments: argparse.Namespace) -> str:
    """`url`, with the name of what -T sends where it ends in a slash, as curl does."""
    name = arguments.upload_file
    if name is None or name == "-" or not url.endswith("/"):
        return url
    from os.path import basename
    from urllib.parse import quote

    return url + quote(basename(name))


@contextmanager
def _opened(name: str, *, new: bool = False) -> Iterator[Output]:
    """Where the body goes: stdout, or a file; `new` refuses one that is there."""
    if name == "-":
        if sys.stdout is None:
            raise Fault(CANNOT_WRITE, "cannot write the body: stdout is closed")
        yield Output(getattr(sys.stdout.buffer, "raw", sys.stdout.buffer), "stdout")
        return
    try:
        file = open(name, "xb" if new else "wb", buffering=0)  # noqa: SIM115 - closed below
    except OSError as error:
        raise cannot("write", name, error) from error
    with file:
        yield Output(file, name)


def _write_body(response: "Response", out: Output, arguments: argparse.Namespace, look: Look) -> int:
    """The size of the content, 0 where nobody counted."""
    if look.shown and not arguments.raw:
        show_body(out, response.iter_content(None, decode_unicode=True), response.headers.get("content-type"), look)
        return 0
    if arguments.raw and out.is_terminal:
        note("* raw bytes are not shown; use -o FILE, or a pipe such as | less")
        return 0
    bar = None
    if out.name != "stdout":
        from .bars import Bar

        bar = Bar(out.name, silent=arguments.silent)
        total = response.headers.get("content-length", "")
    size = 0
    for piece in response.iter_raw(None) if arguments.raw else response.iter_content(None):
        out.write(piece)
        size += len(piece)
        if bar is not None:
            bar.update(size, int(total) if total.isascii() and total.isdigit() else None, size / (bar.seconds or 1.0))
    if bar is not None:
        bar.clear()
    return size

"""The program `smartclient`: picks the command and guards its end; what a command does is in its own file.

What only a call needs is loaded when there is one: `--version` and `--help` stay cheap.
"""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from .exits import CLOSED_PIPE, INTERNAL, INTERRUPTED, OK

if TYPE_CHECKING:
    import argparse

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "query")

_HELP = f"""usage: smartclient [COMMAND] [FLAGS] URL...

An HTTP client. The body goes to stdout, everything else to stderr.

commands:
  {" ".join(METHODS)}
                      one call with that method; without a command: get, or post with -d
  request METHOD URL  one call with any method
  version, help       also --version, --help; every command has --help

examples:
  smartclient https://example.org/
  smartclient get https://example.org/users/7 -i -v -u env:LOGIN
  smartclient post https://example.org/users -d name=Ada -m 10
"""


def run() -> NoReturn:
    """The entry point of the installed command."""
    code = main(sys.argv[1:])
    if code == CLOSED_PIPE:
        # What is still buffered would fail again while the interpreter shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Runs the command line `argv` (without the program's name) and returns its exit code; never raises."""
    silent = False
    try:
        if not argv or argv[0] in ("help", "--help", "-h"):
            _print(_HELP)
            return OK
        if argv[0] in ("version", "--version", "-V"):
            _print(f"smartclient {_version()}\n")
            return OK
        from . import call

        command, arguments = _parsed(argv)
        silent = arguments.silent
        return call.run(command, arguments)
    except BrokenPipeError:
        return CLOSED_PIPE
    except KeyboardInterrupt:
        from .render import note

        note("smartclient: interrupted")
        return INTERRUPTED
    except SystemExit:  # argparse, after --help
        return OK
    except Exception as error:
        return _failed(error, silent=silent)


def _parsed(argv: Sequence[str]) -> "tuple[str, argparse.Namespace]":
    """The command and its flags."""
    from .call import parser_for

    if argv[0] in METHODS or argv[0] == "request":
        return argv[0], parser_for(argv[0]).parse_args(argv[1:])
    arguments = parser_for("get").parse_args(argv)
    return "post" if arguments.data else "get", arguments


def _failed(error: Exception, *, silent: bool) -> int:
    """The exit code of `error`, which is told in one line."""
    from .codes import exit_code
    from .render import masked, note

    code = exit_code(error)
    if code == INTERNAL:
        # The text of an error that nobody foresaw may hold a secret: only its kind is told.
        note(f"smartclient: internal error ({type(error).__name__}); please report it with the output of")
        note("  SMARTCLIENT_DEBUG=1 smartclient ... after removing what is secret from it")
    elif not silent:
        note(f"smartclient: {masked(' '.join(str(error).split()))}")
    if os.environ.get("SMARTCLIENT_DEBUG") == "1":
        import traceback

        note("".join(traceback.format_exception(error)))
    return code


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _version() -> str:
    from .._version import __version__

    return __version__

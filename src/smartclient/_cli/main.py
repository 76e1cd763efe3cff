"""The program `smartclient`: picks the command and guards its end; what a command does is in its own file.

What only a call needs is loaded when there is one: `--version` and `--help` stay cheap.
"""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from .exits import CLOSED_PIPE, INTERNAL, INTERRUPTED, OK, USAGE, Fault, cannot

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "query")
# Each command is one file with `parser(command)` and `run(command, arguments)`.
FILES = {
    **dict.fromkeys((*METHODS, "request", ""), "call"),
    "cache": "cache",
    "completion": "completion",
    "cors": "cors",
    "download": "download",
    "explain": "explain",
    "tls": "tls",
    "headers": "headers",
    "doctor": "doctor",
}

_HELP = f"""usage: smartclient [COMMAND] [FLAGS] URL...

An HTTP client. The body goes to stdout, everything else to stderr.

commands:
  {" ".join(METHODS)}
                      one call with that method; without a command: get, or post with -d, -F or --json
  request METHOD URL  one call with any method
  download URL...     to files, resumed and checked
  explain URL         the call told in the order of the wire, with the rule behind each decision
  cache ACTION        the store on disk: list, stat, show URL, purge URL, clear, verify
  cors URL --origin O would a browser let a page of O make this call, and why not
  tls URL             protocol, certificate and chain, and what the network can see
  headers URL         which security fields are there, missing or weak
  doctor              versions, trust, proxies, directories: what this installation sees
  completion SHELL    a script for bash, zsh or fish
  version, help       also --version, --help; every command has --help

examples:
  smartclient https://example.org/
  smartclient get https://example.org/users/7 -i -v -u env:LOGIN
  smartclient post https://example.org/users --json name=Ada --json age=36 -m 10
"""


def run() -> NoReturn:
    """The entry point of the installed command."""
    # Nothing that starting makes is garbage: looking for some takes a tenth of the time until the first byte.
    gc.disable()
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        # What is still buffered for a closed pipe would fail again.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    # Sessions are closed, files too: taking the interpreter apart would do nothing more, and cost 14 ms.
    os._exit(code)


def main(argv: Sequence[str]) -> int:
    """Runs the command line `argv` (without the program's name) and returns its exit code; never raises."""
    silent = False
    try:
        if list(argv[:1]) == ["help"] and len(argv) > 1 and argv[1] in FILES:
            argv = [argv[1], "--help"]
        if not argv or argv[0] in ("help", "--help", "-h"):
            _print(_HELP)
            return OK
        if argv[0] in ("version", "--version", "-V"):
            _print(f"smartclient {_version()}\n")
            return OK
        command, flags = (argv[0], argv[1:]) if argv[0] and argv[0] in FILES else ("", argv)
        if not command and argv[0].isalpha() and argv[0] != "localhost":
            raise _no_command(argv[0])
        file = import_module(f".{FILES[command]}", __package__)
        arguments = file.parser(command or "get").parsed(flags)
        silent = getattr(arguments, "silent", False)
        return int(file.run(command, arguments))
    except BrokenPipeError:
        return CLOSED_PIPE
    except KeyboardInterrupt as interruption:
        from .render import note

        note(": ".join(["smartclient: interrupted", *map(str, interruption.args)]))
        return INTERRUPTED
    except SystemExit:  # argparse, after --help
        return OK
    except Exception as error:
        return _failed(error, silent=silent)


def _no_command(word: str) -> Fault:
    """What is said of a word that is no command, and cannot be a URL."""
    from difflib import get_close_matches

    near = get_close_matches(word, [*filter(None, FILES), "version", "help"], 1)
    hint = f"did you mean {near[0]}?" if near else "URLs begin with http:// or https://"
    return Fault(USAGE, f"no such command: {word}; {hint} (see smartclient --help)")


def _failed(error: Exception, *, silent: bool) -> int:
    """The exit code of `error`, which is told in one line."""
    from .codes import exit_code
    from .masks import masked
    from .render import note

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
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot("write", "stdout", error) from error


def _version() -> str:
    from .._version import __version__

    return __version__

"""`smartclient download`: files, resumed and checked; where they go, what is told of them, and the exit code."""

import argparse
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .bars import Bar
from .bodies import whole_text
from .codes import exit_code
from .exits import OK, USAGE, Fault, Interrupted
from .flags import (
    Parser,
    add_field_flags,
    add_identity_flags,
    add_route_flags,
    add_time_flags,
    add_tls_flags,
)
from .resumptions import Resumptions
from .settings import blaming_files, call_options, session_options
from .telling import Teller
from .timing import size_text

if TYPE_CHECKING:
    from .. import Session

_ALGORITHMS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_COREUTILS = r"\\?([0-9A-Fa-f]{32,128}) [ *](.+)"
_BSD = r"([A-Za-z0-9-]+) \((.+)\) = ([0-9A-Fa-f]+)"
_RATE = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3}

# What calls have and downloads do without; `session_options` and `call_options` read all of them.
_UNUSED: dict[str, Any] = {
    "strict": False,
    "no_cache": True,
    "cache": None,
    "refresh": False,
    "offline": False,
    "accept": None,
    "lang": None,
    "range": None,
    "get": False,
    "data": [],
    "trace_id": None,
    "no_hsts": False,
    "verbose": 0,
}


def parser(command: str) -> Parser:
    """The flags of `download`."""
    parser = Parser(
        command,
        "Downloads each URL to a file, whole and checked or not at all. What breaks off is resumed; after Ctrl-C the\n"
        "same command goes on where it stopped.",
        "examples:\n"
        "  smartclient download https://example.org/disk.img --checksum @SHA256SUMS\n"
        "  smartclient download https://example.org/a.zip https://example.org/b.zip -o archives/\n"
        "  smartclient download -i urls.txt -j 4 --limit-rate 2m\n",
    )
    parser.add_argument("urls", metavar="URL", nargs="*", help="http:// or https://; one after the other")
    add = parser.add_argument_group("download").add_argument
    add("-o", "--output", metavar="FILE|DIR", default=".", help="the file, or a folder for the server's name of it")
    add("-i", "--input", metavar="LIST", help="a file with a URL in each line; - is stdin")
    add("-j", "--parallel", type=int, default=1, metavar="N", help="requests at a time for one large file (1)")
    add("--checksum", metavar="SUM", help="ALGORITHM:HEX, or @FILE with lines as sha256sum writes them")
    add("--no-resume", action="store_true", help="begin afresh")
    add("--no-overwrite", action="store_true", help="never replace a file")
    add("--if-changed", action="store_true", help="only what is newer than the file that is there")
    add("--limit-rate", metavar="RATE", help="bytes in a second, such as 500k or 2m")
    add("-s", "--silent", action="store_true", help="say nothing on stderr")
    add("--json-out", "--json", dest="json_out", action="store_true", help="one JSON object a line for each URL")
    add("--color", choices=("auto", "always", "never"), default="auto", help="auto: on terminals without NO_COLOR")
    add("--show-secrets", action="store_true", help="do not write *** for credentials")
    add_field_flags(parser.add_argument_group("request").add_argument)
    add_identity_flags(parser)
    add_route_flags(parser)
    add_time_flags(parser)
    add_tls_flags(parser)
    parser.set_defaults(**_UNUSED)
    return parser


def run(command: str, arguments: argparse.Namespace) -> int:
    """Downloads everything, one after the other; the code of the first failure, after all were tried."""
    urls = [*arguments.urls, *_listed(arguments.input)]
    if not urls:
        raise Fault(USAGE, "download wants a URL, or -i LIST")
    if len(urls) > 1 and not os.path.isdir(arguments.output):
        raise Fault(USAGE, "several URLs need a folder: -o DIR")
    from .. import Session

    resumptions = Resumptions()
    options = session_options(arguments) | {"on_event": resumptions}
    with blaming_files(arguments), Session(**options) as session:
        files = _Files(session, arguments, resumptions)
        codes = [files.code_of(url) for url in urls]
    return next(filter(None, codes), OK)


def _listed(name: str | None) -> Iterator[str]:
    if name is not None:
        lines = (line.strip() for line in whole_text(name).splitlines())
        yield from (line for line in lines if line and not line.startswith("#"))


class _Files:
    """The downloads of one command line."""

    def __init__(self, session: "Session", arguments: argparse.Namespace, resumptions: Resumptions) -> None:
        self._session = session
        self._resumptions = resumptions
        self._arguments = arguments
        self._teller = Teller(arguments)
        self._options = call_options(arguments, {})
        del self._options["stream"]
        self._options["allow_redirects"] = arguments.follow
        sums = arguments.checksum
        self._sums = _sums(sums[1:]) if sums is not None and sums.startswith("@") else None

    def code_of(self, url: str) -> int:
        """Downloads one file and gives its exit code; what fails is told here."""
        from ..exceptions import RequestException

        name = _last_segment(url)
        bar = Bar(self._teller.text(name), silent=self._arguments.silent or self._arguments.json_out)
        self._resumptions.begin(bar.tell)
        try:
            found = self._session.download(
                url,
                self._arguments.output,
                resume=not self._arguments.no_resume,
                checksum=self._checksum(name),
                parallel=self._arguments.parallel,
                progress=bar.update,
                overwrite=not self._arguments.no_overwrite,
                if_changed=self._arguments.if_changed,
                limit_rate=_rate(self._arguments.limit_rate),
                **self._options,
            )
        except KeyboardInterrupt:
            bar.clear()
            raise Interrupted("what came is kept; the same command goes on there") from None
        except (RequestException, Fault) as error:
            bar.clear()
            code = exit_code(error)
            self._write(url, code, error=error)
            self._teller.failure(" ".join(str(error).split()))
            return code
        bar.tell(_words(found, bar.seconds))
        self._write(url, OK, found=found)
        return OK

    def _checksum(self, name: str) -> str | None:
        given: str | None = self._arguments.checksum
        if self._sums is None:
            return given
        if name not in self._sums:
            raise Fault(USAGE, f"{given} has no line for {name}")
        return self._sums[name]

    def _write(self, url: str, code: int, *, found: Any = None, error: BaseException | None = None) -> None:
        if not self._arguments.json_out:
            return
        from .machine import error_record
        from .report import Report

        record = {"v": 1, "url": self._teller.text(url), "path": None, "size": None, "digest": None}
        if found is not None:
            record |= {"path": str(found.path), "size": found.size, "digest": found.digest}
            record |= {"resumed_from": found.resumed_from, "status": found.response.status_code}
        record |= {"error": None if error is None else error_record(error, self._teller), "exit": code}
        Report(self._arguments.color).json(record)


def _words(found: Any, seconds: float) -> str:
    if found.response.status_code == 304:
        return "has not changed"
    words = f"{size_text(found.size)} in {seconds:.1f} s"
    if found.resumed_from:
        words += f", resumed at {size_text(found.resumed_from)}"
    if found.digest is not None:
        words += f", {found.digest.partition(':')[0]} ok"
    return f"{words}, saved as {found.path}"


def _last_segment(url: str) -> str:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or url


def _sums(name: str) -> dict[str, str]:
    """The checksums of a file as sha256sum and the like write it, plain or with names of algorithms, by file name."""
    found: dict[str, str] = {}
    for line in whole_text(name).splitlines():
        plain, bsd = re.fullmatch(_COREUTILS, line), re.fullmatch(_BSD, line)
        if plain is not None and len(plain[1]) in _ALGORITHMS:
            found[os.path.basename(plain[2])] = f"{_ALGORITHMS[len(plain[1])]}:{plain[1]}"
        elif bsd is not None:
            found[os.path.basename(bsd[2])] = f"{bsd[1].lower()}:{bsd[3]}"
    if not found:
        raise Fault(USAGE, f"{name} has no checksums")
    return found


def _rate(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kKmMgG]?)", text)
    if found is None:
        raise Fault(USAGE, "--limit-rate wants bytes in a second, such as 500k or 2m")
    return float(found[1]) * _RATE[found[2].lower()]

"""`--har FILE`: a record of all exchanges of a command, written when it ends."""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .exits import cannot

if TYPE_CHECKING:
    from .. import Session


@contextmanager
def kept_har(session: "Session", arguments: argparse.Namespace) -> Iterator[None]:
    """Records the session, and writes the file in one step at the end, whatever that is.

    Raises:
        Fault: the file cannot be written.
    """
    from .. import har

    with har.record(session, secrets=arguments.show_secrets) as recorder:
        try:
            yield
        finally:
            _write(arguments.har, json.dumps(recorder.har, ensure_ascii=False, indent=1))


def _write(path: str, text: str) -> None:
    beside = f"{path}.{os.urandom(8).hex()}.tmp"
    try:
        with open(beside, "x", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(beside)
        raise cannot("write", path, error) from error

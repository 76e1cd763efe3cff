"""Cookies that outlive a command: the files of --cookie, --cookie-jar and --session."""

import argparse
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .exits import USAGE, Fault, cannot

if TYPE_CHECKING:
    from .. import Session

_NAME = "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"


@contextmanager
def kept_cookies(session: "Session", arguments: argparse.Namespace) -> Iterator[None]:
    """Fills the session's jar from the files that the flags name, and keeps it in the last of them at the end.

    Raises:
        Fault: a file that cannot be read or written, or is no jar.
    """
    for path in arguments.cookie:
        if "=" not in path and not path.startswith(("env:", "@")):
            _load(session, path)
    path = _kept_in(arguments)
    if path is None:
        yield
        return
    if os.path.lexists(path):
        _load(session, path)
    try:
        yield
    finally:
        try:
            _jar(session).save(path)
        except OSError as error:
            raise cannot("write", path, error) from error


def _kept_in(arguments: argparse.Namespace) -> str | None:
    name: str | None = arguments.session
    if name is None:
        return arguments.cookie_jar  # type: ignore[no-any-return]
    if arguments.cookie_jar is not None:
        raise Fault(USAGE, "--session and --cookie-jar are two places for cookies")
    if re.fullmatch(_NAME, name) is None:
        raise Fault(USAGE, "--session wants a name of letters, digits, - . and _")
    from .._api.places import state_folder

    folder = os.path.join(state_folder(), "sessions")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return os.path.join(folder, f"{name}.json")
    except OSError as error:
        raise cannot("write", folder, error) from error


def _load(session: "Session", path: str) -> None:
    from .._model.errors import InvalidOption

    try:
        _jar(session).load(path)
    except InvalidOption as error:
        raise Fault(USAGE, f"{path}: {error}") from error
    except OSError as error:
        raise cannot("read", path, error) from error


def _jar(session: "Session") -> Any:
    return session.cookies

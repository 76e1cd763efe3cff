"""What the flags of a body mean: forms, JSON, multipart, files and stdin, as keywords of a call."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO

from .exits import CANNOT_READ, USAGE, Fault, cannot

FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_STDIN = ("-", "@-")
_PART_PARAMETERS = ("type", "filename")


def body_options(arguments: argparse.Namespace, stack: ExitStack) -> tuple[dict[str, Any], dict[str, str]]:
    """`bare_body`, and how it is coded on the way."""
    options, fields = bare_body(arguments, stack)
    return options | ({"compress": arguments.compress} if options and arguments.compress else {}), fields


def bare_body(arguments: argparse.Namespace, stack: ExitStack) -> tuple[dict[str, Any], dict[str, str]]:
    """Keywords of `Session.request` for the body, and the fields that go with it unless the caller set them.

    `stack` closes what is opened.

    Raises:
        Fault: two bodies, or a file that cannot be read.
    """
    given = [flag for flag, there in _given(arguments) if there]
    if len(given) > 1:
        raise Fault(USAGE, f"{given[0]} and {given[1]} are two bodies")
    several = len(arguments.urls) > 1
    if arguments.data and not arguments.get:
        return _data(arguments.data, stack, several=several)
    if arguments.json:
        return _json(arguments.json, stack, several=several)
    if arguments.form:
        return {"files": [_part(text, stack, several=several) for text in arguments.form]}, {}
    if arguments.upload_file is not None:
        return {"data": _opened(arguments.upload_file, stack, several=several)}, {}
    return {}, {}


def _given(arguments: argparse.Namespace) -> Iterator[tuple[str, bool]]:
    yield "-d", bool(arguments.data) and not arguments.get
    yield "--json", bool(arguments.json)
    yield "-F", bool(arguments.form)
    yield "-T", arguments.upload_file is not None


def query_text(arguments: argparse.Namespace) -> str:
    """What --query, and with -G what -d, add to the query: encoded already."""
    parts = []
    if arguments.query:
        from urllib.parse import quote_plus

        for text in arguments.query:
            name, equals, value = text.partition("=")
            parts.append(f"{quote_plus(name)}={quote_plus(value)}" if equals else quote_plus(name))
    if arguments.get:
        parts += [_text_of(kind, value) for kind, value in arguments.data]
    return "&".join(parts)


def _data(
    parts: Sequence[tuple[str, str]], stack: ExitStack, *, several: bool
) -> tuple[dict[str, Any], dict[str, str]]:
    """Pairs joined as a form, or a file that is sent as it is read."""
    if len(parts) == 1:
        kind, text = parts[0]
        if kind == "plain" and text == "-":
            text = "@-"
        if kind in ("plain", "binary") and text.startswith("@"):
            return {"data": _opened(text[1:], stack, several=several)}, {
                "Content-Type": FORM
            } if kind == "binary" else {}
    body = "&".join([_text_of(kind, text) for kind, text in parts]).encode("utf-8", "surrogateescape")
    return {"data": body}, {"Content-Type": FORM}


def _text_of(kind: str, text: str) -> str:
    if kind in ("plain", "binary") and (text.startswith("@") or text == "-"):
        raise Fault(USAGE, "-d @FILE and -d - stand alone")
    return _encoded(text) if kind == "encoded" else text


def _encoded(text: str) -> str:
    """As curl has it: "content", "=content", "name=content", "@file" or "name@file", of which content is encoded."""
    from urllib.parse import quote_plus

    marks = [at for at in (text.find("="), text.find("@")) if at >= 0]
    if not marks:
        return quote_plus(text)
    name, mark, content = text[: min(marks)], text[min(marks)], text[min(marks) + 1 :]
    if mark == "@":
        content = whole_text(content)
    value = quote_plus(content.encode("utf-8", "surrogateescape"))
    return f"{name}={value}" if name else value


def _json(parts: Sequence[str], stack: ExitStack, *, several: bool) -> tuple[dict[str, Any], dict[str, str]]:
    fields = {"Content-Type": _JSON, "Accept": _JSON}
    first = parts[0]
    if len(parts) == 1 and (first in _STDIN or first.startswith("@")):
        return {"data": _opened(first.removeprefix("@"), stack, several=several)}, fields
    if len(parts) == 1 and not _is_member(first):
        _json_value(first, strict=True)
        return {"data": first.encode("utf-8", "surrogateescape")}, fields
    members: dict[str, Any] = {}
    for text in parts:
        name, equals, value = text.partition("=")
        if not equals or not _is_member(text):
            raise Fault(USAGE, "--json takes k=v members, or one JSON text, @FILE or -")
        if name in members:
            raise Fault(USAGE, f"--json: {name!a} is given twice")
        members[name] = _json_value(value, strict=False)
    from json import dumps

    return {"data": dumps(members, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")}, fields


def _is_member(text: str) -> bool:
    return "=" in text and text[:1] not in '{["'


def _json_value(text: str, *, strict: bool) -> Any:
    """What `text` is as JSON; where it is none: itself, or a Fault when `strict`."""
    from json import loads

    try:
        return loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        if strict:
            raise Fault(USAGE, "--json: the text is not JSON; -d sends it as it is") from None
        return text


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _part(text: str, stack: ExitStack, *, several: bool) -> tuple[str, Any]:
    """One -F, as a pair for `files=`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise Fault(USAGE, "-F wants name=value")
    value, parameters = _parameters(value)
    content_type = parameters.get("type")
    if value.startswith("@"):
        file = _opened(value[1:], stack, several=several)
        default = "-" if value == "@-" else os.path.basename(value[1:])
        return name, (parameters.get("filename", default), file, content_type or _guessed(default))
    if value.startswith("<"):
        value = whole_text(value[1:])
    content = value.encode("utf-8", "surrogateescape")
    return name, (parameters.get("filename"), content, content_type)


def _parameters(value: str) -> tuple[str, dict[str, str]]:
    """`value` without the ;type= and ;filename= at its end, and these."""
    parameters: dict[str, str] = {}
    while True:
        rest, mark, last = value.rpartition(";")
        name, equals, given = last.strip().partition("=")
        if not mark or not equals or name not in _PART_PARAMETERS:
            return value, parameters
        value, parameters[name] = rest, given.strip('"')


def _guessed(name: str) -> str:
    from mimetypes import guess_type

    return guess_type(name)[0] or "application/octet-stream"


def _opened(name: str, stack: ExitStack, *, several: bool) -> BinaryIO:
    if name == "-":
        if several:
            raise Fault(USAGE, "stdin can be sent to one URL only")
        if sys.stdin is None:
            raise Fault(CANNOT_READ, "cannot read the body: stdin is closed")
        return sys.stdin.buffer
    with reading(name):
        return stack.enter_context(open(name, "rb"))


def whole_text(name: str) -> str:
    """The text of the file `name`, or of stdin for "-"."""
    if name == "-":
        if sys.stdin is None:
            raise Fault(CANNOT_READ, "cannot read: stdin is closed")
        return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    with reading(name), open(name, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def revealed(value: str) -> str:
    """A secret that may be named instead of written: env:NAME or @FILE."""
    if value.startswith("env:"):
        if value[4:] not in os.environ:
            raise Fault(USAGE, f"the variable {value[4:]} is not set")
        return os.environ[value[4:]]
    return whole_text(value[1:]).rstrip("\r\n") if value.startswith("@") else value


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns what the system says against reading the file `name` into a Fault."""
    try:
        yield
    except OSError as error:
        raise cannot("read", name, error) from error

"""A request as text for eyes and shells: the bytes of HTTP/1.1, and a command of curl; nothing is sent here."""

import shlex
from typing import Any

from .._model.body import RequestBody
from .._model.headers import Fields, fields_from
from .._model.masking import masked, masked_form, masked_value
from .._model.url import URL
from .._net.http1_request import framing_for, request_head
from .payload import FORM

# What curl adds of its own; a name with nothing after its colon takes it back.
_CURLS_OWN = ("Accept", "User-Agent", "Content-Type", "Expect")


def wire_of(method: str, url: str, headers: Any, body: Any, length: int | None, *, secrets: bool) -> bytes:
    """Head and body as HTTP/1.1 sends them; a body that is not in hand is left out.

    `length` counts the bytes of a body that is no bytes, None where nobody knows. Without `secrets` the values of
    secret fields, and of secret names in query and form, are ***, and the length is what it was.

    Raises:
        InvalidURL, InvalidHeader: it could not be sent.
    """
    target, fields, content = _shown(url, headers, body, secrets)
    given = RequestBody(b"" if body is None else body, length)
    head = request_head(method, target.target, target.host_field, fields, framing_for(method, given))
    return head + (content or b"")


def curl_of(method: str, url: str, headers: Any, body: Any, *, secrets: bool) -> str:
    """A command that has curl send the same method, target, fields and body; for bash, zsh and other shells with $''.

    A body that is not in hand is read from standard input.
    """
    target, fields, content = _shown(url, headers, body, secrets)
    words = ["curl", "--http1.1", "--globoff", "--path-as-is"]
    sends = body is not None or method in ("POST", "PUT", "PATCH")
    words += ["--head"] if method == "HEAD" and not sends else ["--request", _quoted(method.encode())]
    for name, value in fields.lines:
        words += ["--header", _quoted(f"{name}: {value}".encode("latin-1") if value else f"{name};".encode())]
    for name in _CURLS_OWN:
        if name.lower() not in fields and (name not in ("Content-Type", "Expect") or sends):
            words += ["--header", f"{name}:"]
    before = ""
    if sends:
        content = b"" if body is None else content
        if content is None:
            words += ["--header", "'Transfer-Encoding: chunked'", "--data-binary", "@-"]
        elif b"\0" in content:  # no argument of a command can hold it
            before = f"printf '%b' '{''.join(map(_octal, content))}' | "
            words += ["--data-binary", "@-"]
        else:
            words += ["--data-raw", _quoted(content)]
    words.append(_quoted(f"{target.scheme}://{target.host_field}{target.target}".encode("ascii")))
    return before + " ".join(words)


def _shown(url: str, headers: Any, body: Any, secrets: bool) -> tuple[URL, Fields, bytes | None]:
    """What may be seen of a request: its URL without userinfo, its fields, its body if it is bytes."""
    target = URL.parse(url).with_userinfo("").with_fragment("")
    fields = fields_from(headers)
    content = body if isinstance(body, bytes) else None
    if secrets:
        return target, fields, content
    if content and (fields.get("content-type") or "").startswith(FORM):
        content = masked_form(content.decode("latin-1")).encode("latin-1")
    lines = [(name, masked_value(name, value)) for name, value in fields.lines]
    return URL.parse(masked(str(target))), Fields(lines), content


def _quoted(data: bytes) -> str:
    """`data` as one word of a shell."""
    if all(0x20 <= byte < 0x7F for byte in data):
        return shlex.quote(data.decode("ascii"))
    return "$'" + "".join(map(_escape, data)) + "'"


def _escape(byte: int) -> str:
    if byte in b"\\'":
        return f"\\{byte:c}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"


def _octal(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F and byte not in b"\\'%" else f"\\0{byte:03o}"

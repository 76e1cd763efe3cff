"""Problem details: what a server says of an error in a form for programs (RFC 9457); never what to do about it."""

import json
from collections.abc import Mapping
from typing import Any

from .declared import NamedTuple

PROBLEM_MAX = 2**16  # bytes of a body that is read as one
MEDIA_TYPE = "application/problem+json"


class Problem(NamedTuple):
    """One problem; members of another type than RFC 9457 has for them are left out.

    Attributes:
        type: URI of the kind of problem, "about:blank" where the status says all.
        title: of its kind, in a few words.
        status: what the server believes that it answered.
        detail: of this one.
        instance: URI of this one.
        extensions: all other members.
    """

    type: str = "about:blank"
    title: str | None = None
    status: int | None = None
    detail: str | None = None
    instance: str | None = None
    extensions: Mapping[str, Any] = {}  # of a NamedTuple, and never changed

    def __str__(self) -> str:
        return ": ".join(part for part in (self.title or self.type, self.detail) if part)


def problem_in(content: bytes) -> Problem | None:
    """The problem that `content` is, None when it is too long, or no JSON object."""
    if len(content) > PROBLEM_MAX:
        return None
    try:
        members = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(members, dict):
        return None
    texts = {name: members.pop(name, None) for name in ("type", "title", "detail", "instance")}
    status = members.pop("status", None)
    known = {name: text for name, text in texts.items() if isinstance(text, str)}
    return Problem(**known, status=status if type(status) is int else None, extensions=members)

"""What belongs to one origin and must never cross to another: cookies in and out, credentials."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

from .._model.errors import InvalidOption
from .._model.message import Reply
from .._model.request import Request
from .._rules.jar import Jar
from .stage import Stage


class OriginStage:
    """Adds Cookie and Authorization on the way down, keeps Set-Cookie on the way up.

    A field that the caller wrote by hand stays as it is, except that `auth=` beats Authorization, as in requests.
    """

    __slots__ = ("jar", "next", "wall_clock")

    def __init__(self, jar: Jar | None, wall_clock: Callable[[], float], next: Stage) -> None:
        """`jar` is None where no cookie is kept between calls; `wall_clock` gives seconds since the epoch."""
        self.jar = jar
        self.wall_clock = wall_clock
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        jar = self.jar
        fields = request.fields
        options = request.options
        if options.auth is not None or request.url.raw_userinfo:
            credentials = basic_credentials(options.auth or request.url.userinfo)
            fields = fields.replace("Authorization", credentials)
        if (jar or options.cookies) and "cookie" not in fields:
            cookies = [f"{name}={value}" for name, value in options.cookies]
            kept = jar.field_for(request.url, self.wall_clock()) if jar else None
            if kept:
                cookies[:0] = _others(kept, options.cookies) if cookies else [kept]
            if cookies:
                fields = fields.with_line("Cookie", "; ".join(cookies))
        reply = await self.next(request if fields is request.fields else request.replace(fields=fields))
        if jar is not None:
            head = reply.network_head or (reply.head if reply.provenance == "network" else None)
            if head is not None and "set-cookie" in head.fields:
                jar.store(request.url, head.fields.getlist("set-cookie"), self.wall_clock())
        return reply


def _others(kept: str, given: Iterable[tuple[str, str]]) -> list[str]:
    """The pairs of a Cookie field whose names the call does not give itself."""
    names = {name for name, _ in given}
    return [pair for pair in kept.split("; ") if pair.partition("=")[0] not in names]


def basic_credentials(auth: Any) -> str:
    """The value of an Authorization field for (user, password), in UTF-8 (RFC 7617); bytes go as they are."""
    try:
        user, password = auth
        pair = b":".join(part if isinstance(part, bytes) else str(part).encode("utf-8") for part in (user, password))
    except (TypeError, ValueError):
        raise InvalidOption("auth must be a (user, password) pair") from None
    return "Basic " + b64encode(pair).decode("ascii")

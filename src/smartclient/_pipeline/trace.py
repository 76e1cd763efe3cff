"""Fields by which a call is found again in the logs of servers: W3C Trace Context's traceparent, and X-Request-Id."""

import os
from collections.abc import Collection

from .._model.message import Reply
from .._model.request import Request
from .stage import Stage

TRACE_FIELDS = ("traceparent", "x-request-id")


class TraceStage:
    """Around the whole call: gives it one traceparent and one X-Request-Id, unless its caller did."""

    __slots__ = ("next",)

    def __init__(self, next: Stage) -> None:
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        fields = request.fields
        if "traceparent" not in fields:
            # Version 00, trace and parent, 01: sampled, so that those who record do (Trace Context section 3.2).
            fields = fields.with_line("traceparent", f"00-{_number(16)}-{_number(8)}-01")
        if "x-request-id" not in fields:
            fields = fields.with_line("X-Request-Id", _number(16))
        return await self.next(request if fields is request.fields else request.replace(fields=fields))


class TraceHostsStage:
    """Around each hop: takes the fields away where they are not to go."""

    __slots__ = ("hosts", "next")

    def __init__(self, hosts: Collection[str], next: Stage) -> None:
        """`hosts`: names in lower case; one with a dot before it stands for all hosts below it."""
        self.hosts = hosts
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        if not goes_to(self.hosts, request.url.host):
            request = request.replace(fields=request.fields.without(TRACE_FIELDS))
        return await self.next(request)


def goes_to(hosts: Collection[str], host: str) -> bool:
    """Whether trace fields may go to `host`: it is one of `hosts`, or below one that begins with a dot."""
    labels = host.lower().split(".")
    return host.lower() in hosts or any("." + ".".join(labels[start:]) in hosts for start in range(1, len(labels)))


def _number(size: int) -> str:
    """`size` random bytes in hex, not all of them zero."""
    return (os.urandom(size - 1) + b"\1").hex()

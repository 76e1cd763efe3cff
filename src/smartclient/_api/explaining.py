"""`response.explain()`: what was decided in a call, in the order in which it was; found out when it is asked for.

Nothing is kept for it: the facts are those that the replies have anyway.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from .._model.declared import NamedTuple
from .._model.masking import masked_value
from .._model.message import Reply
from .._rules.cookies import Refusal, accept
from .._rules.negotiation import Dimension, negotiated
from .request import attempts_of, timings_of

_PLACES = {"network": "network", "cache": "cache", "revalidated": "cache, confirmed by the server"}


class Step(NamedTuple):
    """One decision.

    Attributes:
        topic: "request", "hsts", "cookies", "auth", "negotiation", "cache", "attempts", "connection", "answer" or
            "redirect".
        text: what was decided and why, in one line without secrets.
        facts: the same as data.
    """

    topic: str
    text: str
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.topic}: {self.text}"


class Explanation(tuple[Step, ...]):
    """The steps of a call, hop by hop; `str()` has one in each line."""

    __slots__ = ()

    def of(self, topic: str) -> list[Step]:
        """The steps about `topic`."""
        return [step for step in self if step.topic == topic]

    def __str__(self) -> str:
        return "\n".join(map(str, self))


def explained(reply: Reply, seconds: float | None) -> Explanation:
    """What was decided on the way to `reply`, whose head came after `seconds`; None where there were other hops."""
    return Explanation(step for hop in (*reply.history, reply) for step in _steps(hop, reply, seconds))


def _steps(hop: Reply, last: Reply, seconds: float | None) -> Iterator[Step]:
    request = hop.request
    yield Step("request", f"{request.method} {request.url.safe}", {"method": request.method, "url": request.url.safe})
    if request.options.secured:
        yield Step("hsts", "http became https, as the host has asked for (RFC 6797)", {"url": request.url.safe})
    yield from _cookies_sent(hop)
    yield from _credentials(hop)
    if hop is last:
        yield from _negotiation(hop)
    if hop.cache is not None:
        decision = hop.cache
        kept = "" if decision.why_not_stored is None else f"; not stored: {decision.why_not_stored}"
        yield Step("cache", f"{decision.status}: {decision.reason} ({decision.rule}){kept}", {"decision": decision})
    attempts = attempts_of(hop, seconds)
    for number, attempt in enumerate(attempts, 1):
        yield Step("attempts", f"{number} of {len(attempts)}: {attempt}", {"attempt": attempt})
    yield from _connection(hop, seconds)
    yield Step("answer", f"{hop.head.status} from the {_PLACES[hop.provenance]}", {"status": hop.head.status})
    yield from _cookies_set(hop)
    if hop is not last:
        location = masked_value("location", hop.head.fields.get("location", ""))
        yield Step("redirect", f"followed to {ascii(location)[1:-1]}", {"location": location})


def _cookies_sent(hop: Reply) -> Iterator[Step]:
    field = hop.request.fields.get("cookie")
    if field is not None:
        names = [pair.partition("=")[0].strip() for pair in field.split(";")]
        yield Step("cookies", f"sent {', '.join(names)}", {"sent": names})


def _credentials(hop: Reply) -> Iterator[Step]:
    field = hop.request.fields.get("authorization")
    if field is not None:
        scheme = field.partition(" ")[0] if " " in field else "unknown"
        yield Step("auth", f"sent credentials of the scheme {ascii(scheme)[1:-1]}", {"scheme": scheme})


def _negotiation(hop: Reply) -> Iterator[Step]:
    found = negotiated(hop.request, hop.head)
    dimensions: dict[str, Dimension] = found._asdict()
    for name, dimension in dimensions.items():
        if dimension.asked is not None or dimension.got is not None:
            asked = "anything" if dimension.asked is None else ascii(dimension.asked)[1:-1]
            got = "nothing said" if dimension.got is None else ascii(dimension.got)[1:-1]
            verdict = f"welcome, weight {dimension.quality:g}" if dimension.matched else "not what was asked for"
            yield Step("negotiation", f"{name}: asked for {asked}, got {got}: {verdict}", {name: dimension})


def _connection(hop: Reply, seconds: float | None) -> Iterator[Step]:
    connection = hop.connection
    if connection is None:
        return
    timings = timings_of(hop, seconds)
    how = "kept-alive" if timings.reused else "new"
    proxy = hop.request.options.proxy
    address = connection.address
    place = f"{address[0]} port {address[1]}" if isinstance(address, tuple) else str(address)
    handshake = connection.handshake
    facts = {"address": address, "timings": timings, "proxy": None if proxy is None else str(proxy)}
    facts |= {"tls": None if handshake is None else handshake.version, "version": hop.head.version}
    parts = [f"{how}, to {place}", hop.head.version]
    if proxy is not None:
        parts.append(f"through {proxy}")
    if handshake is not None:
        parts.append(f"{handshake.version}{'' if handshake.verified else ', NOT verified'}")
    yield Step("connection", ", ".join(parts), facts)


def _cookies_set(hop: Reply) -> Iterator[Step]:
    head = hop.network_head or (hop.head if hop.provenance == "network" else None)
    if head is None:
        return
    now = time.time()
    for line in head.fields.getlist("set-cookie"):
        verdict = accept(line, hop.request.url, now)
        name = ascii(line.partition("=")[0].strip()[:80])[1:-1]
        if isinstance(verdict, Refusal):
            text = f"{name} refused: {verdict.reason} ({verdict.rule})"
        else:
            text = f"{name} taken for {verdict.domain}{verdict.path}"
        yield Step("cookies", text, {"name": name, "refusal": verdict if isinstance(verdict, Refusal) else None})

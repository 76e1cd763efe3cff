"""Spans of OpenTelemetry: one for each request that is sent, by the semantic conventions for HTTP clients (stable).

Retries and redirects have spans of their own, side by side under the span of the caller. A span ends with the head of
the answer, or with the failure.
"""

from collections.abc import Collection
from typing import Any

from .._model.headers import fields_from
from .._model.masking import masked
from .._model.message import Reply
from .._model.observer import Observer
from .._model.request import Request
from .._pipeline.stage import Stage
from .._pipeline.trace import goes_to
from .._version import __version__

# RFC 9110 section 9, RFC 5789, RFC 10008: others are "_OTHER", so that no peer's or caller's words become names.
_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
UNTOLD = Observer(lambda event: None)
"""Makes a session observed, so that the exchanges of a call are counted."""


class SpanStage:
    """Around one exchange: its span, whose context goes along in the fields of the global propagator."""

    __slots__ = ("_hosts", "_inject", "_next", "_trace", "_tracer")

    def __init__(self, provider: Any, hosts: Collection[str] | None, next: Stage) -> None:
        """`provider` is a tracer provider, None for the global one; `hosts` are those that get the fields, None all."""
        from opentelemetry import propagate, trace

        self._trace = trace
        self._tracer = trace.get_tracer("smartclient", __version__, provider)
        self._inject = propagate.inject
        self._hosts = hosts
        self._next = next

    async def __call__(self, request: Request) -> Reply:
        known = request.method in _METHODS
        span = self._tracer.start_span(
            request.method if known else "HTTP",
            kind=self._trace.SpanKind.CLIENT,
            attributes=_attributes_of(request, known),
        )
        try:
            reply = await self._next(self._with_context(request, span))
        except BaseException as error:
            name = type(error).__name__
            span.set_attribute("error.type", name)
            span.set_status(self._trace.StatusCode.ERROR, name)
            raise
        else:
            self._tell_answer(span, reply)
        finally:
            span.end()
        return reply

    def _with_context(self, request: Request, span: Any) -> Request:
        if self._hosts is not None and not goes_to(self._hosts, request.url.host):
            return request
        carrier: dict[str, str] = {}
        self._inject(carrier, self._trace.set_span_in_context(span))
        notes, fields = request.notes, request.fields
        for name, value in fields_from(carrier):  # propagators may be anybody's
            fields = fields.replace(name, value)
        request = request.replace(fields=fields, fresh=request.fresh)
        request.notes = notes
        return request

    def _tell_answer(self, span: Any, reply: Reply) -> None:
        status = reply.head.status
        span.set_attribute("http.response.status_code", status)
        span.set_attribute("network.protocol.version", reply.head.version.removeprefix("HTTP/"))
        address = None if reply.connection is None else reply.connection.address
        if isinstance(address, tuple):
            span.set_attribute("network.peer.address", address[0])
            span.set_attribute("network.peer.port", address[1])
        if status >= 400:
            span.set_attribute("error.type", str(status))
            span.set_status(self._trace.StatusCode.ERROR)


def _attributes_of(request: Request, known: bool) -> dict[str, Any]:
    url = request.url
    attributes = {
        "http.request.method": request.method if known else "_OTHER",
        "server.address": url.host,
        "server.port": url.origin.port,
        "url.full": masked(str(url.with_userinfo("").with_fragment(""))),
        "url.scheme": url.scheme,
        "network.protocol.name": "http",
    }
    if not known:
        attributes["http.request.method_original"] = request.method[:80]
    if request.watch is not None and request.watch.exchanges > 1:
        attributes["http.request.resend_count"] = request.watch.exchanges - 1
    return attributes

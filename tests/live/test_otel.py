"""Spans of OpenTelemetry, by the semantic conventions for HTTP clients."""

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from loopback.clients import Client
from loopback.scripted import CUT, READ, ScriptedServer
from smartclient import RetryPolicy, otel
from smartclient.exceptions import InvalidHeader, ServerDisconnected

Scripted = Callable[..., ScriptedServer]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
MISSING = OK.replace(b"200 OK", b"404 No")


class Recorded:
    """A session whose spans are kept."""

    def __init__(self, client: Client, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.session = client.session(**options)
        self.inner = getattr(self.session, "inner", self.session)
        otel.instrument(self.inner, tracer_provider=self.provider)

    @property
    def spans(self) -> list[Any]:
        return list(self.exporter.get_finished_spans())


def traceparents(server: ScriptedServer) -> list[bytes]:
    lines = [line for request in server.requests for line in request.split(b"\r\n")]
    return [line.partition(b": ")[2] for line in lines if line.lower().startswith(b"traceparent:")]


def test_one_request(client: Client, scripted: Scripted) -> None:
    server = scripted([OK])
    recorded = Recorded(client)
    recorded.session.get(server.url.replace("//", "//user:secret@") + "/a?token=secret&b=1#c")
    (span,) = recorded.spans
    assert (span.name, span.kind, span.status.status_code) == ("GET", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "url.full": f"{server.url}/a?token=***&b=1",
        "url.scheme": "http",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": server.port,
    }
    context = span.get_span_context()
    field = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    assert traceparents(server) == [field.encode()]


def test_retries_and_redirects_are_spans_of_one_parent(client: Client, scripted: Scripted) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"
    server = scripted([READ, CUT], [redirect, OK])
    recorded = Recorded(client, retries=RetryPolicy(1, base=0.0), trace=True)
    recorded.session.get(server.url)
    failed, redirected, answered = recorded.spans
    assert [each.attributes.get("http.request.resend_count") for each in recorded.spans] == [None, 1, 2]
    assert failed.attributes["error.type"] == "ServerDisconnected"
    assert failed.status.status_code is StatusCode.ERROR
    assert [each.attributes["http.response.status_code"] for each in (redirected, answered)] == [302, 200]
    ids = [f"{each.get_span_context().span_id:016x}".encode() for each in recorded.spans]
    assert [each.split(b"-")[2] for each in traceparents(server)] == ids


def test_failures_and_statuses(client: Client, scripted: Scripted) -> None:
    recorded = Recorded(client, retries=0)
    recorded.session.request("BREW", scripted([MISSING]).url)
    with pytest.raises(ServerDisconnected):
        recorded.session.post(scripted([READ, CUT]).url)
    brewed, posted = recorded.spans
    assert (brewed.name, brewed.attributes["http.request.method"]) == ("HTTP", "_OTHER")
    assert brewed.attributes["http.request.method_original"] == "BREW"
    assert (brewed.attributes["error.type"], posted.attributes["error.type"]) == ("404", "ServerDisconnected")
    assert {each.status.status_code for each in recorded.spans} == {StatusCode.ERROR}


def test_propagator_cannot_smuggle_a_field(client: Client, scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opentelemetry.propagate.inject", lambda carrier, context: carrier.update({"X": "a\r\nY: b"}))
    server = scripted([OK])
    with pytest.raises(InvalidHeader, match="'X'"):
        Recorded(client).session.get(server.url)
    assert server.requests == []


def test_context_stays_with_its_hosts(client: Client, scripted: Scripted) -> None:
    server = scripted([OK, OK])
    recorded = Recorded(client, trace_hosts=["other.example"])
    recorded.session.get(server.url)
    assert (len(recorded.spans), traceparents(server)) == (1, [])
    otel.uninstrument(recorded.inner)
    recorded.session.get(server.url)
    assert len(recorded.spans) == 1

"""Spans of OpenTelemetry for the requests of a session; needs the extra `otel`."""

from functools import partial
from typing import TYPE_CHECKING, Any

from ._api.spans import SpanStage

if TYPE_CHECKING:
    from ._api.async_session import AsyncSession
    from ._api.session import Session

__all__ = ["instrument", "uninstrument"]


def instrument(session: "Session | AsyncSession", *, tracer_provider: Any = None) -> None:
    """Has each request that `session` sends recorded as a span, retries and redirects included.

    Spans follow the semantic conventions for HTTP clients, and their context goes along in `traceparent` and
    `tracestate`, to the session's `trace_hosts` where these are set. Secrets in URLs are ***.

    Args:
        session: may be in use; calls that begin later are recorded.
        tracer_provider: of OpenTelemetry; None for the global one.

    Raises:
        ImportError: OpenTelemetry is not installed.
    """
    import opentelemetry.trace  # noqa: F401  # told here, and not by the first call

    session._set_extra("_spans", partial(SpanStage, tracer_provider))


def uninstrument(session: "Session | AsyncSession") -> None:
    """Ends what `instrument` began."""
    session._set_extra("_spans", None)

"""What `on_event` is called with, and what responses, errors and events tell of attempts and times."""

from ._model.events import (
    CallEnded,
    CallStarted,
    ConnectionOpened,
    Event,
    Exchange,
    ExchangeEnded,
    HeadReceived,
    RateHeld,
    Redirected,
    RequestSent,
    Retried,
)
from ._model.retry import Attempt
from ._model.timings import Timings

__all__ = [
    "Attempt",
    "CallEnded",
    "CallStarted",
    "ConnectionOpened",
    "Event",
    "Exchange",
    "ExchangeEnded",
    "HeadReceived",
    "RateHeld",
    "Redirected",
    "RequestSent",
    "Retried",
    "Timings",
]

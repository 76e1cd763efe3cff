"""What every stage is: an async callable from a request to a reply, with the next stage inside it."""

from collections.abc import Awaitable, Callable

from .._model.message import Reply
from .._model.request import Request

Stage = Callable[[Request], Awaitable[Reply]]

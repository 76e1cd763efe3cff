"""Requests and responses, and the numbers that programs written for requests look up beside them."""

from typing import Any

from ._api.hooks import HookHolder as RequestHooksMixin
from ._api.payload import RequestEncodingMixin
from ._api.request import PreparedRequest, Request
from ._api.response import REDIRECT_STATI, Response
from ._elsewhere import found_elsewhere

DEFAULT_REDIRECT_LIMIT = 30
CONTENT_CHUNK_SIZE = 10 * 1024
ITER_CHUNK_SIZE = 512

__all__ = [
    "CONTENT_CHUNK_SIZE",
    "DEFAULT_REDIRECT_LIMIT",
    "ITER_CHUNK_SIZE",
    "REDIRECT_STATI",
    "PreparedRequest",
    "Request",
    "RequestEncodingMixin",
    "RequestHooksMixin",
    "Response",
]


def __getattr__(name: str) -> Any:
    return found_elsewhere(__name__, name)

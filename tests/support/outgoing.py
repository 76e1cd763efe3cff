"""What a call of a session would send, with nothing sent."""

from typing import Any
from unittest import mock

import pytest

from smartclient import Session
from smartclient._model.message import Reply
from smartclient._model.request import Request
from smartclient._pipeline.exchange import SyncExchangeStage


class Sent(Exception):
    """Ends a call with the request that would have gone out."""


def sent(session: Session, url: Any, **options: Any) -> Request:
    """The request that `session.get` would send."""

    async def exchange(stage: SyncExchangeStage, request: Request) -> Reply:
        raise Sent(request)

    with mock.patch.object(SyncExchangeStage, "__call__", exchange), pytest.raises(Sent) as caught:
        session.get(url, **options)
    request: Request = caught.value.args[0]
    return request

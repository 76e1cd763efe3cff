"""What `auth=` means: pairs, our own classes, and whatever callers write; never the field of an exchange.

Sources: RFC 7617 (basic); flows of callers are functions, or objects with `auth_flow`, as other clients have them.
"""

import inspect
import time
from collections.abc import Callable, Generator
from typing import Any

from .._model.auth import AuthBase
from .._model.basic import basic_credentials
from .._model.body import BytesReader
from .._model.errors import DeadlineExceeded, InvalidOption, SessionMisuse, shown
from .._model.message import Reply
from .._model.request import Request
from .._pipeline.auth import Waiting
from .._pipeline.bearer import BearerAuth
from .._pipeline.content import whole_content
from .._pipeline.digest import HTTPDigestAuth
from .._pipeline.stage import Stage, let_go
from .._runtime.base import OutOfTime
from .options import checked_pair
from .proxies import AUTHORIZATION, with_authorization
from .request import PreparedRequest, prepared_from
from .request import Request as CallersRequest
from .response import AsyncResponse, Response
from .stages import changed

_CHALLENGES = (401, 407)


class HTTPBasicAuth(AuthBase):
    """User name and password in every request (RFC 7617), text in UTF-8; the same as a (user, password) pair."""

    __hash__ = None  # type: ignore[assignment]  # its attributes may be set

    def __init__(self, username: Any, password: Any) -> None:
        self.username = username
        self.password = password

    def __call__(self, r: Any) -> Any:
        r.headers["Authorization"] = basic_auth_text(self.username, self.password)
        return r

    def __eq__(self, other: object) -> bool:
        mine = (self.username, self.password)
        return mine == (getattr(other, "username", None), getattr(other, "password", None))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class HTTPProxyAuth(HTTPBasicAuth):
    """User name and password for the proxy of a request; nobody else gets them."""

    def __call__(self, r: Any) -> Any:
        r.headers["Proxy-Authorization"] = basic_auth_text(self.username, self.password)
        return r


def basic_auth_text(username: Any, password: Any) -> str:
    """The value of an Authorization field, "Basic ..."; text in UTF-8."""
    return basic_credentials(checked_pair((username, password)))


def auth_object(value: Any, *, on_loop: bool) -> Any:
    """What `auth=` means when it is no pair: an `_pipeline.auth.Auth`, or the pair that it amounts to.

    Raises:
        InvalidOption: nothing that can be called.
    """
    if type(value) is HTTPBasicAuth:
        return checked_pair((value.username, value.password))
    if isinstance(value, HTTPDigestAuth | BearerAuth):
        return value
    if not callable(value) and not callable(getattr(value, "auth_flow", None)):
        raise InvalidOption("auth must be a (user, password) pair, or what can be called with a request")
    return CallerAuth(value, AsyncResponse if on_loop else Response)


class CallerAuth:
    """Credentials by a caller's code: `function(request)` that returns it, or that is a generator.

    A generator gives the requests to be sent and is given their responses: `response = yield request`. The last
    response is that of the call. Bodies of challenges (401, 407), and of responses to requests other than the call's
    own, have been read when the generator sees them.
    """

    __slots__ = ("_auth", "_response_class", "identity")

    def __init__(self, auth: Any, response_class: type[Response]) -> None:
        self._auth = auth
        self._response_class = response_class
        identity = getattr(auth, "identity", None)
        self.identity = identity if isinstance(identity, str) else None

    async def through(self, request: Request, send: Stage, runtime: Waiting, wall_clock: Callable[[], float]) -> Reply:
        """See `_pipeline.auth.Auth`."""
        prepared = prepared_from(request)
        made = getattr(self._auth, "auth_flow", self._auth)(prepared)
        if inspect.isawaitable(made):
            left = None if request.deadline == float("inf") else request.deadline - runtime.now()
            try:
                made = await runtime.within(left, made)
            except OutOfTime as error:
                raise DeadlineExceeded(f"{request.method} {request.url.safe}: no credentials in time") from error
        if inspect.isgenerator(made):
            try:
                return await self._run(made, request, prepared, send)
            finally:
                made.close()
        return await send(_taken_over(request, prepared if made is None else made))

    async def _run(self, flow: Generator[Any, Any, Any], request: Request, own: PreparedRequest, send: Stage) -> Reply:
        history: list[Reply] = []
        try:
            asked = next(flow)
        except StopIteration:
            raise SessionMisuse(f"auth: {shown(self._auth)} is a generator that gave no request") from None
        while True:
            started = time.monotonic()
            reply = await send(_taken_over(request, asked))
            try:
                content = None
                if asked is not own or reply.head.status in _CHALLENGES:
                    content = await whole_content(reply)
                response = self._response_class(reply, content, time.monotonic() - started)
                asked = flow.send(response)
            except StopIteration:
                if response._content is not False:  # the caller of the session is to find it, too
                    reply.body = reply.raw = BytesReader(response._content, reply.body.trailers)
                reply.history = (*history, *reply.history)
                return reply
            except BaseException:
                reply.body.abort()
                raise
            await let_go(reply)
            history += [*reply.history, reply]


def _taken_over(request: Request, prepared: Any) -> Request:
    """`request` with what a caller's code made of it; what it says to the proxy goes there, and nowhere else."""
    if isinstance(prepared, CallersRequest):
        prepared = prepared.prepare()
    request = changed(request, prepared, "auth made")
    to_proxy = request.fields.get(AUTHORIZATION)
    if to_proxy is None:
        return request
    fields, options = with_authorization(request.fields, request.options, to_proxy)
    return request.replace(fields=fields, options=options)

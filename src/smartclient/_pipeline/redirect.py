"""Follows redirects: sends the request on, asks the rules, frees the old body, keeps the history."""

from collections.abc import Callable

from .._model.errors import RequestException, TooManyRedirects
from .._model.message import Reply
from .._model.request import Request
from .._rules.redirect import next_request
from .stage import Stage, let_go


class RedirectStage:
    """One call may be several hops; each of them passes through all further stages."""

    __slots__ = ("next", "now")

    def __init__(self, now: Callable[[], float], next: Stage) -> None:
        """`now` gives monotonic seconds."""
        self.now = now
        self.next = next

    async def __call__(self, request: Request) -> Reply:
        reply = await self.next(request)
        if 300 <= reply.head.status <= 399 and request.options.allow_redirects:
            return await self._follow(request, reply)
        return reply

    async def _follow(self, request: Request, reply: Reply) -> Reply:
        history: list[Reply] = []  # challenges that were answered on the way included
        hops = 0
        while True:
            try:
                following = _next_hop(request, reply, hops=hops)
            except RequestException as error:
                reply.body.abort()
                reply.history = (*history, *reply.history)
                error.response = reply
                error.sent = "wholly"
                raise
            if following is None:
                reply.history = (*history, *reply.history)
                return reply
            await let_go(reply)
            history += [*reply.history, reply]
            reply.history = ()
            hops += 1
            request = following
            request.began = self.now()
            if request.watch is not None:
                from .._model.events import Redirected  # few sessions are observed

                request.watch.tell(Redirected, reply.head.status, request)
            reply = await self.next(request)


def _next_hop(request: Request, reply: Reply, *, hops: int) -> Request | None:
    # From the request as it came here: what stages below added (cookies, credentials) belongs to the old origin.
    if reply.request.url.scheme != request.url.scheme:  # https was demanded: that is where it was
        request = request.replace(url=reply.request.url)
    following = next_request(request, reply.head)
    limit = request.options.max_redirects
    if following is not None and hops >= limit:
        raise TooManyRedirects(f"Exceeded {limit} redirects.", sent="wholly")
    return following

"""What belongs to one origin and must never cross to another: cookies in and out, credentials, the way to it."""

from collections.abc import Callable, Iterable
from typing import Any

from .._model.basic import basic_credentials
from .._model.frozen import replace
from .._model.message import Reply
from .._model.request import Request
from .._rules.hsts import HSTSList
from .._rules.jar import Jar
from .._rules.proxy import routed
from .auth import Settled
from .stage import Stage


class OriginStage:
    """Chooses https and the proxy, adds Cookie and Authorization on the way down, keeps Set-Cookie on the way up.

    A field that the caller wrote by hand stays as it is, except that `auth=` beats Authorization, as in requests.
    """

    __slots__ = ("hsts", "jar", "next", "runtime", "wall_clock")

    def __init__(
        self,
        jar: Jar | None,
        wall_clock: Callable[[], float],
        next: Stage,
        runtime: Any = None,
        hsts: HSTSList | None = None,
    ) -> None:
        """`jar` and `hsts` are None where nothing of the kind is kept; `wall_clock` gives seconds since the epoch.

        `runtime` is an `auth.Waiting`, for credentials that take several exchanges.
        """
        self.jar = jar
        self.wall_clock = wall_clock
        self.next = next
        self.runtime = runtime
        self.hsts = hsts

    async def __call__(self, request: Request) -> Reply:
        jar = self.jar
        hsts = self.hsts
        if hsts is not None and hsts.hosts and hsts.covers(request.url, self.wall_clock):
            request = request.replace(url=request.url.over_tls, options=replace(request.options, secured=True))
        fields = request.fields
        options = request.options
        if options.proxies is not None:
            request = routed(request)
        auth = options.auth
        if auth is not None or request.url.raw_userinfo:
            if auth is None or type(auth) is tuple:
                fields = fields.replace("Authorization", basic_credentials(auth or request.url.userinfo))
            elif type(auth) is not Settled:
                settled = request.replace(options=replace(options, auth=Settled(auth.identity)))
                return await auth.through(settled, self, self.runtime, self.wall_clock)  # type: ignore[no-any-return]
        if (jar or options.cookies) and "cookie" not in fields:
            cookies = cookie_field(request, jar, self.wall_clock())
            if cookies:
                fields = fields.with_line("Cookie", cookies)
        reply = await self.next(request if fields is request.fields else request.replace(fields=fields))
        if jar is not None or hsts is not None:
            head = reply.network_head or (reply.head if reply.provenance == "network" else None)
            if head is not None:
                try:
                    if jar is not None and "set-cookie" in head.fields.index:
                        jar.store(request.url, head.fields.getlist("set-cookie"), self.wall_clock())
                    if hsts is not None and "strict-transport-security" in head.fields.index and _is_verified(reply):
                        hsts.learn(request.url, head.fields, self.wall_clock())
                except BaseException:  # of the caller's own policy of cookies: nobody above knows of this reply
                    reply.body.abort()
                    raise
        return reply


def cookie_field(request: Request, jar: Jar | None, now: float) -> str:
    """The Cookie field of `request`: the call's own cookies and, as far as they have other names, the jar's."""
    given = request.options.cookies
    cookies = [f"{name}={value}" for name, value in given]
    kept = jar.field_for(request.url, now) if jar else None
    if kept:
        cookies[:0] = _others(kept, given) if cookies else [kept]
    return "; ".join(cookies)


def _others(kept: str, given: Iterable[tuple[str, str]]) -> list[str]:
    """The pairs of a Cookie field whose names the call does not give itself."""
    names = {name for name, _ in given}
    return [pair for pair in kept.split("; ") if pair.partition("=")[0] not in names]


def _is_verified(reply: Reply) -> bool:
    """Whether the answer came over TLS, from whom its certificate names."""
    handshake = getattr(reply.connection, "handshake", None)
    return handshake is not None and handshake.verified and reply.request.url.scheme == "https"

"""Redirects on the long way: the rules of `_rules.redirect`, with the methods of a session that may be overridden."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._model.errors import RequestException, TooManyRedirects
from .._model.frozen import replace
from .._model.headers import Fields
from .._model.message import Head
from .._model.redirects import DEFAULT_REDIRECTS
from .._model.request import Request
from .._model.url import URL
from .._pipeline.origin import cookie_field
from .._pipeline.stage import let_go
from .._rules.proxy import proxy_for
from .._rules.redirect import REDIRECT_STATUSES, crosses_origin, location_of, next_request, strip_credentials
from .._runtime.base import run_blocking
from .adapting import Told, proxy_text
from .environment import environment
from .proxies import proxies_from
from .request import PreparedRequest, prepared_from
from .response import Response
from .translation import request_from

if TYPE_CHECKING:
    from .session import Session


def redirect_target(response: Any) -> str | None:
    """The text of the Location field of a redirect, in UTF-8 where it is that; None when `response` is none."""
    if not response.is_redirect:
        return None
    return location_of(Head(response.status_code, Fields([("Location", str(response.headers["location"]))])))


def should_strip(old_url: str, new_url: str) -> bool:
    """Whether credentials stay behind."""
    return crosses_origin(URL.parse(old_url), URL.parse(new_url))


def proxies_for(url: str, proxies: Any, trust_env: bool) -> dict[str, Any]:
    """`proxies` with the one that serves `url`, where the environment names it."""
    target = URL.parse(url)
    known = proxies_from(None, proxies, environment()[0] if trust_env else None)
    proxy = None if known is None else proxy_for(known, target)
    found = dict(proxies or {})
    if proxy is not None:
        found.setdefault(target.scheme, proxy_text(proxy))
    return found


def strip(prepared: Any) -> None:
    """Takes every credential out of `prepared`."""
    made = getattr(prepared, "_made_of", None)
    names = DEFAULT_REDIRECTS.credentials if made is None else made.options.redirects.credentials
    for name in [name for name in prepared.headers if name.lower() in names]:
        del prepared.headers[name]
    if made is not None:
        _, options = strip_credentials(made.fields, made.options)
        prepared._made_of = made.replace(options=options)


def following_responses(
    session: "Session", response: Any, prepared: Any, told: Told, yield_requests: bool, more: dict[str, Any]
) -> Iterator[Any]:
    """The responses after `response`, which answered `prepared`, or the requests that would be sent for them."""
    told, hops = told._replace(proxies=dict(told.proxies or {})), 0
    while (target := session.get_redirect_target(response)) is not None:
        sent = getattr(prepared, "_sent_as", None) or request_from(prepared, Request("GET", URL.parse(prepared.url)))
        try:
            following = _following(session, sent, prepared, response, target)
            if hops >= sent.options.max_redirects:
                raise TooManyRedirects(f"Exceeded {sent.options.max_redirects} redirects.", sent="wholly")
        except RequestException as error:
            response.close()
            error.response, error.request, error.sent = response, response.request, "wholly"
            raise
        hops += 1
        if _decides(session, "rebuild_proxies"):
            told = told._replace(proxies=session.rebuild_proxies(following, told.proxies))
        session.rebuild_auth(following, response)
        _add_cookies(session, following)
        if yield_requests:
            yield following
            response = None
            return
        status = response.status_code
        if isinstance(response, Response) and response._content is False:
            run_blocking(let_go(response._reply))
            response._content, response._content_consumed = b"", True
        if sent.watch is not None:
            from .._model.events import Redirected  # few sessions are observed

            sent.watch.tell(Redirected, status, following._made_of)
        following._follows = True
        following._deadline = sent.deadline
        prepared = following
        response = session.send(following, **told._asdict(), allow_redirects=False, **more)
        yield response


def _following(session: "Session", sent: Request, prepared: Any, response: Any, target: str) -> PreparedRequest:
    """The request for `target`, cookies left out, credentials only where a method of the caller's decides on them."""
    own_cookies = prepared._own_cookies
    if own_cookies and sent.fields.get("cookie") == own_cookies:
        sent = sent.replace(fields=sent.fields.without(("cookie",)))
    status = response.status_code if response.status_code in REDIRECT_STATUSES else 302
    made = next_request(sent, Head(status, Fields([("Location", target)])))
    if made is None:  # "" means this very URL
        made = next_request(sent, Head(status, Fields([("Location", str(sent.url))])))
    assert made is not None
    if _decides(session, "rebuild_auth", "should_strip_auth"):
        credentials = sent.options.redirects.credentials
        missing = [line for line in sent.fields if line[0].lower() in credentials - made.fields.index.keys()]
        made.fields = Fields([*made.fields, *missing])
        made.options = replace(made.options, auth=sent.options.auth, cookies=sent.options.cookies)
    elif crosses_origin(sent.url, made.url):
        made.fields = made.fields.without(prepared._own_auth - {"content-length"})
    following = prepared_from(made)
    if _decides(session, "rebuild_method"):
        following.method = sent.method
        session.rebuild_method(following, response)
    following.hooks, following._own_auth = prepared.hooks, prepared._own_auth
    following._for, following._told = prepared._for, prepared._told
    return following


def _decides(session: "Session", *names: str) -> bool:
    from .long_way import is_replaced_method

    return any(is_replaced_method(session, name) for name in names)


def _add_cookies(session: "Session", following: PreparedRequest) -> None:
    made = following._made_of
    if made is None or "Cookie" in following.headers:
        return
    cookies = cookie_field(request_from(following, made), getattr(session, "_jar", None), time.time())
    if cookies:
        following.headers["Cookie"] = cookies
        following._own_cookies = cookies

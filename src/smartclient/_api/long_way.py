"""The long way of a call: prepared requests, adapters and hooks, as programs written for requests see and change them.

The stages of each hop are those of the short way but for the innermost, which is the adapter; redirects are followed
in `_api.redirects`. The options of the call travel with the prepared request.
"""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from weakref import ref

from .._model.basic import basic_credentials
from .._model.body import BytesReader
from .._model.declared import NamedTuple
from .._model.errors import InvalidOption, InvalidSchema, RequestException, shown
from .._model.frozen import replace
from .._model.message import Head, Reply
from .._model.request import Request as ModelRequest
from .._model.url import URL
from .._pipeline.auth import Settled
from .._pipeline.chain import build_hop
from .._pipeline.origin import cookie_field
from .._rules.jar import Jar
from .._runtime.base import run_blocking
from .adapting import AdapterStage, Told, changed_options
from .answers import dressed
from .call import perform
from .hooks import dispatch_hook, merge_hooks
from .options import NOT_GIVEN, RoutedOptions
from .proxies import AUTHORIZATION, with_authorization
from .request import PreparedRequest, Request, in_hand, prepared_from
from .response import Response
from .seams import is_own, is_replaced, takes_requests
from .translation import request_from

if TYPE_CHECKING:
    from .session import Session


class Call(NamedTuple):
    """The arguments of `Session.request` that a `Request` has no place for."""

    timeout: Any = NOT_GIVEN
    allow_redirects: bool = True
    proxies: Any = None
    stream: bool | None = None
    verify: Any = None
    cert: Any = None
    retries: Any = None
    cache: Any = NOT_GIVEN
    rare: Mapping[str, Any] = MappingProxyType({})


def perform_call(session: "Session", request: Request, call: Call) -> Response:
    """The response to a call whose steps somebody may see."""
    request._call = call
    prepared = session.prepare_request(request)
    made = getattr(prepared, "_made_of", None)
    if made is not None:
        prepared._deadline = made.deadline
    settings: dict[str, Any] = {}
    if is_replaced_method(session, "merge_environment_settings") or made is None:
        proxies, stream, verify, cert = call.proxies or {}, call.stream, call.verify, call.cert
        settings = session.merge_environment_settings(prepared.url, proxies, stream, verify, cert)
    else:
        told = _told_by(session, call)
        settings = {"stream": told.stream, "verify": told.verify, "cert": told.cert, "proxies": told.proxies}
    timeout = None if call.timeout is NOT_GIVEN else call.timeout
    arguments = {"timeout": timeout, "allow_redirects": call.allow_redirects, **settings}
    if not session.stages or made is None:
        return session.send(prepared, **arguments)
    return _through_stages(session, prepared, arguments)


def is_replaced_method(session: "Session", name: str) -> bool:
    """Whether the method `name` of `session` is not the house's."""
    return name in session.__dict__ or not is_own(type(session), name)


def _through_stages(session: "Session", prepared: PreparedRequest, arguments: dict[str, Any]) -> Response:
    from .stages import through

    def send(request: ModelRequest) -> Response:
        inner = prepared_from(request)
        inner.hooks, inner._own_cookies = prepared.hooks, prepared._own_cookies
        inner._for, inner._told, inner._own_auth = prepared._for, prepared._told, prepared._own_auth
        inner._deadline = request.deadline
        return session.send(inner, **arguments)

    made = prepared._made_of
    assert made is not None
    return through(session.stages, request_from(prepared, made), send)


def _told_by(session: "Session", call: Call) -> Told:
    return Told(
        bool(session.stream if call.stream is None else call.stream),
        None if call.timeout is NOT_GIVEN else call.timeout,
        session.verify if call.verify is None else call.verify,
        session.cert if call.cert is None else call.cert,
        {**(session.proxies or {}), **(call.proxies or {})},
    )


def prepared_by(session: "Session", request: Any) -> PreparedRequest:
    """`request` with the settings of `session`, and with the options of the call that it belongs to, if any."""
    call = getattr(request, "_call", None) or Call()
    auth = session.auth if request.auth is None else request.auth
    called = auth if session._blocking and takes_requests(auth) else None
    if not _is_http(request.url, session):
        return _prepared_for_adapter(session, request, auth)
    rare: Any = call.rare if call.proxies is None else {**call.rare, "proxies": call.proxies}
    made = session._request(
        request.method,
        request.url,
        request.params,
        request.data or None,
        request.headers or None,
        request.cookies,
        request.files or None,
        None if called is not None else request.auth,
        call.timeout,
        call.allow_redirects,
        call.stream,
        call.verify,
        call.cert,
        request.json,
        call.retries,
        call.cache,
        rare,
    )
    own_cookies = _complete(session, made, called is not None)
    if request.files and getattr(request, "_call", None) is None:
        made.body = in_hand(made.body)
    prepared = prepared_from(made)
    prepared.hooks = _copied(merge_hooks(request.hooks, session.hooks))
    prepared._given_cookies = request.cookies
    prepared._for, prepared._told = ref(session), _told_by(session, call)
    prepared._own_cookies = own_cookies
    if called is not None:
        before = frozenset(prepared.headers.lower_items())
        prepared.prepare_auth(called)
        prepared._own_auth = frozenset(name for name, _ in frozenset(prepared.headers.lower_items()) - before)
    return prepared


def _complete(session: "Session", made: ModelRequest, called: bool) -> str | None:
    """Puts credentials and cookies into a request, as far as they are known before it is sent; gives the cookies."""
    if called:
        made.options = replace(made.options, auth=None)
    elif type(made.options.auth) is tuple:
        made.fields = made.fields.replace("Authorization", basic_credentials(made.options.auth))
        made.options = replace(made.options, auth=None)
    elif made.options.auth is None and made.url.raw_userinfo:
        made.fields = made.fields.replace("Authorization", basic_credentials(made.url.userinfo))
    if "cookie" in made.fields:
        return None
    cookies = cookie_field(made, session._jar, time.time())
    if cookies:
        made.fields = made.fields.with_line("Cookie", cookies)
    return cookies


def _copied(hooks: Any) -> dict[str, Any]:
    return {event: list(each) if isinstance(each, list | tuple) else each for event, each in (hooks or {}).items()}


def _is_http(url: Any, session: "Session") -> bool:
    text = url if isinstance(url, str) else url.decode("utf-8", "replace") if isinstance(url, bytes) else str(url)
    scheme = text.lstrip().partition("://")[0].lower()
    if scheme in ("http", "https") or "://" not in text or not session._blocking:
        return True
    return not any(text.lstrip().lower().startswith(prefix.lower()) for prefix in session.adapters)


def _prepared_for_adapter(session: "Session", request: Any, auth: Any) -> PreparedRequest:
    """For schemes that only a mounted adapter knows: nothing of what it means is decided here."""
    prepared = PreparedRequest()
    from .sending import merge_setting

    prepared.prepare(
        method=request.method,
        url=request.url,
        headers=merge_setting(request.headers, session.headers),
        files=request.files,
        data=request.data,
        json=request.json,
        params=merge_setting(request.params, session.params),
        auth=auth,
        hooks=_copied(merge_hooks(request.hooks, session.hooks)),
    )
    return prepared


def adapter_for(adapters: Any, url: Any) -> Any:
    """The first of `adapters` whose prefix, in any case, `url` begins with.

    Raises:
        InvalidSchema: there is none.
    """
    lower = str(url).lower()
    for prefix, adapter in adapters.items():
        if lower.startswith(prefix.lower()):
            return adapter
    raise InvalidSchema(f"No connection adapters were found for {shown(lower.partition('?')[0])}")


def merged_settings(session: "Session", url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> dict[str, Any]:
    """What `Session.merge_environment_settings` of requests gives."""
    import os

    from .sending import merge_setting
    from .tls import ISSUERS

    if session.trust_env:
        from urllib.parse import urlsplit
        from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

        no_proxy = (proxies or {}).get("no_proxy")
        host = urlsplit(url).netloc.rpartition("@")[2]
        bypassed = proxy_bypass_environment(host, {"no": no_proxy} if no_proxy else None)
        found = {} if bypassed else getproxies_environment()
        proxies = {**{name: each for name, each in found.items() if name != "no"}, **(proxies or {})}
        if verify is True or verify is None:
            verify = next(filter(None, map(os.environ.get, ISSUERS[:2])), verify)
    return {
        "proxies": merge_setting(proxies, session.proxies),
        "stream": merge_setting(stream, bool(session.stream)),
        "verify": merge_setting(verify, session.verify),
        "cert": merge_setting(cert, session.cert),
    }


def send(session: "Session", prepared: Any, arguments: dict[str, Any]) -> Response:
    """The response to `prepared`, with redirects followed and hooks called for each response."""
    if not isinstance(prepared, PreparedRequest):
        raise InvalidOption("You can only send PreparedRequests.")
    arguments.setdefault("stream", bool(session.stream))
    arguments.setdefault("verify", session.verify)
    arguments.setdefault("cert", session.cert)
    arguments.setdefault("proxies", dict(session.proxies or {}))
    allow_redirects = arguments.pop("allow_redirects", True)
    timeout_given = "timeout" in arguments
    told = Told(*(arguments.pop(name, None) for name in Told._fields))

    def answer(request: ModelRequest | None) -> Response:
        response = answered = _one_hop(session, prepared, request, told, arguments)
        try:
            response = dispatch_hook("response", prepared.hooks, response, **told._asdict(), **arguments)
        except BaseException:
            answered.close()
            raise
        if response is not answered:
            _keep_cookies(session, response)
        if allow_redirects and isinstance(response, Response):
            history = list(response.history)
            for following in session.resolve_redirects(response, prepared, **told._asdict(), **arguments):
                history.append(response)
                response = following
                response.history = list(history)
        return response

    request = made_ready(session, prepared, told, timeout_given) if _is_on_the_web(prepared) else None
    response = answer(request) if request is None or prepared._follows else _as_one_call(session, request, answer)
    if not told.stream and not (prepared._follows and response.is_redirect):
        response.content  # noqa: B018, it is read here
    return response


def _is_on_the_web(prepared: PreparedRequest) -> bool:
    return str(prepared.url).lower().startswith(("http://", "https://"))


def _as_one_call(session: "Session", request: ModelRequest, answer: Callable[[ModelRequest], Response]) -> Response:
    """What `answer` gives for `request`: one call to those who observe it, however many redirects are followed."""
    found: list[Response] = []

    async def whole(given: ModelRequest) -> Reply:
        response = answer(given)
        found.append(response)
        reply: Reply = getattr(response, "_reply", None) or Reply(Head(200), BytesReader(b""), given)  # of a hook
        return reply

    async def call() -> None:
        await session._extras().around_call(whole, session._open_together().runtime)(request)

    run_blocking(call())
    return found[0]


def _one_hop(
    session: "Session", prepared: PreparedRequest, request: ModelRequest | None, told: Told, more: dict[str, Any]
) -> Response:
    """The response to one request, no redirect followed and its body not read.

    `request` is what the stages get for `prepared`, None for schemes that only its adapter knows; `more` is for
    adapters of others.
    """
    adapter = session.get_adapter(url=prepared.url)
    if request is None:
        return _elsewhere(adapter, prepared, told, more)
    prepared._sent_as = request
    if is_replaced(adapter) and request.options.cache is not None:
        request = request.replace(options=replace(request.options, cache=None))
    stage = AdapterStage(adapter, prepared, request, told, more)
    hop = build_hop(
        stage,
        together=session._open_together(),
        wall_clock=time.time,
        jar=None if session._jar is None else OnlyKeeping(session._jar),  # type: ignore[arg-type]
        caching=session._caching,
        hsts=session._hsts,
        extras=session._extras(),
        again=False,
    )
    try:
        response = run_blocking(perform(hop, request, Response, whole=False))
    except RequestException as error:
        error.request = stage.sent
        raise
    return dressed(response, stage.answer, stage.sent, adapter)


def made_ready(session: Any, prepared: PreparedRequest, told: Told, timeout_given: bool) -> ModelRequest:
    """What the stages are given for `prepared`, with its time running."""
    deadline, prepared._deadline = prepared._deadline, None
    made = prepared._made_of
    if made is None or prepared._for is None or prepared._for() is not session:
        made = _bare(session, prepared, told, timeout_given)
    else:
        made = made.replace(options=changed_options(made.options, prepared._told, told))
    request = request_from(prepared, made)
    if request.options.auth is None and request.url.raw_userinfo:  # what is prepared has its credentials, or wants none
        request.options = replace(request.options, auth=Settled(None))
    if AUTHORIZATION in request.fields and request.options.proxies is not None:
        to_proxy = request.fields.get(AUTHORIZATION)
        request.fields, request.options = with_authorization(request.fields, request.options, to_proxy)
    total = request.options.timeout.total
    started = time.monotonic()
    request.deadline = deadline if deadline is not None else float("inf") if total is None else started + total
    return request


def _bare(session: "Session", prepared: PreparedRequest, told: Told, timeout_given: bool) -> ModelRequest:
    """A request with the options that one has which no session has prepared."""
    timeout = told.timeout if timeout_given else NOT_GIVEN
    nothing = (None, None, None, None, None)
    rare: RoutedOptions = {"proxies": told.proxies} if told.proxies else {}
    made = session._request(
        "GET",
        prepared.url,
        *nothing,
        None,
        timeout,
        True,
        told.stream,
        told.verify,
        told.cert,
        None,
        None,
        NOT_GIVEN,
        rare,
    )
    made.options = replace(made.options, auth=getattr(prepared, "_auth_object", None), cookies=())
    return made


class OnlyKeeping:
    """A jar that takes what responses set, and adds nothing to requests: what they send is in them already."""

    def __init__(self, jar: Jar) -> None:
        self.store = jar.store

    def __bool__(self) -> bool:
        return False


def _keep_cookies(session: "Session", response: Any) -> None:
    """Those of responses that hooks have come by on their own."""
    if session._jar is None or not isinstance(response, Response):
        return
    for each in (*response.history, response):
        lines = each._reply.head.fields.getlist("set-cookie")
        if lines and each.url:
            session._jar.store(URL.parse(each.url), lines, time.time())


def _elsewhere(adapter: Any, prepared: PreparedRequest, told: Told, more: dict[str, Any]) -> Response:
    """What an adapter answers for a URL of a scheme of its own."""
    from .adapting import reply_of
    from .answers import our_error

    stand_in = ModelRequest(str(prepared.method), URL.parse("http://localhost/"))
    started = time.monotonic()
    try:
        answer = adapter.send(prepared, **told._asdict(), **more)
    except Exception as error:
        ours = our_error(error)
        if ours is None:
            raise
        raise ours from error
    response = Response(reply_of(answer, stand_in), None, time.monotonic() - started)
    response.url = prepared.url
    return dressed(response, answer, prepared, adapter)

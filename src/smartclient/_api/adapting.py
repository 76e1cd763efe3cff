"""How a request gets through an adapter: ours goes on to the inner stages, another's answer becomes a reply.

The adapter's `send` is looked up in every call, so that whoever replaced it is heard.
"""

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .._model.body import BodyReader, BytesReader
from .._model.declared import NamedTuple
from .._model.errors import InvalidHeader, InvalidOption, RemoteProtocolError, RequestException, shown
from .._model.frozen import replace
from .._model.headers import NO_FIELDS, Fields, fields_from
from .._model.message import Head, Reply
from .._model.options import DEFAULT_TIMEOUT, Options, Reach
from .._model.proxy import Proxy
from .._model.request import Request
from .._model.url import URL
from .._net.transport import SyncTransport
from .._pipeline.content import ContentStage
from .._pipeline.exchange import SyncExchangeStage
from .._pipeline.observe import ObservedExchange
from .._pipeline.retry import RetryStage
from .._rules.budget import RetryBudget
from .._runtime.base import new_lock, run_blocking
from .adapters import HTTPAdapter, headers_of
from .answers import our_error
from .foreign_retry import rule_from
from .options import timeout_from
from .proxies import proxies_from
from .raw import FileReader
from .request import PreparedRequest, prepared_from
from .response import Response
from .tls import tls_from
from .translation import request_from

if TYPE_CHECKING:
    from .session import Session

_NOT_HEEDED = ("assert_fingerprint", "assert_hostname", "ca_certs", "ca_cert_dir", "ca_cert_data", "cert_file")


class Told(NamedTuple):
    """The keywords of an adapter's `send`, which say again, in requests' words, what the options of the call say."""

    stream: Any
    timeout: Any
    verify: Any
    cert: Any
    proxies: Any


def changed_options(options: Options, said: Told, now: Told) -> Options:
    """`options`, of which `said` told, with what `now` says differently; a timeout of None says nothing."""
    changes: dict[str, Any] = {}
    if bool(now.stream) != bool(said.stream):
        changes["stream"] = bool(now.stream)
    if now.timeout is not None and now.timeout != said.timeout:
        changes["timeout"] = timeout_from(now.timeout)
    if now.verify is not said.verify or now.cert is not said.cert:
        changes["tls"] = tls_from(now.verify, now.cert)
    if (now.proxies or {}) != (said.proxies or {}):
        environment = options.proxies and options.proxies.environment
        changes["proxies"] = proxies_from(None, now.proxies, environment)
    return replace(options, **changes) if changes else options


NOTHING_TOLD = Told(False, None, True, None, None)


def answer_through(adapter: HTTPAdapter, prepared: Any, told: Told) -> Response:
    """What an adapter of ours answers: over the connections of its session, or its own."""
    adapter.add_headers(prepared, **told._asdict())
    base, deadline = getattr(prepared, "_made_of", None), getattr(prepared, "_deadline", None)
    if base is None:
        base = Request("GET", URL.parse(prepared.url), options=Options(timeout=DEFAULT_TIMEOUT))
    options = changed_options(base.options, getattr(prepared, "_told", None) or NOTHING_TOLD, told)
    options = _with_settings_of(adapter, options)
    request = request_from(prepared, base.replace(options=options))
    started = request.began = time.monotonic()
    total = options.timeout.total
    request.deadline = deadline if deadline is not None else float("inf") if total is None else started + total
    try:
        reply = run_blocking(_stages_of(adapter)(request))
    except RequestException as error:
        error.elapsed = time.monotonic() - started
        error.request = prepared
        raise
    response = Response(reply, None, time.monotonic() - started)
    response.__dict__.update(request=prepared, connection=adapter)
    return response


def _with_settings_of(adapter: HTTPAdapter, options: Options) -> Options:
    """`options` with what the adapter says of retries and, as far as we can heed it, of connections."""
    retries = getattr(adapter.max_retries, "given", adapter.max_retries)
    keywords: dict[str, Any] = getattr(adapter.poolmanager, "connection_pool_kw", {})
    known, by_retries, by_keywords, changed = adapter._changed
    if known is options and by_retries is retries and by_keywords == keywords:
        return changed  # type: ignore[no-any-return]
    changed = _changed_by(retries, keywords, options)
    adapter._changed = (options, retries, dict(keywords), changed)
    return changed


def _changed_by(retries: Any, keywords: dict[str, Any], options: Options) -> Options:
    changes: dict[str, Any] = {} if retries is None else {"retries": rule_from(retries)}
    if keywords:
        for name in _NOT_HEEDED:
            if keywords.get(name) is not None:
                raise InvalidOption(f"init_poolmanager({name}=) is not supported; give an ssl_context that says it")
        if keywords.get("ssl_context") is not None:
            changes["tls"] = tls_from(keywords["ssl_context"], None)
        if keywords.get("source_address") is not None:
            host, port = keywords["source_address"]
            changes["reach"] = Reach({}, local_address=(host, port))
    return replace(options, **changes) if changes else options


def _stages_of(adapter: HTTPAdapter) -> ContentStage:
    home: Session | None = adapter._home() if adapter._home is not None else None
    if home is not None:
        return ContentStage(home._open_inner())
    pool = adapter._own_pool()
    exchange = ObservedExchange(pool.runtime.now, SyncExchangeStage(SyncTransport(pool), pool.runtime))
    return ContentStage(RetryStage(pool.runtime, time.time, RetryBudget(new_lock()), exchange))


class AdapterStage:
    """The innermost stage of a hop that goes through an adapter.

    Attributes:
        sent: the request that the adapter was given last.
        answer: what it answered; None before.
    """

    def __init__(
        self, adapter: Any, prepared: PreparedRequest, made: Request, told: Told, more: dict[str, Any]
    ) -> None:
        """`made` is what the stages above were given for `prepared`; `more`, what the adapter is told besides."""
        self.sent = prepared
        self.answer: Any = None
        self._adapter = adapter
        self._made = made
        self._told = told
        self._more = more

    async def __call__(self, request: Request) -> Reply:
        prepared = self.sent = self._for_adapter(request)
        prepared._made_of, prepared._told = request, self._told
        prepared._deadline = request.deadline
        told = self._told._asdict()
        if not isinstance(self._adapter, HTTPAdapter):
            told["proxies"] = _told_proxies(request, self._told.proxies)
        try:
            answer = self.answer = self._adapter.send(prepared, **told, **self._more)
        except Exception as error:
            ours = our_error(error)
            if ours is None:
                raise
            if ours.request is None:
                ours.request = prepared
            raise ours from error
        finally:
            prepared._deadline = None  # of this call, and nobody else's
        return reply_of(answer, request)

    def _for_adapter(self, request: Request) -> PreparedRequest:
        """The very object that was sent, unless stages between have changed what it says."""
        prepared, made = self.sent, self._made
        if (
            request.fields.lines == made.fields.lines
            and request.body is made.body
            and request.url is made.url
            and request.method == made.method
        ):
            return prepared
        copy = prepared_from(request)
        copy.hooks = prepared.hooks
        return copy


def _told_proxies(request: Request, proxies: Any) -> dict[str, Any]:
    """What adapters of others are to know of proxies: the environment's too, which ours find in the options."""
    proxy = request.options.proxy
    if proxy is None:
        return dict(proxies or {})
    return {**(proxies or {}), request.url.scheme: proxy_text(proxy)}


def proxy_text(proxy: Proxy) -> str:
    """The URL of a proxy, with its user and password."""
    if proxy.auth is None:
        return str(proxy)
    user, password = (quote(part, safe="") for part in proxy.auth)
    return f"{proxy.scheme}://{user}:{password}@{str(proxy).partition('://')[2]}"


def reply_of(answer: Any, request: Request) -> Reply:
    """What the stages above see of an adapter's answer.

    One of our own adapters', which nobody has touched, is what it was; any other has been decoded and is not stored.

    Raises:
        InvalidOption: it is no response.
    """
    if isinstance(answer, Response) and _is_untouched(answer):
        reply = answer._reply
        reply.body, reply.request = reply.raw, request
        return reply
    status = getattr(answer, "status_code", None)
    if not isinstance(status, int) or not callable(getattr(answer, "iter_content", None)):
        raise InvalidOption(f"an adapter must give a response with status_code and iter_content, not {shown(answer)}")
    reason = getattr(answer, "reason", None)
    head = Head(status, _fields_of(answer), reason if isinstance(reason, str) else "")
    reply = Reply(head, _Content(answer), request)
    reply.provenance, reply.network_head = "adapter", head
    if isinstance(answer, Response):
        reply.connection, reply.attempts = answer._reply.connection, answer._reply.attempts
    return reply


def _is_untouched(answer: Response) -> bool:
    headers = answer.__dict__.get("headers")
    return (
        answer._content is False
        and "_raw" not in answer.__dict__
        and answer.status_code == answer._reply.head.status
        and (headers is None or Fields(headers.multi_items()) == Fields(answer._reply.head.fields.lines))
    )


def _fields_of(answer: Any) -> Fields:
    """The fields of an adapter's answer, Set-Cookie lines apart where it has them so."""
    try:
        fields = fields_from({str(name): str(value) for name, value in (answer.headers or {}).items()})
        if "set-cookie" not in fields and not getattr(answer, "cookies", None):
            return fields
        lines = _set_cookie_lines(answer)
        if not lines:
            return fields
        return Fields([*fields.without(("set-cookie",)).lines, *(("Set-Cookie", line) for line in lines)])
    except InvalidHeader as error:
        raise RemoteProtocolError(f"the adapter's response: {error}", sent="wholly") from error


def _set_cookie_lines(answer: Any) -> list[str]:
    headers: Any = getattr(getattr(answer, "raw", None), "headers", None)
    if callable(getattr(headers, "getlist", None)) and (lines := headers.getlist("Set-Cookie")):
        return [str(line) for line in lines]
    cookies = getattr(answer, "cookies", None) or ()
    if hasattr(cookies, "items") and not all(hasattr(each, "domain") for each in cookies):
        return [f"{name}={value}" for name, value in cookies.items()]
    return [_set_cookie_line(cookie) for cookie in cookies]


def _set_cookie_line(cookie: Any) -> str:
    line = f"{cookie.name}={cookie.value}; Path={cookie.path}"
    if cookie.domain_specified and cookie.domain:
        line += f"; Domain={cookie.domain}"
    if cookie.expires is not None:
        line += f"; Max-Age={max(0, int(cookie.expires - time.time()))}"
    return line + ("; Secure" if cookie.secure else "")


class _Content:
    """The decoded content of an adapter's answer, as a body."""

    __slots__ = ("_answer", "_pieces", "trailers")

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self._pieces: Any = None
        self.trailers = NO_FIELDS

    async def read(self) -> bytes:
        try:
            if self._pieces is None:
                self._pieces = iter(self._answer.iter_content(2**16))
            return next(filter(None, self._pieces), b"")
        except Exception as error:
            ours = our_error(error)
            if ours is None:
                raise
            raise ours from error

    async def discard(self) -> None:
        self.abort()

    def abort(self) -> None:
        if callable(getattr(self._answer, "close", None)):
            self._answer.close()


def response_of(adapter: HTTPAdapter, prepared: Any, found: Any) -> Response:
    """A Response made of an object like urllib3's, which becomes its `raw`."""
    url = prepared.url.decode("utf-8") if isinstance(prepared.url, bytes) else prepared.url
    headers = headers_of(found)
    response = Response()
    response._reply.head.fields = Fields(headers.multi_items())
    response.status_code = getattr(found, "status", None)
    response.raw = found
    body: BodyReader = FileReader(found, decoded=True) if found is not None else BytesReader(b"")
    response._reply.body = body
    attributes = {"headers": headers, "reason": found.reason, "url": url, "request": prepared, "connection": adapter}
    response.__dict__.update(attributes)
    return response

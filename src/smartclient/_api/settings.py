"""What `Session` and `AsyncSession` share: the attributes users set, and how a call's keywords become a `Request`."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Never, TypeVar, Unpack

from .._codec.decoders import ACCEPT_ENCODING
from .._model.body import NO_BODY
from .._model.errors import InsecureRequestWarning, InvalidOption, URLRequired, shown
from .._model.headers import CREDENTIAL_FIELDS, NO_FIELDS, Fields, Headers, HeadersInput, fields_from
from .._model.options import DEFAULT_LIMITS, TLS, Limits, Options
from .._model.proxy import Environment, Proxies
from .._model.request import Request
from .._model.url import URL
from .._net.transport import is_patched
from .._pipeline.stage import Stage
from .._rules.jar import Jar
from .._rules.proxy import proxy_for
from .._runtime.base import new_lock
from .._store.base import Store
from .._version import __version__
from .cookies import cookie_pairs, jar_from
from .environment import ENVIRON, environment, is_silent
from .options import (
    NOT_GIVEN,
    CallOptions,
    RareOptions,
    auth_from,
    cache_mode,
    checked_count,
    checked_limits,
    checked_method,
    timeout_from,
    unknown_keyword,
    with_params,
    with_rare,
)
from .payload import FRAMING_FIELDS, body_from, body_with_progress, checked_framing
from .proxies import AUTHORIZATION, proxies_from, with_authorization
from .rare import Fixed, RareSettings
from .reach import reach_from
from .tls import tls_from, with_environment

if TYPE_CHECKING:
    import ssl

R = TypeVar("R")

_COMMON_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"))
GIVEN_FOR_GOOD = frozenset(("resolve", "unix_socket", "local_address", "transport"))
"""Options that a session cannot change: its connections were opened by them, or are not its own."""
USER_AGENT = f"smartclient/{__version__}"


def default_headers() -> Headers:
    """The fields that every session begins with."""
    return Headers(
        {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": ACCEPT_ENCODING,
            "Accept": "*/*",
            "Connection": "keep-alive",
        }
    )


class Settings(RareSettings):
    """Options of a session. Attributes may be changed at any time; calls made later see the change.

    Attributes:
        headers: fields of every call.
        cookies: the jar, kept between calls of this session; a mapping or another jar may be assigned.
        auth: (user, password), or None.
        params: appended to the query of every call.
        verify: True, False, the path of a trusted CA file or folder, a `TLS`, or an `ssl.SSLContext`, used as it is.
        cert: path of a client certificate, or (certificate, key) paths, or the same as PEM text.
        proxies: mapping from "http", "https", "all" or "scheme://host" to a proxy's URL; not used with `unix_socket`.
        trust_env: whether variables of the environment count: for proxies http_proxy, https_proxy, all_proxy and
            no_proxy, in either case; for trusted issuers REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE and
            SSL_CERT_DIR, in this order and unless `verify` was given; and SSLKEYLOGFILE.
        timeout: as in a call.
        max_redirects: hops at most.
        retries: further attempts at most.
        limits: of connections and bodies; read when the first connection is made.
        array_style: "repeat", "comma" or "brackets": what becomes of lists in `params`.

    Given once, for good:
        resolve: {host or "host:port": IP address or addresses}, or a function of host and port that gives them, or
            None for what the system says. TLS, Host and cookies keep the name. A plain function runs in a thread of
            its own; an AsyncSession takes an `async def` too. Through a proxy it is the proxy's name that counts.
        unix_socket: path of a Unix socket that all connections lead to, whatever the host.
        local_address: IP address, or (address, port), that connections go out from.
        transport: an object that exchanges requests for responses in the place of the session's own connections,
            such as a connection pool of httpcore. It stays the caller's, who closes it; how servers are reached is its
            business then, and so are `verify`, `cert` and `proxies`.
    """

    _handler: str  # the method that a transport must have

    def __init__(
        self,
        *,
        headers: HeadersInput = None,
        cookies: Any = (),
        auth: Any = None,
        params: Any = None,
        timeout: Any = NOT_GIVEN,
        verify: "bool | str | os.PathLike[str] | TLS | ssl.SSLContext | None" = None,
        cert: Any = None,
        trust_env: bool = True,
        resolve: Any = None,
        unix_socket: "str | os.PathLike[str] | None" = None,
        local_address: str | tuple[str, int] | None = None,
        stream: bool = False,
        max_redirects: int = 30,
        retries: int = 2,
        cache: Any = NOT_GIVEN,
        limits: Limits = DEFAULT_LIMITS,
        proxies: Any = None,
        transport: Any = None,
        base_url: Any = None,
        accept: Any = None,
        accept_language: Any = None,
        strict_accept: bool = False,
        array_style: str = "repeat",
        json_lib: Any = None,
        codecs: Any = None,
        stages: Any = (),
        **unknown: Never,
    ) -> None:
        if unknown:
            raise unknown_keyword(type(self).__name__, unknown, option_names())
        self._lock = new_lock()
        self._chain: Stage | None = None
        self._headers = Headers(fields_from(default_headers(), headers))
        self.base_url = base_url
        self._jar = jar_from(cookies, self._home_host)
        self.auth = auth
        self.params = params
        self.timeout = timeout
        self._verify = verify
        self.cert = cert
        self.trust_env = trust_env
        self.proxies = {} if proxies is None else proxies
        self._reach = reach_from(resolve, unix_socket, local_address)
        if self._reach is not None and self._reach.awaits and self._blocking:
            raise InvalidOption("resolve: a Session takes plain functions only, this one is to be awaited")
        if transport is not None and not callable(getattr(transport, self._handler, None)):
            raise InvalidOption(f"transport: a {type(transport).__name__} has no {self._handler}")
        self._transport = transport
        self.max_redirects = max_redirects
        self.retries = retries
        self.limits = checked_limits(limits)
        self.array_style = array_style
        self.stages = stages
        if accept is not None:
            self.accept = accept
        if accept_language is not None:
            self.accept_language = accept_language
        self._fixed = Fixed(bool(stream), bool(strict_accept))
        if json_lib is not None or codecs is not None:
            self._set_formats(json_lib, codecs)
        self._store: Store | None = None
        self._set_cache(cache)
        self._cache_implied = cache is NOT_GIVEN
        self._salt = os.urandom(16)
        self._forget_merged()

    def _forget_merged(self) -> None:
        self._fields: tuple[Headers, int, Fields] = (self._headers, -1, NO_FIELDS)
        self._merged: tuple[Any, Options] = (None, Options())
        self._environed: tuple[Any, Options] = (None, Options())

    @property
    def verify(self) -> Any:
        return True if self._verify is None else self._verify

    @verify.setter
    def verify(self, value: Any) -> None:
        self._verify = value

    def _set_cache(self, cache: Any) -> None:
        if cache_mode(cache) not in ("default", None):
            raise InvalidOption(f"cache: {shown(cache)} is a mode of one call; a session takes True, None or False")
        self._store = (self._store or _new_store()) if cache_mode(cache) else None

    @property
    def headers(self) -> Headers:
        return self._headers

    @headers.setter
    def headers(self, value: Any) -> None:
        self._headers = Headers(value)

    @property
    def cookies(self) -> Jar | None:
        return self._jar

    @cookies.setter
    def cookies(self, value: Any) -> None:
        with self._lock:
            self._jar = jar_from(value, self._home_host)
            self._chain = None  # the next call builds one around the new jar, over the same pool

    def _request(
        self,
        method: Any,
        url: Any,
        params: Any,
        data: Any,
        headers: HeadersInput,
        cookies: Any,
        files: Any,
        auth: Any,
        timeout: Any,
        allow_redirects: bool,
        stream: bool | None,
        verify: Any,
        cert: Any,
        json: Any,
        retries: int | None,
        cache: Any,
        rare: RareOptions,
    ) -> Request:
        """The request of a call, everything checked: what is wrong with it raises here, before any connection."""
        if type(method) is not str or method not in _COMMON_METHODS:
            method = checked_method(method)
        base = self._base
        if not url and base is None:
            raise URLRequired("a call needs a URL")
        target = URL.parse(url) if base is None else base.join(url)
        if self.params or params:
            target = with_params(target, self.params, params, rare.get("array_style") or self.array_style)
        fields = self._session_fields() if headers is None else fields_from(self._headers, headers)
        if cache is NOT_GIVEN and self._cache_implied and is_patched():
            cache = None  # what a mock answers is not to be seen by the next test
        about_proxies = about_tls = routing = to_proxy = None
        if self.trust_env and not (os.environ is ENVIRON and is_silent()):
            about_proxies, about_tls = environment()
        if about_proxies is not None or self.proxies or rare:
            routing = self._routing(rare.get("proxies"), about_proxies)
            to_proxy = routing and fields.get(AUTHORIZATION)
        options = self._options(auth, timeout, allow_redirects, stream, verify, cert, retries, cache, routing)
        if about_tls is not None:  # for http too: redirects lead to https
            options = self._in_environment(options, verify is None and self._verify is None, about_tls)
        if base is not None and target.origin != base.origin:
            fields = fields_from(self._session_fields().without(CREDENTIAL_FIELDS), headers)
            options = options if auth is not None else replace(options, auth=None)
        if to_proxy is not None:
            fields, options = with_authorization(fields, options, to_proxy)
        if rare:
            fields, options = with_rare(fields, options, rare)
        if cookies:
            options = replace(options, cookies=cookie_pairs(cookies, target, time.time()))
        if not options.tls.verify:
            _warn_insecure(target, options)
        total = options.timeout.total
        request = Request(method, target, fields, options=options)
        if total is not None:
            request.deadline = time.monotonic() + total
        if data is not None or json is not None or files:
            self._put_body(request, data, json, files)
        if headers is not None and not FRAMING_FIELDS.isdisjoint(fields.index):
            request.fields, request.body = checked_framing(request.fields, request.body)
        if rare and rare.get("progress") is not None:
            request.body = body_with_progress(request.body, rare["progress"])
        return request

    def _put_body(self, request: Request, data: Any, json: Any, files: Any) -> None:
        """Gives a request that is still being made its body, and the Content-Type unless the caller set one."""
        fields, formats, on_loop = request.fields, self._fixed.formats, not self._blocking
        if formats is None:
            request.body, said = body_from(data, json, files, on_loop=on_loop)
        else:
            request.body, said = formats.body_from(data, json, files, fields.get("content-type"), on_loop=on_loop)
        if said is not None and "content-type" not in fields:
            request.fields = fields.with_line("Content-Type", said)

    def _routing(self, given: Any, environment: Environment | None) -> Proxies | None:
        """What call, session and environment say of proxies."""
        if self._reach is not None and self._reach.unix_socket is not None:
            return None  # that socket stands for every host
        return proxies_from(self.proxies, given, environment)

    def _in_environment(self, options: Options, trust: bool, variables: tuple[Any, ...]) -> Options:
        """`options` with what the environment says of TLS; `trust` tells whether it may name the trusted issuers."""
        known, changed = self._environed
        key = (options, trust, variables)
        if known is None or known[0] is not options or known[1:] != key[1:]:
            changed = replace(options, tls=with_environment(options.tls, trust))
            self._environed = (key, changed)
        return changed

    def _session_fields(self) -> Fields:
        headers = self._headers
        known, version, fields = self._fields
        if known is not headers or version != headers.version:
            version = headers.version  # before the look: what another thread changes meanwhile is seen next time
            fields = fields_from(headers)
            if not FRAMING_FIELDS.isdisjoint(fields.index):
                fields, _ = checked_framing(fields, NO_BODY)  # a session's bodies have no length in common
            self._fields = (headers, version, fields)
        return fields

    def _options(self, *given: Any) -> Options:
        # Most calls ask for what the call before asked for: comparing is cheaper than merging.
        key: Any = (
            given,
            self.auth,
            self.timeout,
            self._fixed,
            self._verify,
            self.cert,
            self.max_redirects,
            self.retries,
            self.limits,
        )
        known, options = self._merged
        try:
            if known == key:
                return options
            hash(key)
        except Exception:  # arrays cannot be compared plainly; a list may change and still be equal to itself
            key = None
        options = self._merge(*given)
        self._merged = (key, options)
        return options

    def _merge(
        self,
        auth: Any,
        timeout: Any,
        allow_redirects: bool,
        stream: bool | None,
        verify: Any,
        cert: Any,
        retries: int | None,
        cache: Any,
        proxies: Proxies | None,
    ) -> Options:
        return Options(
            timeout=timeout_from(self.timeout if timeout is NOT_GIVEN else timeout),
            allow_redirects=bool(allow_redirects),
            max_redirects=checked_count("max_redirects", self.max_redirects),
            auth=auth_from(self.auth if auth is None else auth),
            tls=tls_from(self._verify if verify is None else verify, self.cert if cert is None else cert),
            reach=self._reach,
            stream=self._fixed.stream if stream is None else bool(stream),
            retries=checked_count("retries", self.retries if retries is None else retries),
            cache=cache_mode(cache),
            limits=checked_limits(self.limits),
            strict_accept=self._fixed.strict_accept,
            formats=self._fixed.formats,
            proxies=proxies,
        )


class StreamFlag(Generic[R]):
    """`session.stream`, which is requests' flag and our method: true or false, and callable."""

    __slots__ = ("_call", "_on")

    def __init__(self, on: bool, call: Callable[..., R]) -> None:
        self._on = on
        self._call = call

    def __call__(self, method: str, url: Any, **options: Unpack[CallOptions]) -> R:
        """A call whose response's body is not read yet."""
        return self._call(method, url, **options)

    def __bool__(self) -> bool:
        return self._on

    def __repr__(self) -> str:
        return repr(self._on)


def option_names() -> frozenset[str]:
    """The keywords that sessions take."""
    return frozenset(Settings.__init__.__kwdefaults__ or ())


def _new_store() -> Store:
    from .._store.memory import MemoryStore

    return MemoryStore()


def _warn_insecure(url: URL, options: Options) -> None:
    import warnings

    host = url.host
    if url.scheme != "https":
        proxy = proxy_for(options.proxies, url) if options.proxies is not None else None
        if proxy is None or proxy.scheme != "https":
            return  # no certificate on the way
        host = proxy.host
    warnings.warn(
        f"Unverified HTTPS request is being made to host '{host}'. Adding certificate verification is advised.",
        InsecureRequestWarning,
        stacklevel=5,
    )

"""What `Session` and `AsyncSession` share: the attributes users set, and how a call's keywords become a `Request`."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar, Unpack

from .._codec.decoders import ACCEPT_ENCODING
from .._model.body import NO_BODY
from .._model.errors import InsecureRequestWarning, InvalidOption, URLRequired, shown
from .._model.headers import NO_FIELDS, Fields, Headers, HeadersInput, fields_from, is_token
from .._model.options import DEFAULT_LIMITS, Limits, Options
from .._model.proxy import Proxies
from .._model.request import Request
from .._model.url import URL
from .._net.transport import is_patched
from .._pipeline.stage import Stage
from .._rules.jar import Jar
from .._rules.proxy import proxy_for
from .._store.base import Store
from .._version import __version__
from .cookies import cookie_pairs, jar_from
from .environment import proxy_environment
from .options import (
    NOT_GIVEN,
    CallOptions,
    auth_from,
    cache_mode,
    checked_count,
    timeout_from,
    tls_from,
    with_params,
)
from .payload import FRAMING_FIELDS, body_from, checked_framing
from .proxies import proxies_from, with_authorization

R = TypeVar("R")

_COMMON_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"))
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


class Settings:
    """Options of a session. Attributes may be changed at any time; calls made later see the change.

    Attributes:
        headers: fields of every call.
        cookies: the jar, kept between calls of this session; a mapping or another jar may be assigned.
        auth: (user, password), or None.
        params: appended to the query of every call.
        verify: True, False, or the path of a trusted CA file or folder.
        cert: path of a client certificate, or (certificate, key) paths.
        proxies: mapping from "http", "https", "all" or "scheme://host" to a proxy's URL.
        trust_env: whether the environment may name proxies.
        timeout: as in a call.
        max_redirects: hops at most.
        retries: further attempts at most.
        limits: of connections and bodies; read when the first connection is made.

    `transport` is an object that exchanges requests for responses in the place of the session's own connections, such
    as a connection pool of httpcore. It stays the caller's, who closes it; `verify`, `cert` and `proxies` are its
    business then.
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
        verify: bool | str | os.PathLike[str] = True,
        cert: Any = None,
        stream: bool = False,
        max_redirects: int = 30,
        retries: int = 2,
        cache: Any = NOT_GIVEN,
        limits: Limits = DEFAULT_LIMITS,
        proxies: Any = None,
        trust_env: bool = True,
        transport: Any = None,
    ) -> None:
        self._lock = threading.Lock()
        self._chain: Stage | None = None
        self._headers = Headers(fields_from(default_headers(), headers))
        self._jar = jar_from(cookies)
        self.auth = auth
        self.params = params
        self.timeout = timeout
        self.verify = verify
        self.cert = cert
        self.proxies = {} if proxies is None else proxies
        self.trust_env = trust_env
        if transport is not None and not callable(getattr(transport, self._handler, None)):
            raise InvalidOption(f"transport: a {type(transport).__name__} has no {self._handler}")
        self._transport = transport
        self._stream = bool(stream)
        self.max_redirects = max_redirects
        self.retries = retries
        self.limits = limits
        if cache_mode(cache) not in ("default", None):
            raise InvalidOption(f"cache: {shown(cache)} is a mode of one call; a session takes True, None or False")
        self._store: Store | None = _new_store() if cache_mode(cache) else None
        self._cache_implied = cache is NOT_GIVEN
        self._salt = os.urandom(16)
        self._fields: tuple[Headers, int, Fields] = (self._headers, -1, NO_FIELDS)
        self._merged: tuple[Any, Options] = (None, Options())

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
            self._jar = jar_from(value)
            self._chain = None  # the next call builds one around the new jar, over the same pool

    def _request(
        self,
        method: Any,
        url: Any,
        params: Any,
        data: Any,
        headers: HeadersInput,
        cookies: Any,
        auth: Any,
        timeout: Any,
        allow_redirects: bool,
        stream: bool | None,
        verify: Any,
        cert: Any,
        json: Any,
        retries: int | None,
        cache: Any,
        proxies: Any,
    ) -> Request:
        """The request of a call, everything checked: what is wrong with it raises here, before any connection."""
        if type(method) is not str or method not in _COMMON_METHODS:
            method = _checked_method(method)
        if not url:
            raise URLRequired("a call needs a URL")
        target = URL.parse(url)
        if self.params or params:
            target = with_params(target, self.params, params)
        fields = self._session_fields() if headers is None else fields_from(self._headers, headers)
        if cache is NOT_GIVEN and self._cache_implied and is_patched():
            cache = None  # what a mock answers is not to be seen by the next test
        environment = proxy_environment() if self.trust_env else None
        routing = proxies_from(self.proxies, proxies, environment) if environment or proxies or self.proxies else None
        options = self._options(auth, timeout, allow_redirects, stream, verify, cert, retries, cache, routing)
        if routing is not None:
            fields, options = with_authorization(fields, options)
        if cookies:
            options = replace(options, cookies=cookie_pairs(cookies, target, time.time()))
        if not options.tls.verify:
            _warn_insecure(target, options)
        total = options.timeout.total
        request = Request(method, target, fields, options=options)
        if total is not None:
            request.deadline = time.monotonic() + total
        if data is not None or json is not None:
            request.body, content_type = body_from(data, json)
            if content_type is not None and "content-type" not in fields:
                request.fields = fields.with_line("Content-Type", content_type)
        if headers is not None and not FRAMING_FIELDS.isdisjoint(fields.index):
            request.fields, request.body = checked_framing(request.fields, request.body)
        return request

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
        key = (
            given,
            self.auth,
            self.timeout,
            self._stream,
            self.verify,
            self.cert,
            self.max_redirects,
            self.retries,
            self.limits,
        )
        known, options = self._merged
        if known != key:
            options = self._merge(*given)
            try:
                hash(key)
            except TypeError:
                return options  # a list, say, may hold something else at the next call and still be equal
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
            tls=tls_from(self.verify if verify is None else verify, self.cert if cert is None else cert),
            stream=self._stream if stream is None else bool(stream),
            retries=checked_count("retries", self.retries if retries is None else retries),
            cache=cache_mode(cache),
            limits=self.limits,
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


def _new_store() -> Store:
    from .._store.memory import MemoryStore

    return MemoryStore()


def _checked_method(method: Any) -> str:
    text = method.decode("latin-1") if isinstance(method, bytes) else method
    if not isinstance(text, str) or not is_token(text):
        raise InvalidOption(f"method {shown(method)} is not a token (RFC 9110 section 9.1)")
    return text.upper()


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

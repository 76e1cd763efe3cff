"""What `Session` and `AsyncSession` share: the attributes users set, and how a call's keywords become a `Request`."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Never, TypeVar, Unpack

from .._model.errors import InvalidOption
from .._model.fields import ACCEPT_ENCODING
from .._model.headers import NO_FIELDS, Fields, Headers, HeadersInput, fields_from
from .._model.options import DEFAULT_LIMITS, TLS, Limits, Options
from .._model.retry import RetryPolicy
from .._pipeline.stage import Stage
from .._runtime.base import new_lock
from .._version import __version__
from .cache import CacheSettings, cache_of_session
from .cookies import jar_from
from .options import (
    NOT_GIVEN,
    CallOptions,
    checked_limits,
    unknown_keyword,
)
from .rare import Fixed, RareSettings
from .reach import own_way, reach_from

if TYPE_CHECKING:
    import ssl

R = TypeVar("R")

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


class Settings(RareSettings, CacheSettings):
    """Options of a session. Attributes may be changed at any time; calls made later see the change.

    Attributes:
        headers: fields of every call.
        cookies: the jar, kept between calls of this session; a mapping or another jar may be assigned.
        auth: (user, password), an object of `smartclient.auth`, a function of a request, or None.
        params: appended to the query of every call.
        verify: True, False, the path of a trusted CA file or folder, a `TLS`, or an `ssl.SSLContext`, used as it is.
        cert: path of a client certificate, or (certificate, key) paths, or the same as PEM text.
        proxies: mapping from "http", "https", "all" or "scheme://host" to a proxy's URL; not used with `unix_socket`.
        trust_env: whether variables of the environment count: for proxies http_proxy, https_proxy, all_proxy and
            no_proxy, in either case; for trusted issuers REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE and
            SSL_CERT_DIR, in this order and unless `verify` was given; and SSLKEYLOGFILE. Netrc files, too.
        timeout: as in a call.
        max_redirects: hops at most.
        redirects: a `Redirects`: how they are followed, from https to http above all.
        credential_fields: names of the fields that, beside Authorization and Cookie, do not go to another origin.
        cache: True (in memory), None for none, the path of a folder for a store on disk, or a `Cache`. As an
            attribute it is what `entries`, `purge`, `clear` and `stats` are called on, and is true while there is one.
        retries: further attempts at most, or a `RetryPolicy`.
        hsts: True, None, or the path of a file that keeps the hosts which said that they are reached by https only.
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
    _settings: object = None  # another one after every change of an attribute

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
        retries: int | RetryPolicy = 2,
        cache: Any = NOT_GIVEN,
        limits: Limits = DEFAULT_LIMITS,
        proxies: Any = None,
        transport: Any = None,
        base_url: Any = None,
        accept: Any = None,
        accept_language: Any = None,
        strict_accept: bool = False,
        raise_for_status: bool = False,
        http2: bool = False,
        lenient_http1: bool = False,
        array_style: str = "repeat",
        json_lib: Any = None,
        codecs: Any = None,
        stages: Any = (),
        idempotency_key: bool | None = None,
        on_event: Any = None,
        rate: Any = None,
        trace: bool = False,
        trace_hosts: Any = None,
        hsts: Any = True,
        redirects: Any = None,
        credential_fields: Any = None,
        **unknown: Never,
    ) -> None:
        if unknown:
            raise unknown_keyword(type(self).__name__, unknown, option_names())
        self._lock = new_lock()
        self._chain: Stage | None = None
        self._headers = Headers(fields_from(default_headers(), headers))
        if base_url is not None:
            self._set_base(base_url)
        self._jar = jar_from(cookies, self._home_host)
        self.hsts = hsts
        self.auth = auth
        self.params = {} if params is None else params
        if timeout is not NOT_GIVEN or "timeout" not in self.__dict__:  # classes of callers may have set theirs before
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
        if transport is not None:
            self._reach = own_way(self._reach)
        self.max_redirects = max_redirects
        self.retries = retries
        self.limits = checked_limits(limits)
        self.array_style = array_style
        self.stages = stages
        self._fixed = Fixed(bool(stream), bool(strict_accept), bool(raise_for_status))
        rare = {"on_event": on_event, "rate": rate, "trace": trace, "trace_hosts": trace_hosts, "accept": accept}
        rare |= {"accept_language": accept_language, "redirects": redirects, "credential_fields": credential_fields}
        rare["idempotency_key"] = idempotency_key
        for name, value in rare.items():
            if value is not None:
                setattr(self, name, value)
        if http2:
            self.http2 = True
        if lenient_http1:
            self.lenient_http1 = True
        if json_lib is not None or codecs is not None:
            self._set_formats(json_lib, codecs)
        self._cache = cache_of_session(cache, None)
        self._cache_implied = cache is NOT_GIVEN
        self._forget_merged()

    def _forget_merged(self) -> None:
        self._fields: tuple[Headers, int, Fields] = (self._headers, -1, NO_FIELDS)
        self._merged: tuple[Any, Options] = (None, Options())
        self._environed: tuple[Any, bool, Any, Options] = (None, False, None, Options())
        self._plan: tuple[object, int, Callable[[], bool], Fields, Options] = (None, -1, bool, NO_FIELDS, Options())

    @property
    def verify(self) -> Any:
        return True if self._verify is None else self._verify

    @verify.setter
    def verify(self, value: Any) -> None:
        self._verify = value

    @property
    def headers(self) -> Headers:
        return self._headers

    @headers.setter
    def headers(self, value: Any) -> None:
        self._headers = Headers(value)

    @property
    def cookies(self) -> Any:
        """The jar: `RequestsCookieJar`, one of `http.cookiejar` that was given, or None where none is kept."""
        jar = self._jar
        if jar is None:
            return None
        if jar.view is not None:
            return jar.view
        from .cookiejar import RequestsCookieJar

        return RequestsCookieJar.over(jar)

    @cookies.setter
    def cookies(self, value: Any) -> None:
        with self._lock:
            self._jar = jar_from(value, self._home_host)
            self._chain = None  # the next call builds one around the new jar, over the same pool


class StreamFlag(Generic[R]):
    """`session.stream`, which is requests' flag and our method: true or false, and callable."""

    __slots__ = ("_call", "_on")

    def __init__(self, on: bool, call: Callable[..., R]) -> None:
        self._on = on
        self._call = call

    def __call__(self, method: str, url: Any, resume: bool = False, **options: Unpack[CallOptions]) -> R:
        """A call whose response's body is not read yet.

        With `resume` a GET's body that breaks off goes on over another connection, where its server gave a strong
        validator; it is asked for uncoded then.
        """
        return self._call(method, url, resume, **options)

    def __bool__(self) -> bool:
        return self._on

    def __repr__(self) -> str:
        return repr(self._on)


def option_names() -> frozenset[str]:
    """The keywords that sessions take."""
    return frozenset(Settings.__init__.__kwdefaults__ or ())

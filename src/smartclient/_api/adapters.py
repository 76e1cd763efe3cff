"""Adapters: what a session hands prepared requests to, one for each URL prefix; ours is a face of the inner stages.

How a request gets through one lives in `_api.adapting`, loaded when somebody's request does.
"""

from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

from .._model.headers import Headers
from .._model.options import Limits
from .._runtime.base import new_lock

if TYPE_CHECKING:
    from .._net.pool import Pool
    from .response import Response

DEFAULT_POOLSIZE = 10
DEFAULT_RETRIES = 0
DEFAULT_POOLBLOCK = False
_OF_THIS_PROCESS = ("_changed", "_home", "_lock", "_pool")


class BaseAdapter:
    """What an adapter must have."""

    def send(
        self,
        request: Any,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Any:
        """The response to one prepared request, no redirect followed, its body not read yet.

        Args:
            request: a PreparedRequest.
            stream: whether the caller wants to read the body itself.
            timeout: seconds, (connect, read), or None where nobody gave one.
            verify, cert, proxies: as in `Session.request`.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Gives up what the adapter holds open."""
        raise NotImplementedError


class Attempts:
    """What `HTTPAdapter.max_retries` is for a number, and where none was given: requests has a Retry of urllib3 there.

    Attributes:
        given: the number, or None: the `retries` of session and call count.
        total: further attempts at most.
    """

    def __init__(self, given: Any) -> None:
        self.given = given
        self.total = DEFAULT_RETRIES if given is None else int(given)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Whether an answer is to be asked for again, to those who do that themselves: never."""
        return False

    def __repr__(self) -> str:
        return f"Attempts({self.given!r})"


class PoolSettings:
    """What stands in the place of urllib3's PoolManager: the keywords that `init_poolmanager` was given."""

    def __init__(self, keywords: dict[str, Any]) -> None:
        self.connection_pool_kw = keywords

    def clear(self) -> None:
        """Nothing: connections belong to the adapter."""


class HTTPAdapter(BaseAdapter):
    """Sends over connections of its own, or over those of the session that made it.

    Args:
        pool_connections, pool_maxsize: connections at a time are at most their product, and at least 100.
        max_retries: a whole number, a `RetryPolicy`, or a Retry of urllib3, in the place of the session's `retries`.
        pool_block: keep to `pool_maxsize` connections to one origin, and wait for one of them.
    """

    __attrs__: ClassVar = ["max_retries", "config", "_pool_connections", "_pool_maxsize", "_pool_block"]

    def __init__(
        self,
        pool_connections: int = DEFAULT_POOLSIZE,
        pool_maxsize: int = DEFAULT_POOLSIZE,
        max_retries: Any = None,
        pool_block: bool = DEFAULT_POOLBLOCK,
    ) -> None:
        super().__init__()
        self._begin()
        is_number = max_retries is None or isinstance(max_retries, int)
        self.max_retries: Any = Attempts(max_retries) if is_number else max_retries
        self.config: dict[str, Any] = {}
        self.proxy_manager: dict[str, Any] = {}
        self._pool_connections = pool_connections
        self._pool_maxsize = pool_maxsize
        self._pool_block = pool_block
        self.init_poolmanager(pool_connections, pool_maxsize, block=pool_block)

    def _begin(self) -> None:
        self._lock = new_lock()
        self._pool: Pool | None = None
        self._changed: tuple[Any, ...] = (None, None, None, None)  # options, what they were changed by, the result
        self._home: Any = None  # a weak reference to the session whose connections it uses

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: settings, no sockets."""
        return {name: value for name, value in self.__dict__.items() if name not in _OF_THIS_PROCESS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """Takes down what connections are to be like; to be overridden, and called with more keywords.

        Args:
            connections, maxsize, block: as in the constructor.
            pool_kwargs: `ssl_context` and `source_address` are heeded; urllib3's others are passed over, but for
                those that would make TLS stricter, which the first request refuses.
        """
        self._pool_maxsize, self._pool_connections, self._pool_block = maxsize, connections, block
        self.poolmanager: Any = PoolSettings(pool_kwargs)

    def proxy_manager_for(self, proxy: Any, **proxy_kwargs: Any) -> Any:
        """The settings for connections through `proxy`; `ssl_context` is heeded."""
        return self.proxy_manager.setdefault(str(proxy), PoolSettings(proxy_kwargs))

    def send(
        self,
        request: Any,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> "Response":
        """The response to `request`, its body still to be read; arguments as in `BaseAdapter.send`.

        What was said of retries, deadlines and limits in the call that made the request still holds.
        """
        from .adapting import Told, answer_through

        return answer_through(self, request, Told(stream, timeout, verify, cert, proxies))

    def build_response(self, req: Any, resp: Any) -> "Response":
        """A Response of any object with `status`, `headers`, `reason`, and `stream` or `read`, as urllib3's have.

        Args:
            req: the PreparedRequest that it answers.
            resp: the object; it becomes `raw`.
        """
        from .adapting import response_of

        return response_of(self, req, resp)

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """The settings of the connection that `request` would use."""
        return self.poolmanager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Whether files that `verify` and `cert` name are there.

        Raises:
            OSError: one is not, or is no certificate; InvalidOption and SSLError are such.
        """
        from .._net.tls import context_for
        from .tls import tls_from

        if url.lower().startswith("https"):
            context_for(tls_from(verify, cert))

    def request_url(self, request: Any, proxies: Any) -> str:
        """What the request line says: path and query; all of the URL where an http proxy forwards."""
        proxy = (proxies or {}).get("http") or (proxies or {}).get("all")
        if proxy and request.url.startswith("http://") and not str(proxy).startswith("socks"):
            return str(request.url).partition("#")[0]
        path: str = request.path_url
        return f"/{path.lstrip('/')}" if path.startswith("//") else path

    def add_headers(self, request: Any, **kwargs: Any) -> None:
        """Nothing; to be overridden. Called with each request before it is sent."""

    def proxy_headers(self, proxy: Any) -> dict[str, str]:
        """What a proxy gets besides the request: the credentials that its URL has."""
        from .._model.basic import basic_credentials
        from .._model.proxy import parse_proxy

        auth = parse_proxy(str(proxy)).auth
        return {} if auth is None else {"Proxy-Authorization": basic_credentials(auth)}

    def close(self) -> None:
        """Closes the connections that are the adapter's own."""
        for settings in (self.poolmanager, *self.proxy_manager.values()):
            settings.clear()
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _own_pool(self) -> "Pool":
        """The pool of an adapter that no session made."""
        with self._lock:
            if self._pool is None:
                from .._net.pool import Pool
                from .._runtime.blocking import BlockingRuntime

                per_origin = self._pool_maxsize if self._pool_block else None
                at_most = max(100, self._pool_connections * self._pool_maxsize)
                self._pool = Pool(BlockingRuntime(), Limits(max_connections=at_most, max_per_origin=per_origin))
            return self._pool


def default_adapters(session: Any) -> dict[str, Any]:
    """What a session begins with: two adapters over its own connections."""
    return {prefix: bound_adapter(session) for prefix in ("https://", "http://")}


def bound_adapter(session: Any) -> HTTPAdapter:
    """An adapter over the connections of `session`."""
    adapter = HTTPAdapter()
    adapter._home = ref(session)
    return adapter


def headers_of(response: Any) -> Headers:
    """The fields of urllib3's responses, and of others' that have a mapping, repeats kept."""
    headers = response.headers
    lines = headers.items() if hasattr(headers, "items") else headers or ()
    if callable(getattr(headers, "iteritems", None)):  # urllib3: one pair for each line
        lines = headers.iteritems()
    found = Headers()
    for name, value in lines:
        found.add(str(name), str(value))
    return found

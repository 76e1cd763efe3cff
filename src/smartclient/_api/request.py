"""Requests as users hold them: `Request`, which says what is wanted, and `PreparedRequest`, which says what is sent.

Both may be changed at any time. What the stages see is made of them, and checked, in `_api.translation`.
"""

import time
from typing import Any

from .._model.body import NO_BODY, RequestBody
from .._model.errors import RequestException, SessionMisuse, shown
from .._model.headers import Headers, fields_from
from .._model.message import Reply
from .._model.percent import PATH, encoded, query_from
from .._model.request import Request as ModelRequest
from .._model.retry import Attempt
from .._model.timings import Timings
from .._model.url import URL
from .._net.http1_request import framing_for
from .cookies import cookie_pairs
from .hooks import HookHolder, checked_hooks, default_hooks
from .options import checked_method
from .payload import RequestEncodingMixin, body_from

_READ_AT_ONCE = 2**20


class Request(HookHolder):
    """What is wanted: the arguments of a call, before a session's settings are added. All may be left out.

    Attributes:
        method, url, headers, files, data, params, auth, cookies, json: as in `Session.request`.
        hooks: {"response": [functions]}.
    """

    def __init__(
        self,
        method: Any = None,
        url: Any = None,
        headers: Any = None,
        files: Any = None,
        data: Any = None,
        params: Any = None,
        auth: Any = None,
        cookies: Any = None,
        hooks: Any = None,
        json: Any = None,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = {} if headers is None else headers
        self.files = [] if files is None else files
        self.data = [] if data is None else data
        self.json = json
        self.params = {} if params is None else params
        self.auth = auth
        self.cookies = cookies
        self._call: Any = None  # the other arguments of the call that it belongs to
        self.hooks = default_hooks()
        for event, hook in checked_hooks(hooks).items():
            self.register_hook(event, hook)

    def __repr__(self) -> str:
        return f"<Request [{self.method}]>"

    def prepare(self) -> "PreparedRequest":
        """The request as it would be sent, without anything of a session.

        Raises:
            RequestException: something in it cannot be sent.
        """
        prepared = PreparedRequest()
        prepared.prepare(
            method=self.method,
            url=self.url,
            headers=self.headers,
            files=self.files,
            data=self.data,
            params=self.params,
            auth=self.auth,
            cookies=self.cookies,
            hooks=self.hooks,
            json=self.json,
        )
        return prepared


class PreparedRequest(RequestEncodingMixin, HookHolder):
    """What is sent. Everything may be set; it is checked when it is sent.

    Attributes:
        method: as sent.
        url: text, with the fragment that stays home.
        headers: a mapping; Host, which the wire writes, is not in it unless somebody put it there.
        hooks: {"response": [functions]}.
    """

    def __init__(self) -> None:
        self.method: Any = None
        self.url: Any = None
        self.headers: Any = None
        self.hooks: dict[str, Any] = default_hooks()
        self._given_cookies: Any = None
        self._body_position: Any = None
        self._body: Any = None
        self._sending: RequestBody | None = None  # what `body` stands for, until it is set
        self._made_of: ModelRequest | None = None  # carries the options of the call
        self._as_made: tuple[Any, int] = (None, 0)  # `headers` and their version then
        self._sent_as: ModelRequest | None = None  # what the stages were given for it
        self._told: Any = None  # what adapters are told of the options of `_made_of`
        self._for: Any = None  # a weak reference to the session that prepared it
        self._deadline: float | None = None  # of the call that is under way
        self._own_cookies: str | None = None  # the Cookie field, where nobody wrote it by hand
        self._own_auth: frozenset[str] = frozenset()  # names of the fields that a callable put there
        self._follows = False  # a redirect

    @property
    def body(self) -> Any:
        """str of a form, bytes of JSON and multipart, else the file or iterable itself; None when there is none.

        The bytes of a multipart form are put together when somebody looks; it is sent piece by piece all the same.
        """
        return self._body if self._sending is None else _shown(self._sending)

    @body.setter
    def body(self, value: Any) -> None:
        self._body, self._sending = value, None

    def wire(self, *, secrets: bool = False) -> bytes:
        """Head and body in the form of HTTP/1.1, secrets as ***; a body that is read piece by piece is left out."""
        from .export import wire_of
        from .translation import framed

        fields, body = framed(self)
        return wire_of(self.method, self.url, fields, body.content or None, body.length, secrets=secrets)

    def curl(self, *, secrets: bool = False) -> str:
        """A command of curl that sends the same method, target, fields and body, secrets as ***.

        A body that is read piece by piece comes from its standard input.
        """
        from .export import curl_of
        from .translation import framed

        fields, body = framed(self)
        return curl_of(self.method, self.url, fields, body.content or None, secrets=secrets)

    def __repr__(self) -> str:
        return f"<PreparedRequest [{self.method}]>"

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: a body that can be read only once stays in its process, and so do the options of the call."""
        body = self.body if isinstance(self.body, str | bytes) else None
        ours = dict.fromkeys(("_sending", "_made_of", "_sent_as", "_told", "_for", "_deadline"))
        return self.__dict__ | ours | {"_body": body, "_as_made": (None, 0)}

    def copy(self) -> "PreparedRequest":
        """A copy with headers and hooks of its own; a body that is no text or bytes is shared."""
        copy = type(self)()
        copy.__dict__.update(self.__dict__)
        copy.headers = None if self.headers is None else self.headers.copy()
        copy.hooks = {event: list(hooks) if isinstance(hooks, list) else hooks for event, hooks in self.hooks.items()}
        return copy

    @property
    def _cookies(self) -> Any:
        """The jar of the cookies that were given, which auth objects written for requests look at and add to."""
        from http.cookiejar import CookieJar

        if not isinstance(self._given_cookies, CookieJar):
            from .cookiejar import RequestsCookieJar

            jar = RequestsCookieJar()
            jar.update(self._given_cookies or {})
            self._given_cookies = jar
        return self._given_cookies

    @property
    def path_url(self) -> str:
        """Path and query of `url`, as in the request line."""
        from urllib.parse import urlsplit

        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def prepare(
        self,
        method: Any = None,
        url: Any = None,
        headers: Any = None,
        files: Any = None,
        data: Any = None,
        params: Any = None,
        auth: Any = None,
        cookies: Any = None,
        hooks: Any = None,
        json: Any = None,
    ) -> None:
        """Makes all parts anew, `auth` and hooks last, since they may look at the others."""
        self.prepare_method(method)
        self.prepare_url(url, params)
        self.prepare_headers(headers)
        self.prepare_cookies(cookies)
        self.prepare_body(data, files, json)
        self.prepare_auth(auth, url)
        self.prepare_hooks(hooks)

    def prepare_method(self, method: Any) -> None:
        """The method in upper case."""
        self.method = None if method is None else checked_method(method)

    def prepare_url(self, url: Any, params: Any) -> None:
        """The URL, percent-encoded, with `params` in its query; schemes that only an adapter knows stay as they are.

        Raises:
            MissingSchema, InvalidURL: as in a call.
        """
        text = url.decode("utf-8", "replace") if isinstance(url, bytes) else str(url)
        text = text.lstrip()
        scheme = text.partition(":")[0].lower() if ":" in text else ""
        if scheme in ("", "http", "https") or ("://" not in text and scheme.startswith("http")):
            self.url = str(URL.parse(text).with_params(params))
        elif scheme.startswith("http"):  # http+unix and its like have a query as well
            added = query_from(params)
            path, mark, query = text.partition("?")
            text = encoded(path, PATH) + mark + query
            self.url = f"{text}{'&' if '?' in text else '?'}{added}" if added else text
        else:
            self.url = text

    def prepare_headers(self, headers: Any) -> None:
        """The fields, checked.

        Raises:
            InvalidHeader: a name or value that cannot be sent.
        """
        self.headers = Headers(fields_from(headers))

    def prepare_cookies(self, cookies: Any) -> None:
        """The Cookie field for `cookies`, a mapping or jar, unless there is one."""
        self._given_cookies = cookies
        if cookies and "Cookie" not in self.headers:
            pairs = cookie_pairs(cookies, URL.parse(self.url), time.time())
            if pairs:
                self.headers["Cookie"] = "; ".join([f"{name}={value}" for name, value in pairs])

    def prepare_body(self, data: Any, files: Any, json: Any = None) -> None:
        """The body with its Content-Type, unless there is one, and what frames it."""
        body, content_type = body_from(data, json, files)
        if files:
            body = in_hand(body)
        self._body, self._sending = None, body
        if callable(getattr(body.source, "tell", None)):
            try:
                self._body_position = body.source.tell()
            except OSError:
                self._body_position = object()  # it has one, which nobody can go back to
        if content_type is not None and "Content-Type" not in self.headers:
            self.headers["Content-Type"] = content_type
        self._frame(body)

    def prepare_content_length(self, body: Any) -> None:
        """The Content-Length of `body`; 0 where there is none, but may be one."""
        self._frame(body_from(body, None)[0])

    def _frame(self, body: RequestBody) -> None:
        if body.length is None:
            if "Content-Length" not in self.headers:
                self.headers["Transfer-Encoding"] = "chunked"
        elif body.length:
            self.headers["Content-Length"] = str(body.length)
        elif self.method not in ("GET", "HEAD") and "Content-Length" not in self.headers:
            self.headers["Content-Length"] = "0"

    def prepare_auth(self, auth: Any, url: Any = "") -> None:
        """Credentials: (user, password), or a callable that is given this request; else those of the URL."""
        if auth is None:
            auth = _userinfo_of(self.url)
        if not auth:
            return
        if isinstance(auth, tuple | list) and len(auth) == 2:
            from .._model.basic import basic_credentials

            self.headers["Authorization"] = basic_credentials(auth)
            return
        changed = auth(self)
        if changed is not None and changed is not self:
            if not hasattr(changed, "headers"):
                raise SessionMisuse(f"auth made {shown(changed)}, which is no request")
            self.__dict__.update(changed.__dict__)
        if self._sending is None:
            self.prepare_content_length(self.body)

    def prepare_hooks(self, hooks: Any) -> None:
        """Adds `hooks` to those that are there."""
        for event, hook in checked_hooks(hooks).items():
            self.register_hook(event, hook)


def in_hand(body: RequestBody) -> RequestBody:
    """A short body as bytes, for its files may be closed before anybody looks at it; a longer one as it is."""
    if body.length is None or body.length > _READ_AT_ONCE or isinstance(body.content, bytes):
        return body
    return RequestBody(b"".join(body.pieces()))


def _userinfo_of(url: Any) -> tuple[str, str] | None:
    if not isinstance(url, str) or "@" not in url or not url.startswith(("http://", "https://")):
        return None
    return URL.parse(url).userinfo


def _shown(body: RequestBody) -> Any:
    """What a body is to callers."""
    content = body.content if body.source is None else body.source
    if isinstance(content, bytes | str):
        return content or None
    from .._model.multipart import Multipart

    if isinstance(content, Multipart) and body.replayable:
        try:
            return b"".join(content)
        except (RequestException, OSError, ValueError):  # its files are closed or have changed meanwhile
            return content
    return content


def prepared_from(request: ModelRequest) -> PreparedRequest:
    """`request` as users see it."""
    prepared = PreparedRequest()
    prepared.method = request.method
    prepared.url = str(request.url)
    headers = prepared.headers = Headers(request.fields)
    framing = framing_for(request.method, request.body)
    if framing:
        name, _, value = framing.decode("ascii").rstrip().partition(": ")
        headers[name] = value
    if request.body is not NO_BODY:
        prepared._sending = request.body
    prepared._made_of = request
    prepared._as_made = (headers, headers.version)
    return prepared


def attempts_of(reply: Reply, seconds: float | None = None) -> tuple[Attempt, ...]:
    """What was sent for `reply`, whose head came after `seconds`; what needed no retry has no record of its own."""
    if reply.attempts or reply.provenance == "cache":
        return reply.attempts
    head = reply.network_head or reply.head
    return (Attempt(head.status, None, "", "wholly", seconds),)


def timings_of(reply: Reply, seconds: float | None) -> Timings:
    """How long the exchange took that gave `reply`, whose head came after `seconds`; None where they are another's."""
    if reply.provenance == "cache":
        return Timings()
    notes = reply.request.notes
    reused = None if reply.connection is None else True
    if notes is not None and notes.head is not None:
        return notes.timings(reused)
    known = Timings(dns=0.0, connect=0.0, tls=0.0, reused=reused) if notes is None else notes.timings()
    return known._replace(pool_wait=None, total=None if reply.attempts else seconds)


def tell_about(error: RequestException, reply: Reply) -> None:
    """Says in an error of a response's body which request it was, how its head was come by, and how long it took."""
    error.attempts = attempts_of(reply)
    if error.elapsed is None and (began := (*reply.history, reply)[0].request.began):
        error.elapsed = time.monotonic() - began
    if error.request is None:
        error.request = prepared_from(reply.request)

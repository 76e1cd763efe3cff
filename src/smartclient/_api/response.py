"""Responses as users hold them, under requests' names; whatever is costly is made when it is looked at."""

import time
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, overload

from .._codec.lines import LINE_MAX
from .._model.errors import RequestException, SessionMisuse
from .._model.headers import Headers
from .._model.message import Reply
from .._pipeline.content import whole_content
from .._runtime.base import run_blocking
from .once import once
from .pieces import EachAsync, EachValue
from .portioned import Portioned
from .request import PreparedRequest, prepared_from, tell_about
from .statuses import StatusViews

if TYPE_CHECKING:
    from datetime import timedelta


T = TypeVar("T")

REDIRECT_STATI = (301, 302, 303, 307, 308)
_OF_THIS_PROCESS = ("_next", "_raw", "_remains", "connection")
"""Attributes that pickles leave behind."""


class Response(StatusViews, Portioned):
    """The response to a call of `Session`. Every attribute may be set; most are made when they are first looked at.

    Attributes:
        status_code: int.
    """

    __attrs__: ClassVar = [
        *("_content", "status_code", "url", "headers", "history"),
        *("encoding", "reason", "cookies", "elapsed", "request"),
    ]
    _closed = False

    def __init__(self, reply: Reply | None = None, content: bytes | None = None, seconds: float = 0.0) -> None:
        """Without arguments it says nothing yet. `content` is None where the body is still to be read."""
        if reply is None:
            from .answers import nothing_yet

            reply = nothing_yet(self.__dict__)
        self._reply = reply
        self._content: Any = False if content is None else content  # False is requests' word for "not read"
        self._consumed = content is not None
        self._seconds = seconds
        self._encoding: str | None = None
        self.status_code: Any = reply.head.status

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: with the content, which is read first where nobody has begun to."""
        if not (self._content_consumed or self._closed):
            self.content  # noqa: B018
        return self._kept()

    def _has_body(self) -> bool:
        return self.status_code != 0 and self.__dict__.get("_raw", self) is not None

    def _kept(self) -> dict[str, Any]:
        return {k: value for k, value in self.__dict__.items() if k not in _OF_THIS_PROCESS} | {"_consumed": True}

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"

    def __bool__(self) -> bool:
        return self.ok

    @once
    def reason(self) -> Any:
        """The words after the status; "" when the peer sent none."""
        return self._reply.head.reason

    @once
    def url(self) -> Any:
        """The URL that answered, after redirects, with its fragment."""
        return str(self._reply.request.url)

    @once
    def headers(self) -> Any:
        """The fields of the head: case-insensitive, in order, repeats kept."""
        return Headers(self._reply.head.fields)

    @property
    def encoding(self) -> str | None:
        """The text encoding that was set, else what the charset parameter says; UTF-8 of JSON that says nothing.

        None: `text` finds out from the content.
        """
        said = self._encoding or self.content_type.parameters.get("charset")
        return said or ("utf-8" if self.content_type.name == "application/json" else None)

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def apparent_encoding(self) -> str:
        """The text encoding that the content looks like: by statistics, over its first 64 KiB.

        charset_normalizer or chardet does that where one of them is installed; else marks, declarations and UTF-8.
        """
        from .detection import detected_encoding

        return detected_encoding(self.content or b"")

    @property
    def raw(self) -> Any:
        """The body as a file: undecoded unless its `decode_content` is set. May be set to any other file."""
        if "_raw" not in self.__dict__:
            from .raw import RawBody

            self._raw: Any = RawBody(self._reply)
            if self._closed:
                self._raw.close()
        return self._raw

    @raw.setter
    def raw(self, value: Any) -> None:
        from .raw import FileReader

        self._raw = value
        self._reply.body = FileReader(value, decoded=True)
        self._reply.raw = FileReader(value, decoded=False)

    @property
    def trailers(self) -> Headers:
        """The fields after a chunked body, once it was read."""
        return Headers(self._reply.body.trailers)

    @once
    def request(self) -> PreparedRequest:
        """The request as it was sent."""
        return prepared_from(self._reply.request)

    @once
    def connection(self) -> Any:
        """The adapter that answered, or would for another request."""
        from .adapters import HTTPAdapter

        return HTTPAdapter()

    @once
    def history(self) -> list["Response"]:
        """The redirects that led here, oldest first; their bodies were not read."""
        history = [type(self)(reply, b"", self._seconds) for reply in self._reply.history]
        for number, response in enumerate(history):
            response.history, response._is_hop = history[:number], True
        return history

    @once
    def _next(self) -> PreparedRequest | None:
        from .._rules.redirect import next_request

        following = next_request(self._reply.request, self._reply.head) if self.is_redirect else None
        return None if following is None else prepared_from(following)

    @property
    def next(self) -> PreparedRequest | None:
        """The request that a redirect leads to, when it was not followed; None when there is none."""
        return self._next

    @property
    def interim(self) -> list[tuple[int, Headers]]:
        """(status, headers) of the 1xx responses that came before."""
        return [(event.head.status, Headers(event.head.fields)) for event in self._reply.interim]

    @once
    def cookies(self) -> Any:
        """A jar of the cookies that this response sets, as far as RFC 6265bis lets it."""
        from .cookiejar import RequestsCookieJar

        jar = RequestsCookieJar()
        lines = self._reply.head.fields.getlist("set-cookie")
        if lines:
            jar.kept.store(self._reply.request.url, lines, time.time())
        return jar

    @once
    def elapsed(self) -> "timedelta":
        """From the start of the call to the response's head."""
        from datetime import timedelta

        return timedelta(seconds=self._seconds)

    @property
    def is_redirect(self) -> bool:
        """Whether this could be followed."""
        return self.status_code in REDIRECT_STATI and "location" in self.headers

    @property
    def is_permanent_redirect(self) -> bool:
        """Whether this could be followed, and is for good: 301 or 308."""
        return self.status_code in (301, 308) and "location" in self.headers

    # The body.

    @property
    def content(self) -> bytes:
        """The whole content, decoded. Reads it first on a streamed response.

        Raises:
            StreamConsumedError: the stream was read already.
        """
        if self._content is False:
            self._content = self._read_whole() if self._has_body() else None
        return self._content  # type: ignore[no-any-return]

    def _read_whole(self) -> bytes:
        begun = self._consume()
        try:
            content = run_blocking(whole_content(self._reply))
            return begun + content if begun else content
        except RequestException as error:
            tell_about(error, self._reply)
            raise

    @property
    def text(self) -> str:
        """The content as text: by `encoding`, the charset, a mark or declaration in it, UTF-8, else windows-1252."""
        from .._codec.text import decode_text

        return decode_text(self.content or b"", self._encoding, self._field("content-type"))

    def json(self, **kwargs: Any) -> Any:
        """The content read as JSON; `kwargs` go to `loads` of `json`, or of the session's `json_lib`.

        Raises:
            JSONDecodeError: it is none; with the position, and what stands there in a note.
        """
        from .formats import json_value

        return json_value(self.content or b"", self._reply.request.options.formats, kwargs)

    @overload
    def parse(self, wanted: type[T]) -> T: ...

    @overload
    def parse(self, wanted: Any) -> Any: ...

    def parse(self, wanted: Any) -> Any:
        """The content as an instance of the type `wanted`; `_api.parsing.converted` says which types there are.

        It is read by its media type: by the session's `codecs`, else as JSON where it is that or has no type.

        Raises:
            UnexpectedContent: it does not fit the type, or nobody here reads its media type.
            JSONDecodeError: it is no JSON.
            InvalidOption: a type that cannot be made from decoded content.
        """
        from .formats import value_of
        from .parsing import converted

        return converted(
            value_of(self.content or b"", self._field("content-type"), self._reply.request.options.formats), wanted
        )

    def close(self) -> None:
        """Gives up what was not read; the connection is closed unless the body had ended."""
        self._closed = True
        if "_raw" in self.__dict__ and self._raw is not None:
            self._raw.close()
        self._reply.body.abort()

    def __enter__(self) -> "Response":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncResponse(Response):
    """The response to a call of `AsyncSession`: a body read by the call is plain, a streamed one is awaited."""

    def _read_whole(self) -> NoReturn:
        raise SessionMisuse("the body of a streamed response is not read yet: await response.read() first")

    async def read(self) -> bytes:
        """The whole content, decoded."""
        if self._content is False:
            begun = self._consume()
            try:
                content = await whole_content(self._reply)
                self._content = begun + content if begun else content
            except RequestException as error:
                tell_about(error, self._reply)
                raise
        return self._content  # type: ignore[no-any-return]

    def __getstate__(self) -> dict[str, Any]:
        """For pickles: a body that was not read cannot be read there."""
        return self._kept()

    def iter_content(self, chunk_size: int | None = None, decode_unicode: bool = False) -> Any:
        return EachAsync(self._pieces(chunk_size, decode_unicode))

    def iter_lines(
        self,
        chunk_size: int | None = None,
        decode_unicode: bool = False,
        delimiter: bytes | str | None = None,
        max_line: int = LINE_MAX,
    ) -> Any:
        return EachAsync(self._lines(chunk_size, decode_unicode, delimiter, max_line))

    def iter_json_lines(self, max_line: int = LINE_MAX) -> Any:
        return EachValue(self._json_lines(max_line))

    def iter_raw(self, chunk_size: int | None = None) -> Any:
        return EachAsync(self._raw_pieces(chunk_size))

    def __aiter__(self) -> EachAsync[bytes]:
        return EachAsync(self._pieces(None, False))

    async def aclose(self) -> None:
        """`close`, for code that awaits it."""
        self.close()

    async def __aenter__(self) -> "AsyncResponse":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

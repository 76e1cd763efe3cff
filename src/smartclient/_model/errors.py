"""The one tree of errors: what can go wrong, under the names and bases that requests users catch.

Each class says what happened; `.sent` says how much of the request had left, hence what is safe. Those for one status,
and the one of JSON, are in `answer_errors`.
"""

from typing import Any, Literal

Sent = Literal["nothing", "partly", "wholly"]


class _Root(OSError):
    """Beneath all errors, so that `_api.bridge` can give them further bases, which Python refuses under OSError."""


class RequestException(_Root):
    """Whatever a call can raise because of its input, its peer or its limits.

    Attributes:
        request: the request that failed, or None.
        response: the response that the error is about, or None.
        attempts: `Attempt`s of the hop that failed, oldest first, the last one included.
        elapsed: seconds from the start of the call to the error, or None.
        sent: "nothing", "partly" or "wholly": how much of the request had left when it failed.
        stale: a kept-alive connection failed before it gave one byte of an answer: the peer had most likely closed it.
        elsewhere: a function of the caller's own raised it, about something else than this call: it passes as it is.
    """

    stale = False
    elsewhere = False

    def __init__(self, *args: Any, request: Any = None, response: Any = None, sent: Sent = "nothing") -> None:
        OSError.__init__(self, *args)  # whatever further bases there are
        self.response = response
        self.request = request if request is not None else getattr(response, "request", None)
        self.attempts: tuple[Any, ...] = ()
        self.elapsed: float | None = None
        self.sent: Sent = sent


SmartclientError = RequestException
_ABOUT_ERRORS = frozenset(("request", "response", "sent"))


def shown(value: Any) -> str:
    """What an error says of a value that a caller gave: its repr cut at 80 characters, or its type."""
    try:
        return f"{value!r:.80}"
    except Exception:  # nested too deeply, a number of too many digits, or a repr of the caller's own
        return type(value).__name__


class HTTPError(RequestException):
    """A response with a status of 400 or above, raised by `raise_for_status`.

    Attributes:
        problem: what the server says of it, as a `Problem` (RFC 9457); None when it says nothing in that form.
    """

    problem: Any = None


class ConnectionError(RequestException):
    """No connection, or one that broke before the response's head was there."""


class ResolveError(ConnectionError):
    """The host's name has no address."""


class ReadError(ConnectionError):
    """Receiving failed."""


class WriteError(ConnectionError):
    """Sending failed."""


class RemoteProtocolError(ConnectionError):
    """The peer broke HTTP before or in the response's head."""


class ServerDisconnected(RemoteProtocolError):
    """The peer closed the connection before its response's head was complete."""


class ProxyError(ConnectionError):
    """The proxy refused, or could not be reached."""


class SSLError(ConnectionError):
    """TLS failed; the message says which check, with the names and dates of the certificate.

    Attributes:
        check: "expired", "not yet valid", "name", "issuer", "self-signed", "certificate" (any other check of it),
            "protocol" (no version that both sides speak), or None where it was none of these.
    """

    check: str | None = None


class Timeout(RequestException):
    """A time limit passed. Called with seconds, as in `Timeout(5, total=20)`, it gives the limits of a call instead.

    One name says both: requests has the error at its top level, and other clients have the limits there.
    """

    def __new__(cls, *args: Any, **keywords: Any) -> Any:
        is_limit = bool(args) and (args[0] is None or isinstance(args[0], int | float))
        if cls is Timeout and (is_limit or not keywords.keys() <= _ABOUT_ERRORS):
            from .options import Timeout as Limits

            return Limits(*args, **keywords)
        return super().__new__(cls, *args)


class ConnectTimeout(ConnectionError, Timeout):
    """Connecting (look-up, TCP, TLS, proxy tunnel) took longer than `connect`."""


class PoolTimeout(ConnectionError, Timeout):
    """No connection became free within `pool`."""


class ReadTimeout(Timeout):
    """The peer sent nothing for `read` seconds."""


class DeadlineExceeded(ReadTimeout):
    """The whole call took longer than `total`."""


class BodyReadTimeout(ReadTimeout, ConnectionError):
    """The peer stopped sending in the middle of the body for `read` seconds."""


class WriteTimeout(Timeout, ConnectionError):
    """The peer took no bytes for `write` seconds."""


class TooManyRedirects(RequestException):
    """More redirects than `max_redirects`."""


class URLRequired(RequestException):
    """A request without a URL."""


class RetryError(RequestException):
    """An adapter's own retry policy gave up."""


class UnrewindableBodyError(RequestException):
    """The body would have to be sent again, and cannot be read a second time."""


class SessionMisuse(RequestException, RuntimeError):
    """The session was used in a way that cannot work: wrong loop, wrong runtime, closed stream."""


class MissingSchema(RequestException, ValueError):
    """A URL without scheme."""


class InvalidSchema(RequestException, ValueError):
    """A URL scheme other than http and https."""


class InvalidURL(RequestException, ValueError):
    """A URL that cannot be read in one way only."""


class InvalidProxyURL(InvalidURL):
    """A proxy URL that cannot be used."""


class InvalidHeader(RequestException, ValueError):
    """A field name or value outside the grammar (RFC 9110 section 5)."""


class InvalidOption(RequestException, ValueError):
    """An option's value makes no sense; the message names the option."""


class ChunkedEncodingError(RequestException):
    """The peer broke the framing inside the body."""


class IncompleteBody(ChunkedEncodingError, ConnectionError):
    """The body ended before its announced end."""


class ContentDecodingError(RequestException):
    """The content coding is broken, cut short, or not what the field says."""


class DecodedTooLarge(ContentDecodingError):
    """The decoded content passed a limit; the message names the option."""


class BodyTooLarge(RequestException):
    """The body passed `Limits(body_max=)`."""


class StreamConsumedError(RequestException, TypeError, RuntimeError):
    """The body was already read as a stream."""


class ChecksumError(RequestException):
    """The bytes are not those that the checksum names."""


class FileError(RequestException):
    """The file of a download cannot be written: no room, no permission, no folder, or one that must not be replaced.

    `errno` says which, as for any OSError.
    """


class NegotiationError(RequestException):
    """The server's choice does not match what was asked, with `strict_accept`."""


class UnexpectedContent(RequestException, ValueError):
    """The content is well-formed, or of a known type, and yet not what `response.parse()` was asked for."""


class NotRecorded(RequestException):
    """The cassette has no exchange for this request, and may not make one."""


class WebSocketError(RequestException):
    """A WebSocket conversation did not come about, or has ended.

    Attributes:
        code: why it ended (RFC 6455 section 7.4.1): the peer's code, or ours for its fault; 1006 when it said nothing,
            None when it never began.
        reason: the peer's words.
    """

    code: int | None = None
    reason: str = ""


class InvalidJSONError(RequestException):
    """A value that JSON cannot carry."""


class RequestsWarning(Warning):
    """Base of the warnings of this package."""


class FileModeWarning(RequestsWarning, DeprecationWarning):
    """A file was opened in text mode where bytes are needed."""


class RequestsDependencyWarning(RequestsWarning):
    """A dependency's version is not one that was tested."""


class InsecureRequestWarning(RequestsWarning):
    """A call over TLS whose certificate is not checked."""

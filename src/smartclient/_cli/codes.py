"""Which error ends the program with which exit code: one table, for every class of the tree."""

from .._model import errors
from .._model.answer_errors import JSONDecodeError
from .exits import (
    CANNOT_WRITE,
    CERTIFICATE_REFUSED,
    INTERNAL,
    STATUS,
    TLS_HANDSHAKE,
    USAGE,
    Fault,
)

# The nearest class in the order of inheritance counts; those with two parents stand here themselves.
CODES: dict[type[errors.RequestException], int] = {
    errors.RequestException: 7,
    errors.MissingSchema: 3,
    errors.InvalidSchema: 3,
    errors.InvalidURL: 3,
    errors.URLRequired: 3,
    errors.InvalidProxyURL: 5,
    errors.InvalidHeader: USAGE,
    errors.InvalidOption: USAGE,
    errors.InvalidJSONError: USAGE,
    JSONDecodeError: 8,
    errors.ResolveError: 6,
    errors.ConnectionError: 7,
    errors.RetryError: 7,
    errors.FileError: CANNOT_WRITE,
    errors.RemoteProtocolError: 8,
    errors.ChunkedEncodingError: 8,
    errors.UnexpectedContent: 8,
    errors.NotRecorded: 7,
    errors.WebSocketError: 8,
    errors.IncompleteBody: 18,
    errors.HTTPError: STATUS,
    errors.NegotiationError: STATUS,
    errors.Timeout: 28,
    errors.ConnectTimeout: 28,
    errors.PoolTimeout: 28,
    errors.BodyReadTimeout: 28,
    errors.WriteTimeout: 28,
    errors.SSLError: TLS_HANDSHAKE,
    errors.TooManyRedirects: 47,
    errors.ServerDisconnected: 52,
    errors.WriteError: 55,
    errors.ReadError: 56,
    errors.ContentDecodingError: 61,
    errors.DecodedTooLarge: 63,
    errors.BodyTooLarge: 63,
    errors.UnrewindableBodyError: 65,
    errors.SessionMisuse: INTERNAL,
    errors.StreamConsumedError: INTERNAL,
    errors.ProxyError: 97,
    errors.ChecksumError: 120,
}


def exit_code(error: BaseException) -> int:
    """The code that `error` ends the program with."""
    if isinstance(error, Fault):
        return error.code
    if isinstance(error, errors.SSLError) and _is_certificate_refusal(error):
        return CERTIFICATE_REFUSED
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), INTERNAL)


def _is_certificate_refusal(error: errors.SSLError) -> bool:
    import ssl  # loaded already, or there would be no such error

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__
    return cause is not None

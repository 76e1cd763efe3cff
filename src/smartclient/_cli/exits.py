"""How the program ends: exit codes (curl's numbers where it has one), and the fault that ends a command at once."""

from typing import Literal

from .._model import errors

OK = 0
USAGE = 2
STATUS = 22
CANNOT_WRITE = 23
CANNOT_READ = 26
TLS_HANDSHAKE = 35
CLIENT_CERTIFICATE = 58
CERTIFICATE_REFUSED = 60
INTERNAL = 70
CA_FILE = 77
INTERRUPTED = 130
CLOSED_PIPE = 141

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
    errors.JSONDecodeError: 8,
    errors.ResolveError: 6,
    errors.ConnectionError: 7,
    errors.RetryError: 7,
    errors.RemoteProtocolError: 8,
    errors.ChunkedEncodingError: 8,
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


class Fault(Exception):
    """What ends a command with `code` and one line; raised by the command line's own checks."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def exit_code(error: BaseException) -> int:
    """The code that `error` ends the program with."""
    if isinstance(error, Fault):
        return error.code
    if isinstance(error, errors.SSLError) and _is_certificate_refusal(error):
        return CERTIFICATE_REFUSED
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), INTERNAL)


def _is_certificate_refusal(error: errors.SSLError) -> bool:
    import ssl  # loaded already, or there would be no such error

    return isinstance(error.__cause__, ssl.SSLCertVerificationError)


def cannot(deed: Literal["read", "write"], name: str, error: OSError) -> Fault:
    """The Fault for a local file that the system refuses to read or write."""
    return Fault(CANNOT_READ if deed == "read" else CANNOT_WRITE, f"cannot {deed} {name}: {error.strerror or error}")

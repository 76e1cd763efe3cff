"""Exit codes: one for every class of the tree."""

import inspect
import ssl

import pytest

from smartclient import exceptions as errors
from smartclient._cli.codes import exit_code
from smartclient._cli.exits import Fault

CODES = {
    "RequestException": 7,
    "HTTPError": 22,
    "ClientStatusError": 22,
    "ServerStatusError": 22,
    "BadRequest": 22,
    "Unauthorized": 22,
    "Forbidden": 22,
    "NotFound": 22,
    "MethodNotAllowed": 22,
    "NotAcceptable": 22,
    "Conflict": 22,
    "Gone": 22,
    "PreconditionFailed": 22,
    "UnprocessableContent": 22,
    "TooManyRequests": 22,
    "InternalServerError": 22,
    "BadGateway": 22,
    "ServiceUnavailable": 22,
    "GatewayTimeout": 22,
    "NegotiationError": 22,
    "InvalidHeader": 2,
    "InvalidOption": 2,
    "InvalidJSONError": 2,
    "MissingSchema": 3,
    "InvalidSchema": 3,
    "InvalidURL": 3,
    "URLRequired": 3,
    "InvalidProxyURL": 5,
    "ResolveError": 6,
    "ConnectionError": 7,
    "RetryError": 7,
    "FileError": 23,
    "RemoteProtocolError": 8,
    "ChunkedEncodingError": 8,
    "UnexpectedContent": 8,
    "NotRecorded": 7,
    "WebSocketError": 8,
    "JSONDecodeError": 8,
    "IncompleteBody": 18,
    "Timeout": 28,
    "ConnectTimeout": 28,
    "PoolTimeout": 28,
    "ReadTimeout": 28,
    "DeadlineExceeded": 28,
    "BodyReadTimeout": 28,
    "WriteTimeout": 28,
    "SSLError": 35,
    "TooManyRedirects": 47,
    "ServerDisconnected": 52,
    "WriteError": 55,
    "ReadError": 56,
    "ContentDecodingError": 61,
    "DecodedTooLarge": 63,
    "BodyTooLarge": 63,
    "UnrewindableBodyError": 65,
    "SessionMisuse": 70,
    "StreamConsumedError": 70,
    "ProxyError": 97,
    "ChecksumError": 120,
}
CLASSES = {
    kind.__name__: kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.RequestException)
}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_class_has_its_code(name: str) -> None:
    kind = CLASSES[name]
    error = kind("not JSON", "x", 0) if kind is errors.JSONDecodeError else kind("text")
    assert exit_code(error) == CODES[name]


def test_no_code_is_for_a_class_that_is_gone() -> None:
    assert set(CODES) == set(CLASSES)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(Fault(26, "cannot read"), 26, id="fault"),
        pytest.param(KeyError("x"), 70, id="unforeseen"),
        pytest.param(OSError("x"), 70, id="unforeseen-of-the-system"),
    ],
)
def test_other_errors(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def test_a_refused_certificate_has_a_code_of_its_own() -> None:
    error = errors.SSLError("certificate of example.org refused: expired")
    error.__cause__ = ssl.SSLCertVerificationError(1, "expired")
    assert exit_code(error) == 60

"""The tree of errors: bases that requests users catch, what they carry, and that they travel between processes."""

import builtins
import json
import pickle

import pytest

from smartclient import exceptions
from smartclient._model import errors
from smartclient._model.answer_errors import JSONDecodeError, status_error_class
from smartclient._model.errors import RequestException, shown


def every_error(kind=RequestException):
    yield kind
    for each in kind.__subclasses__():
        yield from every_error(each)


ERRORS = sorted(set(every_error()), key=lambda kind: kind.__name__)
each_error = pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)


def made(kind, **facts):
    error = kind("text", "doc", 2) if kind is JSONDecodeError else kind("text")
    for name, value in facts.items():
        setattr(error, name, value)
    return error


BASES = [  # dropin.md section 3
    ("HTTPError", ["RequestException"]),
    ("NotFound", ["ClientStatusError", "HTTPError"]),
    ("ServiceUnavailable", ["ServerStatusError", "HTTPError"]),
    ("ProxyError", ["ConnectionError"]),
    ("SSLError", ["ConnectionError"]),
    ("ResolveError", ["ConnectionError"]),
    ("ReadError", ["ConnectionError"]),
    ("WriteError", ["ConnectionError"]),
    ("RemoteProtocolError", ["ConnectionError"]),
    ("ConnectTimeout", ["ConnectionError", "Timeout"]),
    ("PoolTimeout", ["ConnectionError", "Timeout"]),
    ("ReadTimeout", ["Timeout"]),
    ("DeadlineExceeded", ["ReadTimeout"]),
    ("WriteTimeout", ["Timeout", "ConnectionError"]),
    ("BodyReadTimeout", ["ReadTimeout", "ConnectionError"]),
    ("InvalidProxyURL", ["InvalidURL"]),
    ("IncompleteBody", ["ChunkedEncodingError", "ConnectionError"]),
    ("DecodedTooLarge", ["ContentDecodingError"]),
    ("JSONDecodeError", ["InvalidJSONError"]),
]


@pytest.mark.parametrize(("name", "bases"), BASES, ids=[name for name, _ in BASES])
def test_bases(name, bases):
    for base in bases:
        assert issubclass(getattr(exceptions, name), getattr(exceptions, base))


BUILTIN_BASES = [
    ("RequestException", OSError),
    ("MissingSchema", ValueError),
    ("InvalidSchema", ValueError),
    ("InvalidURL", ValueError),
    ("InvalidHeader", ValueError),
    ("InvalidOption", ValueError),
    ("StreamConsumedError", TypeError),
    ("SessionMisuse", RuntimeError),
    ("JSONDecodeError", json.JSONDecodeError),
    ("FileModeWarning", DeprecationWarning),
]


@pytest.mark.parametrize(("name", "base"), BUILTIN_BASES, ids=[name for name, _ in BUILTIN_BASES])
def test_builtin_bases(name, base):
    assert issubclass(getattr(exceptions, name), base)


def test_read_timeout_is_no_connection_error():
    assert not issubclass(errors.ReadTimeout, errors.ConnectionError)


@each_error
def test_never_one_of_the_builtin_network_errors(kind):
    """requests' errors are not either, so that nobody's `except` clause changes its meaning."""
    assert not issubclass(kind, builtins.ConnectionError | TimeoutError)


@each_error
def test_public_under_its_name(kind):
    assert getattr(exceptions, kind.__name__) is kind


@each_error
def test_what_it_carries(kind):
    error = made(kind)
    assert (error.request, error.response, error.attempts, error.elapsed) == (None, None, (), None)
    assert error.sent == "nothing"
    assert str(error).startswith("text")


@each_error
def test_pickles_whole(kind):
    facts = {"request": "req", "response": "resp", "sent": "partly", "attempts": (made(kind),), "elapsed": 1.5}
    error = made(kind, **facts)
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind
    assert (str(twin), twin.args) == (str(error), error.args)
    assert {name: getattr(twin, name) for name in facts if name != "attempts"} == {
        name: value for name, value in facts.items() if name != "attempts"
    }
    assert [str(each) for each in twin.attempts] == [str(each) for each in error.attempts]


def test_json_error_tells_the_place():
    error = JSONDecodeError("Expecting value", "[1,\n x]", 5)
    assert str(error) == "Expecting value: line 2 column 2 (char 5)"
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert (each.msg, each.doc, each.pos, each.lineno, each.colno) == ("Expecting value", "[1,\n x]", 5, 2, 2)


def test_request_comes_from_the_response():
    class Answer:
        request = "asked"

    assert errors.HTTPError("x", response=Answer()).request == "asked"
    assert errors.HTTPError("x", response=Answer(), request="mine").request == "mine"
    assert errors.HTTPError("x", response=object()).request is None


STATUSES = [
    (400, "BadRequest"),
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (404, "NotFound"),
    (405, "MethodNotAllowed"),
    (406, "NotAcceptable"),
    (409, "Conflict"),
    (410, "Gone"),
    (412, "PreconditionFailed"),
    (418, "ClientStatusError"),
    (422, "UnprocessableContent"),
    (429, "TooManyRequests"),
    (499, "ClientStatusError"),
    (500, "InternalServerError"),
    (501, "ServerStatusError"),
    (502, "BadGateway"),
    (503, "ServiceUnavailable"),
    (504, "GatewayTimeout"),
    (599, "ServerStatusError"),
    (600, "ServerStatusError"),
    (999, "ServerStatusError"),
]


@pytest.mark.parametrize(("status", "name"), STATUSES)
def test_class_of_a_status(status, name):
    assert status_error_class(status).__name__ == name


class _Shy:
    def __repr__(self):
        raise ZeroDivisionError


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


SHOWN = [
    pytest.param("x", "'x'", id="text"),
    pytest.param("x" * 100, "'" + "x" * 79, id="cut"),
    pytest.param(10**5000, "int", id="too-many-digits"),
    pytest.param(nested(100_000), "list", id="too-deep"),
    pytest.param(_Shy(), "_Shy", id="own-repr"),
]


@pytest.mark.parametrize(("value", "text"), SHOWN)
def test_values_in_errors(value, text):
    assert shown(value) == text

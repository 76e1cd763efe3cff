"""For test suites: servers that are functions, applications or recordings; respx; and the checks for a store."""

from ._api.cassette import Cassette
from ._api.stand_ins import ASGITransport, MockRequest, MockResponse, MockTransport, WSGITransport
from ._api.store_checks import check_store
from ._model.errors import NotRecorded

__all__ = [
    "ASGITransport",
    "Cassette",
    "MockRequest",
    "MockResponse",
    "MockTransport",
    "NotRecorded",
    "WSGITransport",
    "check_store",
    "install_respx",
]


def install_respx() -> None:
    """Has `respx.mock` mock the calls of smartclient, outside pytest or with its plugins' autoload turned off.

    May be called any number of times. Under pytest the plugin has done it already.

    Raises:
        ImportError: respx is not installed.
    """
    import respx.mocks

    from smartclient_pytest import register

    register(respx.mocks)

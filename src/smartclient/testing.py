"""For test suites: respx for programs that use smartclient, and the checks that a store of one's own must pass."""

from ._api.store_checks import check_store

__all__ = ["check_store", "install_respx"]


def install_respx() -> None:
    """Has `respx.mock` mock the calls of smartclient, outside pytest or with its plugins' autoload turned off.

    May be called any number of times. Under pytest the plugin has done it already.

    Raises:
        ImportError: respx is not installed.
    """
    import respx.mocks

    from smartclient_pytest import register

    register(respx.mocks)

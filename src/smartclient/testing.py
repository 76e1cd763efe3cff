"""For test suites of programs that use smartclient: what has to be said where pytest does not load our plugin."""

__all__ = ["install_respx"]


def install_respx() -> None:
    """Has `respx.mock` mock the calls of smartclient, outside pytest or with its plugins' autoload turned off.

    May be called any number of times. Under pytest the plugin has done it already.

    Raises:
        ImportError: respx is not installed.
    """
    import respx.mocks

    from smartclient_pytest import register

    register(respx.mocks)

"""How thorough the faults of stores are."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """In every run each place has one fault; in thorough ones, one after the other, it has all eight."""
    if "turn" in metafunc.fixturenames:
        thorough = metafunc.config.getoption("hypothesis_profile") == "thorough"
        metafunc.parametrize("turn", range(8) if thorough else [0])

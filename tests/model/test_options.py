"""Timeouts, limits and the frozen options of a call."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.errors import InvalidOption
from smartclient._model.options import DEFAULT_TIMEOUT, TLS, Limits, Options, Timeout

NAMES = ("connect", "read", "write", "pool", "total")

TIMEOUTS = [  # behaviour.md section 2: connect, read, write, pool, total
    pytest.param(Timeout(), (5, 30, 30, None, 300), id="defaults"),
    pytest.param(Timeout(7), (7, 7, 7, None, 300), id="first-argument"),
    pytest.param(Timeout(None), (None, None, None, None, 300), id="none-lifts-the-waits"),
    pytest.param(Timeout(7, read=9), (7, 9, 7, None, 300), id="first-and-one-named"),
    pytest.param(Timeout(5, total=20), (5, 5, 5, None, 20), id="total"),
    pytest.param(Timeout(total=None), (5, 30, 30, None, None), id="total-lifted"),
    pytest.param(Timeout(pool=1), (5, 30, 30, 1, 300), id="pool"),
    pytest.param(Timeout(connect=None, write=1), (None, 30, 1, None, 300), id="others-keep-defaults"),
    pytest.param(Timeout(0), (0, 0, 0, None, 300), id="zero"),
    pytest.param(Timeout(0.5), (0.5, 0.5, 0.5, None, 300), id="float"),
    pytest.param(Timeout(float("inf"), total=float("inf")), (None,) * 5, id="inf-is-no-limit"),
    pytest.param(Timeout(10**400, pool=1e300), (2**31 // 1000,) * 3 + (2**31 // 1000, 300), id="24-days-at-most"),
]


@pytest.mark.parametrize(("timeout", "expected"), TIMEOUTS)
def test_timeouts(timeout, expected):
    assert tuple(getattr(timeout, name) for name in NAMES) == expected


def test_only_a_named_total_is_explicit():
    assert [each.explicit_total for each in (Timeout(), Timeout(3), Timeout(total=None), Timeout(total=3))] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("name", ["timeout", *NAMES])
@pytest.mark.parametrize("value", [-1, -0.1, float("nan"), float("-inf"), True, "5", (1, 2), [], b"1", 1j], ids=repr)
def test_no_timeouts(name, value):
    with pytest.raises(InvalidOption, match=f"timeout: {name}"):
        Timeout(**{name: value})


def test_timeouts_are_values():
    assert Timeout(5) == Timeout(5.0)
    assert hash(Timeout(5)) == hash(Timeout(5.0))
    assert Timeout(5) != Timeout(5, total=300)  # the one covers streamed bodies
    assert Timeout(5) != 5
    assert repr(Timeout(5)) == "Timeout(connect=5.0, read=5.0, write=5.0, pool=None, total=300.0)"
    assert pickle.loads(pickle.dumps(Timeout(5, total=3))) == Timeout(5, total=3)


@given(st.floats() | st.integers() | st.none() | st.text() | st.fractions() | st.decimals())
def test_any_timeout_is_a_limit_that_the_system_takes_or_our_error(value):
    try:
        timeout = Timeout(value, pool=value, total=value)
    except InvalidOption:
        return
    assert {getattr(timeout, name) for name in NAMES} == {timeout.read}
    assert timeout.read is None or 0 <= timeout.read <= 2**31 // 1000


LIMITS = [
    {},
    {"max_connections": 1, "max_per_origin": 1},
    {"max_per_origin": None, "decoded_ratio": None, "decoded_max": None, "body_max": None},
    {"keepalive_expiry": 0, "decoded_ratio": 1.5, "body_max": 0},
    {"keepalive_expiry": float("inf")},
]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_limits(limits):
    assert {name: getattr(Limits(**limits), name) for name in limits} == limits


NO_LIMITS = [
    *[{"max_connections": value} for value in (0, -1, None, 1.5, "1", True, [])],
    *[{"max_per_origin": value} for value in (0, "1", 0.5)],
    *[{"keepalive_expiry": value} for value in (-1, None, "1", float("nan"))],
    *[{"decoded_ratio": value} for value in (-1, "1", float("nan"))],
    *[{"decoded_max": value} for value in (-1, 0.5)],
    *[{"body_max": value} for value in (-1, "1", False)],
]


@pytest.mark.parametrize("limits", NO_LIMITS, ids=str)
def test_no_limits(limits):
    with pytest.raises(InvalidOption, match=next(iter(limits))):
        Limits(**limits)


def test_options_are_frozen_and_default_to_the_table():
    options = Options()
    with pytest.raises(AttributeError):
        options.retries = 5
    assert (options.timeout, options.allow_redirects, options.max_redirects) == (DEFAULT_TIMEOUT, True, 30)
    assert (options.retries.retries, options.cache, options.stream, options.tls) == (2, "default", False, TLS())


def test_options_show_no_secret():
    shown = repr(Options(auth=("user", "secret"), cookies=(("name", "secret"),)))
    assert "secret" not in shown
    assert "user" not in shown


def test_tls_settings_are_part_of_a_key():
    assert TLS(True, "/ca") == TLS(True, "/ca")
    assert len({TLS(), TLS(False), TLS(True, "/ca"), TLS(cert="/c"), TLS(cert=("/c", "/k"))}) == 5

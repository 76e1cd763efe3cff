"""What `resolve=`, `unix_socket=` and `local_address=` accept, before anything is opened."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

import smartclient
from smartclient._api.reach import reach_from
from smartclient.exceptions import InvalidOption


@pytest.mark.parametrize(
    ("resolve", "addresses"),
    [
        pytest.param({"a.test": "192.0.2.1"}, {("a.test", None): ("192.0.2.1",)}, id="host"),
        pytest.param({"a.test:80": "::1"}, {("a.test", 80): ("::1",)}, id="host and port, even the usual one"),
        pytest.param({"A.Test": ["::1", "192.0.2.1"]}, {("a.test", None): ("::1", "192.0.2.1")}, id="several"),
        pytest.param({"bücher.test": "::1"}, {("xn--bcher-kva.test", None): ("::1",)}, id="IDNA"),
        pytest.param({"2001:db8::1": "::1"}, {("2001:db8::1", None): ("::1",)}, id="IPv6"),
        pytest.param({"[2001:db8::1]": "::1"}, {("2001:db8::1", None): ("::1",)}, id="IPv6 in brackets"),
        pytest.param({"[2001:db8::1]:8443": "::1"}, {("2001:db8::1", 8443): ("::1",)}, id="IPv6 and port"),
        pytest.param({"a.test": ip_address("192.0.2.1")}, {("a.test", None): ("192.0.2.1",)}, id="an object"),
    ],
)
def test_mapping(resolve: Any, addresses: Any) -> None:
    reach = reach_from(resolve, None, None)
    assert reach is not None
    assert reach.addresses == addresses


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"resolve": "192.0.2.1"}, id="no mapping"),
        pytest.param({"resolve": {"a.test": "b.test"}}, id="a name is no address"),
        pytest.param({"resolve": {"a.test": []}}, id="no address"),
        pytest.param({"resolve": {"a.test": 7}}, id="a number"),
        pytest.param({"resolve": {"a.test/path": "::1"}}, id="a path"),
        pytest.param({"resolve": {"u@a.test": "::1"}}, id="userinfo"),
        pytest.param({"resolve": {"a.test:99999": "::1"}}, id="no port"),
        pytest.param({"resolve": {"": "::1"}}, id="no host"),
        pytest.param({"resolve": {None: "::1"}}, id="None"),
        pytest.param({"unix_socket": ""}, id="empty path"),
        pytest.param({"unix_socket": 7}, id="no path"),
        pytest.param({"unix_socket": "/s", "resolve": {"a.test": "::1"}}, id="socket and resolve"),
        pytest.param({"unix_socket": "/s", "local_address": "::1"}, id="socket and local address"),
        pytest.param({"local_address": "a.test"}, id="local name"),
        pytest.param({"local_address": ("::1", -1)}, id="negative port"),
        pytest.param({"local_address": ("::1", "80")}, id="port as text"),
        pytest.param({"local_address": ["::1", 80, 3]}, id="three parts"),
    ],
)
def test_what_makes_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption):
        smartclient.Session(**options)


def test_nothing_given_is_nothing() -> None:
    assert reach_from(None, None, None) is None


def test_paths_and_local_addresses() -> None:
    socket_path, local = reach_from(None, Path("/run/s"), None), reach_from(None, None, ("127.0.0.1", 4000))
    assert socket_path is not None
    assert local is not None
    assert (socket_path.unix_socket, local.local_address) == ("/run/s", ("127.0.0.1", 4000))


async def _later(host: str, port: int) -> str:
    return "127.0.0.1"


class Later:
    async def __call__(self, host: str, port: int) -> str:
        return "127.0.0.1"


@pytest.mark.parametrize("resolve", [_later, Later()], ids=["function", "object"])
def test_blocking_sessions_cannot_await(resolve: Any) -> None:
    with pytest.raises(InvalidOption, match="plain functions"):
        smartclient.Session(resolve=resolve)
    smartclient.AsyncSession(resolve=resolve)

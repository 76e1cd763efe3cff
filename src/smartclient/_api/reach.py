"""What `resolve=`, `unix_socket=` and `local_address=` of a session mean."""

import os
import socket
from collections.abc import Mapping
from typing import Any

from .._model.errors import InvalidOption, InvalidURL, shown
from .._model.options import Reach, path_text
from .._model.url import URL
from .._net.reach import address_texts

_NOT_IN_HOSTS = frozenset("/?#@\\ ")


def reach_from(resolve: Any, unix_socket: Any, local_address: Any) -> Reach | None:
    """The way to servers that these options describe; None when none of them is given.

    Raises:
        InvalidOption: a value that makes no sense, or two options that exclude each other.
    """
    if resolve is None and unix_socket is None and local_address is None:
        return None
    if unix_socket is not None:
        if resolve is not None or local_address is not None:
            raise InvalidOption("unix_socket: neither resolve nor local_address can be given beside it")
        if not hasattr(socket, "AF_UNIX"):
            raise InvalidOption("unix_socket: this system has no such sockets")
        path = _checked_path(unix_socket)
        return Reach({}, unix_socket=path, mark=path)
    local = None if local_address is None else _local(local_address)
    if callable(resolve):
        return Reach({}, resolve, _awaits(resolve), local_address=local, mark=own_mark())
    addresses = {} if resolve is None else _addresses(resolve)
    return Reach(addresses, local_address=local, mark=(*sorted(addresses.items(), key=repr), local))


def own_way(reach: Reach | None) -> Reach:
    """`reach` for a transport of the caller's, whose answers are like nobody else's."""
    way = reach or Reach({})
    way.mark = own_mark()
    return way


def own_mark() -> bytes:
    """A mark for what means something in this process only, such as a function: no other process comes upon it."""
    return os.urandom(16)


def _checked_path(value: Any) -> str:
    path = path_text("unix_socket", value)
    if not path:
        raise InvalidOption("unix_socket: expected a path")
    return path


def _awaits(function: Any) -> bool:
    import inspect  # 7 ms that most programs save

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _addresses(resolve: Any) -> dict[tuple[str, int | None], tuple[str, ...]]:
    if not isinstance(resolve, Mapping):
        raise InvalidOption("resolve must be a mapping {host or host:port: addresses}, or a function of host and port")
    found = {}
    for name, value in resolve.items():
        addresses = address_texts(value)
        if not addresses:
            raise InvalidOption(f"resolve: no address for {shown(name)}")
        found[_host_and_port(name)] = addresses
    return found


def _host_and_port(name: Any) -> tuple[str, int | None]:
    """The host as URLs have it, and the port if there is one; IPv6 addresses may stand in brackets."""
    if not isinstance(name, str) or not _NOT_IN_HOSTS.isdisjoint(name):
        raise InvalidOption(f"resolve: {shown(name)} is no host, and no host:port")
    if name.count(":") > 1 and "[" not in name:
        name = f"[{name}]"
    try:
        origin = URL.parse(f"http://{name}/").origin
    except InvalidURL as error:
        raise InvalidOption(f"resolve: {shown(name)} is no host, and no host:port") from error
    return origin.host, origin.port if name.rpartition(":")[2].isdigit() and name[-1] != "]" else None


def _local(value: Any) -> tuple[str, int]:
    address, port = value if isinstance(value, tuple | list) and len(value) == 2 else (value, 0)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise InvalidOption(f"local_address: {shown(port)} is no port")
    texts = address_texts(address)
    if len(texts) != 1:
        raise InvalidOption("local_address must be an IP address, or a pair (address, port)")
    return texts[0], port

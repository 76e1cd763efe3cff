"""Addresses as a caller wants them: `resolve=`, `unix_socket=` and `local_address=` before the system is asked."""

import socket
from collections.abc import Coroutine
from functools import partial
from typing import Any

from .._model.errors import ConnectionError, ConnectTimeout, InvalidOption, ResolveError, shown
from .._model.options import Reach
from .._runtime.base import Address, Runtime, in_thread
from .resolve import RESOLVER, numeric_address


async def addresses_of(
    runtime: Runtime, host: str, port: int, reach: Reach | None, timeout: float | None
) -> list[Address]:
    """Where to connect to reach `host`, in the order of preference, never empty.

    Raises:
        ConnectionError: none of its addresses can be reached from `local_address`.
        ResolveError, ConnectTimeout, InvalidOption: as `named_addresses`.
    """
    if reach is not None and reach.unix_socket is not None:
        return [Address(socket.AF_UNIX, reach.unix_socket)]
    addresses = await named_addresses(runtime, host, port, reach, timeout)
    if reach is None or reach.local_address is None:
        return addresses
    local = _numeric(*reach.local_address)
    bound = [Address(each.family, each.remote, local.remote) for each in addresses if each.family == local.family]
    if not bound:
        raise ConnectionError(f"{host} has no address of the family of local_address {reach.local_address[0]}")
    return bound


async def named_addresses(
    runtime: Runtime, host: str, port: int, reach: Reach | None, timeout: float | None
) -> list[Address]:
    """The addresses of `host` in the order of preference, never empty: those that `reach` names, else the system's.

    Raises:
        ResolveError: the name has no address.
        ConnectTimeout: no answer in time.
        InvalidOption: what the caller's function gave is no address.
    """
    if reach is None:
        return await RESOLVER.addresses(runtime, host, port, timeout)
    named = reach.addresses.get((host, port)) or reach.addresses.get((host, None))
    if named is None and reach.resolver is not None and numeric_address(host, port) is None:
        named = await _asked(runtime, reach, host, port, timeout)
    if named is None:
        return await RESOLVER.addresses(runtime, host, port, timeout)
    return [_numeric(text, port) for text in named]


async def _asked(runtime: Runtime, reach: Reach, host: str, port: int, timeout: float | None) -> tuple[str, ...] | None:
    """What the caller's function says of a name; a plain one is asked in a thread, since it may take its time."""
    ask = partial(reach.resolver, host, port)
    try:
        if reach.awaits:
            found = await runtime.within(timeout, ask())
        else:
            from contextvars import copy_context

            found = await in_thread(runtime, runtime.run_in_thread, copy_context().run, ask, timeout=timeout)
    except TimeoutError as error:
        raise ConnectTimeout(f"look-up of {host} by resolve= timed out") from error
    except OSError as error:
        raise ResolveError(f"look-up of {host} by resolve= failed: {error.strerror or error}") from error
    if found is None:
        return None
    if isinstance(found, Coroutine):
        found.close()
        raise InvalidOption("resolve= gave a coroutine: only an AsyncSession can wait, and only for an `async def`")
    addresses = address_texts(found)
    if not addresses:
        raise ResolveError(f"look-up of {host} by resolve= gave no address")
    return addresses


def address_texts(value: Any) -> tuple[str, ...]:
    """The addresses in what a caller gave: one, or several; as text, or as objects of `ipaddress`.

    Raises:
        InvalidOption: something that is no IP address.
    """
    try:
        texts = (value,) if isinstance(value, str) or not hasattr(value, "__iter__") else tuple(value)
    except Exception as error:
        raise InvalidOption(f"resolve: {shown(value)} is no list of addresses") from error
    return tuple([_checked(text) for text in texts])


def _checked(value: Any) -> str:
    from ipaddress import ip_address  # stricter than the system, which takes 7 for 0.0.0.7

    try:
        return str(ip_address(str(value)))
    except ValueError as error:
        raise InvalidOption(f"{shown(value)} is no IP address") from error


def _numeric(text: str, port: int) -> Address:
    address = numeric_address(text, port)
    if address is None:  # an IPv6 zone that there is not
        raise ResolveError(f"{shown(text)} is no address of this system")
    return address

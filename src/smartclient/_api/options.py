"""From the keywords of a call to frozen `Options`: merging, checking, and no work twice for the same keywords."""

import os
from collections.abc import Mapping
from typing import Any, Final, TypedDict

from .._model.errors import InvalidOption, shown
from .._model.headers import HeadersInput
from .._model.options import DEFAULT_TIMEOUT, DEFAULT_TLS, TLS, Timeout
from .._model.url import URL


class NotGiven:
    """The type of `NOT_GIVEN`, for options whose None says something."""

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven()

TimeoutInput = float | tuple[float | None, float | None] | Timeout | None
CacheInput = bool | str | None
ProxiesInput = Mapping[str, Any] | None


class CommonOptions(TypedDict, total=False):
    """The keywords that every call takes; those not given are the session's."""

    headers: HeadersInput
    cookies: Any
    auth: Any
    timeout: TimeoutInput | NotGiven
    allow_redirects: bool
    stream: bool | None
    verify: bool | str | os.PathLike[str] | None
    cert: Any
    retries: int | None
    cache: CacheInput | NotGiven
    proxies: ProxiesInput


class PostOptions(CommonOptions, total=False):
    """What is left where `data` and `json` are arguments of their own."""

    params: Any


class PutOptions(PostOptions, total=False):
    """What is left where `data` is an argument of its own."""

    json: Any


class GetOptions(CommonOptions, total=False):
    """What is left where `params` is an argument of its own."""

    data: Any
    json: Any


class CallOptions(PutOptions, total=False):
    """Every keyword of a call."""

    data: Any


def timeout_from(value: Any) -> Timeout:
    """What `timeout=` means: seconds for each wait, (connect, read), None for no limit at all, or a Timeout.

    A number leaves the limit of the whole call at 300 seconds, or twice the read limit where that is more.

    Raises:
        InvalidOption: anything else; a ValueError, with the words that requests uses.
    """
    if value is NOT_GIVEN:
        return DEFAULT_TIMEOUT
    if isinstance(value, Timeout):
        return value
    if value is None:
        return Timeout(None, total=None)
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise InvalidOption(
                f"Invalid timeout {shown(value)}. Pass a (connect, read) timeout tuple, or a single float to set both"
            )
        connect, read = value
    else:
        connect = read = value
    limits = Timeout(connect=connect, read=read, write=read)
    if limits.connect is None or limits.read is None:
        limits.total = None
    else:
        limits.total = max(300.0, 2 * limits.read)
    return limits


def tls_from(verify: Any, cert: Any) -> TLS:
    """What `verify=` and `cert=` mean.

    Raises:
        InvalidOption: a path that does not exist, or something that is no path.
    """
    if (verify is True or verify is None) and cert is None:
        return DEFAULT_TLS
    ca = None
    if not isinstance(verify, bool) and verify is not None:
        ca = _path(verify, "verify")
        if not os.path.exists(ca):
            raise InvalidOption(f"Could not find a suitable TLS CA certificate bundle, invalid path: {ca}")
    if isinstance(cert, tuple | list):
        if len(cert) != 2:
            raise InvalidOption("cert must be a path, or a pair of paths (certificate, key)")
        cert = (_path(cert[0], "cert"), _path(cert[1], "cert"))
    elif cert is not None:
        cert = _path(cert, "cert")
    return TLS(verify is not False, ca, cert)


def _path(value: Any, name: str) -> str:
    try:
        return os.fsdecode(value)
    except TypeError:
        raise InvalidOption(f"{name}: expected a path, got {type(value).__name__}") from None


def auth_from(value: Any) -> tuple[Any, Any] | None:
    """What `auth=` means: (user, password), each str or bytes; None for nobody.

    Raises:
        InvalidOption: anything else.
    """
    if value is None:
        return None
    pair = isinstance(value, tuple | list) and len(value) == 2
    if not pair or not all(isinstance(part, str | bytes) for part in value):
        raise InvalidOption("auth must be a (user, password) pair of str or bytes")
    return (value[0], value[1])


def with_params(url: URL, session: Any, call: Any) -> URL:
    """`url` with the parameters of session and call: of two mappings the call's names win, and None removes one.

    Raises:
        InvalidOption: neither mapping nor pairs, str or bytes.
    """
    if isinstance(session, Mapping) and isinstance(call, Mapping):
        return url.with_params({**session, **call})
    return url.with_params(session).with_params(call)


CACHE_MODES = ("default", "refresh", "reload", "only")


def cache_mode(value: Any) -> str | None:
    """What `cache=` of a call means: a mode, or None for no cache.

    Raises:
        InvalidOption: an unknown mode.
    """
    if value is NOT_GIVEN or value is True:
        return "default"
    if value is None or value is False:
        return None
    if value in CACHE_MODES:
        return str(value)
    raise InvalidOption(f"cache: {shown(value)} is none of {', '.join(CACHE_MODES)}, None or False")


def checked_count(name: str, value: Any) -> int:
    """`value` as a number of times, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidOption(f"{name} must be a whole number, 0 or more, not {shown(value)}")
    return value

"""What `proxies=` means: from the keywords of session and call, and the environment, to frozen `Proxies`."""

from collections.abc import Mapping
from typing import Any

from .._model.errors import InvalidOption, InvalidProxyURL, shown
from .._model.frozen import replace
from .._model.headers import Fields
from .._model.options import Options
from .._model.proxy import Environment, Proxies, Proxy, parse_proxy

_SCHEMES = ("http", "https", "all")
AUTHORIZATION = "proxy-authorization"


def proxies_from(session: Any, call: Any, environment: Environment | None) -> Proxies | None:
    """The proxies of a call, whose keys beat the session's; None when nothing is said of any.

    Keys that are neither http nor https nor both, such as "ftp", are passed over, as in requests.

    Raises:
        InvalidProxyURL: a proxy that cannot be used.
        InvalidOption: no mapping, or a value that is none of URL, (URL, (user, password)) and None.
    """
    given: dict[str, Proxy | None] = {}
    no_proxy = ""
    for source in (session, call):
        if not source:
            continue
        if not isinstance(source, Mapping):
            raise InvalidOption(f"proxies must be a mapping from schemes to URLs, not a {type(source).__name__}")
        for key, value in source.items():
            name = str(key).lower()
            if name == "no_proxy":
                no_proxy = str(value or "")
            elif name.partition("://")[0] in _SCHEMES:
                given[name] = _proxy(key, value)
    if not given and environment is None:
        return None
    return Proxies(tuple(given.items()), no_proxy, environment)


def _proxy(key: Any, value: Any) -> Proxy | None:
    if not value:
        return None
    url, auth = value if isinstance(value, tuple | list) and len(value) == 2 else (value, None)
    if auth is not None:
        if not isinstance(auth, tuple | list) or [type(part) for part in auth] != [str, str]:
            raise InvalidOption(f"proxies: {shown(key)} takes a URL, or (URL, (user, password))")
        auth = (auth[0], auth[1])
    try:
        return parse_proxy(url, auth)
    except InvalidProxyURL as error:
        raise InvalidProxyURL(f"{error} (proxies: {shown(key)})") from error


def with_authorization(fields: Fields, options: Options, value: str) -> tuple[Fields, Options]:
    """Without the Proxy-Authorization field: its `value` goes to the proxies of `options`, and to nobody else.

    An origin that is reached directly, or through a tunnel, would get the proxy's password (CVE-2023-32681).
    """
    proxies = options.proxies and options.proxies._replace(authorization=value)
    return fields.without((AUTHORIZATION,)), replace(options, proxies=proxies)

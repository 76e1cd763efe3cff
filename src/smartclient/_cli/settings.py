"""From flags to keywords: what a `Session` is made with, and what each of its calls gets."""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from .._model.errors import InvalidOption, SSLError
from .bodies import query_text, revealed
from .exits import CA_FILE, CLIENT_CERTIFICATE, USAGE, Fault

if TYPE_CHECKING:
    from ssl import SSLContext

_SHORT_TYPES = {
    "json": "application/json",
    "html": "text/html",
    "xml": "application/xml",
    "text": "text/plain",
    "any": "*/*",
}


def session_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Keywords of `Session`: route, trust and limits, which hold for all URLs.

    Raises:
        Fault: a value that cannot be, or a file that cannot be used.
    """
    options: dict[str, Any] = {}
    auth = _auth(arguments)
    if auth is not None:
        options["auth"] = auth
    if arguments.no_netrc or arguments.netrc_file is not None:
        os.environ["NETRC"] = os.devnull if arguments.no_netrc else arguments.netrc_file
    options.update(way_options(arguments))
    options.update(tls_options(arguments))
    timeout = _timeout(arguments)
    if timeout is not None:
        options["timeout"] = timeout
    if arguments.retry is not None:
        options["retries"] = arguments.retry
    if arguments.max_redirects is not None:
        options["max_redirects"] = arguments.max_redirects
    if arguments.strict:
        options["strict_accept"] = True
    if arguments.http2:
        options["http2"] = True
    if arguments.trace_id is not None:
        options["trace"] = True
    if arguments.rate is not None:
        options["rate"] = _rate(arguments.rate)
    options["cache"] = cache_option(arguments)
    options["hsts"] = _hsts_option(arguments)
    return options


def _rate(text: str) -> Any:
    from .._model.rate import Rate

    count, _, seconds = text.partition("/")
    try:
        return Rate(float(count), per=float(seconds.removesuffix("s") or 1))
    except ValueError:
        raise Fault(USAGE, "--rate wants N/SECONDS, such as 10/1") from None


def _hsts_option(arguments: argparse.Namespace) -> str | None:
    """The file of hosts that want https."""
    if arguments.no_hsts:
        return None
    from .._api.places import state_folder

    folder = state_folder()
    if not os.path.isdir(folder):
        with suppress(OSError):  # the list is kept in memory then
            os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.join(folder, "hsts.json")


def cache_option(arguments: argparse.Namespace) -> Any:
    """The store on disk, which outlives the program; None with --no-cache."""
    if arguments.no_cache:
        return None
    from .._api.cache import Cache, cache_at

    return Cache.default() if arguments.cache is None else cache_at(arguments.cache)


def _auth(arguments: argparse.Namespace) -> Any:
    """The credentials that the flags give; None for none."""
    if arguments.bearer is not None:
        if arguments.user is not None:
            raise Fault(USAGE, "-u and --bearer are two kinds of credentials")
        from ..auth import BearerAuth

        return BearerAuth(revealed(arguments.bearer))
    if arguments.user is None:
        if arguments.digest:
            raise Fault(USAGE, "--digest needs -u")
        return None
    user, _, password = revealed(arguments.user).partition(":")
    if arguments.digest:
        from ..auth import HTTPDigestAuth

        return HTTPDigestAuth(user, password)
    return user, password


def call_options(arguments: argparse.Namespace, extra_fields: Mapping[str, str]) -> dict[str, Any]:
    """Keywords of `Session.request` but for the body; `extra_fields` go along unless -H names the same."""
    fields = [_field(text) for text in arguments.header]
    for name, value in (("User-Agent", arguments.user_agent), ("Referer", arguments.referer)):
        if value is not None:
            fields.append((name, value))
    if arguments.range is not None:
        fields.append(("Range", f"bytes={arguments.range}"))
        fields.append(("Accept-Encoding", "identity"))  # a part of a coded body cannot be decoded
    if arguments.trace_id:
        fields.append(("X-Request-Id", arguments.trace_id))
    wishes = _wishes(arguments)
    named = {name.lower() for name, _ in fields} | ({"accept"} & wishes.keys())
    fields += [(name, value) for name, value in extra_fields.items() if name.lower() not in named]
    options: dict[str, Any] = {"allow_redirects": arguments.follow, "stream": True, "headers": fields, **wishes}
    query = query_text(arguments)
    if query:
        options["params"] = query
    cookies = _cookies(arguments.cookie)
    if cookies:
        options["cookies"] = cookies
    if arguments.idempotency_key is not None:
        options["idempotency_key"] = arguments.idempotency_key or True
    if arguments.refresh or arguments.offline:
        options["cache"] = "only" if arguments.offline else "refresh"
    return options


def _field(text: str) -> tuple[str, str | None]:
    name, colon, value = text.partition(":")
    if colon:
        return name, value.strip() or None  # None takes a default field away
    if text.endswith(";"):
        return text[:-1], ""
    raise Fault(USAGE, "-H wants 'Name: value'")


def _cookies(texts: list[str]) -> dict[str, str]:
    """Those written out; the files among `texts` are `jars`' matter."""
    cookies: dict[str, str] = {}
    for text in texts:
        if "=" not in text and not text.startswith(("env:", "@")):
            continue
        for pair in revealed(text).split(";"):
            name, equals, value = pair.strip().partition("=")
            if not equals:
                raise Fault(USAGE, "--cookie wants name=value")
            cookies[name] = value
    return cookies


def _wishes(arguments: argparse.Namespace) -> dict[str, Any]:
    wishes: dict[str, Any] = {}
    if arguments.accept is not None:
        wishes["accept"] = [_wish(each, _SHORT_TYPES) for each in arguments.accept.split(",")]
    if arguments.lang is not None:
        wishes["accept_language"] = [_wish(each, {}) for each in arguments.lang.split(",")]
    return wishes


def _wish(text: str, short: Mapping[str, str]) -> Any:
    """One member with its weight apart, which may be written without the leading zero."""
    value, mark, weight = text.strip().partition(";q=")
    value = short.get(value, value)
    if not mark:
        return value
    try:
        return value, float(weight)
    except ValueError:
        raise Fault(USAGE, f"{weight!a} is no weight: q is a number from 0 to 1") from None


def way_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Keywords of `Session` for proxies, addresses and sockets."""
    options: dict[str, Any] = {}
    if arguments.proxy is not None:
        proxy = revealed(arguments.proxy)
        every = f"http://{proxy}" if proxy and "://" not in proxy else proxy or None
        options["proxies"] = {"all": every, "no_proxy": arguments.noproxy or ""}
    elif arguments.noproxy is not None:
        os.environ["no_proxy"] = arguments.noproxy  # the proxies are the environment's, and so are its exceptions
    if arguments.unix_socket is not None:
        options["unix_socket"] = arguments.unix_socket
    addresses = dict(map(_address, arguments.resolve))
    if arguments.family is not None:
        options["resolve"] = _resolver(arguments.family, addresses)
    elif addresses:
        options["resolve"] = addresses
    return options


def _address(text: str) -> tuple[str, Any]:
    """ "host:port:address[,address]" as a pair; IPv6 addresses may stand in brackets."""
    host, colon, rest = text.partition(":")
    if text.startswith("["):
        host, _, rest = text[1:].partition("]:")
    port, colon, addresses = rest.partition(":")
    if not (colon and port.isdigit() and addresses):
        raise Fault(USAGE, "--resolve wants host:port:address")
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{port}", [each.strip().strip("[]") for each in addresses.split(",")]


def _resolver(family: int, addresses: Mapping[str, Any]) -> Callable[[str, int], Any]:
    """A look-up that gives addresses of one family only."""
    import socket

    wanted = socket.AF_INET6 if family == 6 else socket.AF_INET

    def look_up(host: str, port: int) -> Any:
        named = addresses.get(f"{host}:{port}")
        if named is not None:
            return named
        found = socket.getaddrinfo(host, port, wanted, socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    return look_up


def _timeout(arguments: argparse.Namespace) -> Any:
    from .._model.options import Timeout

    limits = {
        "total": arguments.timeout,
        "connect": arguments.connect_timeout,
        "read": arguments.read_timeout,
    }
    given = {name: seconds for name, seconds in limits.items() if seconds is not None}
    return Timeout(**given) if given else None


def tls_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Keywords of `Session` for trust and the client's certificate; see `blaming_files` for what is wrong with them.

    Raises:
        Fault: flags that do not go together.
    """
    if arguments.key is not None and arguments.cert is None:
        raise Fault(USAGE, "--key needs --cert")
    options: dict[str, Any] = {}
    if arguments.insecure:
        import warnings

        from ..exceptions import InsecureRequestWarning

        warnings.simplefilter("ignore", InsecureRequestWarning)  # it was asked for
    ca = None if arguments.insecure else arguments.cacert
    if arguments.tls_min is not None or arguments.trust is not None:
        from .._api.tls import ISSUERS
        from .._model.options import TLS

        if ca is None and arguments.trust is None:
            ca = next(filter(None, map(os.environ.get, ISSUERS)), None)
        options["verify"] = TLS(
            verify=not arguments.insecure,
            ca=ca,
            trust=arguments.trust or "certifi",
            min_version=arguments.tls_min or "1.2",
        )
    elif arguments.insecure:
        options["verify"] = False
    elif ca is not None:
        options["verify"] = ca
    if arguments.cert is not None:
        options["cert"] = arguments.cert if arguments.key is None else (arguments.cert, arguments.key)
    return options


@contextmanager
def blaming_files(arguments: argparse.Namespace) -> Iterator[None]:
    """Finds out, when a call fails, whether a file of --cacert or --cert was to blame, which has its own exit code.

    Only then: reading the issuers once more would cost every call 14 ms.
    """
    try:
        yield
    except (SSLError, InvalidOption):
        if arguments.cacert is not None and not arguments.insecure:
            _check_issuers(arguments.cacert)
        if arguments.cert is not None:
            _check_certificate(arguments.cert, arguments.key)
        raise


def _check_issuers(path: str) -> None:
    context = _new_context()
    try:
        if os.path.isdir(path):
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:
        raise Fault(CA_FILE, f"cannot use the CA file {path}: {_reason(error)}") from error


def _check_certificate(path: str, key: str | None) -> None:
    def password() -> str:  # without it OpenSSL would ask on the terminal, and wait
        raise Fault(CLIENT_CERTIFICATE, f"cannot use the client certificate {path}: its key is encrypted")

    try:
        _new_context().load_cert_chain(path, key, password)
    except OSError as error:
        raise Fault(CLIENT_CERTIFICATE, f"cannot use the client certificate {path}: {_reason(error)}") from error


def _new_context() -> "SSLContext":
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)

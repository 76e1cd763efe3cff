"""TLS contexts: built at the first https connection, one for each set of options, shared, never changed after."""

from typing import TYPE_CHECKING

from .._model.errors import InvalidOption, SSLError
from .._model.options import TLS
from .._runtime.base import new_lock

if TYPE_CHECKING:
    import ssl

_contexts: dict[TLS, "ssl.SSLContext"] = {}
_lock = new_lock()


def context_for(tls: TLS) -> "ssl.SSLContext":
    """The shared context for `tls`. Building one costs 14 ms, nearly all of it the trust store.

    Raises:
        SSLError: a file is not what it should be.
        InvalidOption: a file is not there; an OSError, with the text that requests gives.
    """
    context = _contexts.get(tls)
    if context is None:
        with _lock:
            context = _contexts.get(tls) or _contexts.setdefault(tls, _new_context(tls))
    return context


def _new_context(tls: TLS) -> "ssl.SSLContext":
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | getattr(ssl, "OP_NO_RENEGOTIATION", 0)
    context.hostname_checks_common_name = False  # SAN only (RFC 9525 section 2)
    context.set_alpn_protocols(["http/1.1"])
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        _trust(context, tls.ca)
    if tls.cert is not None:
        _identify(context, tls.cert)
    return context


def _trust(context: "ssl.SSLContext", ca: str | None) -> None:
    import os
    import ssl

    if ca is None:
        import certifi

        ca = certifi.where()
    if not os.path.exists(ca):
        raise InvalidOption(f"Could not find a suitable TLS CA certificate bundle, invalid path: {ca}")
    try:
        if os.path.isdir(ca):
            context.load_verify_locations(capath=ca)
        else:
            context.load_verify_locations(cafile=ca)
    except ssl.SSLError as error:
        raise SSLError(f"the CA file {ca} cannot be used: {error.reason or error}") from error


def _identify(context: "ssl.SSLContext", cert: str | tuple[str, str]) -> None:
    import os
    import ssl

    chain, key = (cert, None) if isinstance(cert, str) else cert
    for path, what in ((chain, "certificate file"), (key, "key file")):
        if path is not None and not os.path.exists(path):
            raise InvalidOption(f"Could not find the TLS {what}, invalid path: {path}")
    try:
        context.load_cert_chain(chain, key)
    except ssl.SSLError as error:
        raise SSLError(f"the client certificate {chain} cannot be used: {error.reason or error}") from error

"""TLS contexts: built at the first https connection, one for each set of options, shared, never changed after.

Versions and options: RFC 9325, RFC 8996. Names: RFC 9525. What a handshake agreed on is read here too.
"""

from typing import TYPE_CHECKING, Any

from .._model.errors import InvalidOption, SSLError
from .._model.message import Handshake
from .._model.options import TLS
from .._runtime.base import new_lock

if TYPE_CHECKING:
    import ssl

_MOST_CONTEXTS = 64  # a program may have a certificate for each of its users; the oldest context is built anew

_contexts: dict[tuple[TLS, bool], "ssl.SSLContext"] = {}
_lock = new_lock()


def context_for(tls: TLS, *, http2: bool = False) -> "ssl.SSLContext":
    """The shared context for `tls`. Building one costs 14 ms, nearly all of it the trust store.

    `http2`: it offers that beside HTTP/1.1; what a context of the caller's offers is the caller's business.

    Raises:
        SSLError: a file is not what it should be.
        InvalidOption: a file is not there; an OSError, with the text that requests gives.
    """
    if tls.own is not None:
        return tls.own.context  # type: ignore[no-any-return]
    key = tls, http2
    context = _contexts.get(key)
    if context is None:
        with _lock:
            context = _contexts.get(key)
            if context is None:
                context = _contexts[key] = _new_context(tls, http2)
                if len(_contexts) > _MOST_CONTEXTS:
                    del _contexts[next(iter(_contexts))]
    return context


def certified_name(host: str) -> str:
    """`host` as certificates name it: neither a zone nor the dot of the root is part of that."""
    return host.partition("%")[0].removesuffix(".")


def handshake_of(ssl_object: Any, verified: bool) -> Handshake:
    """What is kept of a connection's beginning: 5 us once, so that responses can tell of it when it is closed."""
    cipher = ssl_object.cipher()
    return Handshake(
        ssl_object.version() or "",
        cipher[0] if cipher else "",
        ssl_object.selected_alpn_protocol(),
        verified,
        ssl_object.getpeercert(True) or b"",
    )


def _new_context(tls: TLS, http2: bool) -> "ssl.SSLContext":
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if tls.min_version == "1.3" else ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | getattr(ssl, "OP_NO_RENEGOTIATION", 0)
    # SAN only, and a wildcard is a whole left-most label, which Python asks of OpenSSL by itself (RFC 9525 section 6).
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca is not None:
        _trust(context, tls.ca)
    elif tls.trust == "system":
        _trust_system(context)
    else:
        import certifi

        _trust(context, certifi.where())
    if isinstance(tls.cert, bytes):
        _identify_by_pem(context, tls.cert)
    elif tls.cert is not None:
        _identify(context, tls.cert)
    if tls.keylog is not None:
        try:
            context.keylog_filename = tls.keylog
        except OSError as error:
            raise InvalidOption(f"cannot write secrets of TLS to {tls.keylog}: {error.strerror or error}") from error
    return context


def _trust(context: "ssl.SSLContext", ca: str) -> None:
    import os
    import ssl

    folders = all(os.path.isdir(part) for part in ca.split(os.pathsep))  # SSL_CERT_DIR may name several
    if not folders and not os.path.exists(ca):
        raise InvalidOption(f"Could not find a suitable TLS CA certificate bundle, invalid path: {ca}")
    try:
        if folders:
            context.load_verify_locations(capath=ca)
        else:
            context.load_verify_locations(cafile=ca)
    except ssl.SSLError as error:
        raise SSLError(f"the CA file {ca} cannot be used: {error.reason or error}") from error


def _trust_system(context: "ssl.SSLContext") -> None:
    """The places that OpenSSL was built for, whatever the environment says: that was read before, or not at all."""
    import os
    import ssl
    import sys

    if sys.platform == "win32":
        context.load_default_certs()
        return
    paths = ssl.get_default_verify_paths()
    found = [path for path in (paths.openssl_cafile, paths.openssl_capath) if path and os.path.exists(path)]
    if not found:
        raise SSLError(f"no trusted issuers in {paths.openssl_cafile} and {paths.openssl_capath}; use certifi's")
    for path in found:
        _trust(context, path)


def _identify_by_pem(context: "ssl.SSLContext", pem: bytes) -> None:
    """OpenSSL reads certificates from files only: this one is the owner's alone, and gone when it was read."""
    import os
    import tempfile

    handle, path = tempfile.mkstemp(suffix=".pem")
    try:
        with open(handle, "wb") as file:
            file.write(pem)
        _identify(context, path, "given as PEM")
    finally:
        os.unlink(path)


def _identify(context: "ssl.SSLContext", cert: str | tuple[str, str], shown: str | None = None) -> None:
    import os
    import ssl

    chain, key = (cert, None) if isinstance(cert, str) else cert
    for path, what in ((chain, "certificate file"), (key, "key file")):
        if path is not None and not os.path.exists(path):
            raise InvalidOption(f"Could not find the TLS {what}, invalid path: {path}")
    shown = shown or chain

    def password() -> Any:  # without it OpenSSL would ask on the terminal, and wait
        raise SSLError(f"the key of the client certificate {shown} is encrypted; give one that is not")

    try:
        context.load_cert_chain(chain, key, password)
    except ssl.SSLError as error:
        raise SSLError(f"the client certificate {shown} cannot be used: {error.reason or error}") from error

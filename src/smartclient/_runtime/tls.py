"""TLS over a socket, and what a failed handshake means in one line. The contexts are made in `_net.tls`."""

from typing import TYPE_CHECKING, Any

from .._model.errors import SSLError

if TYPE_CHECKING:
    import socket
    import ssl


def tls_socket(sock: "socket.socket", context: "ssl.SSLContext", host: str) -> "ssl.SSLSocket":
    """`sock` under TLS, its handshake still to be made; `sock` itself is empty from now on.

    Ragged ends are not suppressed: without close_notify a body that ends with the connection may be cut.
    """
    return context.wrap_socket(
        sock, server_hostname=asked_name(context, host), do_handshake_on_connect=False, suppress_ragged_eofs=False
    )


def asked_name(context: "ssl.SSLContext", host: str) -> Any:
    """`host` as `ssl` takes it without its IDNA codec, whose tables cost a start 2 ms; other contexts expect text."""
    return host.encode("ascii") if type(context).__module__ == "ssl" and host.isascii() else host


# X509_V_ERR_*: which of the checks a certificate failed.
_CHECKS = {2: "issuer", 9: "not yet valid", 10: "expired", 18: "self-signed", 19: "issuer", 20: "issuer"}
_CHECKS |= {21: "issuer", 62: "name", 64: "name"}
_NO_COMMON_VERSION = ("UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE", "ALERT_PROTOCOL_VERSION")


def tls_failure(error: Exception, host: str) -> SSLError:
    """An SSLError that says which check of the handshake with `host` failed."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        failure = SSLError(f"certificate of {host} refused: {error.verify_message}")
        failure.check = _CHECKS.get(error.verify_code, "certificate")
        return failure
    reason = error.reason or "" if isinstance(error, ssl.SSLError) else ""
    if reason.endswith(_NO_COMMON_VERSION):
        failure = SSLError(f"TLS handshake with {host} failed: it speaks no version of TLS that is accepted ({reason})")
        failure.check = "protocol"
        return failure
    if isinstance(error, ssl.SSLEOFError):
        return SSLError(f"TLS handshake with {host} failed: the peer closed the connection")
    if reason == "WRONG_VERSION_NUMBER":
        return SSLError(f"TLS handshake with {host} failed: what it answers is no TLS ({reason})")
    if isinstance(error, ssl.SSLError):
        return SSLError(f"TLS handshake with {host} failed: {reason or error.strerror or 'protocol error'}")
    return SSLError(f"TLS handshake with {host} failed: {error}")


def has_ended(ssl_object: "ssl.SSLObject") -> bool:
    """Whether the peer has said by close_notify that nothing more comes; only for one whose content was all read."""
    import ssl

    try:
        return ssl_object.read(1) == b""
    except ssl.SSLZeroReturnError:
        return True
    except ssl.SSLError:
        return False

"""TLS over a socket, and what a failed handshake means in one line. The contexts are made in `_net.tls`."""

from typing import TYPE_CHECKING

from .._model.errors import SSLError

if TYPE_CHECKING:
    import socket
    import ssl


def tls_socket(sock: "socket.socket", context: "ssl.SSLContext", host: str) -> "ssl.SSLSocket":
    """`sock` under TLS, its handshake still to be made; `sock` itself is empty from now on.

    Ragged ends are not suppressed: without close_notify a body that ends with the connection may be cut.
    """
    return context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False)


def tls_failure(error: Exception, host: str) -> SSLError:
    """An SSLError that says which check of the handshake with `host` failed."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return SSLError(f"certificate of {host} refused: {error.verify_message}")
    if isinstance(error, ssl.SSLEOFError):
        return SSLError(f"TLS handshake with {host} failed: the peer closed the connection")
    if isinstance(error, ssl.SSLError):
        return SSLError(f"TLS handshake with {host} failed: {error.reason or error.strerror or 'protocol error'}")
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

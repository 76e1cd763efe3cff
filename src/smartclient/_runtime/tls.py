"""What a failed TLS handshake means, in one line: which check failed. The contexts are made in `_net.tls`."""

from .._model.errors import SSLError


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

"""Why a certificate was refused, in words: OpenSSL names the check, a second look at the certificate the rest.

After a refusal OpenSSL does not show what it refused. So the handshake is made once more without any check, the
certificate is read, and the connection closed: no byte of a request goes over it.
"""

import time
from collections.abc import Awaitable, Callable

from .._model.certificate import Certificate, described_names, read_certificate, shown_name
from .._model.errors import RequestException, SSLError
from .._model.options import TLS
from .._runtime.base import Runtime, Stream
from .tls import context_for

LOOK_SECONDS = 2.0  # the call has failed already
_UNCHECKED = TLS(verify=False)


async def explained(
    refused: SSLError, runtime: Runtime, host: str, reopen: Callable[[float], Awaitable[Stream]], left: float | None
) -> SSLError:
    """`refused` with names and dates, where `reopen` (a TCP stream within so many seconds) leads to them again."""
    seconds = LOOK_SECONDS if left is None else min(LOOK_SECONDS, left)
    certificate = await _second_look(runtime, host, reopen, seconds)
    text = None if certificate is None else _reason(refused.check, host, certificate, time.time())
    if text is None:
        return refused
    told = SSLError(text)
    told.check = refused.check
    return told


async def _second_look(
    runtime: Runtime, host: str, reopen: Callable[[float], Awaitable[Stream]], seconds: float
) -> Certificate | None:
    end = runtime.now() + seconds
    try:
        stream = await reopen(seconds)
        stream = await runtime.start_tls(stream, context_for(_UNCHECKED), host, end - runtime.now())
    except RequestException:
        return None
    try:
        return read_certificate(stream.get_extra_info("ssl_object").getpeercert(True) or b"")
    finally:
        stream.abort()


def _reason(check: str | None, host: str, certificate: Certificate, now: float) -> str | None:
    """What `check` found; None where this certificate does not bear it out: it is another one, or not the culprit."""
    begin, end = certificate.not_before, certificate.not_after
    issuer = shown_name(certificate.issuer)
    if check == "expired" and end.timestamp() <= now:
        return f"certificate of {host} expired on {end:%Y-%m-%d %H:%M} UTC"
    if check == "not yet valid" and begin.timestamp() > now:
        return f"certificate of {host} is not yet valid: it begins on {begin:%Y-%m-%d %H:%M} UTC"
    if check == "name" and certificate.names:
        return f"certificate of {host} has another name: it is for {described_names(certificate)}"
    if check == "name":
        return (
            f"certificate of {host} has no name that counts: only the common name (CN) "
            f"{shown_name(certificate.subject)}, no subject alternative name (SAN)"
        )
    if check == "self-signed":
        return f"certificate of {host} is self-signed, by {issuer}, and not among the trusted ones"
    if check == "issuer":
        return f"certificate of {host} has an issuer that is not trusted: {issuer}"
    return None

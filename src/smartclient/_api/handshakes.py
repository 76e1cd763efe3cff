"""A TLS handshake made only to look at it: no byte of a request is sent; never part of a call."""

import time
from dataclasses import dataclass, replace
from typing import Any

from .._model.certificate import TLSInfo
from .._model.certificate_keys import key_and_signature
from .._model.errors import InvalidSchema, SSLError
from .._model.message import Handshake
from .._model.options import TLS
from .._model.request import Request
from .._net.connect import Route, connect
from .._net.tls import handshake_of
from .._runtime.base import run_blocking
from .._runtime.blocking import BlockingRuntime
from .session import Session


@dataclass(frozen=True, slots=True)
class HandshakeReport:
    """What a handshake showed.

    Attributes:
        info: protocol, cipher, certificate; None when the handshake failed before there were any.
        error: why it failed, None when it did not.
        key, signature: of the certificate, in words.
        issuers: common names of the chain above the certificate, nearest first.
        seconds: of the handshake alone.
        address: (IP address, port) of the peer, or the path of its socket.
        tls: what was demanded of it.
    """

    info: TLSInfo | None
    error: SSLError | None
    key: str
    signature: str
    issuers: tuple[str, ...]
    seconds: float | None
    address: Any
    tls: TLS


def handshake_report(session: Session, url: Any) -> HandshakeReport:
    """The handshake with the server of `url`, over the way that calls of `session` take.

    A certificate that is refused is looked at all the same, over a second connection.

    Raises:
        InvalidSchema: the URL is not https.
        RequestException: there is no connection.
    """
    request, _ = session._warming(url, 1)
    if request.url.scheme != "https":
        raise InvalidSchema("only https has a handshake to look at")
    tls = request.options.tls
    try:
        return _report(request, tls, None)
    except SSLError as error:
        if error.check in (None, "protocol"):
            return HandshakeReport(None, error, "", "", (), None, None, tls)
        found = _report(request, tls._replace(verify=False, ca=None), error)
        return replace(found, tls=tls)


def _report(request: Request, tls: TLS, error: SSLError | None) -> HandshakeReport:
    options = request.options
    runtime = _Timed()
    route = Route(request.url.origin, tls, options.proxy, options.reach)
    stream = run_blocking(connect(runtime, route, options.timeout.connect))
    try:
        ssl_object = stream.get_extra_info("ssl_object")
        handshake: Handshake = handshake_of(ssl_object, tls.verify)
        info = TLSInfo.of(handshake)
        key, signature = key_and_signature(handshake.der)
        address = stream.get_extra_info("peername")
        return HandshakeReport(
            info, error, key, signature, _issuers(ssl_object, info, tls.verify), runtime.seconds, address, tls
        )
    finally:
        stream.abort()


class _Timed(BlockingRuntime):
    """Remembers how long TLS took."""

    seconds: float | None = None

    async def start_tls(self, *args: Any) -> Any:
        started = time.monotonic()
        stream = await super().start_tls(*args)
        self.seconds = time.monotonic() - started
        return stream


def _issuers(ssl_object: Any, info: TLSInfo, verified: bool) -> tuple[str, ...]:
    """The names above the certificate, from the chain where this Python shows it, else from the certificate alone."""
    from .._model.certificate import read_certificate

    name = "get_verified_chain" if verified else "get_unverified_chain"
    # Public since Python 3.13, and there before that in the object beneath.
    get = getattr(ssl_object, name, None) or getattr(getattr(ssl_object, "_sslobj", None), name, None)
    chain = get() if get is not None else None
    found = []
    for each in chain or ():
        der = each if isinstance(each, bytes) else each.public_bytes(2)  # _ssl.ENCODING_DER
        certificate = read_certificate(der)
        if certificate is not None:
            found.append(certificate.subject)
    above = found[1:]
    if not above and info.certificate is not None:
        above = [info.certificate.issuer]
    return tuple(above)

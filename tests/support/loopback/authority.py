"""A throw-away certificate authority: one per test session, trusted by nobody else."""

import ssl
from datetime import datetime
from pathlib import Path

import trustme

from .crafted import Crafted

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class Authority:
    """Issues certificates that only `ca_file` vouches for.

    Attributes:
        ca_file: path of the PEM bundle to give as `verify=`.
        folder: where certificates are written.
        crafted: makes certificates that no authority should.
    """

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca_file))
        self.crafted = Crafted(self._ca, folder)

    def certificate(self, *names: str, not_after: datetime | None = None) -> trustme.LeafCert:
        """A certificate for `names` (hosts, addresses or mail addresses), by default for this machine."""
        return self._ca.issue_cert(*(names or LOCAL_NAMES), not_after=not_after)

    def files(self, name: str, *names: str, not_after: datetime | None = None) -> tuple[Path, Path]:
        """Paths of (certificate chain, key) in PEM, as nginx and `cert=` take them."""
        leaf = self.certificate(*names, not_after=not_after)
        chain, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(str(key))
        return chain, key

    def server_context(
        self, *names: str, not_after: datetime | None = None, ask_client: bool = False
    ) -> ssl.SSLContext:
        """A server's context for `names`; with `ask_client` the peer must show a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.certificate(*names, not_after=not_after).configure_cert(context)
        if ask_client:
            self._ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

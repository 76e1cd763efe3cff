"""Servers whose certificates are wrong in one way each, and the words that a refusal must have."""

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
YESTERDAY, LAST_WEEK = datetime.now(UTC) - DAY, datetime.now(UTC) - 7 * DAY
TOMORROW, NEXT_WEEK = datetime.now(UTC) + DAY, datetime.now(UTC) + 7 * DAY


def name_of(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Crafted:
    """Certificates by hand: `ca` vouches for them, unless they are signed by themselves."""

    def __init__(self, ca: trustme.CA, folder: Path) -> None:
        self._folder = folder
        self._issuer = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
        self._key = load_pem_private_key(ca.private_key_pem.bytes(), None)
        self._made = 0

    def context(
        self,
        names: Iterable[str] = ("localhost", "127.0.0.1"),
        *,
        common_name: str = "tea.test",
        begin: datetime = YESTERDAY,
        end: datetime = NEXT_WEEK,
        self_signed: bool = False,
    ) -> ssl.SSLContext:
        """A server's context with such a certificate; without `names` it has a common name only."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name_of(common_name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if self_signed else self._issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )
        if alternative := [general(name) for name in names]:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        certificate = builder.sign(key if self_signed else self._key, hashes.SHA256())  # type: ignore[arg-type]
        self._made += 1
        path = self._folder / f"crafted-{self._made}.pem"
        path.write_bytes(
            certificate.public_bytes(Encoding.PEM)
            + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

"""What a certificate says of itself, read from its bytes: names and dates, for people; it decides about nothing.

Whether a certificate is good is OpenSSL's to say. This is for those that it refused or did not check, of which it
tells nothing. Sources: RFC 5280 section 4.1, X.690 (DER).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address

from .message import Handshake

_SEQUENCE, _SET, _OCTETS, _OID, _UTC_TIME, _LONG_TIME = 0x30, 0x31, 0x04, 0x06, 0x17, 0x18
_VERSION, _EXTENSIONS, _DNS_NAME, _ADDRESS = 0xA0, 0xA3, 0x82, 0x87
_COMMON_NAME, _ORGANIZATION, _ALTERNATIVE_NAMES = b"\x55\x04\x03", b"\x55\x04\x0a", b"\x55\x1d\x11"
_CODECS = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x14: "latin-1"}  # others: UTF-8, of which ASCII is a part
_TIME = re.compile(rb"(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z", re.ASCII)
_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says.

    Attributes:
        subject, issuer: common name, else organization, else "".
        names: the DNS names and IP addresses that it is for (subject alternative names).
        not_before, not_after: when it begins and ends to be valid, in UTC.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class TLSInfo:
    """What a connection agreed on, and whom it leads to.

    Attributes:
        version: such as "TLSv1.3".
        cipher: OpenSSL's name of the suite.
        alpn: the protocol that was agreed on, or None.
        verified: whether the certificate was checked.
        der: the certificate's bytes.
        certificate: what it says; None when that cannot be read.
    """

    version: str
    cipher: str
    alpn: str | None
    verified: bool
    der: bytes = field(repr=False)
    certificate: Certificate | None

    @classmethod
    def of(cls, handshake: Handshake) -> "TLSInfo":
        """With the certificate read."""
        return cls(*handshake, certificate=read_certificate(handshake.der))


def read_certificate(der: bytes) -> Certificate | None:
    """What the X.509 certificate in `der` says; None when it is none, or a broken one."""
    try:
        return _certificate(der)
    except ValueError:  # UnicodeError included
        return None


def _certificate(der: bytes) -> Certificate:
    outer = _only(elements(der), _SEQUENCE)
    parts = list(elements(first_element(outer, _SEQUENCE)))
    if parts and parts[0][0] == _VERSION:
        del parts[0]
    if len(parts) < 6:
        raise ValueError("parts are missing")
    _, _, issuer, validity, subject = (content for _, content in parts[:5])
    begin, end = [_moment(tag, content) for tag, content in elements(validity)]
    names: tuple[str, ...] = ()
    for tag, content in parts[6:]:
        if tag == _EXTENSIONS:
            names = tuple(_alternative_names(content))
    return Certificate(_name(subject), _name(issuer), names, begin, end)


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of the elements that follow each other in `data`; lengths are definite (X.690 section 10.1)."""
    at = 0
    while at < len(data):
        header = data[at : at + 2]
        if len(header) < 2:
            raise ValueError("cut short")
        tag, length = header
        at += 2
        if length >= 0x80:
            size = length - 0x80
            if not 1 <= size <= 4:
                raise ValueError("no length that can be")
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("cut short")
        yield tag, data[at : at + length]
        at += length


def first_element(data: bytes, tag: int) -> bytes:
    """The content of the element that `data` begins with, which has this tag; else ValueError."""
    for found, content in elements(data):
        if found == tag:
            return content
        break
    raise ValueError("another element was due")


def _only(elements: Iterator[tuple[int, bytes]], tag: int) -> bytes:
    ((found, content),) = elements
    if found != tag:
        raise ValueError("another element was due")
    return content


def _name(data: bytes) -> str:
    """The common name in a Name, else its organization."""
    found: dict[bytes, str] = {}
    for _, each in elements(data):
        for _, attribute in elements(each):
            parts = list(elements(attribute))
            if len(parts) == 2 and parts[0][0] == _OID:
                tag, value = parts[1]
                found[parts[0][1]] = value.decode(_CODECS.get(tag, "utf-8"), "replace")
    return found.get(_COMMON_NAME) or found.get(_ORGANIZATION) or ""


def _moment(tag: int, content: bytes) -> datetime:
    match = _TIME.fullmatch(content)
    if match is None or len(match[1]) != {_UTC_TIME: 2, _LONG_TIME: 4}.get(tag):
        raise ValueError("no time")
    year, *rest = map(int, match.groups())
    if tag == _UTC_TIME:
        year += 1900 if year >= 50 else 2000  # RFC 5280 section 4.1.2.5.1
    return datetime(year, *rest, tzinfo=UTC)  # type: ignore[arg-type, misc]


def _alternative_names(data: bytes) -> Iterator[str]:
    for _, extension in elements(first_element(data, _SEQUENCE)):
        parts = list(elements(extension))
        if len(parts) >= 2 and parts[0] == (_OID, _ALTERNATIVE_NAMES) and parts[-1][0] == _OCTETS:
            for tag, content in elements(first_element(parts[-1][1], _SEQUENCE)):
                if tag == _DNS_NAME:
                    yield content.decode("ascii", "replace")
                elif tag == _ADDRESS:
                    yield str(ip_address(content))


def described_names(certificate: Certificate) -> str:
    """The names of `certificate` for a message: a few, and how many more."""
    names = [shown_name(name) for name in certificate.names[:_SHOWN_NAMES]]
    more = len(certificate.names) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def shown_name(name: str) -> str:
    """A peer's word for a message: printable, and no longer than 80 characters."""
    return ascii(name[:80])[1:-1]

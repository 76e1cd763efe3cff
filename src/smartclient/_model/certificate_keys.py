"""What a certificate says of its key and its signature, in words; it decides about nothing.

Sources: RFC 5280 sections 4.1.1.2 and 4.1.2.7, RFC 3279, RFC 5480, RFC 8410.
"""

from .certificate import elements, first_element

_SEQUENCE, _OID, _INTEGER = 0x30, 0x06, 0x02
_RSA = bytes.fromhex("2a864886f70d010101")
_EC = bytes.fromhex("2a8648ce3d0201")
_KEYS = {bytes.fromhex("2b6570"): "Ed25519", bytes.fromhex("2b6571"): "Ed448"}
_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): "P-256",
    bytes.fromhex("2b81040022"): "P-384",
    bytes.fromhex("2b81040023"): "P-521",
}
_SIGNATURES = {
    bytes.fromhex("2a864886f70d010105"): "SHA-1 with RSA",
    bytes.fromhex("2a864886f70d01010a"): "RSA-PSS",
    bytes.fromhex("2a864886f70d01010b"): "SHA-256 with RSA",
    bytes.fromhex("2a864886f70d01010c"): "SHA-384 with RSA",
    bytes.fromhex("2a864886f70d01010d"): "SHA-512 with RSA",
    bytes.fromhex("2a8648ce3d040302"): "SHA-256 with ECDSA",
    bytes.fromhex("2a8648ce3d040303"): "SHA-384 with ECDSA",
    bytes.fromhex("2a8648ce3d040304"): "SHA-512 with ECDSA",
    **_KEYS,
}


def key_and_signature(der: bytes) -> tuple[str, str]:
    """The kind of key and of signature of the certificate in `der`, "" for what is not known or cannot be read."""
    try:
        parts = list(elements(first_element(der, _SEQUENCE)))
        fields = [content for tag, content in elements(parts[0][1]) if tag == _SEQUENCE]
        # signature, issuer, validity, subject, subjectPublicKeyInfo
        return _key(fields[4]), _SIGNATURES.get(first_element(parts[1][1], _OID), "")
    except (ValueError, IndexError):
        return "", ""


def _key(info: bytes) -> str:
    (_, algorithm), (_, bits) = list(elements(info))[:2]
    kind = first_element(algorithm, _OID)
    if kind == _RSA:
        modulus = first_element(first_element(bits[1:], _SEQUENCE), _INTEGER)
        return f"RSA {int.from_bytes(modulus, 'big').bit_length()}"
    if kind == _EC:
        curve = list(elements(algorithm))[1][1]
        return f"ECDSA {_CURVES.get(curve, 'on another curve')}"
    return _KEYS.get(kind, "")

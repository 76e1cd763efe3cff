"""Certificates read for people: what real ones say, and that nothing else than None comes of broken ones."""

import ssl
from datetime import UTC, datetime

import pytest
import trustme
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.certificate import Certificate, described_names, read_certificate, shown_name

CA = trustme.CA(organization_name="Tea & Co")
LONG_AGO, LONG_AFTER = datetime(1999, 12, 31, 23, 59, 58, tzinfo=UTC), datetime(2055, 1, 2, 3, 4, 5, tzinfo=UTC)


def der_of(*names: str, **options: object) -> bytes:
    leaf = CA.issue_cert(*names, **options)  # type: ignore[arg-type]
    return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


LEAF = der_of(
    "a.test", "*.b.test", "192.0.2.1", "2001:db8::1", common_name="tea", not_before=LONG_AGO, not_after=LONG_AFTER
)


def test_what_it_says() -> None:
    certificate = read_certificate(LEAF)
    assert certificate == Certificate(
        "tea", "Tea & Co", ("a.test", "*.b.test", "192.0.2.1", "2001:db8::1"), LONG_AGO, LONG_AFTER
    )


def test_another_reader_agrees() -> None:
    other = x509.load_der_x509_certificate(LEAF)
    certificate = read_certificate(LEAF)
    assert certificate is not None
    assert certificate.not_before == other.not_valid_before_utc
    assert certificate.not_after == other.not_valid_after_utc


def test_without_names() -> None:
    certificate = read_certificate(der_of(common_name="bücher"))
    assert certificate is not None
    assert (certificate.subject, certificate.names) == ("bücher", ())


def test_many_names_are_counted() -> None:
    certificate = read_certificate(der_of(*[f"n{number}.test" for number in range(8)]))
    assert certificate is not None
    assert described_names(certificate) == "n0.test, n1.test, n2.test, n3.test, n4.test and 3 more"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a.test", "a.test"), ("\x1b[2Jé\n", "\\x1b[2J\\xe9\\n"), ("x" * 100, "x" * 80)],
    ids=["plain", "control bytes", "long"],
)
def test_names_in_messages(name: str, shown: str) -> None:
    assert shown_name(name) == shown


@pytest.mark.parametrize("end", range(0, len(LEAF), 7))
def test_cut_short(end: int) -> None:
    assert read_certificate(LEAF[:end]) is None


@given(st.integers(0, len(LEAF) - 1), st.binary(min_size=1, max_size=4))
def test_changed_bytes(place: int, put: bytes) -> None:
    found = read_certificate(LEAF[:place] + put + LEAF[place + len(put) :])
    assert found is None or isinstance(found, Certificate)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    found = read_certificate(data)
    assert found is None or isinstance(found, Certificate)

"""Security fields: present, missing, weak."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._rules.security_fields import findings

HSTS, CSP, FRAME = "Strict-Transport-Security", "Content-Security-Policy", "X-Frame-Options"
REFERRER, NOSNIFF, OPENER = "Referrer-Policy", "X-Content-Type-Options", "Cross-Origin-Opener-Policy"


def state(name: str, *lines: tuple[str, str], scheme: str = "https") -> str:
    return next(each.state for each in findings(Fields(lines), scheme) if each.name.startswith(name))


@pytest.mark.parametrize("name", [HSTS, CSP, FRAME, REFERRER, NOSNIFF, OPENER, "Permissions-Policy"])
def test_missing(name: str) -> None:
    assert state(name) == "missing"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (HSTS, "max-age=31536000; includeSubDomains", "present"),
        (HSTS, "max-age=0", "weak"),
        (HSTS, "max-age=86400", "weak"),
        (HSTS, "nonsense", "weak"),
        (HSTS, 'max-age="31536000"', "present"),
        (NOSNIFF, "nosniff", "present"),
        (NOSNIFF, "none", "weak"),
        (CSP, "default-src 'self'", "present"),
        (CSP, "default-src 'self'; script-src 'unsafe-inline'", "weak"),
        (CSP, "script-src 'unsafe-inline' 'nonce-abc'", "present"),
        (CSP, "default-src *", "weak"),
        (CSP, "script-src 'self' https:", "weak"),
        (CSP, "script-src 'strict-dynamic' 'nonce-a' https:", "present"),
        (CSP, "script-src 'self' 'unsafe-eval'", "weak"),
        (CSP, "img-src 'self'", "weak"),
        (FRAME, "DENY", "present"),
        (FRAME, "sameorigin", "present"),
        (FRAME, "ALLOW-FROM https://a.example", "weak"),
        (REFERRER, "strict-origin-when-cross-origin", "present"),
        (REFERRER, "unsafe-url", "weak"),
        (REFERRER, "no-referrer, origin", "weak"),
        (OPENER, "same-origin", "present"),
        (OPENER, "unsafe-none", "weak"),
        ("Permissions-Policy", "camera=()", "present"),
        ("Cross-Origin-Resource-Policy", "same-site", "present"),
    ],
)
def test_value(name: str, value: str, expected: str) -> None:
    assert state(name, (name, value)) == expected


def test_frames_by_policy() -> None:
    assert state(FRAME, (CSP, "frame-ancestors 'none'")) == "present"
    assert state(FRAME, (CSP, "frame-ancestors *"), (FRAME, "DENY")) == "weak"


def test_only_reported() -> None:
    assert state(CSP, ("Content-Security-Policy-Report-Only", "default-src 'self'")) == "weak"


def test_hsts_counts_over_https_only() -> None:
    assert state(HSTS, (HSTS, "max-age=31536000"), scheme="http") == "weak"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a=b; Secure; HttpOnly; SameSite=Lax", "present"),
        ("a=b; HttpOnly; SameSite=Lax", "weak"),
        ("a=b; Secure; SameSite=Lax", "weak"),
        ("a=b; Secure; HttpOnly", "weak"),
        ("a=b; SameSite=None", "weak"),
    ],
)
def test_cookie(line: str, expected: str) -> None:
    assert state("Set-Cookie a", ("Set-Cookie", line)) == expected


def test_what_protects_documents_is_looked_for_in_documents() -> None:
    names = {each.name for each in findings(Fields([("Content-Type", "application/json")]), "https")}
    assert names == {HSTS, NOSNIFF, "Cross-Origin-Resource-Policy"}


def test_no_cookie_value_is_told() -> None:
    found = findings(Fields([("Set-Cookie", "sid=s3cr3t; Secure")]), "https")
    assert "s3cr3t" not in repr(found)


@given(st.lists(st.tuples(st.sampled_from([HSTS, CSP, FRAME, REFERRER, NOSNIFF, "Set-Cookie"]), st.text()), max_size=6))
def test_any_head_has_its_findings(lines: list[tuple[str, str]]) -> None:
    assert all(each.state in ("present", "missing", "weak") for each in findings(Fields(lines), "https"))

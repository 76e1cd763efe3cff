"""Digest credentials against the examples of the RFCs, and which challenge is answered."""

import hashlib

import pytest

from smartclient._model.body import RequestBody
from smartclient._model.challenges import parse_challenges
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._rules.digest import DigestChallenge, digest_challenge, digest_credentials, hash_of

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
RFC_7616 = 'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, nonce="{}", opaque="{}"'


def request(url="http://www.example.org/dir/index.html", method="GET", body=b""):
    return Request(method, URL.parse(url), body=RequestBody(body))


def parameters(value):
    (challenge,) = parse_challenges(value)
    assert challenge.scheme == "digest"
    return challenge.parameters


EXAMPLES = [  # RFC 7616 section 3.9.1, RFC 2069 section 2.4 (errata)
    pytest.param(
        RFC_7616.format("MD5", NONCE, OPAQUE),
        CNONCE,
        b"Mufasa",
        b"Circle of Life",
        "8ca523f5e9506fed4657c9700eebdbec",
        id="md5",
    ),
    pytest.param(
        RFC_7616.format("SHA-256", NONCE, OPAQUE),
        CNONCE,
        b"Mufasa",
        b"Circle of Life",
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        id="sha-256",
    ),
    pytest.param(
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        "",
        b"Mufasa",
        b"CircleOfLife",
        "1949323746fe6a43ef61f9606e7febea",
        id="rfc-2069",
    ),
]


@pytest.mark.parametrize(("field", "cnonce", "user", "password", "expected"), EXAMPLES)
def test_examples_of_the_rfcs(field, cnonce, user, password, expected):
    challenge = digest_challenge(field, whole_body=True)
    sent = parameters(digest_credentials(challenge, user, password, request(), 1, cnonce))
    assert sent["response"] == expected
    assert (sent["uri"], sent["username"]) == ("/dir/index.html", "Mufasa")
    assert ("nc" in sent) is ("cnonce" in sent) is (challenge.qop is not None)


def test_sha_512_256_with_userhash():
    """RFC 7616 section 3.9.2, whose own numbers come from another function (errata 4897)."""
    if hash_of("SHA-512-256") is None:
        pytest.skip("this OpenSSL has no SHA-512/256")
    challenge = DigestChallenge("api@example.org", "n", "o", "SHA-512-256", "auth", True)
    user = "J\u00e4s\u00f8n Doe".encode()
    sent = parameters(digest_credentials(challenge, user, b"Secret, or not?", request(), 1, "c"))
    assert sent["username"] == hashlib.new("sha512_256", user + b":api@example.org").hexdigest()
    assert sent["userhash"] == "true"
    assert len(sent["response"]) == 64


def test_sess_and_auth_int():
    """RFC 7616 sections 3.4.2 and 3.4.3."""

    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()

    challenge = DigestChallenge("r", "n", None, "MD5-sess", "auth-int")
    sent = parameters(digest_credentials(challenge, b"u", b"p", request(method="PUT", body=b"data"), 10, "c"))
    first = md5(f"{md5('u:r:p')}:n:c")
    second = md5(f"PUT:/dir/index.html:{md5('data')}")
    assert sent["response"] == md5(f"{first}:n:0000000a:c:auth-int:{second}")
    assert (sent["nc"], sent["qop"], sent["algorithm"]) == ("0000000a", "auth-int", "MD5-sess")


USERS = [  # name, qop, what is sent of it: RFC 7616 section 3.4.4
    pytest.param("Mufasa", "auth", ("username", "Mufasa"), id="ascii"),
    pytest.param('a"b\\c', "auth", ("username", 'a"b\\c'), id="quoted"),
    pytest.param("J\u00fcrgen", "auth", ("username*", "UTF-8''J%C3%BCrgen"), id="utf-8"),
    pytest.param("J\u00fcrgen", None, ("username", "J\u00c3\u00bcrgen"), id="utf-8-in-rfc-2069"),
]


@pytest.mark.parametrize(("name", "qop", "expected"), USERS)
def test_user_names(name, qop, expected):
    value = digest_credentials(DigestChallenge("r", "n", qop=qop), name.encode(), b"p", request(), 1, "c")
    key, text = expected
    if key == "username*":
        assert f"username*={text}, " in value
    else:
        assert parameters(value)[key] == text
    value.encode("latin-1")


def test_nothing_of_a_challenge_can_break_the_field():
    challenge = DigestChallenge('a"\r\nX: y', "n\x00", "o\\\u0100")
    value = digest_credentials(challenge, b"u\r\n", b"p", request(), 1, "c")
    assert not set("\r\n\0") & set(value)
    value.encode("latin-1")


CHOICES = [  # field, body in hand, (algorithm, qop) of the answer
    pytest.param('Digest realm="r", nonce="n"', True, (None, None), id="rfc-2069"),
    pytest.param('Digest realm="r", nonce="n", qop="auth"', True, (None, "auth"), id="auth"),
    pytest.param('Digest realm="r", nonce="n", qop="auth-int, auth"', True, (None, "auth"), id="auth-before-auth-int"),
    pytest.param('Digest realm="r", nonce="n", qop="auth-int"', True, (None, "auth-int"), id="auth-int"),
    pytest.param('Digest realm="r", nonce="n", qop="auth-int"', False, None, id="auth-int-of-a-stream"),
    pytest.param('Digest realm="r", nonce="n", qop="new"', True, None, id="unknown-qop"),
    pytest.param('Digest realm="r", nonce="n", algorithm=SHA3', True, None, id="unknown-algorithm"),
    pytest.param('Digest realm="r", nonce=""', True, None, id="empty-nonce"),
    pytest.param('Digest nonce="n"', True, None, id="no-realm"),
    pytest.param('Basic realm="r"', True, None, id="not-digest"),
    pytest.param(
        'Digest realm="r", nonce="n", algorithm=SHA3, Digest realm="r", nonce="n", algorithm=SHA-256, '
        'Digest realm="r", nonce="n", algorithm=MD5',
        True,
        ("SHA-256", None),
        id="the-first-that-is-known",
    ),
]


@pytest.mark.parametrize(("field", "whole_body", "expected"), CHOICES)
def test_which_challenge_is_answered(field, whole_body, expected):
    challenge = digest_challenge(field, whole_body=whole_body)
    assert (challenge and (challenge.algorithm, challenge.qop)) == expected


def test_stale():
    assert digest_challenge('Digest realm="r", nonce="n", stale=TRUE', whole_body=True).stale
    assert not digest_challenge('Digest realm="r", nonce="n", stale=false', whole_body=True).stale

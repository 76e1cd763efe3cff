"""Challenges of WWW-Authenticate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.challenges import Challenge, parse_challenges
from smartclient._model.headers import is_token

CHALLENGES = [  # RFC 9110 section 11.6.1
    pytest.param("", [], id="empty"),
    pytest.param("Basic", [("basic", "", {})], id="scheme-alone"),
    pytest.param('Basic realm="a b"', [("basic", "", {"realm": "a b"})], id="one"),
    pytest.param("Basic realm=simple", [("basic", "", {"realm": "simple"})], id="token"),
    pytest.param('BASIC Realm = "x"', [("basic", "", {"realm": "x"})], id="case-and-space-around-equals"),
    pytest.param("Negotiate YWJj==", [("negotiate", "YWJj==", {})], id="token68"),
    pytest.param("Negotiate, NTLM", [("negotiate", "", {}), ("ntlm", "", {})], id="two-bare"),
    pytest.param(
        'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
        [
            ("newauth", "", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
            ("basic", "", {"realm": "simple"}),
        ],
        id="the-example-of-the-rfc",
    ),
    pytest.param(', ,Basic realm="a",, ,', [("basic", "", {"realm": "a"})], id="empty-members"),
    pytest.param('Basic realm="a, Digest nonce=b"', [("basic", "", {"realm": "a, Digest nonce=b"})], id="comma-quoted"),
    pytest.param('Basic realm="a", realm="b"', [("basic", "", {"realm": "a"})], id="first-of-repeated"),
    pytest.param('nextnonce="n", qop=auth', [("", "", {"nextnonce": "n", "qop": "auth"})], id="no-scheme"),
    pytest.param(
        'Basic realm="open, Digest nonce=x', [("basic", "", {}), ("digest", "", {"nonce": "x"})], id="open-quote"
    ),
    pytest.param('@, Basic realm="a"', [("basic", "", {"realm": "a"})], id="junk-first"),
    pytest.param("Basic @, Digest nonce=a", [("basic", "", {}), ("digest", "", {"nonce": "a"})], id="junk-within"),
]


@pytest.mark.parametrize(("value", "expected"), CHALLENGES)
def test_challenges(value, expected):
    assert parse_challenges(value) == [Challenge(*each) for each in expected]


@given(st.text(alphabet=st.sampled_from('aB1 \t,="\\\\@~/\x80'), max_size=60))
def test_anything_gives_challenges(value):
    for scheme, _, parameters in parse_challenges(value):
        assert scheme == "" or is_token(scheme)
        assert all(is_token(name) and name == name.lower() for name in parameters)


@pytest.mark.parametrize(
    "value", ['a="' * 30_000, 'a="\\' * 30_000, "a" * 100_000, "a b" + " " * 100_000 + "!", ",a=" * 30_000]
)
def test_hostile_values_take_linear_time(value):
    assert isinstance(parse_challenges(value), list)  # quadratic ones would take minutes

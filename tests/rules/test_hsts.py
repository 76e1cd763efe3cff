"""HSTS: which fields count, which hosts they are for, and what is kept; RFC 6797."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._model.url import URL
from smartclient._rules.hsts import HOSTS_MAX, HSTSList, Policy, parse_policy

NOW = 1_800_000_000.0
HOST = URL.parse("https://h.example/")

FIELDS = [  # RFC 6797 section 6.1
    pytest.param("max-age=31536000", Policy(NOW + 31536000, False), id="max-age"),
    pytest.param("max-age=10; includeSubDomains", Policy(NOW + 10, True), id="subdomains"),
    pytest.param('MAX-AGE="10" ; INCLUDESUBDOMAINS;;', Policy(NOW + 10, True), id="case-quotes-empty-directives"),
    pytest.param('max-age=10; preload; x="a;b"; y=z', Policy(NOW + 10, False), id="unknown-directives"),
    pytest.param("max-age=0; includeSubDomains", Policy(0.0, True), id="forget"),
    pytest.param(f"max-age={'9' * 50}", Policy(NOW + 2**31, False), id="saturated"),
    pytest.param("includeSubDomains", None, id="no-max-age"),
    pytest.param("max-age", None, id="max-age-without-value"),
    pytest.param("max-age=-1", None, id="negative"),
    pytest.param("max-age=1.5", None, id="fraction"),
    pytest.param("max-age=10; max-age=20", None, id="repeated"),
    pytest.param("max-age=10; includeSubDomains=no", None, id="valued-flag"),
    pytest.param("max-age=10 20", None, id="grammar"),
    pytest.param("max-age=10, max-age=20", None, id="commas"),
    pytest.param('max-age=10; x="open', None, id="open-quote"),
    pytest.param("", None, id="empty"),
]


@pytest.mark.parametrize(("value", "expected"), FIELDS)
def test_fields(value, expected):
    assert parse_policy(value, NOW) == expected


@given(st.text(st.sampled_from('max-ge=10;includeSubDomains "\\\\,\t\x00'), max_size=60))
def test_any_field_is_a_policy_or_none(value):
    policy = parse_policy(value, NOW)
    assert policy is None or 0.0 <= policy.expires <= NOW + 2**31


@pytest.mark.parametrize("value", ['x="' * 20_000, "x;" * 40_000, "x" * 80_000, " " * 80_000 + "!", "a =" * 20_000])
def test_hostile_fields_take_linear_time(value):
    assert parse_policy(value, NOW) is None  # quadratic ones would take minutes


def known(*lines, url=HOST, now=NOW):
    hosts = HSTSList(threading.Lock())
    hosts.learn(url, Fields([("Strict-Transport-Security", line) for line in lines]), now)
    return hosts


COVERED = [  # field, URL, whether https is demanded
    pytest.param("max-age=60", "http://h.example/", True, id="host"),
    pytest.param("max-age=60", "http://H.EXAMPLE.:8080/", True, id="case-root-dot-port"),
    pytest.param("max-age=60", "http://sub.h.example/", False, id="below-without-the-flag"),
    pytest.param("max-age=60; includeSubDomains", "http://a.b.h.example/", True, id="below"),
    pytest.param("max-age=60; includeSubDomains", "http://badh.example/", False, id="no-label-border"),
    pytest.param("max-age=60; includeSubDomains", "http://example/", False, id="above"),
    pytest.param("max-age=60", "https://h.example/", False, id="https-already"),
    pytest.param("max-age=0", "http://h.example/", False, id="forgotten"),
]


@pytest.mark.parametrize(("field", "url", "expected"), COVERED)
def test_covered(field, url, expected):
    assert known(field).covers(URL.parse(url), lambda: NOW + 59) is expected
    assert known(field).covers(URL.parse(url), lambda: NOW + 60) is False


def test_addresses_never():
    for url in ("https://127.0.0.1/", "https://[::1]/", "https://0x7f.1/"):
        hosts = known("max-age=60", url=URL.parse(url))
        assert len(hosts) == 0
    hosts = HSTSList(threading.Lock(), [("127.0.0.1", Policy(NOW + 9, True))])
    assert not hosts.covers(URL.parse("http://127.0.0.1/"), lambda: NOW)


def test_the_first_field_counts():
    """RFC 6797 section 8.1."""
    assert known("max-age=60", "max-age=0").items() == [("h.example", Policy(NOW + 60, False))]
    assert len(known("junk", "max-age=60")) == 0


def test_forgetting_and_changing():
    changes = []
    hosts = HSTSList(threading.Lock(), changed=lambda host: changes.append((host, len(hosts))))
    for line, now in [
        ("max-age=100000", NOW),
        ("max-age=100000", NOW + 5),  # not worth writing down
        ("max-age=100000; includeSubDomains", NOW),
        ("max-age=900000; includeSubDomains", NOW),
        ("max-age=0", NOW),
        ("max-age=0", NOW),
    ]:
        hosts.learn(HOST, Fields([("Strict-Transport-Security", line)]), now)
    assert changes == [("h.example", 1), ("h.example", 1), ("h.example", 1), ("h.example", 0)]
    assert repr(hosts) == "<HSTSList 0 hosts>"


def test_a_limit():
    hosts = HSTSList(threading.Lock(), [(f"h{number}.example", Policy(NOW + 9, False)) for number in range(HOSTS_MAX)])
    hosts.hosts["h5.example"] = Policy(NOW - 1, False)
    for name in ("new", "newer"):
        hosts.learn(URL.parse(f"https://{name}.example/"), Fields([("Strict-Transport-Security", "max-age=9")]), NOW)
    assert len(hosts) == HOSTS_MAX
    assert not {"h5.example", "h0.example"} & hosts.hosts.keys()
    assert {"new.example", "newer.example", "h1.example"} <= hosts.hosts.keys()


PORTS = [
    ("http://h.example/a?b#c", "https://h.example/a?b#c"),
    ("http://h.example:80/", "https://h.example/"),
    ("http://u:p@h.example:8080/", "https://u:p@h.example:8080/"),
]


@pytest.mark.parametrize(("url", "expected"), PORTS)
def test_upgrade(url, expected):
    """RFC 6797 section 8.3."""
    assert str(URL.parse(url).over_tls) == expected

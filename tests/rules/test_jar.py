"""The jar: what is kept, replaced, given up and sent."""

from contextlib import nullcontext

import pytest

from smartclient._model.errors import InvalidHeader
from smartclient._model.url import URL
from smartclient._rules.cookies import IN_ALL_MAX, PER_DOMAIN_MAX
from smartclient._rules.jar import Jar

NOW = 1_700_000_000.0
HTTPS = URL.parse("https://www.example.org/a/b")
HTTP = URL.parse("http://www.example.org/a/b")


@pytest.fixture
def jar():
    return Jar(nullcontext())


def test_empty(jar):
    assert not jar
    assert jar.field_for(HTTPS, NOW) is None
    assert jar.get("a") is None
    assert list(jar) == jar.items() == []


def test_stores_and_sends(jar):
    assert jar.store(HTTPS, ["a=1; Path=/", "b=2; Domain=example.org", "c=3; Secure"], NOW) == []
    assert len(jar) == 3
    assert jar.field_for(HTTPS, NOW) == "c=3; b=2; a=1"
    assert jar.field_for(HTTP, NOW) == "b=2; a=1"
    assert jar.field_for(URL.parse("https://other.example.org/a"), NOW) == "b=2"
    assert jar.field_for(URL.parse("https://example.com/a"), NOW) is None
    assert jar.get("b") == "2"
    assert repr(jar) == "<Jar 3 cookies>"


def test_tells_what_it_refused(jar):
    refusals = jar.store(HTTPS, ["a=1; Domain=org", "b=2", "c=\x00"], NOW)
    assert len(refusals) == 2
    assert jar.items() == [("b", "2")]


def test_replacing_keeps_the_age(jar):
    """RFC 6265bis section 5.7: the creation time of the replaced cookie."""
    jar.store(HTTPS, ["a=1", "b=1"], NOW)
    version = jar.version
    jar.store(HTTPS, ["a=2"], NOW + 5)
    assert jar.version > version
    assert [(cookie.value, cookie.created) for cookie in jar if cookie.name == "a"] == [("2", NOW)]


def test_host_only_and_domain_cookies_stand_side_by_side(jar):
    jar.store(HTTPS, ["a=1", "a=2; Domain=www.example.org"], NOW)
    assert len(jar) == 2


@pytest.mark.parametrize("line", ["a=; Max-Age=0", "a=; Max-Age=-1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_deletion(jar, line):
    jar.store(HTTPS, ["a=1"], NOW)
    jar.store(HTTPS, [line], NOW)
    assert not jar


def test_expiry(jar):
    jar.store(HTTPS, ["a=1; Max-Age=10"], NOW)
    assert jar.field_for(HTTPS, NOW + 9.9) == "a=1"
    assert jar.field_for(HTTPS, NOW + 10) is None


@pytest.mark.parametrize("line", ["sid=evil", "sid=evil; Domain=example.org", "sid=; Max-Age=0", "sid=evil; Path=/a/b"])
def test_http_leaves_secure_cookies_alone(jar, line):
    """RFC 6265bis section 5.7."""
    jar.store(HTTPS, ["sid=good; Secure; Path=/a"], NOW)
    assert len(jar.store(HTTP, [line], NOW)) == 1
    assert jar.items() == [("sid", "good")]


@pytest.mark.parametrize("line", ["other=x", "sid=x; Path=/"])
def test_http_may_set_others(jar, line):
    jar.store(HTTPS, ["sid=good; Secure; Path=/a"], NOW)
    assert jar.store(HTTP, [line], NOW) == []
    assert len(jar) == 2


def test_limit_of_one_domain(jar):
    jar.store(HTTPS, [f"n{index}=x" for index in range(PER_DOMAIN_MAX)], NOW)
    jar.field_for(HTTPS, NOW + 1)
    next(iter(jar)).last_used = NOW
    jar.store(HTTPS, ["new=x"], NOW + 2)
    assert len(jar) == PER_DOMAIN_MAX
    assert jar.get("n0") is None
    assert jar.get("new") == "x"


def test_expired_ones_leave_first(jar):
    jar.store(HTTPS, ["short=x; Max-Age=1"], NOW)
    jar.store(HTTPS, [f"n{index}=x" for index in range(PER_DOMAIN_MAX)], NOW - 5)
    assert len(jar) == PER_DOMAIN_MAX
    jar.store(HTTPS, ["short=x; Max-Age=1"], NOW)
    jar.store(HTTPS, ["new=x"], NOW + 2)
    assert jar.get("short") is None
    assert len(jar) == PER_DOMAIN_MAX


def test_limit_in_all(jar):
    hosts = IN_ALL_MAX // 100
    for number in range(hosts + 1):
        url = URL.parse(f"https://h{number}.example/")
        jar.store(url, [f"n{index}=x" for index in range(100)], NOW + number)
    assert IN_ALL_MAX - 30 < len(jar) <= IN_ALL_MAX
    assert jar.field_for(URL.parse("https://h0.example/"), NOW) is None
    assert jar.field_for(URL.parse(f"https://h{hosts}.example/"), NOW).count("=") == 100


def test_by_hand(jar):
    jar.set("a", "1")
    jar.set("b", "2", domain=".Example.org", path="/a")
    jar.set("c", "3", domain="example.com", path="no slash")
    assert jar.field_for(HTTPS, NOW) == "b=2; a=1"
    assert jar.field_for(URL.parse("http://example.com/"), NOW) == "a=1; c=3"
    jar.set("a", "new")
    assert jar.get("a") == "new"
    with pytest.raises(InvalidHeader):
        jar.set("a", "x; b=y")
    jar.clear()
    assert not jar


def test_the_lock_is_held_and_released():
    held = []

    class Lock:
        def __enter__(self):
            assert not held
            held.append(True)

        def __exit__(self, *_):
            held.clear()

    jar = Jar(Lock())
    jar.store(HTTPS, ["a=1"], NOW)
    jar.set("b", "2")
    assert jar.field_for(HTTPS, NOW)
    assert len(list(jar)) == 2
    jar.clear()
    assert not held

"""`session.cookies` as requests and `http.cookiejar` know jars, its files, and jars that callers bring."""

import copy
import http.cookiejar
import os
import pickle
import stat
from http.cookies import SimpleCookie
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient import Session, cookies
from smartclient._api.private_file import write_private
from smartclient._model.cookie_text import cookies_from_text, json_text, netscape_text
from smartclient._model.cookies import Cookie
from smartclient._model.url import URL
from smartclient.cookies import (
    CookieConflictError,
    MockRequest,
    RequestsCookieJar,
    cookiejar_from_dict,
    create_cookie,
    get_cookie_header,
    merge_cookies,
    morsel_to_cookie,
    remove_cookie_by_name,
)
from smartclient.exceptions import InvalidHeader, InvalidOption

SITE = URL.parse("https://www.example.org/a/b")
NOW = 1_900_000_000.0
LINES = [
    "plain=1",
    "wide=2; Domain=example.org; Path=/; HttpOnly; SameSite=Lax",
    "kept=3; Max-Age=99999; Secure; Path=/a",
    "=nameless",
]


@pytest.fixture
def jar():
    jar = RequestsCookieJar()
    assert jar.kept.store(SITE, LINES, NOW) == []
    return jar


def asked(url=str(SITE), headers=None):
    return SimpleNamespace(url=url, headers=headers or {})


def test_it_is_both_kinds_of_jar(jar):
    assert isinstance(jar, http.cookiejar.CookieJar)
    by_name = {each.name: each for each in jar}
    assert all(isinstance(each, http.cookiejar.Cookie) for each in jar)
    wide, plain = by_name["wide"], by_name["plain"]
    assert (wide.domain, wide.domain_specified, wide.domain_initial_dot) == (".example.org", True, True)
    assert (plain.domain, plain.domain_specified, plain.discard) == ("www.example.org", False, True)
    assert wide.has_nonstandard_attr("HttpOnly")
    assert by_name["kept"].expires == int(NOW) + 99999
    assert jar._cookies[".example.org"]["/"]["wide"] is wide
    assert jar["kept"] == jar.get("kept") == "3"
    assert (sorted(jar.keys()), sorted(jar.values())) == (["", "kept", "plain", "wide"], ["1", "2", "3", "nameless"])
    assert dict(jar) == dict(jar.items()) == dict(jar.iteritems()) == jar.get_dict()
    assert "kept" in jar
    assert "other" not in jar
    assert len(jar) == 4
    assert sorted(jar.list_domains()) == [".example.org", "www.example.org"]
    assert sorted(jar.list_paths()) == ["/", "/a"]
    assert jar.multiple_domains()
    assert jar.get_dict(domain=".example.org") == {"wide": "2"}


def test_setting_and_removing():
    jar = RequestsCookieJar()
    jar.set("a", "1")
    jar["b"] = "2"
    jar.set("a", "3", domain="example.com", path="/x")
    assert jar.get("a", domain="example.com") == "3"
    with pytest.raises(CookieConflictError, match="multiple cookies with name"):
        jar["a"]
    assert "a" in jar
    assert jar.get("none", "default") == "default"
    jar.set("a", None, domain="example.com")
    assert jar["a"] == "1"
    del jar["b"]
    with pytest.raises(KeyError):
        jar["b"]
    jar.set("m", SimpleCookie("m=v; Path=/p; Secure; Max-Age=60")["m"])
    (morsel,) = [each for each in jar if each.name == "m"]
    assert (morsel.path, morsel.secure, morsel.expires is None) == ("/p", True, False)
    remove_cookie_by_name(jar, "m")
    jar.update({"c": "4"})
    assert jar.get_dict() == {"a": "1", "c": "4"}
    jar.clear("", "/", "c")
    with pytest.raises(KeyError):
        jar.clear("nowhere.example")
    with pytest.raises(ValueError, match="needs a path"):
        jar.clear(None, None, "a")
    assert jar.pop("a") == "1"
    jar.clear()
    assert not jar


def test_values_in_quotes():
    jar = RequestsCookieJar()
    jar.set("a", '"b\\"c"')
    assert jar["a"] == '"bc"'


@pytest.mark.parametrize(("name", "value"), [("a\r\n", "1"), ("a", "1\r\nX: y"), ("", "1"), ("a", "1; b=2")], ids=repr)
def test_injection_is_refused(name, value):
    with pytest.raises(InvalidHeader):
        RequestsCookieJar().set(name, value)


def test_attributes_of_a_cookie_can_be_set(jar):
    (plain,) = [each for each in jar if each.name == "plain"]
    plain.value, plain.expires, plain.secure = "9", 5, True
    (kept,) = [each for each in jar.kept if each.name == "plain"]
    assert (kept.value, kept.expires, kept.secure) == ("9", 5.0, True)
    jar.clear_expired_cookies()
    assert "plain" not in jar
    with pytest.raises(InvalidHeader):
        next(iter(jar)).value = "a\r\nb"
    jar.clear_session_cookies()
    assert jar.keys() == ["kept"]


def test_copies_and_pickles(jar):
    policy = http.cookiejar.DefaultCookiePolicy(allowed_domains=["example.org"])
    jar.set_policy(policy)
    for other in (jar.copy(), copy.copy(jar), pickle.loads(pickle.dumps(jar))):
        assert sorted(other.items()) == sorted(jar.items())
        assert other.get_policy()._allowed_domains == ("example.org",)
        other.clear()
        other.set("mine", "1")
    assert len(jar) == 4


def test_functions_of_requests(jar):
    made = cookiejar_from_dict({"a": "1", "b": "2"})
    assert isinstance(made, RequestsCookieJar)
    assert cookiejar_from_dict({"a": "9", "c": "3"}, made, overwrite=False).get_dict() == {"a": "1", "b": "2", "c": "3"}
    assert merge_cookies(made, {"a": "8", "d": "4"})["a"] == "1"
    assert merge_cookies(made, jar)["kept"] == "3"
    stdlib = http.cookiejar.CookieJar()
    assert sorted(each.name for each in merge_cookies(stdlib, jar)) == sorted(jar.keys())
    with pytest.raises(ValueError, match="merge into CookieJar"):
        merge_cookies({}, jar)
    assert get_cookie_header(jar, asked()) == "plain=1; kept=3; nameless; wide=2"
    assert get_cookie_header(jar, asked("http://www.example.org/a/b")) == "plain=1; nameless; wide=2"
    assert get_cookie_header(jar, asked("file:///x")) is None
    assert get_cookie_header(jar, asked(headers={"Cookie": "own"})) is None
    with pytest.raises(TypeError, match="badkw"):
        create_cookie("a", "b", badkw=1)
    with pytest.raises(TypeError, match="max-age"):
        morsel_to_cookie(SimpleCookie("a=b; Max-Age=soon")["a"])
    assert morsel_to_cookie(SimpleCookie("a=b; expires=Thu, 01 Jan 1970 00:01:00 GMT")["a"]).expires == 60
    with pytest.raises(NotImplementedError):
        MockRequest(asked()).add_header("Cookie", "a")


def test_extracting(jar):
    class Fields:
        def get_all(self, name, default):
            return ["new=5", "evil=1; Domain=org"] if name == "Set-Cookie" else default

    response = SimpleNamespace(_original_response=SimpleNamespace(msg=Fields()))
    cookies.extract_cookies_to_jar(jar, asked(), response)
    cookies.extract_cookies_to_jar(jar, asked(), SimpleNamespace())
    assert jar["new"] == "5"
    assert "evil" not in jar
    verdicts = {each.name: each for each in jar.explain("http://www.example.org/a/b")}
    assert (verdicts["new"].sent, verdicts["kept"].sent) == (True, False)
    assert "https" in verdicts["kept"].reason
    assert (verdicts["evil"].stored, verdicts["evil"].reason) == (False, "Domain is a public suffix")
    other = {each.name: each.reason for each in jar.explain("https://www.example.org/")}
    assert other["plain"] == "for another path"
    assert {each.name: each.reason for each in jar.explain("https://x.example.org/a/")}[
        "plain"
    ] == "for its own host only"


# Files


@pytest.mark.parametrize("name", ["jar.json", "jar.txt"])
def test_save_and_load(jar, tmp_path, name, monkeypatch):
    """CVE-2026-54279: a host-only cookie stays one."""
    monkeypatch.setattr("time.time", lambda: NOW)
    path = tmp_path / name
    jar.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = RequestsCookieJar()
    again.load(path)
    told = [
        sorted((each.pair, each.domain, each.path, each.secure, each.http_only, each.host_only) for each in one.kept)
        for one in (jar, again)
    ]
    assert told[0] == told[1]
    jar.save(path, session_cookies=False)
    only = RequestsCookieJar()
    only.load(path)
    assert only.keys() == ["kept"]
    monkeypatch.setattr("time.time", lambda: NOW + 1e6)
    late = RequestsCookieJar()
    late.load(path)
    assert not late


def test_other_programs_read_what_is_saved(jar, tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: NOW)
    jar.save(tmp_path / "jar.txt")
    theirs = http.cookiejar.MozillaCookieJar(tmp_path / "jar.txt")
    theirs.load(ignore_discard=True, ignore_expires=True)
    assert {each.domain for each in theirs} == {".example.org", "www.example.org"}
    theirs.save(ignore_discard=True, ignore_expires=True)
    again = RequestsCookieJar()
    again.load(tmp_path / "jar.txt")
    assert again["wide"] == "2"


BAD_FILES = [
    pytest.param("{}", id="no-list"),
    pytest.param('{"cookies": [{}]}', id="no-name"),
    pytest.param('{"cookies": 5}', id="number"),
    pytest.param("{" * 100_000, id="deep"),
    pytest.param("only\tthree\tfields\n", id="too-few-fields"),
    pytest.param("h.example\tFALSE\t/\tFALSE\tsoon\ta\tb\n", id="expiry"),
    pytest.param("h.example\tFALSE\tpath\tFALSE\t0\ta\tb\n", id="path"),
    pytest.param("h.example\tFALSE\t/\tFALSE\t0\ta\tb;c\n", id="semicolon"),
    pytest.param("h.example\tFALSE\t/\tFALSE\t0\ta\tb\x00\n", id="control"),
    pytest.param("h.ex ample\tFALSE\t/\tFALSE\t0\ta\tb\n", id="domain"),
    pytest.param(b"\xff\xfe", id="not-text"),
]


@pytest.mark.parametrize("content", BAD_FILES)
def test_no_file_of_cookies(tmp_path, content):
    path = tmp_path / "jar"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    jar = RequestsCookieJar()
    with pytest.raises(InvalidOption, match="cookies: "):
        jar.load(path)
    assert not jar
    with pytest.raises(FileNotFoundError):
        jar.load(tmp_path / "none")


WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f;="), max_size=8)


@given(
    st.builds(
        Cookie,
        name=WORDS.filter(lambda text: text.strip() == text and text),
        value=WORDS.filter(lambda text: text.strip() == text),
        domain=st.sampled_from(["h.example", "example", ""]),
        path=st.sampled_from(["/", "/a b"]),
        expires=st.none() | st.integers(1, 2**40).map(float),
        secure=st.booleans(),
        http_only=st.booleans(),
    )
)
def test_every_cookie_survives_its_file(cookie):
    for text in (json_text([cookie]), netscape_text([cookie])):
        (again,) = cookies_from_text(text)
        for name in ("name", "value", "domain", "path", "expires", "secure", "http_only"):
            assert getattr(again, name) == getattr(cookie, name)


@given(st.text(max_size=80) | st.text(st.sampled_from('{}[]":, \tTRUE1/#\n'), max_size=80))
def test_any_text_is_cookies_or_our_error(text):
    try:
        found = cookies_from_text(text)
    except InvalidOption:
        return
    assert all(cookie.path[0] == "/" for cookie in found)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_private(path, "old")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_private(path, "new")
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["file"])


# Jars of sessions


def test_the_view_of_a_session_is_one_object():
    session = Session(cookies={"a": "1"})
    assert session.cookies is session.cookies
    assert isinstance(session.cookies, RequestsCookieJar)
    session.cookies.set("b", "2")
    assert sorted(session._jar.items()) == [("a", "1"), ("b", "2")]
    jar = RequestsCookieJar()
    session.cookies = jar
    assert session.cookies is jar
    assert pickle.loads(pickle.dumps(session)).cookies.get_dict() == {}


@pytest.fixture
def borrowed():
    jar = http.cookiejar.MozillaCookieJar()
    jar.set_cookie(create_cookie("mine", "0", domain="www.example.org"))
    return jar, Session(cookies=jar)


def test_a_jar_of_the_standard_library_stays_the_place(borrowed):
    given_jar, session = borrowed
    assert session.cookies is given_jar
    kept = session._jar
    assert kept.field_for(SITE, NOW) == "mine=0"
    refusals = kept.store(SITE, [*LINES, "evil=1; Domain=org", "__Host-x=1"], NOW)
    assert len(refusals) == 2
    assert len(given_jar) == len(kept) == 5
    assert kept.field_for(SITE, NOW) == "plain=1; kept=3; nameless; mine=0; wide=2"
    kept.store(SITE, ["plain=; Max-Age=0", "none=; Max-Age=0"], NOW)
    assert "plain" not in {each.name for each in given_jar}
    assert kept.store(URL.parse("http://www.example.org/a/"), ["kept=evil"], NOW)[0].reason.startswith("would hide")
    assert {each.name for each in kept.explain(SITE, NOW) if each.sent} == {"mine", "wide", "kept", ""}
    kept.remove(next(iter(kept)))
    assert len(given_jar) == 3
    kept.add(Cookie("added", "1", "www.example.org"))
    assert "added" in {each.name for each in given_jar}
    kept.clear()
    assert len(given_jar) == 0


@pytest.mark.parametrize("kind", [http.cookiejar.CookieJar, RequestsCookieJar])
def test_policies_are_asked(kind):
    jar = kind(http.cookiejar.DefaultCookiePolicy(allowed_domains=["other.example"]))
    kept = Session(cookies=jar)._jar
    local = URL.parse("http://localhost:80/")
    assert [each.reason for each in kept.store(SITE, ["a=1"], NOW)] == ["the jar's policy says no"]
    assert kept.store(URL.parse("http://other.example/"), ["a=1"], NOW) == []
    kept.add(Cookie("b", "1", "localhost", host_only=True))
    assert kept.field_for(local, NOW) is None
    jar.set_policy(http.cookiejar.DefaultCookiePolicy())
    if kind is RequestsCookieJar:
        assert kept.field_for(local, NOW) == "b=1"
    blocking = kind(http.cookiejar.DefaultCookiePolicy(blocked_domains=["bad.example"]))
    kept = Session(cookies=blocking)._jar
    assert kept.store(local, ["a=1"], NOW) == []
    assert kept.field_for(local, NOW) == "a=1"


def test_a_policy_set_on_a_borrowed_jar_later():
    jar = http.cookiejar.CookieJar()
    kept = Session(cookies=jar)._jar
    jar.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    assert len(kept.store(SITE, ["a=1"], NOW)) == 1

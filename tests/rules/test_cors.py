"""The Fetch standard's rules for calls from other origins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._model.url import URL
from smartclient._rules import cors

PAGE = "https://app.example"
ALLOW = ("Access-Control-Allow-Origin", PAGE)
ANY = ("Access-Control-Allow-Origin", "*")
WITH = ("Access-Control-Allow-Credentials", "true")


def answer(*lines: tuple[str, str]) -> Fields:
    return Fields(lines)


@pytest.mark.parametrize(
    ("name", "value", "safelisted"),
    [
        ("Accept", "text/html, */*;q=0.5", True),
        ("accept", "a(b", False),
        ("accept", "a" * 128, True),
        ("accept", "a" * 129, False),
        ("Accept-Language", "de, en;q=0.5", True),
        ("accept-language", "de_DE", False),
        ("content-language", "de", True),
        ("Content-Type", "text/plain", True),
        ("content-type", "text/plain;charset=UTF-8", True),
        ("content-type", "multipart/form-data; boundary=x", True),
        ("content-type", "application/x-www-form-urlencoded", True),
        ("content-type", "application/json", False),
        ("content-type", 'text/plain; a="b"', False),
        ("content-type", "", False),
        ("range", "bytes=0-99", True),
        ("range", "bytes=5-", True),
        ("range", "bytes=-5", False),
        ("range", "bytes=9-5", False),
        ("range", "bytes=0-1,3-4", False),
        ("x-trace-id", "1", False),
        ("authorization", "Bearer x", False),
    ],
)
def test_safelisted_field(name: str, value: str, safelisted: bool) -> None:
    assert cors.is_safelisted_field(name, value) is safelisted


def test_many_safelisted_values_are_unsafe_together() -> None:
    lines = [("Accept", "a" * 128) for _ in range(9)]
    assert cors.unsafe_names(lines[:8]) == ()
    assert cors.unsafe_names(lines) == ("accept",)


@pytest.mark.parametrize(
    ("name", "value", "forbidden"),
    [
        ("Cookie", "", True),
        ("sec-fetch-site", "", True),
        ("Proxy-Authorization", "", True),
        ("Origin", "", True),
        ("user-agent", "", False),
        ("X-HTTP-Method-Override", "TRACE", True),
        ("X-HTTP-Method-Override", "PUT", False),
    ],
)
def test_forbidden_field(name: str, value: str, forbidden: bool) -> None:
    assert cors.is_forbidden_field(name, value) is forbidden


@pytest.mark.parametrize(("method", "sent"), [("get", "GET"), ("put", "PUT"), ("patch", "patch"), ("Foo", "Foo")])
def test_normalized_method(method: str, sent: str) -> None:
    assert cors.normalized_method(method) == sent


@pytest.mark.parametrize(
    ("method", "fields", "reasons"),
    [
        ("GET", [], ()),
        ("POST", [("Content-Type", "text/plain")], ()),
        ("PUT", [], ("method PUT is not safelisted",)),
        ("POST", [("Content-Type", "application/json"), ("X-A", "1")],
         ("content type application/json is not safelisted", "x-a is not safelisted")),
        ("GET", [("Range", "bytes=-5")], ("the value of range is not safelisted",)),
    ],
)  # fmt: skip
def test_reasons_to_ask(method: str, fields: list[tuple[str, str]], reasons: tuple[str, ...]) -> None:
    assert cors.reasons_to_ask(method, fields) == reasons


def test_preflight_fields() -> None:
    assert cors.preflight_fields(
        "PUT", [("X-B", "1"), ("Content-Type", "application/json"), ("Accept", "a")], PAGE
    ) == [
        ("Accept", "*/*"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,x-b"),
        ("Origin", PAGE),
    ]


@pytest.mark.parametrize(
    ("url", "method", "rule"),
    [
        ("https://api.example/", "GET", None),
        ("https://api.example/", "trace", "method"),
        ("https://u:p@api.example/", "GET", "url"),
        ("https://api.example:25/", "GET", "port"),
        ("http://api.example/", "GET", "mixed-content"),
        ("http://localhost:8000/", "GET", None),
        ("http://127.0.0.1/", "GET", None),
        ("http://[::1]/", "GET", None),
        ("http://127.0.0.1.example/", "GET", "mixed-content"),
    ],
)
def test_before_sending(url: str, method: str, rule: str | None) -> None:
    check = cors.before_sending(URL.parse(url), PAGE, method)
    assert (check and check.rule) == rule


@pytest.mark.parametrize(
    ("fields", "credentials", "failing"),
    [
        pytest.param([], False, "allow-origin", id="nothing"),
        pytest.param([ANY], False, None, id="any"),
        pytest.param([ANY], True, "allow-origin", id="any-with-credentials"),
        pytest.param([ALLOW], False, None, id="named"),
        pytest.param([ALLOW], True, "allow-credentials", id="no-allow-credentials"),
        pytest.param([ALLOW, WITH], True, None, id="both"),
        pytest.param([ALLOW, ("Access-Control-Allow-Credentials", "True")], True, "allow-credentials", id="case"),
        pytest.param([("Access-Control-Allow-Origin", "https://other.example")], False, "allow-origin", id="other"),
        pytest.param([("Access-Control-Allow-Origin", PAGE + "/")], False, "allow-origin", id="slash"),
        pytest.param([("Access-Control-Allow-Origin", PAGE.upper())], False, "allow-origin", id="upper-case"),
        pytest.param([ALLOW, ALLOW], False, "allow-origin", id="twice"),
        pytest.param([("Access-Control-Allow-Origin", "null")], False, "allow-origin", id="null"),
    ],
)
def test_answer_checks(fields: list[tuple[str, str]], credentials: bool, failing: str | None) -> None:
    failed = [check.rule for check in cors.answer_checks(answer(*fields), PAGE, credentials) if not check.passed]
    assert failed == ([] if failing is None else [failing])


METHODS, HEADERS = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"


@pytest.mark.parametrize(
    ("status", "lines", "method", "names", "credentials", "failing"),
    [
        pytest.param(204, [(METHODS, "PUT")], "PUT", [], False, [], id="method-named"),
        pytest.param(200, [(METHODS, "*")], "PUT", [], False, [], id="method-any"),
        pytest.param(200, [(METHODS, "*")], "PUT", [], True, ["allow-methods"], id="method-any-with-credentials"),
        pytest.param(200, [(METHODS, "put")], "PUT", [], False, ["allow-methods"], id="method-case"),
        pytest.param(200, [], "DELETE", [], False, ["allow-methods"], id="method-not-named"),
        pytest.param(200, [], "POST", [], False, [], id="method-safelisted"),
        pytest.param(404, [], "POST", [], False, ["preflight-status"], id="status"),
        pytest.param(302, [], "POST", [], False, ["preflight-status"], id="redirect"),
        pytest.param(200, [(HEADERS, "X-A, x-b")], "GET", ["x-a", "X-B"], False, [], id="fields-named"),
        pytest.param(200, [(HEADERS, "*")], "GET", ["x-a"], False, [], id="fields-any"),
        pytest.param(200, [(HEADERS, "*")], "GET", ["x-a"], True, ["allow-headers"], id="fields-any-with-credentials"),
        pytest.param(200, [(HEADERS, "*")], "GET", ["Authorization"], False, ["allow-headers"], id="authorization"),
        pytest.param(200, [(HEADERS, "*, authorization")], "GET", ["Authorization"], False, [], id="authorization-too"),
        pytest.param(200, [(HEADERS, "a b")], "GET", ["x-a"], False, ["allow-list", "allow-headers"], id="no-list"),
        pytest.param(200, [(HEADERS, "")], "GET", [], False, [], id="empty-list"),
    ],
)
def test_preflight_checks(
    status: int, lines: list[tuple[str, str]], method: str, names: list[str], credentials: bool, failing: list[str]
) -> None:
    fields = answer(ALLOW, WITH, *lines)
    checks = cors.preflight_checks(status, fields, PAGE, method, [(name, "1") for name in names], credentials)
    assert [check.rule for check in checks if not check.passed] == failing


@pytest.mark.parametrize(
    ("value", "seconds"), [("600", 600), ("", 5), ("-1", 5), ("1.5", 5), ("9" * 30, 999_999_999), ("²", 5)]
)
def test_max_age(value: str, seconds: int) -> None:
    assert cors.max_age(answer(("Access-Control-Max-Age", value))) == seconds


@pytest.mark.parametrize(
    ("named", "credentials", "exposed"),
    [
        ("", False, ("content-type",)),
        ("X-A", False, ("content-type", "x-a")),
        ("*", False, ("access-control-expose-headers", "content-type", "x-a")),
        ("*", True, ("content-type",)),
        ("Set-Cookie", False, ("content-type",)),
    ],
)
def test_exposed_names(named: str, credentials: bool, exposed: tuple[str, ...]) -> None:
    fields = answer(
        ("Content-Type", "a/b"), ("X-A", "1"), ("Set-Cookie", "a=b"), ("Access-Control-Expose-Headers", named)
    )
    assert cors.exposed_names(fields, credentials) == exposed


def test_a_second_foreign_origin_makes_the_origin_null() -> None:
    ours, theirs, third = (URL.parse(f"https://{name}.example/") for name in ("app", "api", "cdn"))
    assert cors.origin_after(ours, theirs, PAGE) == PAGE
    assert cors.origin_after(theirs, theirs, PAGE) == PAGE
    assert cors.origin_after(theirs, third, PAGE) == "null"


def test_credentials_in_a_redirect() -> None:
    ours, theirs = URL.parse("https://app.example/"), URL.parse("https://u@api.example/")
    assert cors.redirect_check(ours, theirs, PAGE) is not None
    assert cors.redirect_check(ours, URL.parse("https://u@app.example/"), PAGE) is None


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5), st.text(), st.booleans())
def test_any_answer_gives_a_judgement(lines: list[tuple[str, str]], origin: str, credentials: bool) -> None:
    names = ["Access-Control-Allow-Origin", METHODS, HEADERS, "Access-Control-Max-Age", "Access-Control-Expose-Headers"]
    fields = answer(*lines, *zip(names, [value for _, value in lines], strict=False))
    checks = cors.preflight_checks(200, fields, origin, "PUT", [("x-a", "1")], credentials)
    assert checks
    assert cors.max_age(fields) >= 0
    assert set(cors.exposed_names(fields, credentials)) <= {name.lower() for name, _ in fields}

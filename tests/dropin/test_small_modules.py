"""`utils`, `compat`, `packages`, `structures`, `status_codes`, `certs`: each name, against what requests answers."""

import io
import os
import pickle
import subprocess
import sys
import warnings
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import pytest

import smartclient
from smartclient import certs, codes, compat, packages, structures, utils
from smartclient.exceptions import FileModeWarning, InsecureRequestWarning, InvalidHeader, UnrewindableBodyError

requests = pytest.importorskip("requests")

SAME = {  # function: arguments for which requests and we answer the same
    "get_encoding_from_headers": [
        ({"content-type": value},)
        for value in (
            "text/html",
            "text/html; charset=utf-8",
            "text/x; charset='latin-1'",
            "application/json",
            "a/b",
            "",
        )
    ]
    + [({},)],
    "guess_json_utf": [
        ("{}".encode(name),)
        for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
    ]
    + [(b"",), (b"\x00\x00\x00\x00",)],
    "parse_header_links": [
        ("",),
        ('<http:/.../front.jpeg>; rel=front; type="image/jpeg"',),
        ("<http:/.../front.jpeg>",),
        ("<http:/.../front.jpeg>;",),
        ('<http:/.../front.jpeg>; type="image/jpeg",<http://.../back.jpeg>; rel=back;type="image/jpeg"',),
    ],
    "parse_list_header": [('foo="is a fish", bar="as well", baz=22',), ('"a, b", c',), ("",)],
    "parse_dict_header": [('foo="is a fish", bar="as well"',), ("key_without_value",), ('a="b\\"c", d=',), ("",)],
    "unquote_header_value": [("",), ('"Test"',), ('"a\\"b"',), ("Test",)],
    "to_native_string": [("a",), (b"a",), ("ä".encode(), "utf-8")],
    "from_key_val_list": [(None,), ([("a", 1)],), ({"a": 1},), ("text",), (1,), ((("a", 1), ("b", 2)),)],
    "to_key_val_list": [(None,), ([("a", 1)],), ({"a": 1},), ("text",), (True,), (OrderedDict(a=1),)],
    "iter_slices": [("abcdef", 4), ("abcdef", None), ("abcdef", 0), ("abcdef", -1), (b"abc", 1), ("", 3), ("", None)],
    "guess_filename": [(SimpleNamespace(name=name),) for name in ("/a/b.txt", b"/a/b", "<stdin>", 5, "")] + [(1,)],
    "unquote_unreserved": [("http://a/%7Eb%2F",), ("http://a/?%zz",), ("http://a/%",), ("a%2",), ("%41%C3%A9",)],
    "requote_uri": [
        (f"http://example.com/{rest}",)
        for rest in ("fiz?buz=%25ppicture", "fiz?buz=%ppicture", "a b", "ä", "%7e", "[x]", "%zz", "a%20b|c")
    ],
    "prepend_scheme_if_needed": [
        (url, "http")
        for url in (
            "example.com/path",
            "//example.com/p",
            "http://e.com/",
            "https://e.com?a#f",
        )
    ],
    "get_auth_from_url": [
        (f"http://{userinfo}complex.url.com/path?query=yes",)
        for userinfo in ("user:pass%20pass@", "u%25:p@", "user@", "", ":@", "user:pass@a")
    ],
    "urldefragauth": [
        ("http://u:p@example.com/path?query#fragment",),
        ("example.com/path?query#fragment",),
        ("//u@example.com/path#f",),
        ("scheme:u@example.com/path?q#f",),
    ],
    "is_ipv4_address": [(text,) for text in ("8.8.8.8", "8.8.8.8.8", "localhost.localdomain", "::1")],
    "is_valid_cidr": [
        (text,)
        for text in ("192.168.1.0/24", "8.8.8.8", "192.168.1.0/a", "192.168.1.0/128", "192.168.1.0/-1", "999.1/24")
    ],
    "address_in_network": [
        ("192.168.1.1", "192.168.1.0/24"),
        ("172.16.0.1", "192.168.1.0/24"),
        ("10.1.2.3", "10.0.0.0/8"),
    ],
    "dotted_netmask": [(8,), (24,), (25,)],
    "select_proxy": [
        (url, proxies)
        for url in ("http://a.com/", "https://a.com/", "http://b.com:80/", "file:///x", "hTTp:///x")
        for proxies in (
            None,
            {},
            {"http": "p"},
            {"all": "q", "all://a.com": "r"},
            {"http://a.com": "s", "http": "t"},
        )
    ],
    "check_header_validity": [
        (("name", "value"),),
        ((b"name", b"value"),),
        (("name", "a\r\nb"),),
        (("name", 5),),
        ((" a", "b"),),
    ],
    "get_encodings_from_content": [
        ('<meta charset="UTF-8">',),
        ('<meta http-equiv="Content-type" content="text/html;charset=UTF-8">',),
        ('<?xml version="1.0" encoding="UTF-8"?>',),
        ("none",),
    ],
    "super_len": [
        ("text",),
        ("tëxt",),
        (b"bytes",),
        ([1, 2],),
        (io.BytesIO(b"abc"),),
        (io.StringIO("abc"),),
        (5,),
        (None,),
    ],
    "dict_from_cookiejar": [(utils.cookiejar_from_dict({"a": "1", "b": "2"}),)],
}


def outcome(function, args):
    """What a function gives, iterators as lists, or the name of what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = function(*args)
        except Exception as error:
            return type(error).__name__
    return list(found) if hasattr(found, "__next__") else found


@pytest.mark.parametrize(("name", "args"), [(name, args) for name, rows in SAME.items() for args in rows], ids=repr)
def test_same_answer(name, args):
    assert outcome(getattr(utils, name), args) == outcome(getattr(requests.utils, name), args)


def test_every_name_of_requests_is_there():
    listed = """quote unquote urlparse requote_uri unquote_unreserved default_headers default_user_agent
        dict_from_cookiejar cookiejar_from_dict add_dict_to_cookiejar get_encoding_from_headers
        get_encodings_from_content get_unicode_from_response parse_header_links parse_dict_header parse_list_header
        get_netrc_auth get_environ_proxies
        should_bypass_proxies proxy_bypass select_proxy resolve_proxies get_auth_from_url prepend_scheme_if_needed
        super_len to_key_val_list to_native_string guess_json_utf guess_filename iter_slices
        stream_decode_response_unicode from_key_val_list check_header_validity unquote_header_value urldefragauth
        rewind_body set_environ address_in_network is_ipv4_address is_valid_cidr DEFAULT_CA_BUNDLE_PATH DEFAULT_PORTS"""
    assert [name for name in listed.split() if name not in utils.__all__] == []
    listed = """urljoin urlparse urlsplit urlencode quote unquote quote_plus unquote_plus cookielib cookiejar_from_dict
        Morsel JSONDecodeError json str bytes basestring builtin_str numeric_types integer_types Mapping MutableMapping
        OrderedDict StringIO is_py2 is_py3 chardet"""
    assert [name for name in listed.split() if not hasattr(compat, name)] == []
    same = "urljoin quote_plus cookielib Morsel json builtin_str OrderedDict basestring numeric_types integer_types"
    assert [name for name in same.split() if getattr(compat, name) != getattr(requests.compat, name)] == []
    assert compat.is_py3
    assert not compat.is_py2


def test_codes():
    theirs = {name: value for name, value in vars(requests.codes).items() if name != "name"}
    assert {name: getattr(codes, name) for name in theirs} == theirs
    assert (codes["ok"], codes["\\o/"], codes.TEAPOT, codes["none such"], codes.get("gone", 5)) == (
        200,
        200,
        418,
        None,
        410,
    )
    assert codes.get("none such", 5) == 5
    assert repr(codes) == "<lookup 'status_codes'>"
    assert smartclient.status_codes.codes is codes is smartclient.codes


def test_structures():
    mapping = structures.CaseInsensitiveDict({"Accept": "x"}, Other="y")
    theirs = requests.structures.CaseInsensitiveDict({"Accept": "x"}, Other="y")
    for each in (mapping, theirs):
        each["ACCEPT"] = "z"
        del each["other"]
    assert (repr(mapping), list(mapping), list(mapping.lower_items())) == (
        repr(theirs),
        list(theirs),
        list(theirs.lower_items()),
    )
    assert mapping == {"accept": "z"} == theirs
    assert mapping.copy() == mapping == pickle.loads(pickle.dumps(mapping))
    assert structures.LookupDict("x")["none"] is None


def test_certs_and_constants():
    assert certs.where() == utils.DEFAULT_CA_BUNDLE_PATH
    assert Path(certs.where()).exists()
    assert utils.DEFAULT_PORTS == {"http": 80, "https": 443}
    assert utils.default_user_agent() == f"smartclient/{smartclient.__version__}"
    assert utils.default_headers()["accept-encoding"] == utils.DEFAULT_ACCEPT_ENCODING


def test_cookie_functions():
    jar = utils.add_dict_to_cookiejar(utils.cookiejar_from_dict({"a": "1"}), {"b": "2"})
    assert utils.dict_from_cookiejar(jar) == {"a": "1", "b": "2"}


def test_lengths_of_files(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.read(4)
        assert utils.super_len(file) == requests.utils.super_len(file) == 6
        file.seek(20)
        assert utils.super_len(file) == 0
    with path.open() as file, pytest.warns(FileModeWarning):
        assert utils.super_len(file) == 10
    assert utils.super_len(SimpleNamespace(len=5)) == 5

    class Pipe:
        def tell(self):
            raise OSError

    assert utils.super_len(Pipe()) == 0


def test_rewinding():
    body = io.BytesIO(b"abc")
    body.read()
    utils.rewind_body(SimpleNamespace(body=body, _body_position=1))
    assert body.read() == b"bc"

    class Stuck(io.BytesIO):
        def seek(self, *args):
            raise OSError

    for broken in (SimpleNamespace(body=b""), SimpleNamespace(body=Stuck(), _body_position=0)):
        with pytest.raises(UnrewindableBodyError, match="rewind"):
            utils.rewind_body(broken)


def test_text_of_streams_and_responses():
    response = SimpleNamespace(
        encoding="utf-8", headers={"content-type": "text/plain; charset=utf-8"}, content=b"\xc3\xa4"
    )
    pieces = [b"a\xc3", b"\xa4", b"\xff\xc3"]
    assert "".join(utils.stream_decode_response_unicode(pieces, response)) == "aä\ufffd\ufffd"
    assert list(utils.stream_decode_response_unicode(pieces, SimpleNamespace(encoding=None))) == pieces
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert utils.get_unicode_from_response(response) == "ä"
    bare = SimpleNamespace(headers={}, content=b"x")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert utils.get_unicode_from_response(bare) == b"x"


BYPASSES = [
    pytest.param("http://192.168.0.1:5000/", "192.168.0.0/24", True, id="network"),
    pytest.param("http://192.168.1.1/", "192.168.0.0/24", False, id="another-network"),
    pytest.param("http://a.example:80/", "example", True, id="below"),
    pytest.param("http://badexample/", "example", False, id="label-borders"),
    pytest.param("http://a.example:81/", "a.example:80", False, id="another-port"),
    pytest.param("file:///path", "", True, id="no-host"),
    pytest.param("http://a.example/", "*", True, id="all"),
]


@pytest.mark.parametrize(("url", "no_proxy", "expected"), BYPASSES)
def test_proxies_of_the_environment(url, no_proxy, expected, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert utils.should_bypass_proxies(url, no_proxy) is expected
    found = utils.get_environ_proxies(url, no_proxy)
    assert bool(found) is not expected
    request = SimpleNamespace(url=url)
    resolved = utils.resolve_proxies(request, {"no_proxy": no_proxy})
    assert ("http" in resolved) is not expected
    assert utils.resolve_proxies(request, {"no_proxy": no_proxy}, trust_env=False) == {"no_proxy": no_proxy}
    monkeypatch.setenv("NO_PROXY", no_proxy or "other.example")
    assert utils.should_bypass_proxies(url, None) is expected


def test_set_environ(monkeypatch):
    monkeypatch.setenv("SMARTCLIENT_SET", "old")
    monkeypatch.delenv("SMARTCLIENT_UNSET", raising=False)
    for name, before in (("SMARTCLIENT_SET", "old"), ("SMARTCLIENT_UNSET", None)):
        with utils.set_environ(name, "new"):
            assert os.environ[name] == "new"
        with utils.set_environ(name, None):
            assert os.environ.get(name) == before
        assert os.environ.get(name) == before


def test_netrc(tmp_path, monkeypatch):
    path = tmp_path / "netrc"
    path.write_text("machine example.com login aaaa password bbbb\n")
    monkeypatch.setenv("NETRC", str(path))
    assert utils.get_netrc_auth("http://example.com/thing") == ("aaaa", "bbbb")
    assert utils.get_netrc_auth("http://example.com:@evil.com/'") is None  # CVE-2024-47081
    assert utils.get_netrc_auth("http://sub.example.com/") is None
    assert utils.get_netrc_auth("no url") is None
    with pytest.raises(ValueError, match="No scheme"):
        utils.get_netrc_auth("no url", raise_errors=True)


def test_where_requests_takes_a_user_for_a_scheme():
    assert utils.prepend_scheme_if_needed("user:p@host:80/x", "http") == "http://user:p@host:80/x"


def test_header_validity_names_the_fault():
    with pytest.raises(InvalidHeader, match="must be of type str or bytes"):
        utils.check_header_validity(("name", 3))


def test_packages():
    import smartclient.packages.urllib3.exceptions as theirs
    from smartclient.packages.urllib3.util.retry import Retry

    assert packages.urllib3 is sys.modules["urllib3"]
    assert Retry is packages.urllib3.Retry
    assert theirs is sys.modules["urllib3.exceptions"]
    assert packages.idna.encode("a") == b"a"
    assert packages.chardet is compat.chardet
    assert packages.chardet.detect(b"abc")["encoding"]


WITHOUT = """
import sys
for name in ("urllib3", "chardet", "charset_normalizer", "requests"):
    sys.modules[name] = None
import warnings
import smartclient as requests
from smartclient.exceptions import InsecureRequestWarning
requests.packages.urllib3.disable_warnings(requests.packages.urllib3.exceptions.InsecureRequestWarning)
from smartclient.packages.urllib3.util.retry import Retry
from smartclient.packages.urllib3.exceptions import MaxRetryError, ReadTimeoutError, ConnectTimeoutError
from smartclient.packages.urllib3.util import Timeout
assert requests.packages.chardet is None
with warnings.catch_warnings(record=True) as seen:
    warnings.warn("x", InsecureRequestWarning)
assert seen == []
policy = Retry(2, status=1, status_forcelist=[500], backoff_factor=0.5)
assert policy.is_retry("GET", 500) and not policy.is_retry("POST", 500) and policy.is_retry("get", 503, True)
once = policy.increment("GET", "/", error=ReadTimeoutError("x"))
assert (once.total, once.get_backoff_time(), len(once.history)) == (1, 0.0, 1)
twice = once.increment("GET", "/", error=ConnectTimeoutError("x"))
assert (twice.total, twice.get_backoff_time()) == (0, 1.0)
try:
    twice.increment("GET", "/", error=OSError("last"))
except MaxRetryError as error:
    assert str(error.reason) == "last"
else:
    raise SystemExit("nothing was exhausted")
try:
    Retry(False).increment("GET", "/", error=OSError("mine"))
except OSError as error:
    assert str(error) == "mine"
assert Retry.from_int(3).total == 3 and Retry.from_int(policy) is policy and Retry.from_int(None).total == 10
assert policy.parse_retry_after("7") == 7.0 and "total=2" in repr(policy)
"""


def test_packages_without_the_packages():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_urllib3_silences_our_warnings(origin):
    """`disable_warnings` with urllib3's own category, as programs call it through requests."""
    tls = pytest.importorskip("urllib3")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", tls.exceptions.InsecureRequestWarning)
        with pytest.raises(smartclient.exceptions.ConnectionError):
            smartclient.get("https://127.0.0.1:1/", verify=False, retries=0)
    assert seen == []
    with pytest.warns(InsecureRequestWarning), pytest.raises(smartclient.exceptions.ConnectionError):
        smartclient.get("https://127.0.0.1:1/", verify=False, retries=0)

"""Field lines: the immutable kind, the mapping that callers hold, and the check of what callers give."""

import copy
import pickle
import threading
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.errors import InvalidHeader
from smartclient._model.headers import NO_FIELDS, Fields, Headers, fields_from, is_host, is_token


@pytest.mark.parametrize("text", ["GET", "a", "!#$%&'*+-.^_`|~09AZaz"])
def test_tokens(text):
    assert is_token(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a:", "a\n", "é", "(", "a\0", '"a"'], ids=repr)
def test_no_tokens(text):
    assert not is_token(text)


@pytest.mark.parametrize("text", ["h", "h.example:80", "[::1]:8080", "127.0.0.1", "a_b"])
def test_hosts(text):
    assert is_host(text)


@pytest.mark.parametrize("text", ["", "a b", "a, b", "a/b", "a@b", "h\r\n", "é", "a?b", "a#b"], ids=repr)
def test_no_hosts(text):
    assert not is_host(text)


# Fields


LINES = [("Accept", "a"), ("X-One", "1"), ("accept", "b")]


def test_fields_keep_order_case_and_repeats():
    fields = Fields(LINES)
    assert list(fields) == LINES
    assert len(fields) == 3
    assert fields.get("accept") == "a, b"
    assert fields.getlist("accept") == ["a", "b"]
    assert "x-one" in fields
    assert fields.block == b"Accept: a\r\nX-One: 1\r\naccept: b\r\n"


def test_absent_field():
    assert NO_FIELDS.get("a") is None
    assert NO_FIELDS.get("a", "default") == "default"
    assert NO_FIELDS.getlist("a") == []
    assert NO_FIELDS.block == b""


def test_copies_leave_the_original_alone():
    fields = Fields(LINES)
    assert fields.block
    assert fields.with_line("Accept", "c").get("accept") == "a, b, c"
    assert fields.without(("accept", "gone")).lines == (("X-One", "1"),)
    assert fields.without(("gone",)) is fields
    assert fields.replace("accept", "z").lines == (("X-One", "1"), ("accept", "z"))
    assert list(fields) == LINES


@pytest.mark.parametrize("known", [True, False], ids=["block-known", "block-not-made"])
def test_block_follows_every_copy(known):
    fields = Fields(LINES)
    if known:
        assert fields.block
    more = fields.with_line("B", "2")
    assert more.block == Fields([*LINES, ("B", "2")]).block


def test_fields_equal_by_lines():
    assert Fields(LINES) == Fields(LINES)
    assert hash(Fields(LINES)) == hash(Fields(LINES))
    assert Fields(LINES) != Fields(LINES[:2])
    assert Fields(LINES) != LINES


def test_values_stay_out_of_the_repr_of_fields():
    assert repr(Fields([("Authorization", "secret")])) == "Fields(Authorization)"


def test_fields_pickle():
    fields = Fields(LINES)
    assert pickle.loads(pickle.dumps(fields)) == fields


# Headers


def test_headers_are_case_insensitive_and_keep_the_spelling():
    headers = Headers({"Content-Type": "text/plain"})
    assert headers["content-TYPE"] == "text/plain"
    assert list(headers) == ["Content-Type"]
    headers["CONTENT-TYPE"] = "text/html"
    assert headers.multi_items() == [("CONTENT-TYPE", "text/html")]
    del headers["content-type"]
    assert not headers
    with pytest.raises(KeyError):
        del headers["content-type"]


def test_repeats():
    headers = Headers(Fields(LINES))
    assert headers["accept"] == "a, b"
    assert headers.getlist("ACCEPT") == ["a", "b"]
    assert headers.getlist("gone") == []
    assert headers.multi_items() == [("Accept", "a"), ("accept", "b"), ("X-One", "1")]
    headers["Accept"] = "c"
    assert headers.multi_items() == [("Accept", "c"), ("X-One", "1")]


EQUAL = [
    pytest.param({"a": "1"}, True, id="dict"),
    pytest.param({"A": "1"}, True, id="other-case"),
    pytest.param(Headers({"A": "1"}), True, id="headers"),
    pytest.param(MappingProxyType({"A": "1"}), True, id="mapping"),
    pytest.param({"a": "2"}, False, id="other-value"),
    pytest.param({}, False, id="less"),
    pytest.param({1: "1"}, False, id="no-text"),
    pytest.param([("a", "1")], False, id="pairs"),
    pytest.param(None, False, id="none"),
]


@pytest.mark.parametrize(("other", "equal"), EQUAL)
def test_equality(other, equal):
    assert (Headers({"A": "1"}) == other) is equal
    assert (Headers({"A": "1"}) != other) is not equal


def test_every_change_is_counted():
    headers = Headers({"a": "1"})
    versions = [headers.version]
    for change in (
        lambda: headers.update(b="2"),
        lambda: headers.add("b", "3"),
        lambda: headers.pop("a"),
        lambda: headers.setdefault("c", "4"),
        headers.clear,
    ):
        change()
        versions.append(headers.version)
    assert versions == sorted(set(versions))


def test_headers_are_not_hashable():
    with pytest.raises(TypeError):
        hash(Headers())


def test_copy_is_apart():
    headers = Headers({"a": "1"})
    other = headers.copy()
    other["b"] = "2"
    assert "b" not in headers


def test_headers_pickle_and_deepcopy():
    headers = Headers(Fields(LINES))
    for twin in (pickle.loads(pickle.dumps(headers)), copy.deepcopy(headers)):
        assert twin.multi_items() == headers.multi_items()


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Set-Cookie", "X-API-Key", "Proxy-Authorization"])
def test_credentials_are_masked_in_the_repr(name):
    shown = repr(Headers({name: "secret", "Accept": "*/*"}))
    assert "secret" not in shown
    assert shown == str({name: "***", "Accept": "*/*"})


def test_another_thread_may_add_names_meanwhile():
    headers = Headers()
    done = threading.Event()

    def add():
        for n in range(3000):
            headers[f"X-{n}"] = "1"
        done.set()

    thread = threading.Thread(target=add)
    thread.start()
    while not done.is_set():
        fields_from(headers)
    thread.join()
    assert len(fields_from(headers)) == 3000


# What callers give


GIVEN = [  # sources, lines
    pytest.param([None], (), id="none"),
    pytest.param([{}], (), id="empty"),
    pytest.param([{"A": "1"}], (("A", "1"),), id="dict"),
    pytest.param([[("A", "1"), ("B", "2"), ("a", "3")]], (("A", "1"), ("a", "3"), ("B", "2")), id="repeated-pairs"),
    pytest.param([(pair for pair in [("A", "1")])], (("A", "1"),), id="generator"),
    pytest.param([{b"A": b"\xe9"}], (("A", "\xe9"),), id="bytes"),
    pytest.param([{"A": "é"}], (("A", "é"),), id="latin-1"),
    pytest.param([{"A": "1  \t"}], (("A", "1"),), id="trailing-space-goes"),
    pytest.param([{"A": ""}], (("A", ""),), id="empty-value"),
    pytest.param([{"A": "1", "B": "2"}, {"a": "3"}], (("a", "3"), ("B", "2")), id="later-sources-win"),
    pytest.param([{"A": "1", "B": "2"}, {"a": None}], (("B", "2"),), id="none-removes"),
    pytest.param([{"A": None}], (), id="none-of-nothing"),
    pytest.param([Headers(Fields(LINES))], (("Accept", "a"), ("accept", "b"), ("X-One", "1")), id="headers"),
    pytest.param([Fields(LINES)], (("Accept", "a"), ("accept", "b"), ("X-One", "1")), id="fields"),
]


@pytest.mark.parametrize(("sources", "lines"), GIVEN)
def test_fields_from(sources, lines):
    assert fields_from(*sources).lines == lines


BAD = [  # RFC 9110 section 5.1 and 5.5, and the checks of requests
    pytest.param({"": "1"}, id="empty-name"),
    pytest.param({"A B": "1"}, id="space-in-name"),
    pytest.param({"A:": "1"}, id="colon-in-name"),
    pytest.param({"A\r\nB": "1"}, id="line-end-in-name"),
    pytest.param({"É": "1"}, id="letters-in-name"),
    pytest.param({1: "1"}, id="int-name"),
    pytest.param({None: "1"}, id="none-name"),
    pytest.param({b"\xff": "1"}, id="bytes-name"),
    pytest.param({"A": 1}, id="int"),
    pytest.param({"A": 1.5}, id="float"),
    pytest.param({"A": ["1"]}, id="list"),
    pytest.param({"A": bytearray(b"1")}, id="bytearray"),
    pytest.param({"A": "1\r\nB: 2"}, id="crlf"),
    pytest.param({"A": "1\n 2"}, id="folded"),
    pytest.param({"A": "1\r"}, id="cr-at-the-end"),
    pytest.param({"A": "\0"}, id="nul"),
    pytest.param({"A": "\x7f"}, id="del"),
    pytest.param({"A": " 1"}, id="leading-space"),
    pytest.param({"A": "\t1"}, id="leading-tab"),
    pytest.param({"A": b"1\n"}, id="bytes-with-line-end"),
    pytest.param({"A": "€"}, id="outside-latin-1"),
    pytest.param({"A": "\ud800"}, id="surrogate"),
    pytest.param(5, id="no-mapping"),
    pytest.param("A: 1", id="text"),
    pytest.param(["A"], id="list-of-text"),
    pytest.param([("A",)], id="one"),
    pytest.param([("A", "1", "2")], id="three"),
    pytest.param([5], id="list-of-int"),
]


@pytest.mark.parametrize("source", BAD)
def test_what_cannot_be_sent(source):
    with pytest.raises(InvalidHeader):
        fields_from(source)


@pytest.mark.parametrize("value", ["secret\r\n", "secret\ud800", ["secret"], {"secret": 1}, " secret"], ids=repr)
def test_values_stay_out_of_errors(value):
    with pytest.raises(InvalidHeader) as caught:
        fields_from({"X-Key": value})
    assert "secret" not in str(caught.value)
    assert "X-Key" in str(caught.value)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@given(ANY | st.dictionaries(st.text() | st.binary(), st.text() | st.binary()) | st.lists(st.tuples(ANY, ANY)))
def test_anything_gives_fields_or_our_error(source):
    try:
        fields = fields_from(source)
    except InvalidHeader:
        return
    assert fields.block.count(b"\r\n") == len(fields)
    assert b"\0" not in fields.block


@given(st.lists(st.tuples(st.from_regex(r"[a-zA-Z-]{1,4}", fullmatch=True), st.text("abc", max_size=3))))
def test_headers_and_fields_tell_the_same(lines):
    fields = fields_from(lines)
    headers = Headers(fields)
    assert sorted(headers.multi_items()) == sorted(lines)
    assert dict(headers.lower_items()) == fields.index
    assert fields_from(headers) == fields

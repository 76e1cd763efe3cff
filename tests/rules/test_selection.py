"""Keys, partitions and Vary (RFC 9111 sections 2, 4.1 and 7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._model.stored import Stored
from smartclient._rules.selection import matches, normalised, select, selecting_values

URI = "https://h.example/a?b=1"
SALT = b"0123456789abcdef"
EMPTY = (URI, b"")


def stored(*, date: float, partition: bytes = b"", vary: tuple[tuple[str, str | None], ...] = ()) -> Stored:
    return Stored(
        key=(URI, partition),
        status=200,
        reason="OK",
        fields=Fields(),
        body=b"",
        vary=vary,
        sent_at=0.0,
        received_at=date,
        date=date,
        initial_age=0.0,
        fresh_until=1e10,
        must_revalidate=False,
        immutable=False,
        etag=None,
        last_modified=None,
    )


@pytest.mark.parametrize(
    ("vary", "first", "second", "same"),
    [
        pytest.param("Foo", [("Foo", "1")], [("foo", "1")], True, id="4.1 same"),
        pytest.param("FOO", [("Foo", "1")], [("foo", "2")], False, id="4.1 other"),
        pytest.param("Foo", [], [], True, id="4.1 absent equals absent"),
        pytest.param("Foo", [("Foo", "1")], [], False, id="4.1 absent now"),
        pytest.param("Foo", [], [("Foo", "1")], False, id="4.1 absent then"),
        pytest.param("Foo", [], [("Foo", "")], False, id="4.1 empty is not absent"),
        pytest.param("Foo, Bar", [("Foo", "1"), ("Bar", "2")], [("Bar", "2"), ("Foo", "1")], True, id="4.1 two"),
        pytest.param("Foo, Bar", [("Foo", "1"), ("Bar", "2")], [("Foo", "1")], False, id="4.1 one of two"),
        pytest.param("Foo", [("Foo", "1, 2")], [("Foo", "1"), ("Foo", "2")], True, id="4.1 lines joined"),
        pytest.param("Foo", [("Foo", "1,2")], [("Foo", " 1 ,\t2")], True, id="4.1 space around members"),
        pytest.param("Foo", [("Foo", "1, 2")], [("Foo", "2, 1")], False, id="4.1 order counts in general"),
        pytest.param("Foo", [("Foo", "a")], [("Foo", "A")], False, id="4.1 case counts in general"),
        pytest.param("Foo", [("Foo", '"1, 2"')], [("Foo", '"1,2"')], False, id="4.1 space counts in quotes"),
        pytest.param(
            "Accept-Encoding", [("Accept-Encoding", "gzip, br")], [("Accept-Encoding", "BR,gzip")], True, id="12.5.3"
        ),
        pytest.param(
            "Accept-Encoding", [("Accept-Encoding", "gzip")], [("Accept-Encoding", "br")], False, id="12.5.3 other"
        ),
        pytest.param(
            "Accept-Language",
            [("Accept-Language", "en;q=0.5, de")],
            [("Accept-Language", "de,en ; q=0.5")],
            True,
            id="12.5.4",
        ),
        pytest.param("Accept", [("Accept", "text/html,a/b")], [("Accept", "a/b, Text/HTML")], True, id="12.5.1"),
        pytest.param("Accept", [("Accept", 'a/b;x="C, d"')], [("Accept", 'a/b;x="c, d"')], False, id="12.5.1 quotes"),
    ],
)
def test_vary(vary: str, first: list[tuple[str, str]], second: list[tuple[str, str]], same: bool) -> None:
    selecting = selecting_values(Fields([("Vary", vary)]), Fields(first))
    assert selecting is not None
    assert matches(selecting, Fields(first))
    assert matches(selecting, Fields(second)) is same


@pytest.mark.parametrize(
    ("language", "asked", "same"),
    [
        pytest.param("de", "fr;q=0.5, de;q=1.0", True, id="ranked first"),
        pytest.param("DE", "de, fr;q=0.5", True, id="in any case"),
        pytest.param("de-CH", "de", True, id="4647 3.3.1 a range covers its tags"),
        pytest.param("de", "de-CH", False, id="4647 3.3.1 and not the other way"),
        pytest.param("den", "de", False, id="4647 3.3.1 whole subtags"),
        pytest.param("de", "fr, de", False, id="of equal weight, the first"),
        pytest.param("de", "fr;q=0.9, de;q=0.8", False, id="ranked second"),
        pytest.param("de", "de;q=0", False, id="refused"),
        pytest.param("de", "*", False, id="anything is no wish"),
        pytest.param("de, fr", "de", False, id="for several"),
        pytest.param("", "de", False, id="empty"),
        pytest.param(None, "de", False, id="unknown"),
    ],
)
def test_a_language_that_the_request_ranks_first(language: str | None, asked: str, same: bool) -> None:
    held = (("accept-language", "en"), ("foo", "1"))
    assert matches(held, Fields([("Accept-Language", asked), ("Foo", "1")]), language) is same
    assert not matches(held, Fields([("Accept-Language", asked), ("Foo", "2")]), language)
    assert not matches(held, Fields([("Foo", "1")]), language)


def test_credentials_that_a_response_varies_on_are_not_kept() -> None:
    asked = Fields([("Authorization", "Basic secret"), ("Cookie", "s=secret")])
    selecting = selecting_values(Fields([("Vary", "Authorization, Cookie, X-Api-Key")]), asked)
    assert selecting is not None
    assert "secret" not in repr(selecting)
    assert matches(selecting, asked)
    assert not matches(selecting, Fields([("Authorization", "Basic other"), ("Cookie", "s=secret")]))
    assert not matches(selecting, Fields([("Authorization", "Basic secret")]))


@pytest.mark.parametrize("vary", ["*", "*, *", ", *", "Foo, *", "*,Foo", "Foo,", "Foo,,Bar"])
def test_vary_that_never_matches(vary: str) -> None:
    assert selecting_values(Fields([("Vary", vary)]), Fields()) is None


def test_of_several_that_match_the_newest_answers() -> None:
    old, new = stored(date=1.0), stored(date=2.0)
    other = stored(date=3.0, vary=(("foo", "1"),))
    assert select([old, new, other], Fields()) is new
    assert select([new, old, other], Fields()) is new
    assert select([other], Fields()) is None
    assert select([], Fields()) is None


def test_the_own_partition_comes_before_the_empty_one() -> None:
    own, anonymous = stored(date=1.0, partition=b"own"), stored(date=2.0)
    assert select([own, anonymous], Fields()) is own
    mismatched = stored(date=1.0, partition=b"own", vary=(("foo", "1"),))
    assert select([mismatched, anonymous], Fields()) is anonymous


TEXTS = st.text(st.characters(max_codepoint=255)) | st.text('ab,; \t"\\=*')


@given(name=st.sampled_from(["foo", "accept", "accept-encoding"]), value=TEXTS)
def test_normal_form_is_stable(name: str, value: str) -> None:
    once = normalised(name, value)
    assert normalised(name, once) == once


@given(vary=TEXTS, value=TEXTS)
def test_a_request_matches_its_own_answer(vary: str, value: str) -> None:
    fields = Fields([("a", value), ("b", value)])
    selecting = selecting_values(Fields([("Vary", vary)]), fields)
    assert selecting is None or matches(selecting, fields)

"""Which directives govern a response (RFC 9111 section 5.2.2; RFC 9213 section 2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._rules.directives import directives_of, targeted_directives

TARGETS = ("our-cache-control", "cdn-cache-control")
PLAIN = ("Cache-Control", "no-store")


@pytest.mark.parametrize(
    ("lines", "directives"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([PLAIN], {"no-store": None}, id="no targeted field"),
        pytest.param([PLAIN, ("Our-Cache-Control", "max-age=9")], {"max-age": "9"}, id="2.1 takes its place"),
        pytest.param(
            [("CDN-Cache-Control", "max-age=8"), ("Our-Cache-Control", "max-age=9")], {"max-age": "9"}, id="2.2 first"
        ),
        pytest.param(
            [("CDN-Cache-Control", "max-age=8"), ("Our-Cache-Control", "max-age=&")], {"max-age": "8"}, id="2.2 valid"
        ),
        pytest.param(
            [("CDN-Cache-Control", "max-age=8"), ("Our-Cache-Control", " ")], {"max-age": "8"}, id="2.2 not empty"
        ),
        pytest.param([PLAIN, ("Our-Cache-Control", "max-age=9, &&&&&")], {"no-store": None}, id="2.1 invalid"),
        pytest.param([PLAIN, ("Our-Cache-Control", "MaX-aGe=9")], {"no-store": None}, id="2.1 keys have case"),
        pytest.param([PLAIN, ("Our-Cache-Control", 'max-age="9"')], {}, id="2.1 of the wrong kind"),
        pytest.param([PLAIN, ("Our-Cache-Control", "max-age=?1")], {}, id="2.1 a truth is no number"),
        pytest.param([PLAIN, ("Our-Cache-Control", "no-store=?0, private")], {"private": None}, id="2.1 false"),
        pytest.param([PLAIN, ("Our-Cache-Control", "max-age=9;ext=1")], {"max-age": "9"}, id="2.1 parameters"),
        pytest.param([PLAIN, ("Our-Cache-Control", 'no-cache="a, b"')], {"no-cache": "a, b"}, id="5.2.2.4 fields"),
        pytest.param([PLAIN, ("Our-Cache-Control", "(a b), max-age=-1")], {"no-store": None}, id="2.1 no key"),
        pytest.param([PLAIN, ("Our-Cache-Control", "x=(a b), max-age=-1")], {"max-age": "-1"}, id="2.1 inner list"),
        pytest.param(
            [("Our-Cache-Control", "max-age=9"), ("Our-Cache-Control", "private")],
            {"max-age": "9", "private": None},
            id="9110 5.3 lines",
        ),
    ],
)
def test_directives(lines: list[tuple[str, str]], directives: dict[str, str | None]) -> None:
    assert dict(directives_of(Fields(lines), TARGETS)) == directives
    assert (targeted_directives(Fields(lines), TARGETS) is not None) is (
        directives != {"no-store": None} and lines != []
    )


def test_without_targets_only_cache_control_counts() -> None:
    fields = Fields([PLAIN, ("Our-Cache-Control", "max-age=9")])
    assert dict(directives_of(fields)) == {"no-store": None}


@given(st.text(st.characters(max_codepoint=255), max_size=30) | st.text('amx-ge=19,;"?() ', max_size=30))
def test_any_value_gives_directives(value: str) -> None:
    found = directives_of(Fields([("Our-Cache-Control", value), PLAIN]), TARGETS)
    assert all(isinstance(name, str) and isinstance(argument, str | None) for name, argument in found.items())

"""Names that a server offers become one plain name, whatever they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._model.headers import Fields
from smartclient._model.url import URL
from smartclient._rules.filename import NAME_MAX, offered_name, plain_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("report.pdf", "report.pdf", id="plain"),
        pytest.param("../../etc/passwd", "passwd", id="dots-and-slashes"),
        pytest.param("..\\..\\boot.ini", "boot.ini", id="backslashes"),
        pytest.param("/etc/cron.d/job", "job", id="absolute"),
        pytest.param("C:\\x", "x", id="drive"),
        pytest.param("a:b", "a_b", id="stream"),
        pytest.param("...hidden", "hidden", id="leading-dots"),
        pytest.param(". .bashrc", "bashrc", id="dots-and-blanks"),
        pytest.param("..", "", id="parent"),
        pytest.param("dir/", "", id="folder"),
        pytest.param("a\r\n\x1b[31mb\0", "a[31mb", id="control"),
        pytest.param("gpj.\u202eexe", "gpj.exe", id="bidi"),
        pytest.param("a\u200b\ufeffb", "ab", id="invisible"),
        pytest.param("x\ud800y", "xy", id="surrogate"),
        pytest.param("name. . ", "name", id="end-of-windows-names"),
        pytest.param("NUL.txt", "_NUL.txt", id="device"),
        pytest.param("con", "_con", id="device-alone"),
        pytest.param("console", "console", id="no-device"),
        pytest.param("a" * 500 + ".tar", "a" * (NAME_MAX - 4) + ".tar", id="long"),
        pytest.param("€" * 100, "€" * 66, id="long-in-bytes"),
        pytest.param("a." + "b" * 500, "a." + "b" * (NAME_MAX - 2), id="long-suffix"),
        pytest.param("Übung 1 (neu).pdf", "Übung 1 (neu).pdf", id="letters"),
    ],
)
def test_plain_name(text: str, name: str) -> None:
    assert plain_name(text) == name


@given(st.text())
def test_any_name_is_one_plain_name(text: str) -> None:
    name = plain_name(text)
    assert not set(name) & set('/\\\0:*?"<>|')
    assert not name.startswith(".")
    assert len(name.encode()) <= NAME_MAX
    assert plain_name(name) == name


@pytest.mark.parametrize(
    ("disposition", "url", "name"),
    [
        pytest.param('attachment; filename="a.txt"', "http://h/b", "a.txt", id="disposition"),
        pytest.param('attachment; filename="../.."', "http://h/b.txt?q=1", "b.txt", id="nothing-left"),
        pytest.param("", "http://h/x/a%20b.txt#f", "a b.txt", id="last-segment"),
        pytest.param("", "http://h/x/..%2f..%2fpasswd", "passwd", id="escaped-separators"),
        pytest.param("", "http://h/", "download", id="no-segment"),
        pytest.param("", "http://h/%2e%2e%2f", "download", id="nothing-in-it"),
    ],
)
def test_offered_name(disposition: str, url: str, name: str) -> None:
    fields = Fields([("Content-Disposition", disposition)] if disposition else [])
    assert offered_name(fields, URL.parse(url)) == name

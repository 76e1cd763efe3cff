"""What is written: masks, escapes, and JSON for people."""

import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._cli.bars import bar_line
from smartclient._cli.colours import Paint
from smartclient._cli.exits import Fault
from smartclient._cli.masks import escaped, masked, masked_value
from smartclient._cli.render import JSON_SHOWN_MAX, Look, Output, indented_json, show_body
from smartclient._model.headers import CREDENTIAL_FIELDS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://h/p?a=1", "https://h/p?a=1"),
        ("https://user:secret@h/p", "https://***@h/p"),
        ("https://secret@h", "https://***@h"),
        ("https://a@secret@h/", "https://***@h/"),
        ("https://h/mail@example.org", "https://h/mail@example.org"),
        ("/p?token=secret&a=1", "/p?token=***&a=1"),
        ("/p?a=1&X-Amz-Signature=secret#f", "/p?a=1&X-Amz-Signature=***#f"),
        ("/p?api_key=secret;sig=secret", "/p?api_key=***"),
        ("connect to http://u:secret@h/?KEY=secret failed", "connect to http://***@h/?KEY=*** failed"),
        ("<http://h/?access_token=secret>; rel=next", "<http://h/?access_token=***>; rel=next"),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer secret", "Bearer ***"),
        ("authorization", "secret", "***"),
        ("Proxy-Authorization", "Basic secret", "Basic ***"),
        ("X-API-Key", "a secret", "***"),
        ("Cookie", "a=secret; b=secret", "a=***; b=***"),
        ("Cookie", "secret", "***"),
        ("Set-Cookie", "sid=secret; Path=/; Secure", "sid=***; Path=/; Secure"),
        ("Location", "https://h/?token=secret", "https://h/?token=***"),
        ("Accept", "*/*", "*/*"),
    ],
)
def test_masked_value(name: str, value: str, shown: str) -> None:
    assert masked_value(name, value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\\x0db"),
        ("\x1b[31mred\x07\x7f", "\\x1b[31mred\\x07\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202egpj", "abc\\u202egpj"),
        ("ä漢", "ä漢"),
    ],
)
def test_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":1.50,"b":[true,null,"x, {y}: \\"z\\""],"a":{}}',
         '{\n  "a": 1.50,\n  "b": [\n    true,\n    null,\n    "x, {y}: \\"z\\""\n  ],\n  "a": {}\n}'),
        ("[]", "[]"),
        (' [ [ ] , { } ] ', "[\n  [],\n  {}\n]"),
        ("12345678901234567890.10", "12345678901234567890.10"),
        ('"a"', '"a"'),
        ("{a: 1}", None),
        ("[" * 5000 + "]" * 5000, None),
        ("", None),
    ],
    ids=["values-kept", "empty", "empty-inside", "number-kept", "string", "not-json", "too-deep", "nothing"],
)  # fmt: skip
def test_indented_json(text: str, shown: str | None) -> None:
    assert indented_json(text) == shown


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES, st.booleans())
def test_indented_json_is_what_the_json_module_indents(value: object, plain: bool) -> None:
    expected = json.dumps(value, indent=2, ensure_ascii=plain)
    assert indented_json(json.dumps(value, ensure_ascii=plain)) == expected


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


def shown(pieces: list[str], content_type: str | None) -> str:
    terminal = Terminal()
    show_body(Output(terminal, "stdout"), iter(pieces), content_type, Look(True, True, Paint(False)))
    return terminal.getvalue().decode()


@pytest.mark.parametrize(
    ("pieces", "content_type", "text"),
    [
        pytest.param([], "text/plain", "", id="empty"),
        pytest.param(["a\n"], "text/plain", "a\n", id="text"),
        pytest.param(["a"], "text/plain", "a\n", id="last-line-ended"),
        pytest.param(["a\r", "\nb\r", "c\n"], "text/plain", "a\nb\\x0dc\n", id="line-end-in-two-pieces"),
        pytest.param(["\ufeffa\n"], None, "a\n", id="mark-dropped"),
        pytest.param(["\x1b[2J\n"], "text/plain", "\\x1b[2J\n", id="escape-sequence"),
        pytest.param(['{"a"', ":1}"], "application/json", '{\n  "a": 1\n}\n', id="json-in-two-pieces"),
        pytest.param(['{"a"'], "application/problem+json", '{"a"\n', id="broken-json"),
        pytest.param(['["\\u001b", "\x9b"]'], "text/json", '[\n  "\\u001b",\n  "\\x9b"\n]\n', id="json-escaped"),
    ],
)
def test_show_body(pieces: list[str], content_type: str | None, text: str) -> None:
    assert shown(pieces, content_type) == text


def test_large_json_is_shown_as_it_came() -> None:
    piece = "[" + "1," * 300_000
    assert shown([piece, piece, "1]"], "application/json") == piece + piece + "1]\n"
    assert len(piece) * 2 > JSON_SHOWN_MAX


def test_binary_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(["\ufffdPNG\r\n\x1a\n\0\0", "more"], "image/png") == ""
    assert capsys.readouterr().err.splitlines() == [
        "* binary content (image/png) is not shown; use -o FILE, or a pipe such as | less"
    ]


@given(st.lists(st.text(min_size=1), max_size=5), st.sampled_from([None, "text/html", "application/json"]))
def test_no_control_byte_reaches_a_terminal(pieces: list[str], content_type: str | None) -> None:
    text = shown(pieces, content_type)
    assert escaped(text) == text
    assert "\r" not in text


@pytest.mark.parametrize("name", sorted(CREDENTIAL_FIELDS))
def test_every_credential_field_is_masked(name: str) -> None:
    assert "secret" not in masked_value(name.title(), "secret")


class Slow(io.RawIOBase):
    """Takes three bytes at a time."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        self.taken.append(bytes(data[:3]))
        return len(self.taken[-1])


def test_partial_writes_are_continued() -> None:
    slow = Slow()
    Output(slow, "stdout").write(b"12345678")  # type: ignore[arg-type]
    assert slow.taken == [b"123", b"456", b"78"]


@pytest.fixture
def full_disk() -> Iterator[Output]:
    with open("/dev/full", "wb", buffering=0) as file:
        yield Output(file, "/dev/full")


def test_a_full_disk_is_a_fault(full_disk: Output) -> None:
    with pytest.raises(Fault, match="cannot write /dev/full: No space left") as caught:
        full_disk.write(b"a")
    assert caught.value.code == 23


@pytest.mark.parametrize(
    ("done", "total", "rate", "columns", "line"),
    [
        (744_000_000, 1_200_000_000, 58_100_000, 80,
         "f   62% |##################-----------| 744.0 MB of 1.2 GB  58.1 MB/s  8 s left"),
        (1000, None, 500, 80, "f  1.0 kB  500 B/s"),
        (5, 10, 1, 20, "f  5 B of 10 B  50%"),
        (0, 0, 0, 80, "f  0 B  0 B/s"),
    ],
)  # fmt: skip
def test_bar_line(done: int, total: int | None, rate: float, columns: int, line: str) -> None:
    assert bar_line("f", done, total, rate, columns) == line


@given(st.integers(0, 2**60), st.none() | st.integers(0, 2**60), st.floats(0, 2**40), st.integers(10, 300))
def test_a_bar_is_never_longer_than_its_line(done: int, total: int | None, rate: float, columns: int) -> None:
    assert len(bar_line("a file", done, total, rate, columns)) < columns

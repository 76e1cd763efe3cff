"""Percent-encoding: which characters each part of a URL may hold, and queries made of parameters; never a whole URL.

Source: RFC 3986 section 2 and appendix A.
"""

import re
from collections.abc import Iterable
from typing import Any

from .declared import NamedTuple
from .errors import InvalidOption

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

_USERINFO_CHARS = r"\-A-Za-z0-9._~!$&'()*+,;=:"


class Grammar(NamedTuple):
    """The characters that one part of a URL may hold unescaped: `clean` texts, and runs that must be escaped."""

    clean: re.Pattern[str]
    illegal: re.Pattern[str]


def _grammar(chars: str) -> Grammar:
    return Grammar(re.compile(f"[{chars}]*"), re.compile(f"[^%{chars}]+"))


USERINFO = _grammar(_USERINFO_CHARS)
PATH = _grammar(_USERINFO_CHARS + "@/")
QUERY = _grammar(_USERINFO_CHARS + "@/?")


def encoded(part: str, grammar: Grammar) -> str:
    """`part` with what `grammar` does not allow escaped, and escapes in normal form (RFC 3986 section 6.2.2)."""
    if grammar.clean.fullmatch(part):
        return part
    if "%" in part:
        # one "%" that starts no escape means that the caller gave text that was never escaped (as urllib3 reads it)
        part = part.replace("%", "%25") if _BAD_ESCAPE.search(part) else _ESCAPE.sub(_normal_escape, part)
    return grammar.illegal.sub(_escaped, part)


def _normal_escape(escape: re.Match[str]) -> str:
    char = chr(int(escape[0][1:], 16))
    return char if char in _UNRESERVED else escape[0].upper()


def _escaped(run: re.Match[str]) -> str:
    return "".join([f"%{byte:02X}" for byte in run[0].encode("utf-8", "surrogatepass")])


def text_from(data: bytes) -> str:
    """`data` as text: UTF-8 where it is that, else with its 8-bit bytes escaped one by one."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "".join([chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in data])


ARRAY_STYLES = ("repeat", "comma", "brackets")
"""How a list becomes a query: a=1&a=2, a=1,2, or a[]=1&a[]=2 with the brackets escaped."""


def query_from(params: Any, array_style: str = "repeat") -> str:
    """The query that `params` spells, "" when it is empty: see `URL.with_params`.

    Raises:
        InvalidOption: `params` is no mapping, pairs, str or bytes.
    """
    if not params:
        return ""
    if isinstance(params, str | bytes):
        text = text_from(params) if isinstance(params, bytes) else params
        if CONTROL.search(text):
            raise InvalidOption("params: control characters in a query that is given as text")
        return encoded(text, QUERY)
    from urllib.parse import quote_plus

    def quoted(value: Any) -> str:
        if isinstance(value, bytes):
            return quote_plus(value)
        return quote_plus(str(value), encoding="utf-8", errors="surrogatepass")

    parts: list[str] = []
    try:
        for name, values in param_pairs(params):
            if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
                texts, style = [quoted(values)] if values is not None else [], "repeat"
            else:
                texts, style = [quoted(value) for value in values if value is not None], array_style
            key = quoted(name) + ("%5B%5D" if style == "brackets" else "")
            if style == "comma" and texts:
                texts = [",".join(texts)]
            parts += [f"{key}={text}" for text in texts]
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidOption):
            raise
        raise InvalidOption("params: a value has too many digits, or is nested too deeply") from None
    return "&".join(parts)


def param_pairs(params: Any) -> list[tuple[Any, Any]]:
    """The (name, value) pairs of a mapping or of pairs, values as given.

    Raises:
        InvalidOption: it is neither.
    """
    pairs: Iterable[Any] = params.items() if hasattr(params, "items") else params
    try:
        return [(name, values) for name, values in pairs]
    except (TypeError, ValueError):
        raise InvalidOption("params must be a mapping, an iterable of (name, value) pairs, str or bytes") from None

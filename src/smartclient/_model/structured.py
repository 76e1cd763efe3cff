"""Structured field values as data: lists and dictionaries; never what a field's members mean.

Source: RFC 8941 sections 3 and 4.2. A value with any error in it is no value at all, as section 4.2 demands.
"""

import re

from .declared import NamedTuple
from .patterns import later

BareItem = bool | int | float | str | bytes


class Token(str):
    """A token, told apart from a string, as its writers do."""

    __slots__ = ()


class Item(NamedTuple):
    """A member: a bare item, or a tuple of items for an inner list, and its parameters."""

    value: "BareItem | tuple[Item, ...]"
    parameters: dict[str, BareItem]


_SPACES = later(r" *")
_BLANKS = later(r"[ \t]*")
_KEY = later(r"[a-z*][a-z0-9_\-.*]*")
_BARE = later(
    r"(?P<decimal>-?[0-9]{1,12}\.[0-9]{1,3}(?![0-9]))"
    r"|(?P<integer>-?[0-9]{1,15}(?![0-9.]))"
    r'|"(?P<string>(?:[ !#-\[\]-~]|\\["\\])*)"'
    r"|(?P<token>[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*)"
    r"|:(?P<bytes>[A-Za-z0-9+/]*=*):"
    r"|\?(?P<boolean>[01])"
)
_ESCAPED = later(r'\\(["\\])')


class _Malformed(ValueError):
    """Not a structured field value."""


def parse_structured_list(text: str) -> list[Item] | None:
    """The members of a List; None when `text` is none."""
    try:
        return _Scanner(text).list_members()
    except _Malformed:
        return None


def parse_structured_dictionary(text: str) -> dict[str, Item] | None:
    """The members of a Dictionary by key, of repeated ones the last; None when `text` is none."""
    try:
        return _Scanner(text).dictionary_members()
    except _Malformed:
        return None


class _Scanner:
    """Reads on through one value; each method stands at what it reads and leaves what follows."""

    __slots__ = ("_at", "_text")

    def __init__(self, text: str) -> None:
        self._text = text.strip(" ")
        self._at = 0

    def list_members(self) -> list[Item]:
        members: list[Item] = []
        if self._text:
            members.append(self._member())
            while self._another():
                members.append(self._member())
        return members

    def dictionary_members(self) -> dict[str, Item]:
        members: dict[str, Item] = {}
        another = bool(self._text)
        while another:
            key = self._taken(_KEY)[0]
            members.pop(key, None)
            members[key] = self._member() if self._skipped("=") else Item(True, self._parameters())
            another = self._another()
        return members

    def _another(self) -> bool:
        """Whether one more member follows; passes the comma."""
        self._taken(_BLANKS)
        if self._at == len(self._text):
            return False
        if not self._skipped(","):
            raise _Malformed
        self._taken(_BLANKS)
        if self._at == len(self._text):
            raise _Malformed
        return True

    def _member(self) -> Item:
        return self._inner_list() if self._skipped("(") else self._item()

    def _inner_list(self) -> Item:
        items: list[Item] = []
        self._taken(_SPACES)
        while not self._skipped(")"):
            items.append(self._item())
            if not self._taken(_SPACES)[0] and self._text[self._at : self._at + 1] != ")":
                raise _Malformed
        return Item(tuple(items), self._parameters())

    def _item(self) -> Item:
        return Item(self._bare(), self._parameters())

    def _parameters(self) -> dict[str, BareItem]:
        parameters: dict[str, BareItem] = {}
        while self._skipped(";"):
            self._taken(_SPACES)
            key = self._taken(_KEY)[0]
            parameters[key] = self._bare() if self._skipped("=") else True
        return parameters

    def _bare(self) -> BareItem:
        match = self._taken(_BARE)
        text = match[match.lastgroup or 0]
        match match.lastgroup:
            case "decimal":
                return float(text)
            case "integer":
                return int(text)
            case "string":
                return _ESCAPED.sub(r"\1", text)
            case "token":
                return Token(text)
            case "boolean":
                return text == "1"
            case _:
                return text.encode()  # base64, which nothing here has to look into

    def _taken(self, expression: re.Pattern[str]) -> re.Match[str]:
        match = expression.match(self._text, self._at)
        if match is None:
            raise _Malformed
        self._at = match.end()
        return match

    def _skipped(self, mark: str) -> bool:
        found = self._text.startswith(mark, self._at)
        self._at += found
        return found

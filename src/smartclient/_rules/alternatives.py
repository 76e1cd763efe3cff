"""What a server has instead of what it could not give (406): read from its answer, never asked for, never fetched.

Sources: RFC 9110 section 15.5.7, RFC 2295 section 8.3 (Alternates), RFC 8288 (Link, relation "alternate").
"""

import re
from collections.abc import Iterator

from .._model.declared import NamedTuple
from .._model.fields import parse_links, parse_media_type
from .._model.headers import Fields

_LOOKED_AT = 2**14  # bytes of content: a list of alternatives is short
_MOST = 50

_VARIANT = re.compile(r'\{[ \t]*"([^"]*)"[ \t]+([0-9](?:\.[0-9]{0,3})?)((?:[ \t]*\{[^{}]*\})*)[ \t]*\}')
_ATTRIBUTE = re.compile(r"\{[ \t]*([A-Za-z-]+)[ \t]+([^{}]*)\}")
_TYPE = re.compile(
    r"(?<![\w/.+-])(?:application|audio|font|image|message|model|multipart|text|video)/[A-Za-z0-9][A-Za-z0-9.+_-]{0,126}"
)


class Alternative(NamedTuple):
    """A representation that a server says it has; "" where it does not say.

    Attributes:
        type, language: of the content.
        url: as the server wrote it, maybe relative to the URL that was asked.
        quality: the server's own estimate, 0.0 to 1.0.
    """

    type: str = ""
    language: str = ""
    url: str = ""
    quality: float = 1.0

    def __str__(self) -> str:
        url = re.split("[?#]", self.url, maxsplit=1)[0]  # texts end up in logs, and queries are secrets at times
        return " ".join([part for part in (self.type, self.language, url) if part])


def alternatives_of(fields: Fields, content: bytes) -> tuple[Alternative, ...]:
    """What the answer lists: in Alternates, in Link, else the media types that a JSON or plain text names.

    At most 50, in the server's order; text is as the server wrote it.
    """
    found = [*_from_alternates(fields.get("alternates", "")), *_from_links(fields.get("link", ""))]
    if not found:
        found = list(_from_content(fields.get("content-type", ""), content))
    return tuple(dict.fromkeys(found))[:_MOST]


def _from_alternates(text: str) -> Iterator[Alternative]:
    for url, quality, attributes in _VARIANT.findall(text):
        told = {name.lower(): value.strip(' \t"') for name, value in _ATTRIBUTE.findall(attributes)}
        yield Alternative(told.get("type", ""), told.get("language", ""), url, min(float(quality), 1.0))


def _from_links(text: str) -> Iterator[Alternative]:
    for target, parameters in parse_links(text):
        if "alternate" in parameters.get("rel", "").lower().split():
            yield Alternative(parameters.get("type", ""), parameters.get("hreflang", ""), target)


def _from_content(content_type: str, content: bytes) -> Iterator[Alternative]:
    name = parse_media_type(content_type).name
    if name == "text/plain" or name.endswith(("/json", "+json")):
        for media_type in _TYPE.findall(content[:_LOOKED_AT].decode("latin-1")):
            yield Alternative(media_type.rstrip("."))

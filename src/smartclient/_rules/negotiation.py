"""Content negotiation: how a wish is written, and whether an answer is what was wished; never which coding is undone.

Sources: RFC 9110 sections 8.3 to 8.5, 12.4.2 and 12.5; RFC 4647 section 3.3.1 (basic filtering).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._model.declared import NamedTuple
from .._model.errors import InvalidOption, shown
from .._model.fields import Weighted, content_codings, parse_list, parse_media_type, parse_weighted
from .._model.headers import TOKEN
from .._model.message import Head
from .._model.request import Request

_NAME = r"[!#$%&'+\-.^_`|~0-9A-Za-z]+"
_WEIGHT = r"(?P<weight>[ \t]*;[ \t]*[qQ]=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
_PARAMETERS = rf'(?:[ \t]*;[ \t]*(?![qQ]=){TOKEN}=(?:{TOKEN}|"(?:[\t !#-\[\]-~]|\\[\t -~])*"))*'
_MEMBERS = {
    "accept": re.compile(rf"(?:\*/\*|{_NAME}/\*|{_NAME}/{_NAME}){_PARAMETERS}{_WEIGHT}"),
    "accept_language": re.compile(rf"(?:\*|[A-Za-z]{{1,8}}(?:-[A-Za-z0-9]{{1,8}})*){_WEIGHT}"),
}


class Dimension(NamedTuple):
    """One dimension of a negotiation.

    Attributes:
        asked: the field of the request, None when it had none: then everything is welcome.
        got: what the response says that it is, None when it does not say.
        matched: whether that is welcome.
        quality: its weight by what was asked, 0.0 to 1.0.
    """

    asked: str | None
    got: str | None
    quality: float

    @property
    def matched(self) -> bool:
        return self.quality > 0.0


class Negotiated(NamedTuple):
    """What was asked for and what came: media type, language and content coding."""

    type: Dimension
    language: Dimension
    coding: Dimension

    @property
    def matched(self) -> bool:
        """Whether all three are welcome."""
        return all(dimension.matched for dimension in self)


def accept_value(option: str, wish: Any) -> str:
    """The value of Accept (`option` "accept") or Accept-Language ("accept_language") that says `wish`.

    Args:
        wish: the value as text, or a list of members, each a str or a pair (member, weight); weights are 0 to 1
            with at most 3 digits, and 1 is not written (RFC 9110 section 12.4.2).

    Raises:
        InvalidOption: none of these, or a member outside the field's grammar.
    """
    if isinstance(wish, str):
        members: Sequence[Any] = parse_list(wish)
    elif isinstance(wish, list | tuple):
        members = wish
    else:
        raise InvalidOption(f"{option}: expected str, or a list of str and (str, weight) pairs, not {shown(wish)}")
    if not members:
        raise InvalidOption(f"{option}: asks for nothing; None leaves the field to the session")
    return ", ".join([_member(option, member) for member in members])


def _member(option: str, member: Any) -> str:
    pair = isinstance(member, tuple) and len(member) == 2
    text, weight = member if pair else (member, None)
    match = _MEMBERS[option].fullmatch(text) if isinstance(text, str) else None
    if match is None or (pair and match["weight"]):
        raise InvalidOption(f"{option}: {shown(member)} is neither a member of the field nor a (member, weight) pair")
    return text + _weight(option, weight) if pair else str(text)


def _weight(option: str, weight: Any) -> str:
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not number or not 0 <= weight <= 1 or round(weight, 3) != weight:
        raise InvalidOption(f"{option}: a weight is a number from 0 to 1 with at most 3 digits, not {shown(weight)}")
    return "" if weight == 1 else f";q={weight:.3f}".rstrip("0").rstrip(".")


def negotiated(request: Request, head: Head) -> Negotiated:
    """What `request` asked for beside what `head`, its answer, says of the content."""
    asked, fields = request.fields, head.fields
    content_type = fields.get("content-type")
    content_language = fields.get("content-language")
    codings = content_codings(fields.get("content-encoding", ""))
    accept, accept_language = asked.get("accept"), asked.get("accept-language")
    accept_encoding = asked.get("accept-encoding")
    type_q = 1.0 if _tells_no_type(request.method, head) else type_quality(accept, content_type)
    return Negotiated(
        Dimension(accept, content_type, type_q),
        Dimension(accept_language, content_language, language_quality(accept_language, content_language)),
        Dimension(accept_encoding, ", ".join(codings) or "identity", coding_quality(accept_encoding, codings)),
    )


def mismatch(request: Request, head: Head) -> str | None:
    """Why a successful answer is not what was asked for; None when it is, or when it is no success."""
    if not 200 <= head.status <= 299:
        return None
    result = negotiated(request, head)
    for name, dimension in zip(("Accept", "Accept-Language", "Accept-Encoding"), result, strict=True):
        if not dimension.matched:
            got = "content without a type" if dimension.got is None else ascii(dimension.got[:80])
            return f"{name}: {dimension.asked:.80} was asked for, {got} came"
    return None


def _tells_no_type(method: str, head: Head) -> bool:
    """Whether nothing came that could have a type, or several parts did (RFC 9110 section 15.3.7.2)."""
    content_type = head.fields.get("content-type")
    if content_type is None:
        return method == "HEAD" or head.status in (204, 205) or head.fields.get("content-length") == "0"
    return head.status == 206 and parse_media_type(content_type).name == "multipart/byteranges"


def type_quality(accept: str | None, content_type: str | None) -> float:
    """The weight of a media type: that of the most specific range (RFC 9110 section 12.5.1).

    What has no type is judged as application/octet-stream (section 8.3). Of equally specific ranges the best counts.
    """
    ranges = parse_weighted(accept or "")
    if not ranges:
        return 1.0
    media_type = parse_media_type(content_type or "application/octet-stream")
    best = (-1, 0, 0.0)
    for wish in ranges:
        precision = _precision(wish.value, media_type.name)
        if precision >= 0 and _has_parameters(wish, media_type.parameters):
            best = max(best, (precision, len(wish.parameters), wish.quality))
    return best[2]


def _precision(wish: str, name: str) -> int:
    """How exactly a media range names a type: 2, 1 (type/*), 0 (*/*), or -1 when it does not."""
    if wish == "*/*":
        return 0
    if wish == name:
        return 2
    return 1 if wish.endswith("/*") and name.startswith(wish[:-1]) else -1


def _has_parameters(wish: Weighted, parameters: Mapping[str, str]) -> bool:
    return all(
        parameters.get(name, "").lower() == value.lower() if name == "charset" else parameters.get(name) == value
        for name, value in wish.parameters.items()
    )


def language_quality(accept_language: str | None, content_language: str | None) -> float:
    """The weight of the most welcome of the content's languages; content without one is for everybody (8.5).

    A range names a tag that is the same or goes on with "-" (RFC 4647 section 3.3.1); of several the longest counts,
    and "*" is for tags that no other names.
    """
    ranges = parse_weighted(accept_language or "")
    tags = parse_list((content_language or "").lower())
    if not ranges or not tags:
        return 1.0
    return max(_tag_quality(ranges, tag) for tag in tags)


def _tag_quality(ranges: list[Weighted], tag: str) -> float:
    best = (-1, 0.0)
    for wish in ranges:
        if wish.value == "*":
            best = max(best, (0, wish.quality))
        elif tag == wish.value or tag.startswith(f"{wish.value}-"):
            best = max(best, (len(wish.value), wish.quality))
    return best[1]


def coding_quality(accept_encoding: str | None, codings: list[str]) -> float:
    """The weight of the least welcome of the content's codings (RFC 9110 section 12.5.3).

    Content without any is welcome unless "identity;q=0", or "*;q=0" without "identity", says otherwise.
    """
    if accept_encoding is None:
        return 1.0
    wishes: dict[str, float] = {}
    for wish in parse_weighted(accept_encoding):
        wishes.setdefault("gzip" if wish.value == "x-gzip" else wish.value, wish.quality)
    if not codings:
        return wishes.get("identity", wishes.get("*", 1.0))
    return min(wishes.get(coding, wishes.get("*", 0.0)) for coding in codings)

"""A page that exists in three media types, two languages and all codings, chosen as RFC 9110 section 12.5 says.

Written apart from the library, and simpler: one parameter at most, no quotes.
"""

import gzip
import zlib
from collections.abc import Callable, Iterable

from loopback.origin import Page, Seen


def _zstd(content: bytes) -> bytes:
    from backports import zstd

    return zstd.compress(content)


def _brotli(content: bytes) -> bytes:
    import brotli

    coded: bytes = brotli.compress(content)
    return coded


TYPES = ("application/json", "text/html", "text/csv")
LANGUAGES = ("en", "de")
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": _brotli,
    "zstd": _zstd,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
}
LAST_RESORT = 0.0005  # for identity where nobody speaks of it: lighter than any weight that can be written
VARY = ("Vary", "Accept, Accept-Language, Accept-Encoding")


def text_of(media_type: str, language: str) -> str:
    """The content of one variant."""
    word = {"en": "tea", "de": "Tee"}[language]
    return {"application/json": f'{{"what": "{word}"}}', "text/html": f"<p>{word}</p>", "text/csv": f"what\n{word}\n"}[
        media_type
    ]


def negotiating(seen: Seen) -> Page:
    """The variant that suits the request best; 406 when no type does; a wish for other languages is passed over."""
    types = _weights(seen.header("accept"), TYPES, _type_ranges)
    if not any(types.values()):
        return Page.of_json(list(TYPES), 406, (_alternates(), VARY))
    languages = _weights(seen.header("accept-language"), LANGUAGES, _language_ranges)
    codings = _weights(seen.header("accept-encoding"), CODINGS, lambda coding: (coding, "*"))
    if not {"identity", "*"} & set(_members(seen.header("accept-encoding"))):
        codings["identity"] = LAST_RESORT
    media_type, language, coding = _best(types), _best(languages), _best(codings)
    headers = [("Content-Type", f"{media_type}; charset=utf-8"), ("Content-Language", language), VARY]
    headers.append(("Cache-Control", "max-age=600"))
    if coding != "identity":
        headers.append(("Content-Encoding", coding))
    return Page(CODINGS[coding](text_of(media_type, language).encode()), 200, tuple(headers))


def stubborn(seen: Seen) -> Page:
    """HTML in English, whatever was asked."""
    return Page(b"<p>tea</p>", 200, (("Content-Type", "text/html"), ("Content-Language", "en")))


def _alternates() -> tuple[str, str]:
    variants = [f'{{"/{name}" 1.0 {{type {name}}} {{language {each}}}}}' for name in TYPES for each in LANGUAGES]
    return "Alternates", ", ".join(variants)


def _best(weights: dict[str, float]) -> str:
    """The first of the heaviest."""
    return max(weights, key=lambda name: weights[name])


def _members(field: str | None) -> dict[str, float]:
    """The weight of each member as it is written; "*" for a field that is not there."""
    members: dict[str, float] = {}
    for member in ("*" if field is None else field).lower().split(","):
        name, _, weight = member.strip().partition(";q=")
        members[name] = float(weight or 1)
    return members


def _weights(field: str | None, variants: Iterable[str], ranges: Callable[[str], Iterable[str]]) -> dict[str, float]:
    """The weight of each variant: that of the first of its ranges, from the exact to the general, which is named."""
    named = _members(field)
    if field is None:
        named["*/*"] = 1.0
    return {variant: next((named[each] for each in ranges(variant) if each in named), 0.0) for variant in variants}


def _type_ranges(media_type: str) -> Iterable[str]:
    return f"{media_type};charset=utf-8", media_type, f"{media_type.partition('/')[0]}/*", "*/*"


def _language_ranges(language: str) -> Iterable[str]:
    return language, "*"

"""The text encoding that content looks like, by statistics; only ever for who asks for `apparent_encoding`."""

from .._codec.text import text_encoding

_LOOKED_AT = 2**16


def detected_encoding(content: bytes) -> str:
    """The name of an encoding; "utf-8" or "ascii" for what is that. Packages that detect are used where installed."""
    start = content[:_LOOKED_AT]
    if start.isascii():
        return "ascii"
    try:
        from charset_normalizer import detect
    except ImportError:
        try:
            from chardet import detect  # type: ignore[import-not-found, no-redef, unused-ignore]
        except ImportError:
            return text_encoding(None, start)
    found = detect(start)["encoding"]
    return found if isinstance(found, str) else text_encoding(None, start)

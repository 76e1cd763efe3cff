"""What an answer makes obsolete among stored responses; never how it is removed.

Source: RFC 9111 section 4.4.
"""

from .._model.errors import RequestException
from .._model.message import Head
from .._model.percent import text_from
from .._model.request import Request

SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))  # RFC 9110 section 9.2.1; unknown methods are not


def invalidated_uris(request: Request, head: Head) -> tuple[str, ...]:
    """URIs whose stored responses must go, because an unsafe or unknown method succeeded (2xx or 3xx).

    The target, and Location and Content-Location where they are of the same origin: no peer empties another's cache.
    """
    if request.method in SAFE_METHODS or not 200 <= head.status < 400:
        return ()
    target = request.url
    uris = [target.without_fragment]
    for name in ("location", "content-location"):
        for reference in head.fields.getlist(name):
            try:
                url = target.join(text_from(reference.encode("latin-1")))
            except (RequestException, UnicodeEncodeError):  # text beyond latin-1 never came from a wire
                continue
            if url.origin == target.origin:
                uris.append(url.without_fragment)
    return tuple(dict.fromkeys(uris))

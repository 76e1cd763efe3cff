"""What an answer makes obsolete among stored responses; never how it is removed.

Sources: RFC 9111 section 4.4; RFC 9875 section 3; Clear Site Data (W3C) section 3.1.
"""

from .._model.errors import RequestException
from .._model.fields import parse_list
from .._model.message import Head
from .._model.percent import text_from
from .._model.request import Request
from .._model.scope import Scope, origin_of
from .._model.structured import parse_structured_list

# RFC 9110 section 9.2.1, RFC 10008, and the others that the registry of methods calls safe; unknown ones are not.
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"))
_CLEARING = frozenset(('"cache"', '"*"'))
_GROUPS_MAX = 128  # RFC 9875 asks for 32


def invalidated(request: Request, head: Head) -> tuple[Scope, ...]:
    """What must go because of an answer: after an unsafe or unknown method what it changed, and what it clears."""
    if request.method in SAFE_METHODS:
        return _cleared(request, head) if "clear-site-data" in head.fields.index else ()
    return (*_changed(request, head), *_cleared(request, head))


def _changed(request: Request, head: Head) -> tuple[Scope, ...]:
    """The target, what Location and Content-Location name, and groups, after a success (2xx or 3xx).

    Only of the same origin: no peer empties another's cache.
    """
    if not 200 <= head.status < 400:
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
    members = parse_structured_list(", ".join(head.fields.getlist("cache-group-invalidation"))) or []
    groups = dict.fromkeys([item.value for item in members if type(item.value) is str][:_GROUPS_MAX])
    origin = origin_of(uris[0])
    return (
        *[Scope("uri", uri) for uri in dict.fromkeys(uris)],
        *[Scope("group", origin, group) for group in groups],
    )


def _cleared(request: Request, head: Head) -> tuple[Scope, ...]:
    """The whole origin, if it says so by Clear-Site-Data over https."""
    kinds = parse_list(head.fields.get("clear-site-data", ""))
    if request.url.scheme != "https" or _CLEARING.isdisjoint(kinds):
        return ()
    return (Scope("origin", origin_of(request.url.without_fragment)),)

"""The caller's own conditions, answered by a stored response; never those that the cache adds.

Sources: RFC 9111 section 4.3.2; RFC 9110 sections 13.1.2, 13.1.3, 13.2.2 and 15.4.5.
"""

from .._model.fields import parse_etag, parse_etag_list, parse_http_date
from .._model.headers import Fields
from .._model.stored import Stored

ANSWERED_CONDITIONS = frozenset(("if-none-match", "if-modified-since"))
FOR_ORIGINS = frozenset(("if-match", "if-unmodified-since"))


def is_not_modified(fields: Fields, stored: Stored) -> bool:
    """Whether the conditions in the request's `fields` make the answer a 304.

    If-None-Match, by weak comparison, beats If-Modified-Since; without Last-Modified, Date stands in for that. What
    cannot be read is no condition.
    """
    if stored.status not in (200, 206):  # conditions are about what would succeed without them
        return False
    tags = fields.get("if-none-match")
    if tags is not None:
        return _matches(tags, stored.etag)
    since = fields.get("if-modified-since")
    moment = None if since is None else parse_http_date(since, stored.received_at)
    if moment is None:
        return False
    modified = stored.date
    if stored.last_modified is not None:
        modified = parse_http_date(stored.last_modified, stored.received_at) or stored.date
    return modified <= moment


def _matches(tags: str, etag: str | None) -> bool:
    if tags.strip(" \t") == "*":
        return True
    ours = None if etag is None else parse_etag(etag)
    return ours is not None and any(tag.opaque == ours.opaque for tag in parse_etag_list(tags))

"""Typed views of a response's fields, parsed when they are looked at; never a decision about what they mean."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._model.fields import (
    ETag,
    MediaType,
    parse_cache_control,
    parse_etag,
    parse_links,
    parse_list,
    parse_media_type,
    parse_retry_after,
)
from .._model.message import Reply

if TYPE_CHECKING:
    from .._model.answer_errors import NotAcceptable
    from .._rules.negotiation import Negotiated


_LISTED = 10  # alternatives in an error's note, each cut to so many characters:
_SHOWN = 80


class FieldViews:
    """What the fields of a response say."""

    _reply: Reply
    headers: Any

    def _field(self, name: str) -> str:
        """The value of the field `name`, "" when there is none."""
        if "headers" not in self.__dict__:  # nobody has looked at the mapping, so nobody has changed it
            return self._reply.head.fields.get(name, "")  # type: ignore[no-any-return]
        return str((self.headers or {}).get(name, ""))

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """The links of Link fields by relation type, else by URL: "url" as sent, and their parameters (RFC 8288)."""
        found: dict[str, dict[str, str]] = {}
        for link in parse_links(self._field("link")):
            for name in link.parameters.get("rel", "").split() or [link.target]:
                found[name] = {"url": link.target, **link.parameters}
        return found

    @property
    def etag(self) -> ETag | None:
        """The entity tag: `opaque` and `weak`; None when there is none, or none that can be read."""
        return parse_etag(self._field("etag"))

    @property
    def cache_control(self) -> Mapping[str, str | None]:
        """The directives by lower-case name, None where one has no argument."""
        return parse_cache_control(self._field("cache-control"))

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait from now on, by Retry-After; None when it is absent, unreadable or past."""
        return parse_retry_after(self._field("retry-after"), time.time())

    @property
    def content_type(self) -> MediaType:
        """`name`, such as "text/html" ("" when there is none), and `parameters`; `str()` is the name."""
        return parse_media_type(self._field("content-type"))

    @property
    def vary(self) -> tuple[str, ...]:
        """The names of the request fields that chose this response, in lower case; "*" for what nobody can tell."""
        return tuple(dict.fromkeys(parse_list(self._field("vary").lower())))

    @property
    def negotiated(self) -> "Negotiated":
        """Media type, language and coding: each with what was asked, what came, its quality and whether they match."""
        from .._rules.negotiation import negotiated

        return negotiated(self._reply.request, self._reply.head)


def tell_alternatives(error: "NotAcceptable", reply: Reply, content: bytes) -> None:
    """Says in the error of a 406 what the server has instead, as far as its answer lists it."""
    from .._rules.alternatives import alternatives_of

    error.alternatives = alternatives_of(reply.head.fields, content)
    if error.alternatives:
        shown = [ascii(str(each)[:_SHOWN])[1:-1] for each in error.alternatives[:_LISTED]]
        error.add_note(f"the server has: {', '.join(shown)}")

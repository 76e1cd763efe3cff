"""From requests as users hold them to those that the stages see: checked, and not made again while nothing changed."""

from typing import Any

from .._model.body import NO_BODY, RequestBody
from .._model.headers import Fields, fields_from
from .._model.request import Request
from .._model.url import URL
from .options import checked_method
from .payload import FRAMING_FIELDS, body_from, checked_framing

_FRAMING = ("content-length", "transfer-encoding")


def request_from(prepared: Any, base: Request) -> Request:
    """What `prepared`, ours or one of requests' own class, says; options and deadline are those of `base`.

    Raises:
        RequestException: something in it cannot be sent.
    """
    made = getattr(prepared, "_made_of", None)
    if made is not None and is_as_made(prepared, made):
        return base.replace(method=made.method, url=made.url, fields=made.fields, body=made.body)
    url = URL.parse(prepared.url)
    fields, body = framed(prepared)
    return base.replace(method=checked_method(prepared.method), url=url, fields=fields, body=body)


def is_as_made(prepared: Any, made: Request) -> bool:
    """Whether nobody has changed `prepared` since it was made of `made`."""
    headers, version = prepared._as_made
    return (
        prepared._sending is (None if made.body is NO_BODY else made.body)
        and prepared._body is None
        and prepared.headers is headers
        and headers.version == version
        and prepared.method == made.method
        and prepared.url == str(made.url)
    )


def framed(prepared: Any) -> tuple[Fields, RequestBody]:
    """The fields of `prepared` without those that frame its body, and the body, which they agree with."""
    fields = fields_from(prepared.headers)
    body: RequestBody | None = getattr(prepared, "_sending", None)
    if body is None:
        body, _ = body_from(prepared.body, None)
        if body.length is not None:  # somebody put another body there, and need not have counted it
            fields = fields.without(_FRAMING)
    elif fields.get("content-length", "-") == str(body.length) or (
        body.length is None and fields.get("transfer-encoding") == "chunked"
    ):
        fields = fields.without(_FRAMING)  # as `PreparedRequest` wrote it, and the wire will
    if not FRAMING_FIELDS.isdisjoint(fields.index):
        fields, body = checked_framing(fields, body)
    return fields, body

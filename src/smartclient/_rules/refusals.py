"""What to send instead of a request whose body was refused for its coding, or for an expectation.

Sources: RFC 9110 sections 10.1.1 and 15.5.18 (417), 12.5.3 and 15.5.16 (415 with Accept-Encoding).
"""

from .._model.fields import parse_weighted
from .._model.headers import Fields
from .._model.message import Head
from .._model.request import Request


def without_refused(request: Request, head: Head) -> Request | None:
    """`request` without what the answer in `head` refuses; None where that is something else, or it is read once."""
    fields, body = request.fields, request.body
    if head.status == 417:
        return request.replace(fields=fields.without(("expect",))) if "expect" in fields and body.replayable else None
    coding = fields.get("content-encoding", "").lower()
    if body.plain is None or not body.plain.replayable or not refuses_coding(head.fields, coding):
        return None
    return request.replace(fields=fields.without(("content-encoding",)), body=body.plain)


def refuses_coding(fields: Fields, coding: str) -> bool:
    """Whether the Accept-Encoding of a 415 has no place for `coding`; one that has none refuses the media type."""
    accepted = fields.get("accept-encoding")
    if accepted is None:
        return False
    weights = {member.value: member.quality for member in reversed(parse_weighted(accepted))}
    return not weights.get(coding, weights.get("*", 0.0))

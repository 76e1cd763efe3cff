"""How a stored response answers a request: whole, its head, a part of it, or as not modified; never whether it may.

Sources: RFC 9111 sections 3.4, 4 and 4.3.2; RFC 9110 sections 14.4, 15.3.7 and 15.4.5.
"""

from .._model.decision import HEAD_ONLY, NOT_MODIFIED, WHOLE, Form
from .._model.headers import Fields
from .._model.message import Head
from .._model.request import Request
from .._model.stored import Stored
from .conditional import ANSWERED_CONDITIONS, is_not_modified
from .ranges import if_range_holds, span_of, wanted_range

_IN_A_304 = frozenset(("cache-control", "content-location", "date", "etag", "expires", "vary"))


def form_of(request: Request, stored: Stored) -> Form | None:
    """The form in which `stored` answers a GET or HEAD, None if it cannot."""
    asked = request.fields.index
    if not ANSWERED_CONDITIONS.isdisjoint(asked) and is_not_modified(request.fields, stored):
        return NOT_MODIFIED
    if request.method == "HEAD":
        return HEAD_ONLY if stored.part is None else None
    if "range" in asked and stored.status in (200, 206):
        wanted = wanted_range(asked["range"])
        if wanted is None:
            return None
        if if_range_holds(request.fields, stored):
            span = span_of(stored, wanted)
            return None if span is None else Form("part", span)
    return WHOLE if stored.part is None else None


def head_for(stored: Stored, age: int, form: Form) -> Head:
    """Status line and fields of the answer; each says how old it is (section 4)."""
    if form.kind == "not-modified":
        return _not_modified(stored, age)
    fields = stored.fields
    if form.span is None:
        return Head(stored.status, fields.with_line("Age", str(age)), stored.reason)
    start, stop, first, total = form.span
    last = first + stop - start - 1
    lines = [
        *fields.without(("content-length", "content-range")),
        ("Content-Range", f"bytes {first}-{last}/{'*' if total is None else total}"),
        ("Content-Length", str(stop - start)),
        ("Age", str(age)),
    ]
    return Head(206, Fields(lines), "Partial Content")


def _not_modified(stored: Stored, age: int) -> Head:
    shown = _IN_A_304 if stored.etag is not None else _IN_A_304 | {"last-modified"}
    lines = [line for line in stored.fields if line[0].lower() in shown]
    return Head(304, Fields([*lines, ("Age", str(age))]), "Not Modified")

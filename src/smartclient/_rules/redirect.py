"""Redirects: which request follows a 3xx response, and what it leaves behind; never the loop or its limit.

Sources: RFC 9110 sections 10.2.2, 15.4 and 17.9, CVE-2018-18074, CVE-2024-45336.
"""

import re

from .._model.body import NO_BODY, RequestBody
from .._model.errors import InvalidURL, RequestException, UnrewindableBodyError
from .._model.frozen import replace
from .._model.headers import Fields
from .._model.message import Head
from .._model.options import Options
from .._model.percent import CONTROL, text_from
from .._model.request import Request
from .._model.url import URL

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

CONTENT_FIELDS = frozenset(
    {
        "content-digest",
        "content-encoding",
        "content-language",
        "content-length",
        "content-location",
        "content-md5",
        "content-range",
        "content-type",
        "digest",
        "expect",
        "last-modified",
        "repr-digest",
        "trailer",
        "transfer-encoding",
    }
)
"""Fields (lower case) that describe the body, and go with it (RFC 9110 section 15.4)."""


def next_request(request: Request, head: Head) -> Request | None:
    """The request that follows when `head` answers `request` with a redirect, None when it is none.

    Raises:
        InvalidURL, InvalidSchema: the target cannot be read in one way only, or is not http or https.
        UnrewindableBodyError: the body is to be sent again, and cannot be read a second time.
        RequestException: from https to http, and `Redirects(downgrade=)` does not have it followed like this.
    """
    location = location_of(head) if head.status in REDIRECT_STATUSES else None
    if not location:
        return None
    target = redirect_target(request.url, location)
    fields, options, body = request.fields, request.options, NO_BODY
    if request.url.scheme == "https" and target.scheme == "http":
        if options.redirects.downgrade == "refuse":
            raise _refused("to go on", request.url, target)
        fields = fields.without(("referer",))  # RFC 9110 section 10.1.3
    if keeps_body(head.status, request.method):
        body = _body_again(request, target)
    else:
        fields = fields.without(CONTENT_FIELDS)
    if target.origin != request.url.origin:
        fields = fields.without(("host",))
    if crosses_origin(request.url, target):
        fields, options = strip_credentials(fields, options)
    method = redirect_method(head.status, request.method)
    return request.replace(method=method, url=target, fields=fields, body=body, options=options)


def redirect_method(status: int, method: str) -> str:
    """The method of the next request: what servers mean by 301 and 302, not what they were meant to mean."""
    if status in (302, 303):
        return "HEAD" if method == "HEAD" else "GET"
    return "GET" if status == 301 and method == "POST" else method


def keeps_body(status: int, method: str) -> bool:
    """Whether the body is sent again. A 301 keeps it with the method: a PUT without its body would erase."""
    return status in (307, 308) or (status == 301 and method != "POST")


def location_of(head: Head) -> str | None:
    """The text of the Location field: UTF-8 where it is that, control bytes escaped; None when absent.

    Raises:
        InvalidURL: there are several Location lines, and they differ.
    """
    lines = head.fields.getlist("location")
    if not lines:
        return None
    if any(line != lines[0] for line in lines):
        raise InvalidURL("Invalid redirect: Location names several targets")
    try:
        text = text_from(lines[0].encode("latin-1"))
    except UnicodeEncodeError:  # no bytes of a wire: a scripted response
        text = lines[0]
    return CONTROL.sub(_escaped_control, text.strip(" \t"))


def redirect_target(url: URL, location: str) -> URL:
    """`location` seen from `url`: inherits the fragment (RFC 9110 section 10.2.2), brings no userinfo of its own."""
    target = url.join(location)
    target = target.with_userinfo("" if crosses_origin(url, target) else url.raw_userinfo)
    return target if "#" in location else target.with_fragment(url.fragment)


def crosses_origin(from_url: URL, to_url: URL) -> bool:
    """Whether credentials must stay behind: another origin, except http to https of one host on default ports."""
    if from_url.origin == to_url.origin:
        return False
    return from_url.origin != ("http", to_url.connect_host, 80) or to_url.origin[::2] != ("https", 443)


def strip_credentials(fields: Fields, options: Options) -> tuple[Fields, Options]:
    """Fields and options for another origin. What is gone stays away on all further hops: nobody has it any more."""
    if options.auth is not None or options.cookies:
        options = replace(options, auth=None, cookies=())
    return fields.without(options.redirects.credentials), options


def _body_again(request: Request, target: URL) -> RequestBody:
    body = request.body
    if body.length == 0:
        return body
    if request.options.redirects.downgrade != "follow" and request.url.scheme == "https" and target.scheme == "http":
        raise _refused("to send the body again", request.url, target)
    if not body.replayable:
        raise UnrewindableBodyError("Unable to rewind request body for redirect.", sent="wholly")
    return body


def _refused(what: str, here: URL, there: URL) -> RequestException:
    return RequestException(f"refused {what} over http: {here.safe} redirects to {there.safe}", sent="wholly")


def _escaped_control(char: re.Match[str]) -> str:
    return f"%{ord(char[0]):02X}"

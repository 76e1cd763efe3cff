"""What a browser makes of a call from another origin: what it asks about first, and which answers it hands out.

Pure rules over names, values and heads; who sends the requests is elsewhere. Source: the Fetch standard, sections 2.2
(methods, headers), 2.9 (ports), 3.3 (CORS protocol), 4.1, 4.4, 4.8 and 4.10.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .._model.fields import parse_list, parse_media_type
from .._model.headers import Fields, Line, is_token
from .._model.url import URL

SAFELISTED_METHODS = ("GET", "HEAD", "POST")
SAFE_METHODS = ("GET", "HEAD")
FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})
_NORMALIZED_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})
_SAFELISTED_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
_VALUE_MAX, _VALUES_MAX = 128, 1024

_FORBIDDEN = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "access-control-request-private-network",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
_OVERRIDES = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})
_UNSAFE_BYTE = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')
_LANGUAGE = re.compile(r"[0-9A-Za-z *,\-.;=]*")
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")

_ALWAYS_EXPOSED = frozenset(
    {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}
)
_NEVER_EXPOSED = frozenset({"set-cookie", "set-cookie2"})
_DEFAULT_MAX_AGE = 5

# fmt: off
_BAD_PORTS = frozenset({
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42,
    43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115,
    117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
    526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995,
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
    6679, 6697, 10080,
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Check:
    """One rule that was looked at.

    Attributes:
        rule: its short name, such as "allow-origin".
        passed: whether it lets the call go on.
        text: one line that says what was found.
        section: of the Fetch standard.
    """

    rule: str
    passed: bool
    text: str
    section: str


def normalized_method(method: str) -> str:
    """`method` as a browser sends it: six of them in upper case, the others, "patch" too, as they are written."""
    return method.upper() if method.upper() in _NORMALIZED_METHODS else method


def is_forbidden_field(name: str, value: str = "") -> bool:
    """Whether pages cannot set the field `name`: the browser writes it itself, or leaves it out (section 2.2.2)."""
    name = name.lower()
    if name in _OVERRIDES:
        return any(method.strip().upper() in FORBIDDEN_METHODS for method in value.split(","))
    return name in _FORBIDDEN or name.startswith(("proxy-", "sec-"))


def is_safelisted_field(name: str, value: str) -> bool:
    """Whether the field may go to another origin without asking: a CORS-safelisted request-header."""
    name = name.lower()
    if len(value) > _VALUE_MAX:
        return False
    if name == "accept":
        return _UNSAFE_BYTE.search(value) is None
    if name in ("accept-language", "content-language"):
        return _LANGUAGE.fullmatch(value) is not None
    if name == "content-type":
        return _UNSAFE_BYTE.search(value) is None and parse_media_type(value).name in _SAFELISTED_TYPES
    if name == "range":
        found = _RANGE.fullmatch(value)
        return found is not None and (not found[2] or int(found[1]) <= int(found[2]))
    return False


def unsafe_names(fields: Iterable[Line]) -> tuple[str, ...]:
    """The names, lower-case and sorted, that a browser asks the server about: CORS-unsafe request-header names."""
    unsafe: set[str] = set()
    safelisted: set[str] = set()
    size = 0
    for name, value in fields:
        if is_safelisted_field(name, value):
            safelisted.add(name.lower())
            size += len(value)
        else:
            unsafe.add(name.lower())
    return tuple(sorted(unsafe | safelisted if size > _VALUES_MAX else unsafe))


def reasons_to_ask(method: str, fields: Sequence[Line]) -> tuple[str, ...]:
    """Why the browser sends a preflight before the call, one clause each; none for a simple call."""
    reasons = [] if method in SAFELISTED_METHODS else [f"method {method} is not safelisted"]
    values = {name.lower(): value for name, value in fields}
    for name in unsafe_names(fields):
        if name == "content-type":
            reasons.append(f"content type {values[name]} is not safelisted")
        elif name in ("accept", "accept-language", "content-language", "range"):
            reasons.append(f"the value of {name} is not safelisted")
        else:
            reasons.append(f"{name} is not safelisted")
    return tuple(reasons)


def preflight_fields(method: str, fields: Iterable[Line], origin: str) -> list[Line]:
    """The fields of the preflight, an OPTIONS request without credentials (section 4.8)."""
    names = unsafe_names(fields)
    asked = [("Access-Control-Request-Headers", ",".join(names))] if names else []
    return [("Accept", "*/*"), ("Access-Control-Request-Method", method), *asked, ("Origin", origin)]


def before_sending(url: URL, origin: str, method: str) -> Check | None:
    """What stops the call before anything is sent; None when nothing does."""
    if method.upper() in FORBIDDEN_METHODS:
        return Check("method", False, f"method {method} is forbidden to pages", "2.2.1")
    if url.raw_userinfo:
        return Check("url", False, "the URL has a user or a password in it", "5.3")
    if url.port in _BAD_PORTS:
        return Check("port", False, f"port {url.port} is blocked", "2.9")
    if origin.startswith("https://") and url.scheme == "http" and not _is_local(url):
        return Check("mixed-content", False, "a page from https does not call http", "4.1 (Mixed Content)")
    return None


def _is_local(url: URL) -> bool:
    host = url.host
    return host in ("localhost", "::1") or host.endswith(".localhost") or (url.is_address and host.startswith("127."))


def is_same_origin(url: URL, origin: str) -> bool:
    """Whether `url` belongs to `origin`: then CORS has no say."""
    return str(url.origin) == origin


def answer_checks(fields: Fields, origin: str, credentials: bool) -> list[Check]:
    """The CORS check of one answer (section 4.10), each rule by name, until one fails."""
    allowed = fields.get("access-control-allow-origin")
    if allowed is None:
        return [Check("allow-origin", False, "no Access-Control-Allow-Origin", "4.10")]
    if allowed == "*" and not credentials:
        return [Check("allow-origin", True, "Access-Control-Allow-Origin is *", "4.10")]
    if allowed == "*":
        text = 'Access-Control-Allow-Origin is "*", which does not count with credentials: it must name the origin'
        return [Check("allow-origin", False, text, "4.10")]
    if allowed != origin:
        several = "one origin is allowed there, not several" if "," in allowed else f"not {origin}"
        return [Check("allow-origin", False, f"Access-Control-Allow-Origin is {_shown(allowed)}, {several}", "4.10")]
    checks = [Check("allow-origin", True, f"Access-Control-Allow-Origin is {origin}", "4.10")]
    if credentials:
        said = fields.get("access-control-allow-credentials")
        text = "no Access-Control-Allow-Credentials" if said is None else ""
        text = text or f"Access-Control-Allow-Credentials is {_shown(said)}{'' if said == 'true' else ', not true'}"
        checks.append(Check("allow-credentials", said == "true", text, "4.10"))
    return checks


def preflight_checks(
    status: int, answer: Fields, origin: str, method: str, fields: Sequence[Line], credentials: bool
) -> list[Check]:
    """What the preflight's answer allows (section 4.8): every rule, so that all failures are seen at once."""
    checks = answer_checks(answer, origin, credentials)
    if not 200 <= status <= 299:
        checks.append(Check("preflight-status", False, f"the preflight's status is {status}, not 200 to 299", "4.8"))
    methods, names = (_tokens(answer, f"access-control-allow-{what}") for what in ("methods", "headers"))
    for what, members in (("Methods", methods), ("Headers", names)):
        if members is None:
            checks.append(Check("allow-list", False, f"Access-Control-Allow-{what} is no list of tokens", "4.8"))
    checks.append(_method_check(method, methods or (), credentials))
    checks += _field_checks(unsafe_names(fields), names or (), credentials)
    return checks


def _method_check(method: str, allowed: Sequence[str], credentials: bool) -> Check:
    if method in allowed:
        return Check("allow-methods", True, f"method {method} is in Access-Control-Allow-Methods", "4.8")
    if method in SAFELISTED_METHODS:
        return Check("allow-methods", True, f"method {method} is safelisted", "4.8")
    if "*" in allowed and not credentials:
        return Check("allow-methods", True, f"method {method}: Access-Control-Allow-Methods is *", "4.8")
    text = f"method {method} is not in Access-Control-Allow-Methods ({_listed(allowed)})"
    return Check("allow-methods", False, text + _taken_literally(allowed, credentials), "4.8")


def _field_checks(names: Iterable[str], allowed: Sequence[str], credentials: bool) -> list[Check]:
    lower = {name.lower() for name in allowed}
    checks = []
    for name in names:
        if name in lower:
            checks.append(Check("allow-headers", True, f"{name} is in Access-Control-Allow-Headers", "4.8"))
        elif "*" in lower and not credentials and name != "authorization":
            checks.append(Check("allow-headers", True, f"{name}: Access-Control-Allow-Headers is *", "4.8"))
        else:
            text = f"{name} is not in Access-Control-Allow-Headers ({_listed(allowed)})"
            if "*" in lower and name == "authorization":
                text += ', and "*" never covers authorization'
            else:
                text += _taken_literally(allowed, credentials)
            checks.append(Check("allow-headers", False, text, "4.8"))
    return checks


def _taken_literally(allowed: Sequence[str], credentials: bool) -> str:
    return ', and with credentials "*" is taken literally' if credentials and "*" in allowed else ""


def _listed(members: Sequence[str]) -> str:
    return _shown(", ".join(members)) if members else "there is none"


def _shown(value: str | None) -> str:
    return ascii((value or "")[:120])[1:-1] or '""'


def _tokens(fields: Fields, name: str) -> tuple[str, ...] | None:
    """The members of the list that the field `name` is; None when it is no list of tokens."""
    members = tuple(parse_list(fields.get(name, "")))
    return members if all(map(is_token, members)) else None


def max_age(fields: Fields) -> int:
    """Seconds for which the preflight's answer counts; browsers cap it: Chromium at 7200, Firefox at 86400."""
    text = fields.get("access-control-max-age", "")
    return int(text[:9]) if text.isascii() and text.isdigit() else _DEFAULT_MAX_AGE


def exposed_names(fields: Fields, credentials: bool) -> tuple[str, ...]:
    """The names, lower-case and sorted, of the answer's fields that the page may read (section 2.2.2)."""
    named = {name.lower() for name in _tokens(fields, "access-control-expose-headers") or ()}
    everything = "*" in named and not credentials
    present = {name.lower() for name, _ in fields} - _NEVER_EXPOSED
    return tuple(sorted(name for name in present if everything or name in _ALWAYS_EXPOSED or name in named))


def redirect_check(current: URL, target: URL, origin: str) -> Check | None:
    """What forbids to follow from `current` to `target` (section 4.4); None when nothing does."""
    if target.raw_userinfo and not (is_same_origin(current, origin) and is_same_origin(target, origin)):
        return Check("redirect", False, "the redirect's URL has a user or a password in it", "4.4")
    return None


def origin_after(current: URL, target: URL, origin: str) -> str:
    """What Origin says after a redirect: "null" once a foreign origin has sent the call on to another (section 3.2)."""
    if is_same_origin(current, origin) or current.origin == target.origin:
        return origin
    return "null"

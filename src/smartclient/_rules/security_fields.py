"""Which security fields an answer has, lacks, or has in a form that protects little; rules over one head.

Sources: RFC 6797 (HSTS), CSP Level 3, RFC 7034 (X-Frame-Options), Fetch 3.6 (nosniff) and 3.7 (CORP), Referrer Policy,
HTML 7.1 (COOP, COEP), Permissions Policy, RFC 6265bis (cookies).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .._model.cookies import parse_set_cookie
from .._model.fields import delta_seconds, parse_media_type
from .._model.headers import Fields

HALF_A_YEAR = 180 * 86400
State = Literal["present", "missing", "weak"]

_REFERRERS_THAT_TELL = ("unsafe-url", "no-referrer-when-downgrade", "origin-when-cross-origin", "origin")
_DOCUMENTS = ("text/html", "application/xhtml+xml", "image/svg+xml", "")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one field.

    Attributes:
        name: of the field; "Set-Cookie NAME" for one cookie.
        state: "present", "missing" or "weak" (there, but protecting little).
        text: one line that says why.
        source: the rule.
    """

    name: str
    state: State
    text: str
    source: str


def findings(fields: Fields, scheme: str) -> tuple[Finding, ...]:
    """Everything there is to say of the head of an answer that came by `scheme`.

    What protects documents only is looked for in documents only: HTML, SVG, and what has no type.
    """
    return tuple(_findings(fields, scheme))


def _findings(fields: Fields, scheme: str) -> Iterator[Finding]:
    is_document = parse_media_type(fields.get("content-type", "")).name in _DOCUMENTS
    yield _transport(fields, scheme)
    yield _nosniff(fields)
    if is_document:
        yield _content_policy(fields)
        yield _framing(fields)
        yield _referrer(fields)
        yield _one_of(fields, "Cross-Origin-Opener-Policy", ("same-origin", "same-origin-allow-popups"), "HTML 7.1.3")
        yield _one_of(fields, "Cross-Origin-Embedder-Policy", ("require-corp", "credentialless"), "HTML 7.1.4")
        yield _permissions(fields)
    yield _one_of(fields, "Cross-Origin-Resource-Policy", ("same-origin", "same-site", "cross-origin"), "Fetch 3.7")
    for line in fields.getlist("set-cookie"):
        yield from _cookie(line)


def _transport(fields: Fields, scheme: str) -> Finding:
    name, source = "Strict-Transport-Security", "RFC 6797 6.1"
    value = fields.get("strict-transport-security")
    if scheme != "https":
        return Finding(name, "weak" if value else "missing", "counts over https only; this answer came by http", source)
    if value is None:
        return Finding(name, "missing", "the first call by http can be intercepted", source)
    directives = _directives(value)
    seconds = delta_seconds(directives.get("max-age", "").strip('"'))
    if not seconds:
        return Finding(name, "weak", "no max-age that keeps anything", source)
    if seconds < HALF_A_YEAR:
        return Finding(name, "weak", f"max-age is {seconds // 86400} days; 180 are the least that is advised", source)
    covers = "subdomains too" if "includesubdomains" in directives else "this host only"
    return Finding(name, "present", f"{seconds // 86400} days, {covers}", source)


def _directives(value: str) -> dict[str, str]:
    """The directives of a value such as "a=1; b", by lower-case name; of repeated ones the first."""
    found: dict[str, str] = {}
    for part in value.split(";"):
        name, _, argument = part.strip().partition("=")
        found.setdefault(name.strip().lower(), argument.strip())
    return found


def _nosniff(fields: Fields) -> Finding:
    name, source = "X-Content-Type-Options", "Fetch 3.6"
    value = fields.get("x-content-type-options")
    if value is None:
        return Finding(name, "missing", "browsers may take content for another type than it says", source)
    if value.partition(",")[0].strip().lower() != "nosniff":
        return Finding(name, "weak", "only nosniff has a meaning", source)
    return Finding(name, "present", "nosniff", source)


def _policy(value: str) -> dict[str, list[str]]:
    """The sources of each directive of a Content-Security-Policy, names in lower case."""
    policy: dict[str, list[str]] = {}
    for directive in value.replace(",", ";").split(";"):
        words = directive.split()
        if words:
            policy.setdefault(words[0].lower(), [word.lower() for word in words[1:]])
    return policy


def _content_policy(fields: Fields) -> Finding:
    name, source = "Content-Security-Policy", "CSP 3"
    value = fields.get("content-security-policy")
    if value is None:
        if "content-security-policy-report-only" in fields:
            return Finding(name, "weak", "only reported, not enforced", source)
        return Finding(name, "missing", "injected scripts would run", source)
    policy = _policy(value)
    scripts = policy.get("script-src", policy.get("default-src"))
    if scripts is None:
        return Finding(name, "weak", "neither script-src nor default-src: any script may run", source)
    trusted = any(each.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-")) for each in scripts)
    if "'unsafe-inline'" in scripts and not trusted:
        return Finding(name, "weak", "'unsafe-inline' lets injected scripts run", source)
    if not (trusted and "'strict-dynamic'" in scripts):
        wide = [each for each in ("*", "http:", "https:", "data:") if each in scripts]
        if wide:
            return Finding(name, "weak", f"{wide[0]} lets scripts come from anywhere", source)
    if "'unsafe-eval'" in scripts:
        return Finding(name, "weak", "'unsafe-eval' makes scripts of text", source)
    return Finding(name, "present", f"{len(policy)} directives", source)


def _framing(fields: Fields) -> Finding:
    name, source = "X-Frame-Options", "RFC 7034, CSP 3 frame-ancestors"
    ancestors = _policy(fields.get("content-security-policy", "")).get("frame-ancestors")
    if ancestors is not None:
        if "*" in ancestors:
            return Finding(name, "weak", "frame-ancestors * lets any site frame the page", source)
        return Finding(name, "present", "by frame-ancestors", source)
    value = fields.get("x-frame-options")
    if value is None:
        return Finding(name, "missing", "any site can frame the page; frame-ancestors would do too", source)
    if value.strip().upper() not in ("DENY", "SAMEORIGIN"):
        return Finding(name, "weak", "browsers know DENY and SAMEORIGIN only", source)
    return Finding(name, "present", value.strip().upper(), source)


def _referrer(fields: Fields) -> Finding:
    name, source = "Referrer-Policy", "Referrer Policy 3"
    value = fields.get("referrer-policy")
    if value is None:
        return Finding(name, "missing", "the browser's default tells other sites the origin", source)
    policy = value.rpartition(",")[2].strip().lower()
    if policy in _REFERRERS_THAT_TELL:
        return Finding(name, "weak", f"{policy} tells other sites more than the default does", source)
    return Finding(name, "present", _shown(policy), source)


def _permissions(fields: Fields) -> Finding:
    name, source = "Permissions-Policy", "Permissions Policy 5"
    value = fields.get("permissions-policy")
    if value is None:
        return Finding(name, "missing", "camera, position and the like are left to the browser's defaults", source)
    return Finding(name, "present", f"{value.count('=')} features", source)


def _one_of(fields: Fields, name: str, good: tuple[str, ...], source: str) -> Finding:
    value = fields.get(name.lower())
    if value is None:
        return Finding(name, "missing", f"{good[0]} would keep other origins apart", source)
    policy = value.partition(";")[0].strip().lower()
    if policy not in good:
        return Finding(name, "weak", f"{_shown(policy)} protects nothing", source)
    return Finding(name, "present", policy, source)


def _cookie(line: str) -> Iterator[Finding]:
    cookie = parse_set_cookie(line)
    if cookie is None:
        return
    same_site = (cookie.same_site or "").lower()
    refused = same_site == "none" and not cookie.secure
    flaws = {
        "no Secure": not cookie.secure,
        "no HttpOnly": not cookie.http_only,
        "no SameSite": not same_site,
        "SameSite=None without Secure is refused": refused,
    }
    lacks = [text for text, there in flaws.items() if there]
    name = f"Set-Cookie {_shown(cookie.name)}"
    text = ", ".join(lacks) or "Secure, HttpOnly, SameSite"
    yield Finding(name, "weak" if lacks else "present", text, "RFC 6265bis 4.1.2")


def _shown(value: str) -> str:
    return ascii(value[:80])[1:-1]

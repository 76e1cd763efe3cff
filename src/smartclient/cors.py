"""What a browser would do with a call from a page of another origin, by the Fetch standard, and why.

Servers are asked as a browser asks them: a preflight first where one is due, then the call itself if it is safe. CORS
protects users, not servers: what a browser blocks, every other client may send.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ._api.session import Session
from ._model.errors import InvalidOption, RequestException, shown
from ._model.headers import Fields, Line, fields_from, is_token
from ._model.url import URL
from ._rules import cors as rules
from ._rules.cors import Check

_REDIRECTS_MAX = 20  # as browsers have it: the Fetch standard, section 4.4

__all__ = ["Check", "Exchange", "Verdict", "check"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was sent to find out, its answer's status, and the rules that judged the answer.

    Attributes:
        method, url, status: of the exchange; `url` without userinfo and query.
        checks: the rules, in order.
    """

    method: str
    url: str
    status: int
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a browser would do.

    Attributes:
        url, origin, method: of the call, the method as the browser sends it.
        kind: "same-origin" (CORS has no say), "simple", "preflighted", or "refused" (nothing would be sent).
        reasons: why a preflight is due, one clause each.
        ignored: fields that pages cannot set, left out of all this.
        checks: rules that were decided before anything was sent.
        exchanges: what was sent, oldest first.
        outcome: "allowed" (the page can read the answer), "blocked", or "untested" (all is well as far as it was
            tried, but the call itself, which may change something, was not sent: `send=True` sends it).
        exposed: names of the answer's fields that the page can read; None as long as there is no answer to read.
        hidden: names of those that it cannot.
        max_age: seconds for which the preflight counts, None without one.
    """

    url: str
    origin: str
    method: str
    kind: Literal["same-origin", "simple", "preflighted", "refused"]
    reasons: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    outcome: Literal["allowed", "blocked", "untested"] = "untested"
    exposed: tuple[str, ...] | None = None
    hidden: tuple[str, ...] = ()
    max_age: int | None = None

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against the call."""
        return self.outcome != "blocked"

    @property
    def failures(self) -> tuple[Check, ...]:
        """The rules that block the call, in the order in which they were met."""
        every = [*self.checks, *(check for exchange in self.exchanges for check in exchange.checks)]
        return tuple(check for check in every if not check.passed)


@dataclass(slots=True)
class _Call:
    """The call of the page, on its way through redirects; `origin` is what the Origin field says."""

    method: str
    url: URL
    fields: tuple[Line, ...]
    origin: str
    credentials: bool
    body: Any


def check(
    url: Any,
    *,
    origin: str,
    method: Any = "GET",
    headers: Mapping[str, str] | Iterable[str | Line] = (),
    credentials: bool = False,
    send: bool = False,
    data: Any = None,
    session: Session | None = None,
) -> Verdict:
    """What a browser would do when a page of `origin` calls `url`.

    GET and HEAD are sent, other methods only with `send`; the preflight is sent wherever one is due.

    Args:
        origin: as "https://app.example", or "null".
        headers: what the page sets: a mapping, (name, value) pairs, or bare names.
        credentials: whether the page asks for cookies and credentials to go along (`credentials: "include"`).
        data: the body that is sent with `send`.
        session: what sends; without one, a session without cookies and cache.

    Raises:
        InvalidOption: an origin, a method or a field that cannot be.
        RequestException: the server cannot be reached; a browser would show a network error.
    """
    target = URL.parse(url)
    page = _checked_origin(origin)
    if not isinstance(method, str) or not is_token(method):
        raise InvalidOption(f"cors: method {shown(method)} is not a token")
    method = rules.normalized_method(method)
    lines = _lines(headers)
    kept = tuple(line for line in lines if not rules.is_forbidden_field(*line))
    verdict = Verdict(
        target.safe, page, method, "simple", ignored=tuple(name for name, value in lines if (name, value) not in kept)
    )
    refusal = rules.before_sending(target, page, method)
    if refusal is not None:
        return replace(verdict, kind="refused", checks=(refusal,), outcome="blocked")
    call = _Call(method, target, kept, page, credentials, data)
    own = session is None
    session = session or Session(cookies=None, cache=None)
    try:
        return _followed(session, call, verdict, sends=send or method in rules.SAFE_METHODS)
    finally:
        if own:
            session.close()


def _followed(session: Session, call: _Call, verdict: Verdict, *, sends: bool) -> Verdict:
    """The verdict after the call and the redirects that it meets."""
    foreign = not rules.is_same_origin(call.url, call.origin)
    if not foreign:
        verdict = replace(verdict, kind="same-origin")
    elif reasons := rules.reasons_to_ask(call.method, call.fields):
        verdict = replace(verdict, kind="preflighted", reasons=reasons)
    for _ in range(_REDIRECTS_MAX + 1):
        if foreign and rules.reasons_to_ask(call.method, call.fields):
            verdict = _asked(session, call, verdict)
            if verdict.outcome == "blocked":
                return verdict
        if not sends:
            return verdict if foreign else replace(verdict, outcome="allowed")
        verdict, fields, location = _sent(session, call, verdict, foreign=foreign)
        if verdict.outcome == "blocked":
            return verdict
        if location is None:
            return _readable(verdict, fields, call.credentials, foreign=foreign)
        verdict, next_call = _redirected(call, location, verdict)
        if next_call is None:
            return verdict
        call = next_call
        # Once the call has left its origin, every answer is judged.
        foreign = foreign or not rules.is_same_origin(call.url, call.origin)
    check = Check("redirect", False, f"more than {_REDIRECTS_MAX} redirects", "4.4")
    return replace(verdict, checks=(*verdict.checks, check), outcome="blocked")


def _asked(session: Session, call: _Call, verdict: Verdict) -> Verdict:
    """With the preflight and its judgement."""
    fields = rules.preflight_fields(call.method, call.fields, call.origin)
    with session.request(
        "OPTIONS", call.url, headers=fields, stream=True, allow_redirects=False, cache=None, cookies=None, auth=None
    ) as response:
        answer = Fields(response.headers.multi_items())
        status = response.status_code
    checks = tuple(rules.preflight_checks(status, answer, call.origin, call.method, call.fields, call.credentials))
    verdict = _with(verdict, Exchange("OPTIONS", call.url.safe, status, checks))
    return replace(verdict, max_age=rules.max_age(answer))


def _sent(session: Session, call: _Call, verdict: Verdict, *, foreign: bool) -> tuple[Verdict, Fields, str | None]:
    """With the call itself and its judgement; beside it the answer's fields, and where it redirects to."""
    fields = [*call.fields, *([("Origin", call.origin)] if foreign or call.method not in rules.SAFE_METHODS else [])]
    with session.request(
        call.method, call.url, headers=fields, data=call.body, stream=True, allow_redirects=False, cache=None
    ) as response:
        answer = Fields(response.headers.multi_items())
        status = response.status_code
        location = answer.get("location") if response.is_redirect else None
    checks = tuple(rules.answer_checks(answer, call.origin, call.credentials)) if foreign else ()
    return _with(verdict, Exchange(call.method, call.url.safe, status, checks)), answer, location


def _with(verdict: Verdict, exchange: Exchange) -> Verdict:
    blocked = not all(check.passed for check in exchange.checks)
    verdict = replace(verdict, exchanges=(*verdict.exchanges, exchange))
    return replace(verdict, outcome="blocked") if blocked else verdict


def _readable(verdict: Verdict, fields: Fields, credentials: bool, *, foreign: bool) -> Verdict:
    present = {name.lower() for name, _ in fields} - {"set-cookie", "set-cookie2"}
    exposed = rules.exposed_names(fields, credentials) if foreign else tuple(sorted(present))
    return replace(verdict, outcome="allowed", exposed=exposed, hidden=tuple(sorted(present - set(exposed))))


def _redirected(call: _Call, location: str, verdict: Verdict) -> tuple[Verdict, _Call | None]:
    """The call to `location`; None when a browser does not follow."""
    try:
        target = call.url.join(location)
    except RequestException as error:
        refusal: Check | None = Check("redirect", False, f"the redirect leads nowhere: {error}", "4.4")
    else:
        refusal = rules.redirect_check(call.url, target, call.origin) or rules.before_sending(
            target, verdict.origin, call.method
        )
    if refusal is not None:
        return replace(verdict, checks=(*verdict.checks, refusal), outcome="blocked"), None
    status = verdict.exchanges[-1].status
    method, body, fields = call.method, call.body, call.fields
    if (status in (301, 302) and method == "POST") or (status == 303 and method not in rules.SAFE_METHODS):
        method, body = "GET", None
        fields = tuple(line for line in fields if not line[0].lower().startswith("content-"))
    origin = rules.origin_after(call.url, target, call.origin)
    if target.origin != call.url.origin:
        fields = tuple(line for line in fields if line[0].lower() != "authorization")
    return verdict, _Call(method, target, fields, origin, call.credentials, body)


def _checked_origin(origin: Any) -> str:
    if origin == "null":
        return "null"
    if isinstance(origin, str) and origin.lower().startswith(("http://", "https://")):
        url = URL.parse(origin)
        if url.path == "/" and not (url.query or url.fragment or url.raw_userinfo):
            return str(url.origin)
    raise InvalidOption(f"cors: origin {shown(origin)} is none such as https://app.example, and not null")


def _lines(headers: Any) -> tuple[Line, ...]:
    """The field lines that `headers` means; a bare name has an empty value."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lines = fields_from(None, [(each, "") if isinstance(each, str) else each for each in pairs]).lines
    return tuple((name, value.strip(" \t\r\n")) for name, value in lines)

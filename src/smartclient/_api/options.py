"""From the keywords of a call to frozen `Options`: merging, checking, and no work twice for the same keywords."""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict

from .._model import errors
from .._model.body import ProgressCall
from .._model.errors import InvalidOption, shown
from .._model.frozen import replace
from .._model.headers import Fields, HeadersInput, fields_from, is_token
from .._model.options import DEFAULT_TIMEOUT, TLS, Limits, Options, Timeout
from .._model.percent import ARRAY_STYLES, param_pairs
from .._model.redirects import Redirects
from .._model.retry import DEFAULT_RETRIES, RetryPolicy
from .._model.url import URL

if TYPE_CHECKING:
    import ssl

    from .cache import Cache

    CacheInput: TypeAlias = bool | str | os.PathLike[str] | Cache | None
    VerifyInput: TypeAlias = bool | str | os.PathLike[str] | TLS | ssl.SSLContext | None
else:
    CacheInput = VerifyInput = object


class NotGiven:
    """The type of `NOT_GIVEN`, for options whose None says something."""

    def __repr__(self) -> str:
        return "NOT_GIVEN"

    def __reduce__(self) -> str:
        """There is one of it, in pickles too."""
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven()

TimeoutInput = float | tuple[float | None, float | None] | Timeout | None
ACCEPT_FIELDS = {"accept": "Accept", "accept_language": "Accept-Language"}
ProxiesInput = Mapping[str, Any] | None


class RareOptions(TypedDict, total=False):
    """Keywords that most calls do without: signatures take them together, so that the others pay nothing.

    Attributes:
        accept, accept_language: text, or a list of values and (value, weight) pairs.
        strict_accept: raise NegotiationError for a success that is not what was asked for.
        array_style: "repeat", "comma" or "brackets", for lists in `params`.
        progress: called with (bytes sent, bytes in all or None) while the body is sent, at most 10 times a second, and
            once at its end; what it raises ends the call.
        compress: "gzip" or "zstd": sends a body of 1 KiB or more in this coding; once more without it where the server
            refuses that (415).
        expect: sends a body only after the server's "100 Continue", or after a second without an answer.
        raise_for_status: raise the HTTPError of a status of 400 or above from the call itself.
        idempotent: this call may be repeated after it may have reached the server, whatever its method.
        idempotency_key: True sends a random Idempotency-Key, the same with every attempt, text sends that one; and the
            call may be repeated.
        redirects: a `Redirects`: how they are followed.
        credential_fields: names of fields that, beside Authorization and Cookie, do not go to another origin.
    """

    accept: Any
    accept_language: Any
    strict_accept: bool
    array_style: str
    progress: ProgressCall | None
    compress: str | None
    expect: bool
    raise_for_status: bool
    idempotent: bool
    idempotency_key: bool | str | None
    redirects: Redirects | None
    credential_fields: Iterable[str] | None


class RoutedOptions(RareOptions, total=False):
    """The same with `proxies`, which has a place of its own in signatures, as in requests."""

    proxies: ProxiesInput


class CommonOptions(RoutedOptions, total=False):
    """The keywords that every call takes; those not given are the session's."""

    hooks: Any

    headers: HeadersInput
    cookies: Any
    files: Any
    auth: Any
    timeout: TimeoutInput | NotGiven
    allow_redirects: bool
    stream: bool | None
    verify: VerifyInput
    cert: Any
    retries: int | RetryPolicy | None
    cache: CacheInput | NotGiven


class PostOptions(CommonOptions, total=False):
    """What is left where `data` and `json` are arguments of their own."""

    params: Any


class PutOptions(PostOptions, total=False):
    """What is left where `data` is an argument of its own."""

    json: Any


class GetOptions(CommonOptions, total=False):
    """What is left where `params` is an argument of its own."""

    data: Any
    json: Any


class CallOptions(PutOptions, total=False):
    """Every keyword of a call."""

    data: Any


def timeout_from(value: Any) -> Timeout:
    """What `timeout=` means: seconds for each wait, (connect, read), None for no limit at all, or a Timeout.

    A number leaves the limit of the whole call at 300 seconds, or twice the read limit where that is more.

    Raises:
        InvalidOption: anything else; a ValueError, with the words that requests uses.
    """
    if value is NOT_GIVEN:
        return DEFAULT_TIMEOUT
    if isinstance(value, Timeout):
        return value
    if value is None:
        return Timeout(None, total=None)
    if type(value) is errors.Timeout:  # what `smartclient.Timeout()` gives, which says nothing
        return DEFAULT_TIMEOUT
    if hasattr(value, "connect_timeout") and hasattr(value, "_connect"):  # urllib3's, which some programs make
        value = (value._connect, value._read)
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise InvalidOption(
                f"Invalid timeout {shown(value)}. Pass a (connect, read) timeout tuple, "
                "or a single float to set both timeouts to the same value."
            )
        connect, read = value
    else:
        connect = read = value
    limits = Timeout(connect=connect, read=read, write=read)
    if limits.connect is None or limits.read is None:
        limits.total = None
    else:
        limits.total = max(300.0, 2 * limits.read)
    return limits


def auth_from(value: Any, *, on_loop: bool = False) -> Any:
    """What `auth=` means: a (user, password) tuple, an `_pipeline.auth.Auth`, or None for nobody.

    Raises:
        InvalidOption: anything else.
    """
    if value is None:
        return None
    if isinstance(value, tuple | list) and len(value) == 2:
        return checked_pair(value)
    from .auth import auth_object

    return auth_object(value, on_loop=on_loop)


def checked_pair(pair: Any) -> tuple[Any, Any]:
    """(user, password), each str or bytes.

    Numbers and None become text with a DeprecationWarning, as in requests.

    Raises:
        InvalidOption: anything else.
    """
    user, password = (_checked_part(part) for part in pair)
    return user, password


def _checked_part(part: Any) -> str | bytes:
    if isinstance(part, str | bytes):
        return part
    if part is not None and not isinstance(part, int | float):
        raise InvalidOption("auth must be a (user, password) pair of str or bytes")
    import warnings

    warnings.warn(
        f"User names and passwords that are no text ({type(part).__name__}) will not be supported for ever.",
        DeprecationWarning,
        stacklevel=2,
    )
    return str(part)


def with_params(url: URL, session: Any, call: Any, array_style: Any) -> URL:
    """`url` with the parameters of session and call: the call's names win over the session's, and None removes one.

    What is given as text goes after them as it is.

    Raises:
        InvalidOption: neither mapping nor pairs, str or bytes; an unknown style.
    """
    if array_style not in ARRAY_STYLES:
        raise InvalidOption(f"array_style: {shown(array_style)} is none of {', '.join(ARRAY_STYLES)}")
    if session and call and not isinstance(session, str | bytes) and not isinstance(call, str | bytes):
        ours = param_pairs(call)
        names = {str(name) for name, _ in ours}
        session, call = [(name, value) for name, value in param_pairs(session) if str(name) not in names], ours
    return url.with_params(session, array_style).with_params(call, array_style)


def unknown_keyword(function: str, unknown: Iterable[str], known: Iterable[str]) -> TypeError:
    """What to raise for keywords that `function` does not take: it names the nearest that it does."""
    from difflib import get_close_matches

    name = min(unknown)
    near = get_close_matches(name.lower(), sorted(known), 1, 0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return TypeError(f"{function}() got an unexpected keyword argument {name!r}{hint}")


def with_rare(fields: Fields, options: Options, rare: Mapping[str, Any]) -> tuple[Fields, Options]:
    """`fields` and `options` with what the keywords of `RareOptions` say; None leaves what is there.

    Raises:
        TypeError: other keywords.
        InvalidOption: a wish that its field cannot carry.
    """
    unknown = rare.keys() - RoutedOptions.__optional_keys__
    if unknown:
        raise unknown_keyword("request", unknown, CallOptions.__optional_keys__)
    for option, name in ACCEPT_FIELDS.items():
        if rare.get(option) is not None:
            from .._rules.negotiation import accept_value

            fields = fields.replace(name, accept_value(option, rare[option]))
    if rare.get("strict_accept") is not None:
        options = replace(options, strict_accept=bool(rare["strict_accept"]))
    if rare.get("redirects") is not None:
        rule = checked_redirects(rare["redirects"])
        limit = options.max_redirects if rule.max is None else rule.max
        options = replace(options, redirects=replace(rule, max=None), max_redirects=limit)
    if rare.get("credential_fields") is not None:
        rule = replace(options.redirects, credential_fields=rare["credential_fields"])
        options = replace(options, redirects=rule)
    if rare.get("raise_for_status") is not None:
        options = replace(options, raise_for_status=bool(rare["raise_for_status"]))
    if rare.get("idempotent") is not None:
        options = replace(options, idempotent=bool(rare["idempotent"]))
    if rare.get("idempotency_key"):
        options = replace(options, idempotent=True)
        fields = with_idempotency_key(fields, rare["idempotency_key"])
    return fields, options


def checked_redirects(value: Any) -> Redirects:
    """`value` when it is a `Redirects`, which checks itself.

    Raises:
        InvalidOption: anything else.
    """
    if not isinstance(value, Redirects):
        raise InvalidOption(f"redirects must be a Redirects, not {shown(value)}")
    return value


def with_idempotency_key(fields: Fields, key: Any) -> Fields:
    """`fields` with the key of a call: one that the caller wrote by hand stays."""
    if "idempotency-key" in fields:
        return fields
    if key is not True and not isinstance(key, str):
        raise InvalidOption(f"idempotency_key must be True or text, not {shown(key)}")
    from .._pipeline.idempotency import FIELD, new_key

    return fields_from(fields, {FIELD: new_key() if key is True else key})


def retries_from(value: Any) -> Any:
    """What `retries=` means: a number of further attempts, a `RetryPolicy`, or a Retry of urllib3.

    Raises:
        InvalidOption: anything else.
    """
    if isinstance(value, RetryPolicy) or hasattr(value, "begin"):
        return value
    if callable(getattr(value, "increment", None)):
        from .foreign_retry import rule_from

        return rule_from(value)
    return DEFAULT_RETRIES if type(value) is int and value == DEFAULT_RETRIES.retries else RetryPolicy(value)


CACHE_MODES = ("default", "refresh", "reload", "only")


def cache_mode(value: Any) -> str | None:
    """What `cache=` of a call means: a mode, or None for no cache.

    Raises:
        InvalidOption: an unknown mode.
    """
    if value is NOT_GIVEN or value is True:
        return "default"
    if value is None or value is False:
        return None
    if isinstance(value, str) and value in CACHE_MODES:
        return value
    raise InvalidOption(
        f"cache: {shown(value)} is none of {', '.join(CACHE_MODES)}, True, None and False, no path object and no Cache"
    )


def checked_method(method: Any) -> str:
    """`method` in upper case.

    Raises:
        InvalidOption: it is no token.
    """
    text = method.decode("latin-1") if isinstance(method, bytes) else method
    if not isinstance(text, str) or not is_token(text):
        raise InvalidOption(f"method {shown(method)} is not a token (RFC 9110 section 9.1)")
    return text.upper()


def checked_limits(value: Any) -> Limits:
    """`value` when it is a `Limits`, which checks its own bounds.

    Raises:
        InvalidOption: anything else.
    """
    if not isinstance(value, Limits):
        raise InvalidOption(f"limits must be a Limits, not {shown(value)}")
    return value


def checked_count(name: str, value: Any) -> int:
    """`value` as a number of times, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidOption(f"{name} must be a whole number, 0 or more, not {shown(value)}")
    return value

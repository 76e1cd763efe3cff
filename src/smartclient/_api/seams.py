"""Whether anybody can see how a call of a session is made; never what is done when somebody can.

Programs written for requests replace methods, mount adapters and hang up hooks. While none of that has happened, a
call goes to the stages at once; the way through prepared requests and adapters would have the same result.
"""

from typing import TYPE_CHECKING, Any

from .adapters import HTTPAdapter

if TYPE_CHECKING:
    from .session import Session

_SEND = HTTPAdapter.send
METHODS = ("send", "prepare_request", "merge_environment_settings", "get_adapter")
"""What a call goes through that somebody can see."""
_REDIRECT_METHODS = (
    "resolve_redirects",
    "get_redirect_target",
    "should_strip_auth",
    "rebuild_auth",
    "rebuild_proxies",
    "rebuild_method",
)
_originals: dict[str, Any] = {}
_OWN_METHODS = (*METHODS, *_REDIRECT_METHODS, "request")
WATCHED = frozenset((*_OWN_METHODS, "hooks", "adapters"))
"""Attributes of a session whose being set is noted; a look into `__dict__` in each call would slow all attributes."""
_session_class: Any = None
_request: Any = None
_send: Any = None  # these apart from the others: they are compared in every call
_prepare_request: Any = None
_merge_environment_settings: Any = None
_get_adapter: Any = None


def remember(session_class: type) -> None:
    """Takes down what the methods of `session_class` are before anybody could replace them."""
    global _session_class, _request, _send, _prepare_request, _merge_environment_settings, _get_adapter
    _session_class, _request = session_class, session_class.request  # type: ignore[attr-defined]
    _send, _prepare_request, _merge_environment_settings, _get_adapter = (
        getattr(session_class, name) for name in METHODS
    )
    _originals.update({name: getattr(session_class, name) for name in (*METHODS, *_REDIRECT_METHODS)})


def is_own(owner: type, name: str) -> bool:
    """Whether the method `name` of a session class is the one that came with the house."""
    return getattr(owner, name) is _originals[name]


def is_seen(session: "Session", auth: Any) -> bool:
    """Whether somebody sees how `session` makes a call with `auth`."""
    kind = type(session)
    if (
        kind.send is not _send
        or kind.prepare_request is not _prepare_request
        or kind.merge_environment_settings is not _merge_environment_settings
        or kind.get_adapter is not _get_adapter
        or HTTPAdapter.send is not _SEND
        or (session._touched and _is_changed(session))
        or not (kind is _session_class or all(is_own(kind, name) for name in _REDIRECT_METHODS))
    ):
        return True
    if auth is None:
        auth = session.auth
    return auth is not None and type(auth) is not tuple and takes_requests(auth)


def is_direct(session: "Session") -> bool:
    """Whether nobody could tell that a call without options is made without `request`, and by remembered settings.

    As `is_seen`, of a session of our own class without credentials; apart from it because most calls are such ones.
    """
    return (
        type(session) is _session_class
        and _session_class.request is _request
        and _session_class.send is _send
        and _session_class.prepare_request is _prepare_request
        and _session_class.merge_environment_settings is _merge_environment_settings
        and _session_class.get_adapter is _get_adapter
        and HTTPAdapter.send is _SEND
        and session.auth is None
        and not (session._touched and _is_changed(session))
    )


def _is_changed(session: "Session") -> bool:
    """Whether what somebody has looked at, or set, in `session` differs from what it begins with."""
    own = session.__dict__
    if any(name in own for name in _OWN_METHODS):
        return True
    if any((own.get("hooks") or {}).values()):
        return True
    adapters = own.get("adapters")
    return adapters is not None and not (
        list(adapters) == ["https://", "http://"]
        and all(type(each) is HTTPAdapter and "send" not in each.__dict__ for each in adapters.values())
        and all(each._home is not None and each._home() is session for each in adapters.values())
        and all(getattr(each.max_retries, "given", 0) is None for each in adapters.values())
    )


def is_replaced(adapter: Any) -> bool:
    """Whether the `send` of an adapter is none of ours, or has been replaced, by a mock most likely."""
    return not isinstance(adapter, HTTPAdapter) or HTTPAdapter.send is not _SEND or "send" in adapter.__dict__


def takes_requests(auth: Any) -> bool:
    """Whether `auth` is a caller's function of a prepared request, which may hang hooks on it as well."""
    if isinstance(auth, list) or not callable(auth) or callable(getattr(auth, "auth_flow", None)):
        return False
    if type(auth).__module__.partition(".")[0] == __package__.partition(".")[0]:
        return False
    import inspect

    return not (inspect.isgeneratorfunction(auth) or inspect.isgeneratorfunction(type(auth).__call__))

"""What programs ask urllib3 for through requests, where it is not installed: warnings, errors, `Retry`, `Timeout`."""

import sys
import time
import warnings
from collections.abc import Collection
from types import ModuleType
from typing import Any, Self

from .._model.errors import InsecureRequestWarning
from .._model.fields import parse_retry_after
from .._model.options import Timeout

_SAFE_TO_REPEAT = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"})
_LIMITS = ("total", "connect", "read", "redirect", "status", "other")


class HTTPError(Exception):
    """Base of what urllib3 raises."""


class MaxRetryError(HTTPError):
    """No attempt is left; `reason` says what the last one ended with."""

    def __init__(self, pool: Any, url: str, reason: BaseException | None = None) -> None:
        self.pool, self.url, self.reason = pool, url, reason
        super().__init__(f"Max retries exceeded with url: {url} (Caused by {reason!r})")


class ResponseError(HTTPError):
    """A response that was not wanted."""


class NewConnectionError(HTTPError):
    """No connection was made."""


class ProtocolError(HTTPError):
    """The peer broke HTTP."""


class ReadTimeoutError(HTTPError):
    """The peer was silent for too long."""


class ConnectTimeoutError(HTTPError):
    """Connecting took too long."""


class LocationParseError(ValueError, HTTPError):
    """A URL that cannot be read."""


class DecodeError(HTTPError):
    """The content coding is broken."""


class Retry:
    """How often is tried again, counted down by `increment`; the arguments are those of urllib3.

    Args:
        total, connect, read, redirect, status, other: attempts left, None for no such limit, False for none at all.
        allowed_methods: methods whose answers may be asked for again; None for all.
        status_forcelist: statuses that are asked for again.
        backoff_factor, backoff_max: seconds: factor * 2**(attempts - 1), at most so many.
        raise_on_redirect, raise_on_status: whether the last answer is an error.
        respect_retry_after_header: whether a Retry-After field is waited for.
    """

    DEFAULT_ALLOWED_METHODS = _SAFE_TO_REPEAT
    RETRY_AFTER_STATUS_CODES = frozenset({413, 429, 503})
    DEFAULT_BACKOFF_MAX = 120

    def __init__(
        self,
        total: Any = 10,
        connect: int | None = None,
        read: int | None = None,
        redirect: Any = None,
        status: int | None = None,
        other: int | None = None,
        allowed_methods: Collection[str] | None = _SAFE_TO_REPEAT,
        status_forcelist: Collection[int] | None = None,
        backoff_factor: float = 0,
        backoff_max: float = 120,
        raise_on_redirect: bool = True,
        raise_on_status: bool = True,
        history: tuple[Any, ...] | None = None,
        respect_retry_after_header: bool = True,
        **ignored: Any,
    ) -> None:
        self.total, self.connect, self.read, self.redirect = total, connect, read, redirect
        self.status, self.other = status, other
        self.allowed_methods = allowed_methods
        self.status_forcelist = status_forcelist or frozenset()
        self.backoff_factor, self.backoff_max = backoff_factor, backoff_max
        self.raise_on_redirect, self.raise_on_status = raise_on_redirect, raise_on_status
        self.history = history or ()
        self.respect_retry_after_header = respect_retry_after_header

    def new(self, **changes: Any) -> Self:
        """A copy with other arguments."""
        return type(self)(**self.__dict__ | changes)

    @classmethod
    def from_int(cls, retries: Any, redirect: Any = True, default: Any = None) -> Any:
        """`retries` as a Retry, with that many attempts when it is a number."""
        if retries is None:
            retries = 10 if default is None else default
        if isinstance(retries, Retry):
            return retries
        return cls(retries, redirect=bool(redirect) and None)

    def get_backoff_time(self) -> float:
        """Seconds to wait before the next attempt."""
        failures = len(self.history)
        return 0.0 if failures <= 1 else min(self.backoff_max, self.backoff_factor * 2.0 ** (failures - 1))

    def parse_retry_after(self, retry_after: str) -> float:
        """Seconds that a Retry-After field asks for, 0.0 when it is unreadable or past."""
        return parse_retry_after(retry_after.strip(), time.time()) or 0.0

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Whether an answer with this status is asked for again."""
        if self.allowed_methods is not None and method.upper() not in self.allowed_methods:
            return False
        if status_code in self.status_forcelist:
            return True
        waits = self.respect_retry_after_header and has_retry_after
        return bool(self.total and waits and status_code in self.RETRY_AFTER_STATUS_CODES)

    def is_exhausted(self) -> bool:
        """Whether a limit is passed."""
        counts = [getattr(self, name) for name in _LIMITS]
        return any(count is not None and count is not False and count < 0 for count in counts)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: Any = None,
        error: BaseException | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        """What is left after one more attempt, which ended with `response` or `error`.

        Raises:
            MaxRetryError: nothing is left.
        """
        if self.total is False and error is not None:
            raise error
        if isinstance(error, ConnectTimeoutError | NewConnectionError):
            kind = "connect"
        elif isinstance(error, ReadTimeoutError | ProtocolError):
            kind = "read"
        elif error is not None:
            kind = "other"
        else:
            kind = "status"
        changes: dict[str, Any] = {"history": (*self.history, (method, url, error, getattr(response, "status", None)))}
        for name in ("total", kind):
            count = getattr(self, name)
            if count is False and error is not None:
                raise error
            if count is not None and count is not False:
                changes[name] = count - 1
        following = self.new(**changes)
        if following.is_exhausted():
            reason = error or ResponseError(f"too many {getattr(response, 'status', '')} error responses")
            raise MaxRetryError(_pool, url or "", reason) from reason
        return following

    def __repr__(self) -> str:
        return f"Retry({', '.join(f'{name}={getattr(self, name)}' for name in _LIMITS)})"


def disable_warnings(category: type[Warning] = InsecureRequestWarning) -> None:
    """Silences the warnings about calls whose certificates are not checked."""
    warnings.simplefilter("ignore", category)


def register(name: str) -> ModuleType:
    """The stand-in as a module, importable as `name`, with its submodules."""
    errors = (
        "ConnectTimeoutError",
        "DecodeError",
        "HTTPError",
        "LocationParseError",
        "MaxRetryError",
        "NewConnectionError",
        "ProtocolError",
        "ReadTimeoutError",
        "ResponseError",
    )
    own = globals()
    root = ModuleType(name, __doc__)
    parts = {
        "exceptions": {each: own[each] for each in errors} | {"InsecureRequestWarning": InsecureRequestWarning},
        "util": {"Retry": Retry, "Timeout": Timeout},
        "util.retry": {"Retry": Retry},
        "util.timeout": {"Timeout": Timeout},
    }
    root.__dict__.update(parts["exceptions"], disable_warnings=disable_warnings, Retry=Retry, Timeout=Timeout)
    root.__dict__.update(__version__="0", __path__=[])
    sys.modules[name] = root
    for path, content in parts.items():
        module = ModuleType(f"{name}.{path}")
        module.__dict__.update(content, __path__=[])
        sys.modules[module.__name__] = module
        parent, _, last = module.__name__.rpartition(".")
        setattr(sys.modules[parent], last, module)
    return root

"""The settings of a session that few of them have: base URL, wishes, formats, stages."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._model.declared import NamedTuple
from .._model.errors import InvalidOption
from .._model.frozen import replace
from .._model.headers import Headers
from .._model.redirects import DEFAULT_REDIRECTS, Redirects
from .._model.url import URL
from .._rules.hsts import HSTSList
from .hsts import hsts_from
from .observing import ObservedSettings
from .options import ACCEPT_FIELDS, checked_redirects

if TYPE_CHECKING:
    from .formats import Formats


class Fixed(NamedTuple):
    """Settings that hardly change, in one object: comparing it costs a call no more than comparing one of them."""

    stream: bool = False
    strict_accept: bool = False
    raise_for_status: bool = False
    http2: bool = False
    lenient_http1: bool = False
    formats: "Formats | None" = None
    redirects: Redirects = DEFAULT_REDIRECTS


def is_of_callers(kind: type) -> bool:
    """Whether a class of sessions is none of the house's, and may have attributes of its own under our names."""
    return kind.__module__.partition(".")[0] != __name__.partition(".")[0]


class RareSettings(ObservedSettings):
    """Properties of sessions; see `Settings`."""

    _blocking = True
    _base: URL | None = None
    _base_url: Any = None  # as it was given: callers put it before their paths
    _fixed: Fixed
    _headers: Headers
    _hsts: HSTSList | None
    max_redirects: int

    @property
    def base_url(self) -> Any:
        """What relative URLs are seen from (RFC 3986 section 5): the last segment counts only if it ends with "/".

        With one, `auth`, the credential fields and the cookies given to the session go to its origin only. What a
        class of a caller's own sets here is that class's business: it has a meaning for us as an argument only.
        """
        return self._base_url

    @base_url.setter
    def base_url(self, value: Any) -> None:
        if is_of_callers(type(self)):
            self._base_url = value
        else:
            self._set_base(value)

    def _set_base(self, value: Any) -> None:
        self._base = None if value is None else URL.parse(value)
        self._base_url = value

    @property
    def _home_host(self) -> str:
        return "" if self._base is None else self._base.host

    @property
    def redirects(self) -> Redirects:
        """How redirects are followed, where they are; a `Redirects`."""
        return replace(self._fixed.redirects, max=self.max_redirects)

    @redirects.setter
    def redirects(self, value: Any) -> None:
        value = checked_redirects(value)
        if value.max is not None:
            self.max_redirects = value.max
        self._fixed = self._fixed._replace(redirects=replace(value, max=None))

    @property
    def credential_fields(self) -> frozenset[str]:
        """Names of the fields that, beside Authorization and Cookie, do not go to another origin."""
        return frozenset(self._fixed.redirects.credential_fields)

    @credential_fields.setter
    def credential_fields(self, names: Any) -> None:
        self._fixed = self._fixed._replace(redirects=replace(self._fixed.redirects, credential_fields=names))

    @property
    def hsts(self) -> HSTSList | None:
        """The hosts that are reached by https only, since they said so over TLS (RFC 6797); None where nobody asks.

        May be set to True for a new list, to the path of a file that keeps it, to another session's list, or to None.
        """
        return self._hsts

    @hsts.setter
    def hsts(self, value: Any) -> None:
        self._set_extra("_hsts", hsts_from(value))

    @property
    def accept(self) -> str | None:
        """The Accept field. May be set to its text, or to a list of media ranges and (media range, weight) pairs."""
        return self._headers.get("Accept")

    @accept.setter
    def accept(self, wish: Any) -> None:
        self._ask("accept", wish)

    @property
    def accept_language(self) -> str | None:
        """The Accept-Language field. May be set to its text, or to a list of tags and (tag, weight) pairs."""
        return self._headers.get("Accept-Language")

    @accept_language.setter
    def accept_language(self, wish: Any) -> None:
        self._ask("accept_language", wish)

    def _ask(self, option: str, wish: Any) -> None:
        from .._rules.negotiation import accept_value

        self._headers[ACCEPT_FIELDS[option]] = accept_value(option, wish)

    @property
    def strict_accept(self) -> bool:
        """Whether a successful answer that is not what was asked for raises NegotiationError."""
        return self._fixed.strict_accept

    @strict_accept.setter
    def strict_accept(self, on: bool) -> None:
        self._fixed = self._fixed._replace(strict_accept=bool(on))

    @property
    def http2(self) -> bool:
        """Whether https servers are offered HTTP/2, which has many calls share a connection (extra `http2`)."""
        return self._fixed.http2

    @http2.setter
    def http2(self, on: bool) -> None:
        if on:
            from importlib.util import find_spec

            if find_spec("h2") is None:
                raise InvalidOption("http2: the package h2 is not installed; the extra smartclient[http2] brings it")
        self._fixed = self._fixed._replace(http2=bool(on))

    @property
    def lenient_http1(self) -> bool:
        """Whether a bare LF ends a line of an HTTP/1.1 answer, as very old servers write it (RFC 9112 section 2.2).

        No connection is used twice then: what another reader takes for text could hide an answer.
        """
        return self._fixed.lenient_http1

    @lenient_http1.setter
    def lenient_http1(self, on: bool) -> None:
        self._fixed = self._fixed._replace(lenient_http1=bool(on))

    @property
    def raise_for_status(self) -> bool:
        """Whether calls raise the HTTPError of a status of 400 or above by themselves."""
        return self._fixed.raise_for_status

    @raise_for_status.setter
    def raise_for_status(self, on: bool) -> None:
        self._fixed = self._fixed._replace(raise_for_status=bool(on))

    @property
    def json_lib(self) -> Any:
        """What writes and reads JSON, by `dumps(value)` and `loads(text)`; None for the `json` of Python."""
        return self._fixed.formats and self._fixed.formats.json_lib

    @json_lib.setter
    def json_lib(self, value: Any) -> None:
        self._set_formats(value, self.codecs)

    @property
    def codecs(self) -> Mapping[str, Any]:
        """(encode, decode) by media type, for `data` and `response.parse()`; "application/x" serves "+x" too."""
        return self._fixed.formats.codecs if self._fixed.formats else {}

    @codecs.setter
    def codecs(self, value: Any) -> None:
        self._set_formats(self.json_lib, value)

    def _set_formats(self, json_lib: Any, codecs: Any) -> None:
        from .formats import Formats

        formats = Formats(json_lib, codecs) if json_lib is not None or codecs else None
        self._fixed = self._fixed._replace(formats=formats)

    @property
    def stages(self) -> tuple[Any, ...]:
        """Functions `f(request, next)` around every call, the outermost first; coroutine functions in AsyncSession."""
        return self._stages

    @stages.setter
    def stages(self, value: Any) -> None:
        if value:
            from .stages import checked_stages

            value = checked_stages(value, blocking=self._blocking)
        self._stages = value or ()

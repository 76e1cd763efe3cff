"""What a response's status means to its caller: the typed errors of `raise_for_status`, and problem details.

Source: RFC 9457 (problem details), PEP 678 (notes).
"""

from typing import TYPE_CHECKING, Any, Self

from .._model.errors import HTTPError, RequestException
from .._model.fields import parse_list
from .._model.url import URL
from .journey import CallViews
from .views import FieldViews, tell_alternatives

if TYPE_CHECKING:
    from .._model.problem import Problem

_EXCERPT = 500  # characters of a body that an error's note has


class StatusViews(CallViews, FieldViews):
    """What `status_code` comes to."""

    status_code: Any
    reason: Any
    url: Any
    _content: Any

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code is None or self.status_code < 400

    def raise_for_status(self) -> Self:
        """This response, or an HTTPError of the class that fits its status when that is 400 or above."""
        status = self.status_code
        if self.ok:
            return self
        from .._model.answer_errors import MethodNotAllowed, NotAcceptable, status_error_class

        side = "Client" if status < 500 else "Server"
        error = status_error_class(status)(
            f"{status} {side} Error: {_printable(self.reason)} for url: {_without_secrets(self.url)}",
            response=self,
            sent="wholly",
        )
        error.elapsed, error.attempts = self._seconds, self.attempts
        if isinstance(error, NotAcceptable):
            tell_alternatives(error, self._reply, self._content or b"")
        elif isinstance(error, MethodNotAllowed):
            error.allow = self.allow
        error.problem = self.problem
        self._tell_why(error)
        try:
            raise error
        finally:
            del error  # it knows this frame, and both would wait for the collector

    def _tell_why(self, error: HTTPError) -> None:
        """What the server says of it, as a note: the problem, or how a body of text begins."""
        if error.problem is not None:
            error.add_note(_printable(str(error.problem), _EXCERPT))
        elif self._content and self.content_type.name.startswith(("text/plain", "application/json")):
            from .._codec.text import decode_text

            start = decode_text(self._content[: 4 * _EXCERPT], None, self._field("content-type"))
            error.add_note(_printable(" ".join(start.split()), _EXCERPT))

    @property
    def problem(self) -> "Problem | None":
        """What a body of application/problem+json says, once it was read; None for any other (RFC 9457)."""
        from .._model.problem import MEDIA_TYPE, problem_in

        return problem_in(self._content) if self._content and self.content_type.name == MEDIA_TYPE else None

    @property
    def allow(self) -> tuple[str, ...]:
        """The methods of the Allow field, as answers to OPTIONS and those with 405 have it."""
        return tuple(parse_list(self._field("allow")))


def _printable(words: Any, most: int = 80) -> str:
    text = words.decode("latin-1") if isinstance(words, bytes) else str(words)
    return ascii(text[:most])[1:-1][: 2 * most]


def _without_secrets(url: Any) -> str:
    """The URL of a response without userinfo, query and fragment; what is none, as somebody put it there, cut."""
    try:
        return URL.parse(url).safe
    except RequestException:
        return ascii(str(url).partition("?")[0][:80])[1:-1]

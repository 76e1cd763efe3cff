"""What an `AsyncSession` sends for a prepared request; adapters, whose `send` would block, are not in its way."""

from typing import TYPE_CHECKING, Any

from .._model.errors import InvalidOption
from .._model.frozen import replace
from .._model.request import Request
from .adapting import Told
from .contents import off_the_loop
from .long_way import made_ready
from .request import PreparedRequest

if TYPE_CHECKING:
    from .async_session import AsyncSession


def request_for(session: "AsyncSession", prepared: Any, arguments: dict[str, Any]) -> tuple[Request, dict[str, Any]]:
    """What the stages are given for `prepared`, and what its hooks are told.

    Raises:
        InvalidOption: no prepared request.
        TypeError: an argument that `send` does not have.
    """
    if not isinstance(prepared, PreparedRequest):
        raise InvalidOption("You can only send PreparedRequests.")
    known = Told(bool(session.stream), None, session.verify, session.cert, dict(session.proxies or {}))
    for name in arguments:
        if name != "allow_redirects" and name not in Told._fields:
            raise TypeError(f"send() got an unexpected keyword argument {name!r}")
    told = known._replace(**{name: arguments[name] for name in Told._fields if name in arguments})
    request = made_ready(session, prepared, told, "timeout" in arguments)
    if prepared._own_cookies and request.fields.get("cookie") == prepared._own_cookies:
        request.fields = request.fields.without(("cookie",))  # each hop has its own
    follow = bool(arguments.get("allow_redirects", True))
    request.options = replace(request.options, allow_redirects=follow)
    request.body = off_the_loop(request.body)
    return request, told._asdict()

"""Calls that make several GET requests of one: each is a streamed call of the session, with all that belongs to one."""

import time
from collections.abc import Mapping
from typing import Any

from .._model.errors import DeadlineExceeded, InvalidOption
from .._model.headers import fields_from
from .._model.options import Timeout
from .._model.url import URL
from .options import with_params
from .response import Response

_OURS = ("range", "if-range")


class Asker:
    """One URL of a session, asked for again and again.

    Attributes:
        url: the whole of it, with its parameters.
    """

    def __init__(self, session: Any, url: Any, options: Mapping[str, Any]) -> None:
        """`options` are keywords of `session.request`.

        Raises:
            InvalidURL, InvalidOption: the URL or its parameters make no sense; a Range field, which is written here.
        """
        self._session = session
        base = session._base
        target = URL.parse(url) if base is None else base.join(url)
        style = options.get("array_style") or session.array_style
        self.url: URL = with_params(target, session.params, options.get("params"), style)
        self._asked = url
        self._options = {**options, "stream": True}
        self._headers = list(_pairs(self._options.pop("headers", None)))
        given = {_lower(name) for name, _ in self._headers} | {name.lower() for name in session.headers}
        if not given.isdisjoint(_OURS):
            raise InvalidOption("Range and If-Range are written by the call itself")
        timeout = options.get("timeout", session.timeout)
        self._total = timeout if isinstance(timeout, Timeout) and timeout.explicit_total else None
        self._began = time.monotonic()

    def prefer(self, name: str, value: str, over: str | None = None) -> None:
        """Sends this field, unless the caller has another one than `over`."""
        mine = dict(self._session.headers.lower_items()).get(name.lower(), over)
        if mine == over and not any(_lower(given) == name.lower() for given, _ in self._headers):
            self._headers.append((name, value))

    async def ask(self, fields: Mapping[str, str | bytes]) -> Response:
        """The answer to a request with these fields besides, its body still to be read.

        Raises:
            RequestException: as any call.
        """
        replaced = {name.lower() for name in fields}
        kept = [pair for pair in self._headers if _lower(pair[0]) not in replaced]
        options = self._options if self._total is None else {**self._options, "timeout": self._what_is_left()}
        answer = self._session.request("GET", self._asked, headers=[*kept, *fields.items()], **options)
        response: Response = answer if self._session._blocking else await answer
        return response

    def _what_is_left(self) -> Timeout:
        given = self._total
        assert given is not None
        if given.total is None:
            return given
        left = self._began + given.total - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(f"no time left of {given.total:g} s", sent="nothing")
        return Timeout(connect=given.connect, read=given.read, write=given.write, pool=given.pool, total=left)


def _lower(name: Any) -> str:
    return (name.decode("latin-1") if isinstance(name, bytes) else str(name)).lower()


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    if not headers:
        return []
    if hasattr(headers, "multi_items"):
        headers = headers.multi_items()
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    fields_from(pairs)  # what cannot be sent raises here, before any connection
    return pairs

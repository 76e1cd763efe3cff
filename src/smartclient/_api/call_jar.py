"""The jar of the module functions: cookies that are set on the way of one call, and gone with it."""

import threading
from collections.abc import Iterable, Iterator

from .._model.cookies import Cookie
from .._model.url import URL
from .._rules.cookies import Refusal
from .._rules.jar import Jar
from .._runtime.base import new_lock


class CallJar(Jar):
    """For each thread the cookies of the call that it makes; empty, and falsy, until a response sets one."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        super().__init__(new_lock())
        self._calls = threading.local()

    def store(self, url: URL, lines: Iterable[str], now: float) -> list[Refusal]:
        if not self:
            self._calls.jar = Jar(new_lock())
        return self._calls.jar.store(url, lines, now)  # type: ignore[no-any-return]

    def field_for(self, url: URL, now: float) -> str | None:
        return self._calls.jar.field_for(url, now) if self else None

    def forget(self) -> None:
        """The call is over."""
        if self:
            del self._calls.jar

    def __len__(self) -> int:
        return len(self._calls.jar) if self else 0

    def __iter__(self) -> Iterator[Cookie]:
        return iter(self._calls.jar if self else ())

    def __bool__(self) -> bool:
        return hasattr(self._calls, "jar")

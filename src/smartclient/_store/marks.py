"""What invalidations leave behind: the moments before which nothing is taken any more; never what they removed."""

from collections import OrderedDict
from collections.abc import Iterable
from math import inf

from .._model.scope import Scope, origin_of

MAX_MARKS = 65_536
MAX_PREFIXES = 64  # each is compared with everything that comes


class Marks:
    """The newest moment of each scope. Of a mark that is dropped for room, the moment counts for everything."""

    __slots__ = ("_everything", "_marks", "_prefixes")

    def __init__(self) -> None:
        self._everything = -inf
        self._marks: OrderedDict[Scope, float] = OrderedDict()
        self._prefixes: OrderedDict[Scope, float] = OrderedDict()

    def add(self, scope: Scope, moment: float) -> None:
        if scope.kind == "everything":
            self._everything = max(self._everything, moment)
            self._marks.clear()
            self._prefixes.clear()
            return
        marks, room = (self._prefixes, MAX_PREFIXES) if scope.kind == "prefix" else (self._marks, MAX_MARKS)
        marks[scope] = max(moment, marks.pop(scope, -inf))
        if len(marks) > room:
            self._everything = max(self._everything, marks.popitem(last=False)[1])

    def moment(self, uri: str, groups: Iterable[str]) -> float:
        """The newest mark that covers `uri`: what was sent then or before is refused."""
        newest = self._everything
        if self._marks:
            scopes = scopes_of(uri, groups)
            newest = max(newest, *[self._marks.get(scope, -inf) for scope in scopes])
        if self._prefixes:
            newest = max(newest, *[moment for scope, moment in self._prefixes.items() if scope.covers(uri, ())], -inf)
        return newest


def scopes_of(uri: str, groups: Iterable[str]) -> list[Scope]:
    """The scopes, but prefixes and everything, that a response stored for `uri` is in."""
    origin = origin_of(uri)
    return [Scope("uri", uri), Scope("origin", origin), *[Scope("group", origin, group) for group in groups]]

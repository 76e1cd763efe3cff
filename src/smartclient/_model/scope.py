"""What an invalidation is about: one URI, an origin, a group, all that begins alike, or everything.

Sources: RFC 9111 section 4.4, RFC 9875 (groups). Never how it is removed.
"""

from collections.abc import Iterable
from typing import Literal

from .declared import NamedTuple


class Scope(NamedTuple):
    """A set of URIs, in all partitions and variants.

    Attributes:
        kind: which of the five it is.
        value: the URI without fragment, the origin ("https://host:8443"), the origin of the group, or the text that
            URIs begin with; "" for everything.
        group: the name of the group, else "".
    """

    kind: Literal["uri", "origin", "group", "prefix", "everything"]
    value: str = ""
    group: str = ""

    def covers(self, uri: str, groups: Iterable[str]) -> bool:
        """Whether a response stored for `uri`, a member of `groups`, is in it."""
        match self.kind:
            case "uri":
                return uri == self.value
            case "origin":
                return origin_of(uri) == self.value
            case "group":
                return self.group in groups and origin_of(uri) == self.value
            case "prefix":
                return uri.startswith(self.value)
            case _:
                return True


EVERYTHING = Scope("everything")


def origin_of(uri: str) -> str:
    """Scheme and authority of a normalised absolute URI, as in "https://host:8443"."""
    end = uri.find("/", uri.find("://") + 3)
    return uri if end < 0 else uri[:end]

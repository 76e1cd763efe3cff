"""What a response tells of its call: the connection, the cache, attempts, times; never what it says itself."""

from typing import TYPE_CHECKING, Any

from .._model.message import Reply
from .._model.retry import Attempt
from .request import attempts_of, timings_of

if TYPE_CHECKING:
    from .._model.certificate import TLSInfo
    from .._model.timings import Timings
    from .explaining import Explanation


class CallViews:
    """How `_reply` was come by, whose head was there `_seconds` after the call began."""

    _reply: Reply
    _seconds: float
    _is_hop = False  # a redirect that was followed

    @property
    def _own_seconds(self) -> float | None:
        """The seconds to the head, where the call had no other hop."""
        return None if self._is_hop or self._reply.history else self._seconds

    @property
    def http_version(self) -> str:
        """ "HTTP/1.1" or what the peer said."""
        return self._reply.head.version

    @property
    def address(self) -> Any:
        """(IP address, port) of whoever answered, the path of its Unix socket, or None: unknown, as from the cache."""
        connection = self._reply.connection
        return None if connection is None else connection.address

    @property
    def tls(self) -> "TLSInfo | None":
        """Version, cipher and certificate of the connection; None without TLS, and for what the cache had."""
        connection = self._reply.connection
        if connection is None or connection.handshake is None:
            return None
        from .._model.certificate import TLSInfo

        return TLSInfo.of(connection.handshake)

    @property
    def cache(self) -> Any:
        """What the cache did for this call, None without one; `str()` of it is a Cache-Status field (RFC 9211)."""
        return self._reply.cache

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Each time that the request of the last hop was sent, oldest first; none for what the cache had."""
        return attempts_of(self._reply, self._own_seconds)

    @property
    def timings(self) -> "Timings":
        """Seconds of each phase of the last exchange; none of it for what the cache had."""
        return timings_of(self._reply, self._own_seconds)

    def explain(self) -> "Explanation":
        """What was decided in this call, in order: steps with topic, text and facts; `str()` has one in each line."""
        from .explaining import explained

        return explained(self._reply, self._own_seconds)

    @property
    def undecoded(self) -> str | None:
        """Name of a content coding that was left on because nobody here knows it."""
        return self._reply.undecoded

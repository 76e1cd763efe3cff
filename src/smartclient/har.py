"""Recording of what a session sends and receives, as HAR 1.2."""

from typing import TYPE_CHECKING

from ._api.recording import Recorder

if TYPE_CHECKING:
    from ._api.async_session import AsyncSession
    from ._api.session import Session

__all__ = ["Recorder", "record"]


def record(session: "Session | AsyncSession", *, secrets: bool = False) -> Recorder:
    """Records the calls of `session` that begin from now on, until the `with` block ends or `stop()` is called.

    >>> import smartclient.har
    >>> with smartclient.Session() as session, smartclient.har.record(session) as recorder:
    ...     pass  # calls of the session
    >>> recorder.har["log"]["version"]
    '1.2'

    Bodies are kept up to 1 MiB each. Without `secrets`, values of credential fields, of cookies, and of names such as
    token and key in queries and forms are ***.
    """
    return Recorder(session, secrets=secrets)

"""What an answer to a request for events means, and how long to wait before the next request.

Source: the HTML standard, sections 9.2.2 and 9.2.3.
"""

from .._model.errors import UnexpectedContent
from .._model.fields import parse_media_type
from .._model.message import Head

EVENT_STREAM = "text/event-stream"
USUAL_WAIT = 3.0
LEAST_WAIT = 0.5
MOST_WAIT = 60.0
_DOUBLINGS_MAX = 7


def wait_before_reconnecting(asked: float | None, failures: int, dice: float) -> float:
    """Seconds: what the server has asked for, within 0.5 and 60, and doubled with each failure in a row.

    `failures`: connections in a row that brought no event; `dice` is random, 0.0 <= dice < 1.0, and adds up to a fifth.
    """
    wait = min(MOST_WAIT, max(LEAST_WAIT, USUAL_WAIT if asked is None else asked))
    if failures == 0:
        return wait
    return float(min(MOST_WAIT, wait * 2 ** min(failures, _DOUBLINGS_MAX) * (1 + dice / 5)))


def has_events(head: Head) -> bool:
    """Whether a successful answer is a stream of events; False where it says that there will be none any more (204).

    Raises:
        UnexpectedContent: it is something else.
    """
    if head.status == 204:
        return False
    media_type = parse_media_type(head.fields.get("content-type", "")).name
    if head.status != 200 or media_type != EVENT_STREAM:
        raise UnexpectedContent(f"a {head.status} with {media_type or 'no media type'} is no stream of events")
    return True

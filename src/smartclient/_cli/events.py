"""`--sse`: the events of a server as they come, as text or as one JSON object a line."""

from typing import TYPE_CHECKING, Any

from .masks import escaped
from .render import Output

if TYPE_CHECKING:
    from .. import Session


def write_events(session: "Session", url: str, options: dict[str, Any], out: Output, *, as_json: bool) -> None:
    """Writes each event's data as a text of its own, or all of the event as JSON, until the server ends the stream."""
    with session.sse(url, **options) as events:
        for event in events:
            if as_json:
                from .machine import VERSION, line

                out.write(line({"v": VERSION, "event": event.event, "id": event.id, "data": event.data}))
            elif out.is_terminal:
                named = "" if event.event == "message" else f"[{event.event}] "
                out.write_text(escaped(f"{named}{event.data}") + "\n")
            else:
                out.write(event.data.encode("utf-8", "replace") + b"\n")

"""What two ends of a WebSocket agree on; never how."""

from .declared import NamedTuple

DEFLATE = "permessage-deflate"


class Deflate(NamedTuple):
    """What was agreed on compression: whether each side begins afresh with each message, and its window's bits."""

    client_no_context_takeover: bool = False
    server_no_context_takeover: bool = False
    client_max_window_bits: int = 15
    server_max_window_bits: int = 15

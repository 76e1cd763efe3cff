"""What is kept from eyes and terminals: secrets as ***, control characters written out; never a decision.

A pipe gets the bytes of bodies as they are; what is told on stderr is masked unless --show-secrets was given.
"""

import re

from .._model.masking import is_secret_field as is_secret_field
from .._model.masking import masked as masked
from .._model.masking import masked_value as masked_value

# Compiled at first use: most calls tell nothing.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"


def escaped(text: str) -> str:
    """`text` with its control and direction-changing characters written out; newline, CRLF and tab stay."""
    return re.sub(_UNSAFE, _written_out, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`text` escaped, and its newlines and tabs as blanks: a peer's words inside a line of a report."""
    return escaped(" ".join(text.split()))


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

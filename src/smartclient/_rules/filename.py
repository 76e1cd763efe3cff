"""One plain name for a file that a server offers: whatever it was, never a path, a hidden file or a disguise.

Sources: RFC 6266 section 4.3; CVE-2019-20916 (separators), CVE-2010-2252 (the asked URL counts, not where it led).
"""

import re
from urllib.parse import unquote

from .._model.disposition import disposition_name
from .._model.headers import Fields
from .._model.url import URL

NAME_MAX = 200  # bytes in UTF-8: file systems take 255, of which the names of our own files need some
_FALLBACK = "download"
_SEPARATORS = re.compile(r"[/\\]")
# Control and format characters, bidi marks among them, surrogates and private ones: what a terminal may act upon.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\uf8ff\ufeff\ufff9-\uffff"
    "\U000e0000-\U0010ffff]"
)
_SPECIAL = re.compile(r'[<>:"|?*]')  # not on Windows: streams, wildcards, redirections
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9\xb9\xb2\xb3]|lpt[0-9\xb9\xb2\xb3])(?=\.|$)", re.IGNORECASE
)


def offered_name(fields: Fields, asked: URL) -> str:
    """The name for what the answer with `fields` holds: Content-Disposition, else the asked URL's last segment."""
    disposition = fields.get("content-disposition", "")
    offered = disposition_name(disposition) if disposition else None
    return plain_name(offered or "") or plain_name(_last_segment(asked)) or _FALLBACK


def _last_segment(url: URL) -> str:
    return unquote(url.path.rpartition("/")[2], errors="replace")


def plain_name(text: str) -> str:
    """`text` as one name that is safe on every system; "" when nothing of it is left."""
    name = _UNSEEN.sub("", _SEPARATORS.split(text)[-1])
    name = _SPECIAL.sub("_", name).strip(". ")
    if _DEVICE.match(name):
        name = f"_{name}"
    return _shortened(name)


def _shortened(name: str) -> str:
    """At most `NAME_MAX` bytes of `name`, with its suffix where that is short."""
    if len(name.encode("utf-8")) <= NAME_MAX:
        return name
    stem, dot, suffix = name.rpartition(".")
    kept = f"{dot}{suffix}" if dot and len(suffix.encode("utf-8")) <= 16 else ""
    room = NAME_MAX - len(kept.encode("utf-8"))
    text = (stem if kept else name).encode("utf-8")[:room].decode("utf-8", "ignore")
    return f"{text.rstrip('. ')}{kept}"

"""multipart/form-data: parts and the pieces that they are sent in, in constant memory; never where contents come from.

Sources: RFC 7578, and for names the encoding of the WHATWG's HTML standard ("multipart form data").
"""

import re
from collections.abc import Iterator, Sequence

from .body import RequestBody
from .errors import InvalidHeader, InvalidOption, shown
from .headers import NO_FIELDS, Fields

_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ESCAPES = {'"': "%22", "\r": "%0D", "\n": "%0A"}


class Part:
    """One part: its head, ready for the wire, and its content.

    Raises:
        InvalidHeader: a name, file name or content type has control bytes or surrogates.
    """

    __slots__ = ("content", "head", "name")

    def __init__(
        self,
        name: str,
        content: RequestBody,
        filename: str | None = None,
        content_type: str | None = None,
        fields: Fields = NO_FIELDS,
    ) -> None:
        """`fields` are further ones; Content-Disposition among them is left out, since it follows from the names."""
        line = f'Content-Disposition: form-data; name="{_quoted(name)}"'
        if filename is not None:
            line += f'; filename="{_quoted(filename)}"'
        if content_type is not None:
            line += f"\r\nContent-Type: {_checked(content_type)}"
            fields = fields.without(("content-type",))
        self.name = name
        self.content = content
        try:
            self.head = line.encode("utf-8") + b"\r\n" + fields.without(("content-disposition",)).block
        except UnicodeEncodeError:
            raise InvalidHeader(f"files: the names of part {shown(name)} have letters that cannot be sent") from None


def _quoted(text: str) -> str:
    return _checked("".join([_ESCAPES.get(char, char) for char in text]))


def _checked(text: str) -> str:
    if _UNSENDABLE.search(text):
        raise InvalidHeader(f"files: {shown(text)} has control bytes, which no part's head can carry")
    return text


class Multipart:
    """Parts in order, as one body. `boundary` is 1 to 70 letters and digits that no content has (RFC 2046 5.1.1).

    Attributes:
        length: bytes in all, None when a part's is not known.
        replayable: all parts can be read again.
        content_type: what the message says of the body.
        may_block: reading a part may have to wait.
    """

    def __init__(self, parts: Sequence[Part], boundary: str) -> None:
        self._parts = parts
        self._mark = b"--" + boundary.encode("ascii")
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.replayable = all(part.content.replayable for part in parts)
        self.may_block = any(getattr(part.content.content, "may_block", False) for part in parts)
        self.length: int | None = len(self._mark) + 4
        for part in parts:
            if part.content.length is None:
                self.length = None
                break
            self.length += len(self._mark) + len(part.head) + part.content.length + 6

    def __iter__(self) -> Iterator[bytes]:
        """The pieces, from the start.

        Raises:
            InvalidOption: a part has become longer or shorter than it was.
        """
        for part in self._parts:
            yield b"%b\r\n%b\r\n" % (self._mark, part.head)
            left = part.content.length
            for piece in part.content.pieces():
                if left is not None:
                    left -= len(piece)
                    if left < 0:
                        break
                yield piece
            if left:
                raise InvalidOption(f"files: the content of {shown(part.name)} changed its length while it was sent")
            yield b"\r\n"
        yield self._mark + b"--\r\n"

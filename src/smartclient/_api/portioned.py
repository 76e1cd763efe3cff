"""A response's content in portions: pieces, lines, JSON values; how each is made is in `pieces`."""

from collections.abc import Iterator
from typing import Any

from .._codec.lines import LINE_MAX, LineSplitter
from .._model.body import BytesReader
from .._model.errors import InvalidOption, StreamConsumedError, shown
from .._model.message import Reply
from .pieces import Lines, Pieces, Portions, Remains, Text, Values, each


class Portioned:
    """Iteration over the body of `_reply`, or over content that was read already."""

    _reply: Reply
    _content: Any
    _encoding: str | None
    _consumed: bool
    _closed: bool
    _remains: Remains | None = None  # once somebody has begun to iterate over what was not read

    @property
    def _content_consumed(self) -> bool:
        """Whether nothing is left of the stream: requests' name, which may be set."""
        return self._consumed or (self._remains is not None and self._remains.over)

    @_content_consumed.setter
    def _content_consumed(self, value: bool) -> None:
        self._consumed = value

    def _check_stream(self) -> None:
        if self._content_consumed or self._closed:
            message = "The content for this response was already consumed"
            raise StreamConsumedError(message, response=self, sent="wholly")

    def _consume(self) -> bytes:
        """Notes that the rest of the stream is being read; gives what somebody else's iteration has left of it."""
        self._check_stream()
        self._consumed = True
        return b"" if self._remains is None else bytes(self._remains.piece)

    def _field(self, name: str) -> str:
        raise NotImplementedError

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[Any]:
        """The decoded content, `chunk_size` bytes at a time where the head says its length; else as it arrives, at most
        so many; None: as it comes. Another iteration goes on where one was left.

        Raises:
            StreamConsumedError: the stream was read already.
            IncompleteBody, ContentDecodingError: it broke; it never stops quietly.
        """
        return each(self._pieces(chunk_size, decode_unicode))

    def iter_lines(
        self,
        chunk_size: int | None = None,
        decode_unicode: bool = False,
        delimiter: bytes | str | None = None,
        max_line: int = LINE_MAX,
    ) -> Iterator[Any]:
        """The content line by line, without line ends, which may be split over pieces; `max_line` bytes at most each.

        Raises:
            BodyTooLarge: a longer line.
        """
        return each(self._lines(chunk_size, decode_unicode, delimiter, max_line))

    def iter_json_lines(self, max_line: int = LINE_MAX) -> Iterator[Any]:
        """The values of newline-delimited JSON, one for each line that is not blank.

        Raises:
            JSONDecodeError: a line is none; the lines before it were given.
            BodyTooLarge: a line over `max_line` bytes.
        """
        return (value for (value,) in each(self._json_lines(max_line)))

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The body as received, still coded."""
        return each(self._raw_pieces(chunk_size))

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_content(128)

    def _pieces(self, size: int | None, decode_unicode: bool) -> Portions[Any]:
        pieces = self._bytes(size, exact="content-length" in self._reply.head.fields)
        return self._decoded(pieces) if decode_unicode else pieces

    def _bytes(self, size: int | None, *, exact: bool) -> Pieces:
        _check_size(size)
        if self._content is not False:
            return Pieces(BytesReader(self._content or b""), size, self._reply)
        self._check_stream()
        if self._remains is None:
            self._remains = Remains()
        return Pieces(self._reply.body, size, self._reply, self._remains, exact=exact)

    def _json_lines(self, max_line: int) -> Values:
        return Values(self._lines(None, False, None, max_line), self._reply.request.options.formats)

    def _lines(
        self, size: int | None, decode_unicode: bool, delimiter: bytes | str | None, line_max: int | None
    ) -> Portions[Any]:
        _check_size(line_max, "max_line")
        if isinstance(delimiter, str):
            delimiter = delimiter.encode("utf-8", "replace")
        splitter = LineSplitter(delimiter, LINE_MAX if line_max is None else line_max)
        lines = Lines(self._bytes(size, exact=False), splitter)
        return self._decoded(lines) if decode_unicode else lines

    def _decoded(self, portions: Portions[bytes]) -> Portions[str]:
        from .._codec.text import text_codec, text_encoding

        asked = text_codec(self._encoding) if self._encoding else None
        return Text(portions, asked or text_encoding(self._field("content-type"), b""))

    def _raw_pieces(self, size: int | None) -> Portions[bytes]:
        _check_size(size)
        self._consume()
        return Pieces(self._reply.raw, size, self._reply)


def _check_size(size: Any, name: str = "chunk_size") -> None:
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise InvalidOption(f"{name} must be a positive whole number or None, not {shown(size)}")

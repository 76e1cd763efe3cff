"""`download`: what a caller may ask for, checked, and what it gets; the transfer itself is in `transfer`."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from .._model.declared import NamedTuple
from .._model.digests import WANTED, Digest, checksum_from
from .._model.errors import InvalidOption, shown
from .._model.fields import ACCEPT_ENCODING
from .._rules.download import checked_parallel, checked_rate
from .options import CommonOptions, unknown_keyword
from .response import Response

R = TypeVar("R", bound=Response)
ProgressCall = Callable[[int, int | None, float], Any]
_NOT_FOR_FILES = frozenset(("stream", "cache", "files", "progress"))
_OPTIONS = (CommonOptions.__optional_keys__ | {"params"}) - _NOT_FOR_FILES


@dataclass(frozen=True, slots=True)
class Download(Generic[R]):
    """A file that has been downloaded.

    Attributes:
        path: where it is.
        size: bytes of it.
        digest: "sha256:..." or the like, where one was asked for or told by the server, and so was checked; else None.
        resumed_from: bytes that an earlier call had left and that were not asked for again.
        response: the last answer of the server, its body gone; its status is 304 where `if_changed` saved the transfer.
    """

    path: Path
    size: int
    digest: str | None
    resumed_from: int
    response: R


class Wish(NamedTuple):
    """The keywords of `download`, checked; see `Session.download`."""

    path: str
    resume: bool
    checksum: Digest | None
    parallel: int
    progress: ProgressCall | None
    overwrite: bool
    if_changed: bool
    limit_rate: float | None


def wish_from(
    path: Any,
    resume: Any,
    checksum: Any,
    parallel: Any,
    progress: Any,
    overwrite: Any,
    if_changed: Any,
    limit_rate: Any,
) -> Wish:
    """What the keywords mean.

    Raises:
        InvalidOption: one of them means nothing.
    """
    try:
        text = os.fsdecode(path)
        os.fsencode(text)
    except (TypeError, UnicodeEncodeError):
        raise InvalidOption(f"download: path must be a path, not {shown(path)}") from None
    if not text or "\0" in text:
        raise InvalidOption(f"download: {shown(path)} is no path")
    if progress is not None and not callable(progress):
        raise InvalidOption("progress must be a function of (bytes so far, bytes in all or None, bytes in a second)")
    return Wish(
        text,
        bool(resume),
        checksum_from(checksum),
        checked_parallel(parallel),
        progress,
        bool(overwrite),
        bool(if_changed),
        checked_rate(limit_rate),
    )


async def fetched(session: Any, url: Any, wish: Wish, options: Mapping[str, Any]) -> Download[Any]:
    """The whole of a download, over either kind of session."""
    from .asker import Asker
    from .transfer import Transfer

    unknown = options.keys() - _OPTIONS
    if unknown:
        raise unknown_keyword("download", unknown, _OPTIONS)
    # As it is, uncoded, and past the cache, which is not for large files.
    asker = Asker(session, url, {**options, "cache": None})
    asker.prefer("Accept-Encoding", "identity", over=ACCEPT_ENCODING)
    asker.prefer("Want-Repr-Digest", WANTED)
    return await Transfer(asker, session._runtime(), wish).run()

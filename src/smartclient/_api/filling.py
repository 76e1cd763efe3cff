"""The file of a download while it fills: what it has, lacks and must be in the end; plain calls, never a request."""

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from .._model.body import BodyReader, called
from .._model.digests import Digest, parse_digests
from .._model.fields import parse_http_date
from .._model.headers import Fields
from .._model.url import URL
from .._rules.download import Gap, Gaps, Pace, Record, again, divided
from .._rules.resume import is_coded, length_from, validator_of
from .._runtime.base import Runtime
from .destination import Destination
from .download import Wish
from .hashing import Follower, HashedBody
from .part_file import PartFile, boot_name

_FLUSHED_EVERY = 64 * 2**20


class Filling:
    """The file, its record, its gaps and its digests.

    Attributes:
        destination: where the file goes.
        record: what is known of it; `record.validator` is None where it cannot be gone on with.
        gaps: what is missing.
        pace: how far and how fast.
        coded: the body that is decoded into it, where it came with a content coding.
        resumed_from: bytes that an earlier call had left.
        round: counts the beginnings; what a thread is late with belongs to one that is over.
    """

    def __init__(self, wish: Wish, url: URL, runtime: Runtime) -> None:
        self._wish = wish
        self._runtime = runtime
        self.destination = Destination(wish.path, url, overwrite=wish.overwrite)
        self.record = Record(self.destination.key, None, None, [], [], boot_name())
        self.gaps = Gaps(())
        self.pace = Pace(runtime.now(), wish.limit_rate)
        self.coded: HashedBody | None = None
        self.resumed_from = 0
        self.round = 0
        self._file: PartFile | None = None
        self._told: Digest | None = None  # by the server, of the file
        self._followers: dict[str, Follower] = {}
        self._unflushed = 0
        self._lock = threading.RLock()

    def look_for_part(self) -> bool:
        """Takes up what an earlier call has left: whether there is something to go on with."""
        path = self.destination.checked()
        self._file = PartFile.begun(path, self.destination.key) if self._wish.resume else None
        if self._file is None or self._file.record is None:
            return False
        record = self.record = self._file.record
        missing = again(record.missing, record.length)
        self.gaps = Gaps(missing)
        self.resumed_from = missing[0][0]
        if record.length is not None:
            self.resumed_from = record.length - sum((stop or 0) - at for at, stop in missing)
        self.pace.done = self.resumed_from
        return True

    def validator_in(self, fields: Fields) -> str | None:
        """What names the representation that came with `fields`, for parts of it to be asked for."""
        return None if is_coded(fields) or not self._wish.resume else validator_of(fields, time.time())

    def begin_anew(self, fields: Fields, raw: BodyReader) -> None:
        """Makes the file ready for the whole, as the head with `fields` announces it; `raw` is its body as received."""
        coded = is_coded(fields)
        announced = fields.get("content-length", "")
        length = None if coded else length_from(announced)
        with self._lock:
            self.round += 1
            if self._file is None:
                self._file = PartFile.new(self.destination.checked())
            whole: list[tuple[int, int | None]] = [(0, length)]
            validator = self.validator_in(fields)
            self.record = Record(self.destination.key, validator, length, whole, whole, boot_name())
            self._file.start(self.record)
            self._file.check_room(length or 0)
            self.gaps = Gaps(self.record.missing)
            self.resumed_from = self.pace.done = 0
            self.coded = HashedBody(raw, parse_digests(fields.get("repr-digest", ""))) if coded else None
            self._followers, self._told = {}, None

    def follow(self, fields: Fields) -> None:
        """Notes what an answer says of the digest of the whole."""
        if self.coded is None:
            self._told = parse_digests(fields.get("repr-digest", "")) or self._told
        for digest in self._digests():
            self._followers.setdefault(digest.algorithm, Follower(digest.algorithm))

    def _digests(self) -> dict[Digest, str]:
        """What the file must have, and who says so."""
        said = {self._told: "Repr-Digest", self._wish.checksum: "checksum"}
        return {digest: told_by for digest, told_by in said.items() if digest is not None}

    def divide(self, missing: Iterable[tuple[int, int | None]]) -> list[Gap]:
        """Cuts what is missing for parallel requests: the first gap for each of them."""
        self.gaps = Gaps(divided(missing, self._wish.parallel))
        taken = [self.gaps.take() for _ in range(self._wish.parallel)]
        return [gap for gap in taken if gap is not None]

    def set_length(self, length: int) -> None:
        """The length, once it is known."""
        with self._lock:
            durable: list[tuple[int, int | None]] = [(at, length) for at, _ in self.record.durable[:1]]
            self.record = self.record._replace(length=length, durable=durable)

    def store(self, number: int, gap: Gap, portion: list[bytes]) -> None:
        """Hands `portion` to the system, and puts down from time to time how far that is."""
        with self._lock:
            file = self._file
            if number != self.round or file is None:
                return
            file.write_at(gap.at, portion)
            for follower in self._followers.values():
                follower.saw(gap.at, portion)
            size = sum(map(len, portion))
            gap.at += size
            self.pace.done += size
            self._unflushed += size
            if file.is_record_due(now := self._runtime.now()):
                file.note(self._as_of_now(), now)
            if self._unflushed >= _FLUSHED_EVERY:
                self._unflushed = 0
                with suppress(OSError):  # no thread for it: then the end waits longer
                    self._runtime.run_in_thread(partial(self._flush, file, number, self.gaps.missing()))

    def _flush(self, file: PartFile, number: int, missing: list[tuple[int, int | None]]) -> None:
        """What was not missing before it came to the disk, is there now."""
        if file.flush_some():
            with self._lock:
                if number == self.round:
                    self.record = self.record._replace(durable=missing)

    def _as_of_now(self) -> Record:
        return self.record._replace(missing=self.gaps.missing())

    def tell(self, *, at_the_end: bool = False) -> None:
        """Tells the caller how far it is, if it is time to."""
        progress = self._wish.progress
        if progress is not None:
            now = self._runtime.now()
            if at_the_end or self.pace.is_due(now):
                called(progress, self.pace.done, self.record.length, self.pace.rate(now))

    def complete(self, fields: Fields) -> str | None:
        """Checks the file, which has no gaps, and puts it in its place; the digest that it was checked by.

        Raises:
            ChecksumError: it is not what it should be, and was thrown away.
        """
        file = self._file
        assert file is not None
        digests = self._digests()
        for digest, told_by in digests.items():
            self._followers[digest.algorithm].check(file, digest, told_by)
        modified = parse_http_date(fields.get("last-modified", ""), time.time()) if self._wish.if_changed else None
        file.finish(self.record.length or 0, overwrite=self.destination.overwrite, modified=modified)
        return str(list(digests)[-1]) if digests else None

    def leave(self, *, worthless: bool) -> None:
        """Lets go of the part; it stays where a later call can go on with it. Does nothing once it is complete."""
        file = self._file
        if file is None:
            return
        if worthless or self.record.validator is None or not self.pace.done:
            file.discard()
            return
        with suppress(OSError):
            file.note(self._as_of_now())
        file.close()

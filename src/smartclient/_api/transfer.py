"""The engine of downloads: asks for what a file is missing until that is nothing, over whatever session.

What an answer means is decided in `_rules.resume`; what is missing, and the file itself, is in `filling`. Written once:
pieces go to the system at once in blocking sessions, and in large portions, by a thread, beside an event loop.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from .._codec.decoders import decoding_for
from .._model.body import BodyReader
from .._model.errors import ChecksumError, HTTPError, IncompleteBody, RemoteProtocolError, RequestException
from .._model.fields import content_codings, parse_list
from .._model.headers import Fields
from .._model.ranges import range_field
from .._pipeline.content import DecodedBody
from .._rules.download import PARALLEL_LEAST, Gap
from .._rules.resume import Patience, may_go_on, part_in
from .._runtime.base import Runtime, in_thread
from .asker import Asker
from .download import Download, Wish
from .filling import Filling
from .part_file import file_error
from .request import tell_about
from .response import Response
from .together import together

_PORTION = 2**18  # bytes to collect before they are written
_PORTION_IN_THREAD = 2**20  # going to a thread and back costs more than writing
_WRITTEN_AFTER = 0.1  # seconds until less is written
_ERROR_BODY = 2**16


class _StartOver(Exception):
    """Nothing that the file holds counts any more; `response`, if there is one, has all of what comes now."""

    def __init__(self, response: Response | None = None) -> None:
        self.response = response


class _Stopped(Exception):
    """Another of the parallel requests has failed."""


class Transfer:
    """One download."""

    def __init__(self, asker: Asker, runtime: Runtime, wish: Wish) -> None:
        self._asker = asker
        self._runtime = runtime
        self._wish = wish
        self._portion = _PORTION if runtime.name == "blocking" else _PORTION_IN_THREAD
        self._filling = Filling(wish, asker.url, runtime)
        self._patience = Patience()
        self._stopped = False
        self._last: Response | None = None

    async def run(self) -> Download[Any]:
        """The file, whole and checked; see `Session.download` for what this raises."""
        worthless = False
        try:
            response: Response | None = None
            while True:
                try:
                    if response is None:
                        response = await self._opening()
                    if response.status_code == 304:
                        return await self._unchanged(response)
                    await self._fill(response)
                    return await self._finish()
                except _StartOver as over:
                    response = await self._whole_in_the_end() if over.response is None else over.response
                    await self._begin_anew(response)
        except RequestException as error:
            worthless = isinstance(error, ChecksumError)
            if error.request is None and self._last is not None:
                tell_about(error, self._last._reply)
            raise
        finally:
            self._filling.leave(worthless=worthless)

    async def _opening(self) -> Response:
        """The first answer that has something for the file, which is ready for it; or a 304."""
        filling = self._filling
        named = filling.destination.path is not None
        if named and await self._in_thread(filling.look_for_part):
            return await self._ask_for_part(filling.gaps.first())
        response = await self._ask_for_all(conditional=self._wish.if_changed)
        if response.status_code == 304:
            return response
        if not named:
            filling.destination.name_by(_fields(response))
            found = await self._in_thread(filling.look_for_part, response)
            if found and filling.record.validator == filling.validator_in(_fields(response)):
                response.close()
                return await self._ask_for_part(filling.gaps.first())
        await self._begin_anew(response)
        return response

    async def _begin_anew(self, response: Response) -> None:
        await self._in_thread(partial(self._filling.begin_anew, _fields(response), response._reply.raw), response)

    async def _exchange(self, fields: Mapping[str, str | bytes]) -> Response:
        response = await self._asker.ask(fields)
        response._content_consumed = True  # the body goes into the file, or nowhere
        self._last = response
        return response

    async def _ask_for_all(self, *, conditional: bool = False) -> Response:
        since = self._filling.destination.modified() if conditional else None
        response = await self._exchange({} if since is None else {"If-Modified-Since": since})
        status = response.status_code
        if 200 <= status < 300 and status != 206:
            return response
        if status == 304 and since is not None:
            response.close()
            return response
        raise await _refusal(response)

    async def _ask_for_part(self, gap: Gap) -> Response:
        """A 206 with bytes for the beginning of `gap`. Raises _StartOver for anything else that is no failure."""
        validator, length = self._filling.record.validator, self._filling.record.length
        assert validator is not None
        response = await self._exchange({"Range": range_field(gap.at, gap.stop), "If-Range": validator})
        status = response.status_code
        if status == 206:
            part = part_in(response._reply.head, gap.at, gap.stop, validator, length)
            if part is not None:
                if gap.stop is None and part.total is not None:
                    gap.stop = part.total
                    self._filling.set_length(part.total)
                return response
        elif 200 <= status < 300:
            raise _StartOver(response)
        elif status != 416:
            raise await _refusal(response)
        response.close()
        raise _StartOver

    async def _whole_in_the_end(self) -> Response:
        """The whole, however often it must be asked for."""
        failure: RequestException = IncompleteBody("the parts that came do not belong together", sent="wholly")
        while True:
            await self._wait_after(failure)
            try:
                return await self._ask_for_all()
            except RequestException as error:
                failure = error

    async def _wait_after(self, failure: RequestException) -> None:
        """Waits before the next request, or raises `failure` where there should be none."""
        wait = None
        if self._wish.resume and may_go_on(failure):
            wait = self._patience.wait_after_failure(self._filling.pace.done, self._runtime.random())
        if wait is None:
            raise failure
        if wait:
            await self._runtime.sleep(wait)

    async def _fill(self, response: Response) -> None:
        """Fills all gaps; `response` begins with the first of them."""
        filling = self._filling
        filling.follow(_fields(response))
        missing = filling.gaps.missing()
        if self._wish.parallel > 1 and self._may_divide(response, missing):
            first, *others = filling.divide(missing)
            self._stopped = False
            works = [partial(self._work, first, response), *[partial(self._work, gap) for gap in others]]
            failures = await together(self._runtime, works, self._stop)
            for other in failures[1:]:
                if isinstance(other, _StartOver) and other.response is not None:
                    other.response.close()
            if failures:
                raise failures[0]
        elif missing:
            await self._work(filling.gaps.take(), response)
        else:  # an empty file
            response.close()

    def _may_divide(self, response: Response, missing: list[tuple[int, int | None]]) -> bool:
        record = self._filling.record
        accepts = parse_list(_fields(response).get("accept-ranges", "").lower())
        return (
            record.validator is not None
            and record.length is not None
            and sum((stop or 0) - at for at, stop in missing) >= PARALLEL_LEAST
            and (response.status_code == 206 or "bytes" in accepts)
        )

    def _stop(self) -> None:
        self._stopped = True

    async def _work(self, gap: Gap | None, response: Response | None = None) -> None:
        """Fills `gap`, to whose beginning `response` is the answer, and then others, as long as there are any."""
        while gap is not None:
            while response is not None or not gap.is_filled:
                try:
                    if response is None:
                        response = await self._ask_for_part(gap)
                    await self._copy(response, gap)
                except RequestException as error:
                    await self._wait_after(error)
                    if self._filling.record.validator is None:
                        raise _StartOver from error
                response = None
            gap = self._filling.gaps.take()

    async def _copy(self, response: Response, gap: Gap) -> None:
        """Moves the body of `response` into `gap`, as far as it goes."""
        body = self._body_of(response)
        pace, now = self._filling.pace, self._runtime.now
        portion: list[bytes] = []
        size, written = 0, now()
        try:
            while gap.stop is None or gap.at + size < gap.stop:
                try:
                    piece = await body.read()
                except RequestException as error:
                    tell_about(error, response._reply)
                    await self._put(gap, portion)  # what came before is good
                    raise
                if not piece:
                    break
                if gap.stop is not None:
                    piece = piece[: gap.stop - gap.at - size]
                portion.append(piece)
                size += len(piece)
                pause = pace.add(len(piece), moment := now())
                if size >= self._portion or moment >= written + _WRITTEN_AFTER or pause:
                    await self._put(gap, portion)
                    portion, size, written = [], 0, moment
                if pause:
                    await self._runtime.sleep(pause)
                if self._stopped:
                    raise _Stopped
            await self._put(gap, portion)
            await self._end(response, body, gap)
        finally:
            response.close()

    def _body_of(self, response: Response) -> BodyReader:
        """The content of `response`, decoded; a coded one is hashed below the decoder, as Repr-Digest wants it."""
        reply, coded = response._reply, self._filling.coded
        if coded is None:
            return reply.raw
        codings = content_codings(reply.head.fields.get("content-encoding"))
        decoder = decoding_for(codings, reply.request.options.limits).decoder
        return coded if decoder is None else DecodedBody(coded, decoder)

    async def _end(self, response: Response, body: BodyReader, gap: Gap) -> None:
        """The end of a body that has given its share: where that is all, its connection can be kept."""
        if gap.stop is None:
            gap.stop = gap.at
            self._filling.set_length(gap.at)
        elif gap.is_filled:
            if response.status_code == 206 or gap.at == self._filling.record.length:
                await body.read()
        elif response.status_code != 206:
            raise IncompleteBody(f"the body ended {gap.stop - gap.at} bytes before its announced end", sent="wholly")
        if self._filling.coded is not None:
            self._filling.coded.check()

    async def _put(self, gap: Gap, portion: list[bytes]) -> None:
        if portion:
            await self._in_thread(partial(self._filling.store, self._filling.round, gap, portion))
            self._filling.tell()

    async def _in_thread(self, job: Callable[[], Any], response: Response | None = None) -> Any:
        """What `job`, which deals with files, returns; `response` is given up where that fails."""
        try:
            runtime = self._runtime
            return job() if runtime.name == "blocking" else await in_thread(runtime, runtime.run_in_thread, job)
        except BaseException as error:
            if response is not None:
                response.close()
            if isinstance(error, OSError) and not isinstance(error, RequestException):
                path = self._filling.destination.path or self._wish.path
                raise file_error(error, "write", path) from error
            raise

    async def _finish(self) -> Download[Any]:
        filling, response = self._filling, self._last
        assert response is not None
        filling.tell(at_the_end=True)
        digest = await self._in_thread(partial(filling.complete, _fields(response)))
        path = Path(filling.destination.path or "")
        return Download(path, filling.record.length or 0, digest, filling.resumed_from, response)

    async def _unchanged(self, response: Response) -> Download[Any]:
        path = Path(self._filling.destination.path or "")
        return Download(path, (await self._in_thread(path.stat)).st_size, None, 0, response)


def _fields(response: Response) -> Fields:
    return response._reply.head.fields


async def _refusal(response: Response) -> RequestException:
    """What to raise for an answer that has nothing for the file; a bit of it can be read from the error's response."""
    content = b""
    with suppress(RequestException):
        while len(content) < _ERROR_BODY and (piece := await response._reply.body.read()):
            content += piece
    response.close()
    response._content = content
    status, url = response.status_code, response._reply.request.url.safe
    try:
        response.raise_for_status()
    except HTTPError as error:
        return error
    if status == 206:
        return RemoteProtocolError(f"a part that nobody had asked for, from {url}", response=response, sent="wholly")
    return HTTPError(f"{status} is no answer with a file, from {url}", response=response, sent="wholly")

"""Sending in pieces over a scripted stream: what is offered, what is heard meanwhile, how often progress is told."""

from typing import Any

import pytest

from smartclient._model.body import RequestBody
from smartclient._model.errors import InvalidOption, RemoteProtocolError, ServerDisconnected, WriteTimeout
from smartclient._model.headers import Fields
from smartclient._model.message import Head, Interim
from smartclient._model.request import Request
from smartclient._model.url import URL
from smartclient._net.http1_upload import Progress, Upload
from smartclient._net.http1_wire import ResponseReader
from smartclient._runtime.base import PIECE, run_blocking

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NO = b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\n"


class Pipe:
    """Takes so many bytes with each write; what the peer says comes after so many writes: `answers[writes]`."""

    def __init__(self, *takes: int, answers: dict[int, bytes] | None = None) -> None:
        self.takes = list(takes)
        self.answers = answers or {}
        self.written: list[bytes] = []

    async def write(self, data: bytes, timeout: float | None) -> None:
        self.written.append(data)

    async def write_some(self, data: Any, timeout: float | None) -> int:
        taken = self.takes.pop(0) if self.takes else min(len(data), PIECE)
        self.written.append(bytes(data[:taken]))
        return taken

    def is_readable(self) -> bool:
        return len(self.written) in self.answers

    async def read(self, size: int, timeout: float | None) -> bytes:
        return self.answers.pop(len(self.written))

    @property
    def bytes(self) -> bytes:
        return b"".join(self.written)


async def no_sleep(seconds: float) -> None:
    raise AssertionError("nothing to wait for")


def sent(pipe: Pipe, body: RequestBody, now: Any = lambda: 0.0, **options: Any) -> tuple[bool, list[Any]]:
    reader = ResponseReader()
    reader.start("PUT")
    heard: list[Any] = []
    request = Request("PUT", URL.parse("http://h/"), body=body, **options)
    return run_blocking(Upload(pipe, reader, request, now, heard, no_sleep).run(b"HEAD")), heard


@pytest.mark.parametrize("takes", [(), (1, 1, 2), (0, 0, 4, 0)], ids=["at once", "in parts", "after refusals"])
def test_all_of_it_is_offered_until_it_is_taken(takes: tuple[int, ...]) -> None:
    pipe = Pipe(*takes)
    assert sent(pipe, RequestBody(b"content")) == (True, [])
    assert pipe.bytes == b"HEADcontent"


def test_pieces_are_cut_to_what_a_write_takes() -> None:
    pipe = Pipe()
    sent(pipe, RequestBody([b"x" * (2 * PIECE + 1)], 2 * PIECE + 1))
    assert [len(each) for each in pipe.written] == [4, PIECE, PIECE, 1]


def test_unknown_length_goes_chunked() -> None:
    pipe = Pipe(1, 1)
    assert sent(pipe, RequestBody([b"ab", b"", b"c"]))[0]
    assert pipe.bytes == b"HEAD2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"


def test_interim_answers_are_taken_down_and_sending_goes_on() -> None:
    pipe = Pipe(1, 1, answers={1: CONTINUE[:5], 2: CONTINUE[5:] + CONTINUE})
    whole, heard = sent(pipe, RequestBody(b"abcd"))
    assert (whole, pipe.bytes, [type(each) for each in heard]) == (True, b"HEADabcd", [Interim] * 2)


@pytest.mark.parametrize("body", [RequestBody(b"abcd"), RequestBody([b"abcd"])], ids=["length", "chunked"])
def test_final_answer_ends_the_sending(body: RequestBody) -> None:
    pipe = Pipe(1, 1, answers={2: CONTINUE + NO + b"n"})
    whole, heard = sent(pipe, body)
    assert (whole, len(pipe.bytes)) == (False, 5)
    assert [type(each) for each in heard] == [Interim, Head, bytes]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(b"", ServerDisconnected), (b"garbage\r\n\r\n", RemoteProtocolError), (CONTINUE * 17, RemoteProtocolError)],
    ids=["end", "garbage", "too many"],
)
def test_what_the_peer_breaks_is_told(answer: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        sent(Pipe(1, answers={2: answer}), RequestBody(b"abcd"))
    assert caught.value.sent == "partly"


@pytest.mark.parametrize("length", [2, 4], ids=["longer", "shorter"])
def test_body_that_is_not_as_long_as_it_said(length: int) -> None:
    pipe = Pipe()
    with pytest.raises(InvalidOption, match="length") as caught:
        sent(pipe, RequestBody([b"a", b"bc"], length))
    assert caught.value.sent == "partly"
    assert len(pipe.bytes) < 4 + max(length, 4)


def test_no_time_is_left_though_the_peer_takes_everything() -> None:
    times = iter([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    pipe = Pipe(1, 1, 1, 1)
    with pytest.raises(WriteTimeout):
        sent(pipe, RequestBody(b"abcd"), now=lambda: next(times), deadline=2.0)
    assert pipe.bytes == b"HEADa"


def test_progress_is_told_ten_times_a_second_and_at_the_end() -> None:
    told: list[tuple[int, int | None]] = []
    clock = [0.0]
    progress = Progress(lambda *args: told.append(args), 100, lambda: clock[0])
    for done in range(1, 101):
        clock[0] = done * 0.025
        progress.tell(done)
    progress.tell_end(100)
    assert told[-1] == (100, 100)
    assert 20 <= len(told) <= 26
    assert [each[0] for each in told] == sorted({each[0] for each in told})


def test_progress_of_an_early_end_is_not_told_as_the_end() -> None:
    told: list[tuple[int, int | None]] = []
    body = RequestBody(b"abcd", progress=lambda *args: told.append(args))
    assert sent(Pipe(1, answers={2: NO}), body)[0] is False
    assert told == []


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.mark.parametrize(
    ("answers", "whole", "seconds", "statuses"),
    [
        pytest.param({}, True, 1.0, [], id="silence"),
        pytest.param({1: CONTINUE}, True, 0.0, [100], id="continue"),
        pytest.param({1: b"HTTP/1.1 103 Hints\r\n\r\n" + CONTINUE}, True, 0.0, [103, 100], id="after-another"),
        pytest.param({1: b"HTTP/1.1 103 Hints\r\n\r\n"}, True, 1.0, [103], id="another-only"),
        pytest.param({1: NO}, False, 0.0, [413], id="refusal"),
    ],
)
def test_expectation(answers: dict[int, bytes], whole: bool, seconds: float, statuses: list[int]) -> None:
    reader, clock, heard = ResponseReader(), Clock(), []  # type: ignore[var-annotated]
    reader.start("PUT")
    pipe = Pipe(answers=answers)
    request = Request("PUT", URL.parse("http://h/"), Fields([("Expect", "100-continue")]), RequestBody(b"content"))
    upload = Upload(pipe, reader, request, clock.now, heard, clock.sleep)
    assert run_blocking(upload.run(b"HEAD")) == whole
    assert pipe.bytes == (b"HEADcontent" if whole else b"HEAD")
    assert clock.time == pytest.approx(seconds, abs=0.02)
    assert [event.status if isinstance(event, Head) else event.head.status for event in heard] == statuses


def test_expectation_ends_with_the_deadline() -> None:
    reader, clock = ResponseReader(), Clock()
    reader.start("PUT")
    fields = Fields([("Expect", "100-continue")])
    request = Request("PUT", URL.parse("http://h/"), fields, RequestBody(b"content"), deadline=0.25)
    with pytest.raises(WriteTimeout):
        run_blocking(Upload(Pipe(), reader, request, clock.now, [], clock.sleep).run(b"HEAD"))
    assert clock.time == pytest.approx(0.25, abs=0.02)

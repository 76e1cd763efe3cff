"""Bombs in every coding: what they may make, in which memory, and that nothing honest is taken for one."""

import gzip
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from coded import coded, decoder_of, packed, pulled, skippable_frame, whole, zeros_coded
from smartclient._codec.decoders import RATIO_FLOOR, STREAMS_FREE, Decoder
from smartclient._model.errors import ContentDecodingError, DecodedTooLarge
from smartclient._model.options import Limits

CODINGS = ["gzip", "deflate", "br", "zstd"]
MIB = 1 << 20
UNLIMITED = Limits(decoded_ratio=None)


def drained(decoder: Decoder) -> tuple[int, int, ContentDecodingError | None]:
    """Bytes made, peak of memory in bytes, and what ended it."""
    made = 0
    tracemalloc.start()
    try:
        while piece := decoder.next_piece():
            made += len(piece)
    except ContentDecodingError as error:
        return made, tracemalloc.get_traced_memory()[1], error
    else:
        return made, tracemalloc.get_traced_memory()[1], None
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", CODINGS)
def test_bomb_hits_the_ratio_in_bounded_memory(coding: str) -> None:
    data = zeros_coded(coding, 64 * MIB)
    assert len(data) < 80_000
    decoder = decoder_of(coding)
    decoder.feed(data)
    made, peak, error = drained(decoder)
    assert isinstance(error, DecodedTooLarge)
    assert "Limits(decoded_ratio=200)" in str(error)
    assert RATIO_FLOOR - 65536 < made <= RATIO_FLOOR
    assert peak < MIB


MEASURED = """
import sys
from pathlib import Path
from smartclient._codec.decoders import decoding_for
from smartclient._model.options import Limits

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])

data = Path(sys.argv[1]).read_bytes()
decoding_for([sys.argv[2]], Limits())
before = peak()
decoder = decoding_for([sys.argv[2]], Limits(decoded_ratio=None)).decoder
decoder.feed(data)
while decoder.next_piece():
    pass
decoder.finish()
print(peak() - before)
"""
GROWTH = [  # coding, logarithm of its window, KiB that the process may grow: the window and what belongs to it
    pytest.param("gzip", None, 1500, id="gzip"),
    pytest.param("br", 22, 6500, id="br"),
    pytest.param("br", 24, 19_000, id="br-largest-window"),
    pytest.param("zstd", 21, 4000, id="zstd"),
    pytest.param("zstd", 23, 10_500, id="zstd-largest-window"),
]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory of a process is read from /proc")
@pytest.mark.parametrize(("coding", "window", "most"), GROWTH)
def test_memory_of_the_process_follows_the_window(coding: str, window: int, most: int, tmp_path: Path) -> None:
    """What the libraries take for themselves, which tracemalloc does not see: 64 MiB pass in a few."""
    body = tmp_path / "body"
    body.write_bytes(zeros_coded(coding, 64 * MIB, window))
    command = [sys.executable, "-c", MEASURED, str(body), coding]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) < most


@pytest.mark.parametrize("coding", CODINGS)
def test_large_content_is_read_in_bounded_memory_without_limit(coding: str) -> None:
    decoder = decoder_of(coding, limits=UNLIMITED)
    decoder.feed(zeros_coded(coding, 32 * MIB))
    made, peak, error = drained(decoder)
    decoder.finish()
    assert (made, error) == (32 * MIB, None)
    assert peak < MIB


@pytest.mark.parametrize("coding", CODINGS)
def test_ratio_is_free_below_the_floor(coding: str) -> None:
    data = zeros_coded(coding, 16 * MIB)
    assert 200 * len(data) < RATIO_FLOOR
    assert len(whole(data, coding)) == 16 * MIB


EMPTY = [
    pytest.param("gzip", packed(b""), id="gzip-members"),
    pytest.param("gzip", packed(b"ab"), id="gzip-members-of-two-bytes"),
    pytest.param("zstd", coded(b"", "zstd"), id="zstd-frames"),
    pytest.param("zstd", skippable_frame(b""), id="zstd-skippable-frames"),
]


@pytest.mark.parametrize("outer", CODINGS)
@pytest.mark.parametrize(("inner", "stream"), EMPTY)
def test_streams_without_content_hide_in_no_stack(inner: str, stream: bytes, outer: str) -> None:
    """Each costs microseconds and makes next to nothing, so it is their number that is limited."""
    data = coded(stream * 20_000, outer)
    with pytest.raises(DecodedTooLarge, match="coded streams and more"):
        whole(data, inner, outer)
    with pytest.raises(DecodedTooLarge, match="coded streams and more"):
        pulled(decoder_of(inner, outer, limits=UNLIMITED), [data[at : at + 100] for at in range(0, len(data), 100)])


@pytest.mark.parametrize("codings", [("gzip",), ("gzip", "gzip"), ("gzip", "zstd", "br")], ids="-".join)
def test_many_small_members_are_no_bomb(codings: tuple[str, ...]) -> None:
    """A log whose lines were each compressed when they were written."""
    lines = [b"2026-01-01T00:00:%02d request %d took %d us\n" % (n % 60, n, n * 7919 % 1000) for n in range(3000)]
    data = coded(b"".join(map(packed, lines)), *codings[1:])
    assert whole(data, *codings) == b"".join(lines)


def test_some_streams_are_free() -> None:
    members = packed(b"x") * STREAMS_FREE
    assert whole(packed(members), "gzip", "gzip") == b"x" * STREAMS_FREE


def test_empty_streams_off_the_wire_are_only_passed_over() -> None:
    assert whole(packed(b"") * 5000 + packed(b"z"), "gzip") == b"z"


@pytest.mark.parametrize("outer", CODINGS)
def test_ratio_counts_what_lies_between_codings(outer: str) -> None:
    """Layers that shrink again hide no bomb: 17 MiB of empty blocks decode to nothing at all."""
    blocks = b"\0\0\0\xff\xff" * (17 * MIB // 5)
    with pytest.raises(DecodedTooLarge, match="decoded_ratio"):
        whole(coded(blocks, outer), "deflate", outer)


def test_stored_content_inside_a_stack_is_no_bomb() -> None:
    page = bytes(8 * MIB)
    assert whole(packed(gzip.compress(page, 0)), "gzip", "gzip") == page

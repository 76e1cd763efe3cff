"""What is put into a coding comes out of its decoder again, however it was divided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartclient._api.outgoing import Compressed
from smartclient._codec.decoders import decoding_for
from smartclient._codec.encoders import CODINGS
from smartclient._model.options import DEFAULT_LIMITS


def undone(coding: str, pieces: list[bytes]) -> bytes:
    decoder = decoding_for([coding], DEFAULT_LIMITS).decoder
    assert decoder is not None
    found = b""
    for piece in pieces:
        decoder.feed(piece)
        while part := decoder.next_piece():
            found += part
    decoder.finish()
    return found


@pytest.mark.parametrize("coding", CODINGS)
@given(st.lists(st.binary()))
def test_round_trip(coding: str, pieces: list[bytes]) -> None:
    compressed = Compressed(pieces, coding)
    coded = list(compressed)
    assert undone(coding, coded) == b"".join(pieces)
    assert all(coded)
    assert list(compressed) == coded  # it can be read again


@pytest.mark.parametrize("coding", CODINGS)
def test_large_content_comes_in_pieces(coding: str) -> None:
    block = bytes(range(256)) * 400
    coded = list(Compressed([block] * 100, coding))
    assert undone(coding, coded) == block * 100
    assert sum(map(len, coded)) < len(block)

"""Every target over its corpus and some mutations of it, the same in every run; `scripts/fuzz` runs them for longer."""

import random

import pytest

from fuzz_targets import TARGETS
from fuzzing import Mutations, corpus_of

MUTATIONS = 200


@pytest.mark.parametrize("name", TARGETS)
def test_a_result_or_our_error(name: str) -> None:
    inputs = [path.read_bytes() for path in corpus_of(name)]
    assert inputs
    mutations = Mutations(random.Random(name), inputs)
    bytewise = [data[:1] + b"\0" + data[2:] for data in inputs]  # where the target reads in pieces
    for data in [*inputs, *bytewise, *(mutations.draw() for _ in range(MUTATIONS))]:
        TARGETS[name](data)

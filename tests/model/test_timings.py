"""What the moments of an exchange come to."""

import pytest

from smartclient._model.timings import Notes, Timings


def notes(**moments: float) -> Notes:
    made = Notes(moments.pop("began", 10.0))
    for name, value in moments.items():
        setattr(made, name, value)
    return made


NEW = {"dns": 0.5, "connect": 1.0, "tls": 0.25, "opened": 13.0, "sent": 13.5}
CASES = [
    pytest.param(
        {**NEW, "pool_wait": 1.25, "head": 15.0, "ended": 19.0},
        Timings(1.25, 0.5, 1.0, 0.25, 0.5, 1.5, 4.0, 9.0, False),
        id="new",
    ),
    pytest.param(
        {"pool_wait": 2.0, "sent": 12.5, "head": 13.0, "ended": 13.0},
        Timings(2.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 3.0, True),
        id="kept-alive",
    ),
    pytest.param(
        {"dns": 0.5, "connect": 1.0, "opened": 11.5, "sent": 11.5},
        Timings(0.0, 0.5, 1.0, 0.0, 0.0, None, None, None, False),
        id="no-answer-yet",
    ),
    pytest.param(
        {"dns": 0.5, "ended": 15.5}, Timings(0.0, 0.5, None, None, None, None, None, 5.5, False), id="refused"
    ),
    pytest.param({"sent": 9.0}, Timings(0.0, 0.0, 0.0, 0.0, 0.0, None, None, None, True), id="never-negative"),
]


@pytest.mark.parametrize(("moments", "expected"), CASES)
def test_timings(moments: dict[str, float], expected: Timings) -> None:
    assert notes(**moments).timings(True) == expected

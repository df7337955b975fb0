from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.stream.sources.timestamps import TimestampGaps


def missing(stamps: list[float]) -> list[int | None]:
    gaps = TimestampGaps()
    return [gaps.missing_before(stamp) for stamp in stamps]


@given(st.floats(1.0, 120.0), st.lists(st.integers(1, 4), min_size=5, max_size=40), st.floats(0.0, 1e5))
def test_lost_pictures_are_counted(rate: float, losses: list[int], start: float) -> None:
    """After a regular second, every ``losses[i] - 1`` pictures before a regular five are missing."""
    numbers = list(range(12))
    for loss in losses:
        first = numbers[-1] + loss
        numbers += range(first, first + 6)
    found = missing([start + number / rate for number in numbers])
    assert found == [0] + [after - before - 1 for before, after in itertools.pairwise(numbers)]


@given(st.lists(st.floats(0.7, 1.25), min_size=1, max_size=60))
def test_jitter_is_no_loss(intervals: list[float]) -> None:
    assert set(missing(list(itertools.accumulate(intervals)))) == {0}


def test_a_new_rate_is_believed_after_a_while() -> None:
    stamps = [number / 30 for number in range(30)] + [1 + number / 15 for number in range(1, 30)]
    assert set(missing(stamps)[45:]) == {0}


def test_a_clock_that_jumps_says_nothing_of_the_number() -> None:
    assert missing([0.0, 0.1, 0.2, 0.3, 500.0, 500.1, 3.0, 3.1]) == [0, 0, 0, 0, None, 0, None, 0]


def test_a_stream_without_stamps_loses_nothing() -> None:
    assert missing([0.0] * 20) == [0] * 20

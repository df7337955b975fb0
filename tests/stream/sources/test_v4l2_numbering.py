from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.stream.sources.v4l2.numbering import SequenceNumbers, Step


def steps(*numbers: int) -> list[Step]:
    counted = SequenceNumbers()
    return [counted.advance(number) for number in numbers]


def test_the_first_is_zero_wherever_the_driver_starts() -> None:
    assert steps(7, 8, 9) == [Step(0, 0, False), Step(1, 0, False), Step(2, 0, False)]


def test_gaps_are_counted() -> None:
    assert steps(0, 4, 5) == [Step(0, 0, False), Step(4, 3, True), Step(5, 0, False)]


def test_the_number_wraps() -> None:
    assert steps(2**32 - 1, 0, 2)[1:] == [Step(1, 0, False), Step(3, 1, True)]


def test_a_driver_that_always_says_zero_is_counted_for() -> None:
    assert steps(0, 0, 0) == [Step(0, 0, False), Step(1, 0, False), Step(2, 0, False)]


def test_a_number_that_falls_back_marks_the_frame_and_counts_nothing() -> None:
    assert steps(100, 101, 0, 1)[1:] == [Step(1, 0, False), Step(2, 0, True), Step(3, 0, False)]


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 1000), max_size=50))
def test_sequence_is_the_driver_s_distance_from_the_first(start: int, ahead: list[int]) -> None:
    counted = SequenceNumbers()
    counted.advance(start)
    position = missed = 0
    for step_ahead in ahead:
        position += step_ahead
        step = counted.advance((start + position) % 2**32)
        missed += step.missed
        assert step.sequence == position
        assert step.broken == (step_ahead > 1)
    assert missed == position - len(ahead)


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_any_numbers_give_rising_sequences(numbers: list[int]) -> None:
    sequences = [step.sequence for step in steps(*numbers)]
    assert sequences == sorted(set(sequences))
    assert not sequences or sequences[0] == 0

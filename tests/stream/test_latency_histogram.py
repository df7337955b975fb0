from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.stream.latency_histogram import LONGEST_NS, SHORTEST_NS, LatencyHistogram


def test_before_the_first_there_is_no_percentile() -> None:
    assert LatencyHistogram().percentile_ms(50) is None


@given(st.lists(st.integers(SHORTEST_NS, LONGEST_NS), min_size=1, max_size=200), st.floats(0, 100))
def test_percentiles_are_right_to_one_per_cent(durations: list[int], percent: float) -> None:
    histogram = LatencyHistogram()
    for duration in durations:
        histogram.add(duration)
    expected = np.percentile(durations, percent, method="inverted_cdf") / 1e6
    assert histogram.percentile_ms(percent) == pytest.approx(expected, rel=0.0101)
    assert histogram.count == len(durations)


@pytest.mark.parametrize("duration", [-5, 0, 1, 10**15])
def test_what_lies_outside_is_counted_at_the_end(duration: int) -> None:
    histogram = LatencyHistogram()
    histogram.add(duration)
    assert histogram.count == 1

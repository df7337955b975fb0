"""Percentiles of durations in constant memory, for streams that run for weeks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_irdet.stream.status import Percentiles

SHORTEST_NS = 1_000
LONGEST_NS = 1_000_000_000_000
STEP = 1.01
"""Bins grow by 1 %, so a percentile is right to half a per cent."""

_LOG_STEP = math.log(STEP)
_BINS = math.ceil(math.log(LONGEST_NS / SHORTEST_NS) / _LOG_STEP) + 1


class LatencyHistogram:
    """Counts durations in logarithmic bins from 1 us to 1000 s; what lies outside goes into the end bins."""

    def __init__(self) -> None:
        self._bins = np.zeros(_BINS, np.int64)

    def add(self, duration_ns: int) -> None:
        """Count one duration."""
        position = math.log(max(duration_ns, SHORTEST_NS) / SHORTEST_NS) / _LOG_STEP
        self._bins[min(int(position), _BINS - 1)] += 1

    @property
    def count(self) -> int:
        """Durations counted."""
        return int(self._bins.sum())

    def percentile_ms(self, percent: float) -> float | None:
        """The duration that ``percent`` % do not exceed, milliseconds; None before the first."""
        return _percentile_ms(np.cumsum(self._bins), percent)

    def percentiles(self) -> Percentiles:
        """Median and tail."""
        sums = np.cumsum(self._bins)
        return Percentiles(*(_percentile_ms(sums, percent) for percent in (50, 90, 99)))


def _percentile_ms(sums: NDArray[np.int64], percent: float) -> float | None:
    total = int(sums[-1])
    if not total:
        return None
    wanted = max(1, math.ceil(percent / 100 * total))
    index = int(np.searchsorted(sums, wanted))
    return SHORTEST_NS * math.exp(_LOG_STEP * (index + 0.5)) / 1e6

"""Lost pictures, seen from the time stamps of those that arrived."""

from __future__ import annotations

from collections import deque
from statistics import median

LONGEST_GAP_S = 10.0
"""A longer step is a clock that was set anew: something is missing, but nobody can say how much."""

INTERVALS = 15
"""Intervals from which the usual one is taken: half of them must change before a new rate is believed."""

LEAST_INTERVALS = 3
"""With fewer, nothing is said: there is no usual interval yet."""

GAP = 1.8
"""Share of the usual interval from which a step is a gap: one lost picture makes 2, jitter less."""


class TimestampGaps:
    """Counts the pictures missing before each one, by the median of the last intervals."""

    def __init__(self) -> None:
        self._intervals: deque[float] = deque(maxlen=INTERVALS)
        self._last: float | None = None

    def missing_before(self, seconds: float) -> int | None:
        """How many pictures are missing between the last time stamp and this one.

        Args:
            seconds: presentation time stamp. Equal stamps (a stream without any) say nothing: 0.

        Returns:
            0 where none is; None where the time jumped, so that their number cannot be known.
        """
        last, self._last = self._last, seconds
        if last is None or seconds == last:
            return 0
        interval = seconds - last
        if interval < 0.0 or interval > LONGEST_GAP_S:
            return None
        usual = median(self._intervals) if len(self._intervals) >= LEAST_INTERVALS else interval
        self._intervals.append(interval)
        return 0 if interval < GAP * usual else max(1, round(interval / usual) - 1)

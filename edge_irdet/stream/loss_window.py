"""What a source has lost of late: of the last minute, not since a start that may be months ago."""

from __future__ import annotations

from collections import deque

SAMPLE_NS = 1_000_000_000
"""Pause between two samples that are kept."""

FEWEST_LOST = 10
"""Fewer lost frames are no judgement: the first frames of a camera are often torn."""


class LossWindow:
    """Samples of two counters that only grow, one per second.

    Args:
        seconds: how far back it reaches.
    """

    def __init__(self, seconds: float) -> None:
        self._reach_ns = round(seconds * 1e9)
        self._samples: deque[tuple[int, int, int]] = deque()

    def note(self, now_ns: int, given: int, lost: int) -> None:
        """Take the counters as they are now.

        Args:
            now_ns: now, monotonic clock.
            given: frames that came, so far.
            lost: frames that did not, so far.
        """
        if not self._samples or now_ns - self._samples[-1][0] >= SAMPLE_NS:
            self._samples.append((now_ns, given, lost))
        # One sample older than the window stays: it is where the window begins.
        while len(self._samples) > 1 and now_ns - self._samples[1][0] >= self._reach_ns:
            self._samples.popleft()

    def mostly_lost(self, now_ns: int, given: int, lost: int) -> bool:
        """Whether more frames were lost than came since the window's beginning."""
        self.note(now_ns, given, lost)
        _, given_before, lost_before = self._samples[0]
        return lost - lost_before >= FEWEST_LOST and lost - lost_before > given - given_before

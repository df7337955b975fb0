"""What strangers can cause a thousand times a second is logged once."""

from __future__ import annotations

BURST_SECONDS = 60.0


class Burst:
    """Tells the first of events that follow one another from all others."""

    def __init__(self) -> None:
        self._last: float | None = None

    def begins(self, now: float) -> bool:
        """Take one event.

        Args:
            now: when it happened, monotonic clock, seconds.

        Returns:
            Whether none came in the :data:`BURST_SECONDS` before it.
        """
        begins = self._last is None or now - self._last > BURST_SECONDS
        self._last = now
        return begins

"""How fast the frames of files, folders and scenes are handed out."""

from __future__ import annotations

import time
from enum import Enum

from edge_irdet.stream.reentrant_event import ReentrantEvent

ASSUMED_RATE = 30.0
"""Frames per second of sources that do not state theirs, such as folders of images."""

LONGEST_WAIT_S = 3600.0
"""A wait is made of pieces of at most this length: an operating system's waits have a limit."""


class Pace(str, Enum):
    """How fast the frames of a source that is not live are handed out. Live sources set their own pace."""

    FREE = "free"
    """As fast as they are taken."""

    REALTIME = "realtime"
    """At the rate that the source states, as a camera would give them."""


class Clock:
    """The machine's time; tests have a clock of their own."""

    def now_ns(self) -> int:
        """Ns of the monotonic clock."""
        return time.monotonic_ns()

    def wait(self, stopped: ReentrantEvent, seconds: float) -> bool:
        """Wait so long, or until the event is set; returns whether it is."""
        return stopped.wait(seconds)


class Pacer:
    """Lets the frames of one source go when they are due.

    The first frame sets the time: frame n is due (n - first) / rate seconds after it, however late others
    were, so that nothing drifts. No frame goes before it is due. Frames that are late, because reading one or
    handing one over took long, follow at once until the time is made up for.

    Where a newer frame may overtake them (policy ``latest``), late frames are passed over instead of
    following in a burst, as a camera's would be lost: in k periods of the rate at most k + 2 frames go. A
    source that is slower than its rate loses none.

    Args:
        rate: frames per second.
        passes_over: whether a frame whose successor is due may be passed over.
        stopped: ends every wait at once.
        clock: the time.
    """

    def __init__(self, rate: float, passes_over: bool, stopped: ReentrantEvent, clock: Clock) -> None:
        self._rate = rate
        self._passes_over = passes_over
        self._stopped = stopped
        self._clock = clock
        self._first: int | None = None
        self._started_ns = 0
        self._let_go_ns = 0

    def admit(self, sequence: int) -> int | None:
        """Wait until a frame is due, or the stream is told to end.

        Args:
            sequence: of the frame.

        Returns:
            When it may go, ns of the monotonic clock; None for a frame that is passed over.
        """
        now = self._clock.now_ns()
        if self._first is None:
            self._first, self._started_ns = sequence, now
        elif self._passes_over and self._is_overtaken(sequence, now):
            return None
        while (early := self._due_s(sequence) - (now - self._started_ns) / 1e9) > 0.0:
            if self._clock.wait(self._stopped, min(early, LONGEST_WAIT_S)):
                break
            now = self._clock.now_ns()
        self._let_go_ns = now
        return now

    def _due_s(self, sequence: int) -> float:
        assert self._first is not None
        return (sequence - self._first) / self._rate

    def _is_overtaken(self, sequence: int, now: int) -> bool:
        successor_is_due = (now - self._started_ns) / 1e9 >= self._due_s(sequence + 1)
        # A source that is slower than its rate must not have all of its frames passed over.
        return successor_is_due and (now - self._let_go_ns) / 1e9 < 1.0 / self._rate

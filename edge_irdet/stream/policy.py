"""What happens when frames come faster than they are worked on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from edge_irdet.record import FrameCounts, LossCounts
from edge_irdet.stream.board import SourceEntry
from edge_irdet.stream.delivery import Delivery
from edge_irdet.stream.frame import MAX_FRAMES_IN_FLIGHT, Frame

LOSSLESS_CAPACITY = 4
"""Frames that wait in a lossless queue: enough to even out decoding, few enough to stay young."""

EMIT_CAPACITY = 2
"""Detected frames that wait for the sinks: enough to even out a slow write."""

SIGNAL_SECONDS = 0.25
"""Longest wait for a frame at a stretch. Python runs a signal's handler between two instructions of the main
thread; one that comes just before the thread begins to wait is not seen before the wait is over."""

assert LOSSLESS_CAPACITY + EMIT_CAPACITY + 4 <= MAX_FRAMES_IN_FLIGHT, (
    "one being read, one waiting to be put, one in the detector, one in the sinks"
)


class FramePolicy(str, Enum):
    """Which frames are worked on."""

    LATEST = "latest"
    """The newest only. For live sources: a detection of an old frame is worth less than none of it, and what
    waits grows without end. Older frames are dropped and counted."""

    LOSSLESS = "lossless"
    """Every frame, once, in order. For files: the source waits."""


class _Queue:
    """One source's frames that wait."""

    def __init__(self, policy: FramePolicy, entry: SourceEntry) -> None:
        self.policy = policy
        self.entry = entry
        self.capacity = 1 if policy is FramePolicy.LATEST else LOSSLESS_CAPACITY
        self.frames: deque[tuple[Frame, LossCounts]] = deque()
        self.lost_before = False
        self.finished = False


class FrameQueues:
    """Bounded hand-over of frames from the threads of several sources to one worker.

    The worker gets the sources' frames in turn, so that a fast one cannot starve a slow one; each source's
    own frames keep their order.

    Args:
        policies: for each source, what to do when its queue is full.
        entries: for each source, where its dropped frames are counted.
    """

    def __init__(self, policies: Sequence[FramePolicy], entries: Sequence[SourceEntry]) -> None:
        self._queues = [_Queue(policy, entry) for policy, entry in zip(policies, entries, strict=True)]
        self._last = len(self._queues) - 1
        self._cancelled = False
        # Re-entrant: a signal handler may cancel while its own thread is in here.
        self._changed = threading.Condition(threading.RLock())

    def drops(self, source_index: int) -> bool:
        """Whether a newer frame of this source takes the place of one that waits."""
        return self._queues[source_index].policy is FramePolicy.LATEST

    def pass_over(self, source_index: int) -> None:
        """Count a frame as dropped that a newer one overtook before it could be put."""
        queue = self._queues[source_index]
        with self._changed:
            queue.entry.count_dropped()
            queue.lost_before = True

    def put(self, source_index: int, frame: Frame, losses: LossCounts) -> bool:
        """Hand a frame over; waits for room if lossless.

        Args:
            source_index: which source it is of.
            frame: the frame.
            losses: what its source had lost up to it; what it dropped is counted here.

        Returns:
            False where the worker has cancelled.
        """
        queue = self._queues[source_index]
        with self._changed:
            if queue.policy is FramePolicy.LATEST:
                if queue.frames:
                    queue.frames.popleft()
                    queue.entry.count_dropped()
                    queue.lost_before = True
            else:
                while len(queue.frames) >= queue.capacity and not self._cancelled:
                    self._changed.wait()
            if self._cancelled:
                return False
            queue.frames.append((frame, losses))
            self._changed.notify_all()
            return True

    def get(self) -> Delivery | None:
        """The next frame, of the sources in turn; None once all are finished and empty."""
        with self._changed:
            while (index := self._next_waiting()) is None:
                if self._cancelled or all(queue.finished for queue in self._queues):
                    return None
                self._changed.wait(SIGNAL_SECONDS)
            self._last = index
            queue = self._queues[index]
            frame, losses = queue.frames.popleft()
            if queue.lost_before and not frame.discontinuity:
                frame = replace(frame, discontinuity=True)
            queue.lost_before = False
            counts = FrameCounts(
                dropped=queue.entry.losses.dropped,
                skipped=losses.skipped,
                missed=losses.missed,
                interruptions=losses.interruptions,
                queued=len(queue.frames),
            )
            self._changed.notify_all()
            return Delivery(index, frame, counts)

    def finish(self, source_index: int) -> None:
        """No more frames of this source will be put; those that wait are still given out."""
        with self._changed:
            self._queues[source_index].finished = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Let every waiting :meth:`put` go; frames that wait are still given out, then the end."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def _next_waiting(self) -> int | None:
        count = len(self._queues)
        for step in range(1, count + 1):
            index = (self._last + step) % count
            if self._queues[index].frames:
                return index
        return None

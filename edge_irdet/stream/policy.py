"""What happens when frames come faster than they are worked on."""

from __future__ import annotations

import threading
from collections import deque
from enum import Enum

from edge_irdet.stream.frame import MAX_FRAMES_IN_FLIGHT, Frame

LOSSLESS_CAPACITY = 4
"""Frames that wait in a lossless queue: enough to even out decoding, few enough to stay young."""

assert LOSSLESS_CAPACITY + 3 <= MAX_FRAMES_IN_FLIGHT, "one being read, one waiting to be put, one worked on"


class FramePolicy(str, Enum):
    """Which frames are worked on."""

    LATEST = "latest"
    """The newest only. For live sources: a detection of an old frame is worth less than none of it, and what
    waits grows without end. Older frames are dropped and counted."""

    LOSSLESS = "lossless"
    """Every frame, once, in order. For files: the source waits."""


class FrameQueue:
    """Bounded hand-over of frames from a source's thread to one worker.

    Args:
        policy: what to do when it is full.
    """

    def __init__(self, policy: FramePolicy) -> None:
        self.policy = policy
        self.dropped = 0
        """Frames dropped so far."""
        self._capacity = 1 if policy is FramePolicy.LATEST else LOSSLESS_CAPACITY
        self._frames: deque[Frame] = deque()
        self._finished = False
        self._cancelled = False
        self._lost_before = False
        self._changed = threading.Condition()

    def put(self, frame: Frame) -> bool:
        """Hand a frame over; waits for room if lossless. Returns False where the worker has cancelled."""
        with self._changed:
            if self.policy is FramePolicy.LATEST:
                if self._frames:
                    self._frames.popleft()
                    self.dropped += 1
                    self._lost_before = True
            else:
                while len(self._frames) >= self._capacity and not self._cancelled:
                    self._changed.wait()
            if self._cancelled:
                return False
            self._frames.append(frame)
            self._changed.notify_all()
            return True

    def get(self) -> tuple[Frame, bool] | None:
        """The next frame and whether frames were dropped before it; None once finished and empty."""
        with self._changed:
            while not self._frames and not self._finished and not self._cancelled:
                self._changed.wait()
            if not self._frames:
                return None
            frame, lost = self._frames.popleft(), self._lost_before
            self._lost_before = False
            self._changed.notify_all()
            return frame, lost

    def finish(self) -> None:
        """No more frames will be put; those that wait are still given out."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Let a waiting :meth:`put` go; frames that wait are still given out, then the end."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

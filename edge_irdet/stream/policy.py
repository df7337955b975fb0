"""What happens when frames come faster than they are worked on."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Delivery:
    """A frame with what had been lost of its source before it."""

    frame: Frame
    """Its ``discontinuity`` is set where frames were dropped since the last delivery."""

    dropped: int
    """Frames dropped before this one."""

    skipped: int
    """Frames that could not be read before this one."""


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
        self._frames: deque[tuple[Frame, int]] = deque()
        self._finished = False
        self._cancelled = False
        self._lost_before = False
        self._changed = threading.Condition()

    def put(self, frame: Frame, skipped: int = 0) -> bool:
        """Hand a frame over; waits for room if lossless.

        Args:
            frame: the frame.
            skipped: frames of its source that could not be read before it.

        Returns:
            False where the worker has cancelled.
        """
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
            self._frames.append((frame, skipped))
            self._changed.notify_all()
            return True

    def get(self) -> Delivery | None:
        """The next frame; None once finished and empty."""
        with self._changed:
            while not self._frames and not self._finished and not self._cancelled:
                self._changed.wait()
            if not self._frames:
                return None
            frame, skipped = self._frames.popleft()
            if self._lost_before and not frame.discontinuity:
                frame = replace(frame, discontinuity=True)
            self._lost_before = False
            self._changed.notify_all()
            return Delivery(frame, self.dropped, skipped)

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

"""A camera that fails at random, and an output that does; both keep a ledger of what they did."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import OutputFailedError, SourceLostError
from edge_irdet.record import Record
from edge_irdet.scene import SceneConfig, SyntheticScene
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.reconnection import ReconnectionConfig
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.sources.source import ReadTimeout, Source

RECONNECTION = ReconnectionConfig(
    stalled_after_seconds=0.2,
    lost_after_seconds=1.5,
    first_pause_seconds=0.02,
    longest_pause_seconds=0.2,
)
"""Short times, so that minutes hold many faults."""

SERIAL_BYTES = 8
"""The first pixels of a frame hold its serial number, little-endian."""

SLOW_SECONDS = 1.0

LATE = 2**63
"""Serial of a frame that a read gives after it was given up: it must never be seen again."""

SIZES = ((320, 256), (640, 512), (160, 120))

FAULTS = {
    "disconnect": 0.004,
    "corrupt": 0.02,
    "gap": 0.02,
    "stall": 0.005,
    "silence": 0.001,
    "hang": 0.003,
    "size": 0.004,
}
"""Probability of each fault, a frame."""


SCENE_FRAMES = 8


@cache
def _scene(size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    scene = SyntheticScene(SceneConfig(width=size[0], height=size[1]))
    return [scene.render(index).image.astype(np.uint8) for index in range(SCENE_FRAMES)]


@dataclass
class Ledger:
    """What a camera really did."""

    given: int = 0
    """Frames handed out; the next one's serial number."""

    sessions: int = 0
    """Openings that gave at least one frame."""

    faults: Counter[str] = field(default_factory=Counter)
    """Faults by name."""

    missed: int = 0
    """Frames that the camera made and never handed out."""

    slow: int = 0
    """Reads that took so long by themselves, on a busy machine, that they may have been given up."""


class FaultyCamera(Source):
    """Plays a synthetic scene at a fixed rate, with faults by a seeded generator.

    Args:
        name: URI.
        seed: of the faults.
        rate: frames a second.
        ledger: where it writes down what it did; shared with the sources that take its place.
    """

    usage: ClassVar[str] = "faulty camera"
    live: ClassVar[bool] = True

    def __init__(self, name: str, seed: int, rate: float, ledger: Ledger | None = None) -> None:
        super().__init__(name)
        self.ledger = ledger if ledger is not None else Ledger()
        self._seed = seed
        self._random = random.Random(seed)
        self._rate_wanted = rate
        self._size = SIZES[0]
        self._pool = ImagePool()
        self._sequence = 0
        self._gave_here = False
        self._silent_until = 0.0
        self._mark = False
        self._due = 0.0
        self._openings = 0
        for size in SIZES:
            # Rendered now: on a busy machine it takes longer than a read may, and a read that is given up
            # while it renders still uses up a serial number.
            _scene(size)

    @property
    def rate(self) -> float | None:
        """Frames a second."""
        return self._rate_wanted

    def renewed(self) -> FaultyCamera:
        """Another one over the same ledger; its faults go on differently."""
        return FaultyCamera(self.uri, self._seed + 1, self._rate_wanted, self.ledger)

    def open(self) -> None:
        """Open; now and then it is not there."""
        self._openings += 1
        self.missed = 0
        if self._openings > 1 and self._random.random() < 0.3:
            self.ledger.faults["refused"] += 1
            raise SourceLostError("the camera is not there", "wait")
        self._sequence, self._gave_here, self._mark = 0, False, False
        self._silent_until = 0.0
        self._due = time.monotonic()

    def read(self) -> Frame | None:
        """The next frame, or a fault."""
        began = time.monotonic()
        frame = self._read()
        if time.monotonic() - began > SLOW_SECONDS:
            self.ledger.slow += 1
        return frame

    def _read(self) -> Frame:
        if time.monotonic() < self._silent_until:
            time.sleep(0.05)
            raise ReadTimeout
        fault = self._next_fault()
        if fault:
            self.ledger.faults[fault] += 1
        if fault == "disconnect":
            raise SourceLostError("the cable was pulled", "plug it in")
        if fault == "corrupt":
            self.skips.add("torn frame")
            self._sequence += 1
            self._mark = True
        if fault == "gap":
            lost = self._random.randint(1, 9)
            self._sequence += lost
            self.missed += lost
            self.ledger.missed += lost
            self._mark = True
        if fault == "stall":
            self._silent_until = time.monotonic() + 0.4
        if fault == "silence":
            self._silent_until = time.monotonic() + 5.0
        if fault == "hang":
            time.sleep(3.0)
            # The capture check has given this read up; whatever it gives now must not reach a record.
            return self._frame(LATE)
        if fault == "size":
            self._size = self._random.choice([size for size in SIZES if size != self._size])
            self._mark = True
        if self._silent_until:
            if time.monotonic() < self._silent_until:
                raise ReadTimeout
            self._silent_until = 0.0
        self._due = max(self._due + 1 / self._rate_wanted, time.monotonic() - 0.1)
        time.sleep(max(0.0, self._due - time.monotonic()))
        frame = self._frame(self.ledger.given)
        self.ledger.given += 1
        if not self._gave_here:
            self._gave_here = True
            self.ledger.sessions += 1
        return frame

    def close(self) -> None:
        """Nothing to give back."""

    def _next_fault(self) -> str | None:
        drawn = self._random.random()
        for name, probability in FAULTS.items():
            drawn -= probability
            if drawn < 0:
                return name
        return None

    def _frame(self, serial: int) -> Frame:
        width, height = self._size
        image = self._pool.take((height, width), np.uint8)
        np.copyto(image, _scene(self._size)[serial % SCENE_FRAMES])
        image[0, :SERIAL_BYTES] = np.frombuffer(serial.to_bytes(SERIAL_BYTES, "little"), np.uint8)
        marked, self._mark = self._mark, False
        frame = Frame(
            image, self._sequence, time.monotonic_ns(), self.uri, PixelFormat.GREY, discontinuity=marked
        )
        self._sequence += 1
        return frame


@dataclass
class Seen:
    """What arrived of one source."""

    records: int = 0
    last: int = -1
    """Serial of the last frame."""
    sequence: int = -1
    size: tuple[int, int] | None = None
    interruptions: int = 0
    dropped: int = 0
    skipped: int = 0
    missed: int = 0


class WitnessSink(Sink):
    """Compares every record and frame with the ones before it; keeps the first complaints."""

    usage: ClassVar[str] = "witness"

    def __init__(self, lossless: bool) -> None:
        super().__init__("witness")
        self.lossless = lossless
        self.seen: dict[str, Seen] = {}
        self.complaints: list[str] = []

    def open(self, info: StreamInfo) -> None:
        """Nothing to get ready."""

    def write(self, frame: Frame, record: Record) -> None:
        """Look at a frame and its record."""
        seen = self.seen.setdefault(record.source, Seen())
        serial = int.from_bytes(frame.image[0, :SERIAL_BYTES].tobytes(), "little")
        if serial >= LATE:
            self._complain(record, "a frame of a read that had been given up")
            return
        if serial <= seen.last:
            self._complain(record, f"serial {serial} after {seen.last}: repeated or out of order")
        gap = serial != seen.last + 1
        if gap and self.lossless:
            self._complain(record, f"serial {serial} after {seen.last}: lost although lossless")
        size = (record.width, record.height)
        changed = seen.size is not None and size != seen.size
        back = record.interruptions != seen.interruptions
        if record.sequence <= seen.sequence:
            self._complain(record, f"sequence {record.sequence} after {seen.sequence}")
        unmarked = (gap and seen.last >= 0) or changed or back or record.skipped != seen.skipped
        if (unmarked or record.missed != seen.missed) and not record.discontinuity:
            self._complain(record, "something is missing before it, and it has no mark")
        for name in ("dropped", "skipped", "missed", "interruptions"):
            if getattr(record, name) < getattr(seen, name):
                self._complain(record, f"{name} went down")
            setattr(seen, name, getattr(record, name))
        seen.records += 1
        seen.last, seen.sequence, seen.size = serial, record.sequence, size

    def close(self) -> None:
        """Nothing to give back."""

    def _complain(self, record: Record, what: str) -> None:
        if len(self.complaints) < 20:
            self.complaints.append(f"{record.source} #{record.sequence}: {what}")


class FailingSink(Sink):
    """Fails for stretches at a time, as a disk that is full for a while, and counts it.

    Args:
        seed: of the stretches.
    """

    usage: ClassVar[str] = "failing"

    def __init__(self, seed: int) -> None:
        super().__init__("failing")
        self.failed = 0
        self._random = random.Random(seed)
        self._remaining = 0

    def open(self, info: StreamInfo) -> None:
        """Nothing to get ready."""

    def write(self, frame: Frame, record: Record) -> None:
        """Take a record or fail."""
        if not self._remaining and self._random.random() < 0.01:
            self._remaining = self._random.randint(1, 50)
        if self._remaining:
            self._remaining -= 1
            self.failed += 1
            raise OutputFailedError("no space left on device", "free some")

    def close(self) -> None:
        """Nothing to give back."""

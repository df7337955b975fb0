"""The newest frame of each source, handed from the emit thread to the server without a queue."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_irdet.record import Record
from edge_irdet.stream.frame import Frame

Image = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame that was kept; its image is good until the next one is taken from the same slot."""

    image: Image
    """[H, W] uint8 or uint16, the slot's own copy."""

    record: Record
    """Of the same frame."""

    version: int
    """Counts the frames written to the slot, from 1."""

    written_ns: int
    """When it was written, monotonic clock."""


class NewestFrame:
    """Two images: the writer fills one while the reader looks at the other.

    One thread writes, one thread reads. Neither waits longer than a copy of an image takes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: Image = np.zeros((0, 0), np.uint8)
        self._read: Image = self._written
        self._record: Record | None = None
        self._version = 0
        self._taken: Kept | None = None
        self._written_ns = 0

    def write(self, frame: Frame, record: Record) -> None:
        """Keep a copy of a frame in place of the one before."""
        image = frame.image
        with self._lock:
            if self._written.shape != image.shape or self._written.dtype != image.dtype:
                self._written = np.empty_like(image, order="C")
            np.copyto(self._written, image)
            self._record = record
            self._version += 1
            self._written_ns = time.monotonic_ns()

    def take(self) -> Kept | None:
        """The newest frame, the same as before where none came; None before the first."""
        with self._lock:
            if self._record is None:
                return None
            if self._taken is None or self._taken.version != self._version:
                self._written, self._read = self._read, self._written
                self._taken = Kept(self._read, self._record, self._version, self._written_ns)
            return self._taken


class NewestFrames:
    """One slot per source, made with the source's first frame."""

    def __init__(self) -> None:
        self._slots: dict[str, NewestFrame] = {}

    def write(self, frame: Frame, record: Record) -> None:
        """Keep a frame; called by the emit thread alone."""
        slot = self._slots.get(record.source)
        if slot is None:
            slot = self._slots[record.source] = NewestFrame()
        slot.write(frame, record)

    def slot(self, source: str) -> NewestFrame | None:
        """A source's slot, None before its first frame."""
        return self._slots.get(source)

"""Stand-ins for stream tests, each labelled as what it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.description import DetectorDescription
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OutputFailedError, SourceLostError
from edge_irdet.record import Record
from edge_irdet.scene import SceneConfig
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.sources.source import Source
from edge_irdet.stream.sources.synthetic import SyntheticSource


class BrightSpotDetector:
    """A FAKE detector for stream tests: a 3 px box around the brightest pixel, where it is above 128."""

    classes = ("target",)
    description = DetectorDescription(package="brightest-pixel", precision="none", runtime="fake")

    def session(self) -> BrightSpotDetector:
        return self

    def reset(self) -> None:
        return

    def detect(self, image: NDArray[np.generic]) -> Detections:
        row, column = np.unravel_index(int(image.argmax()), image.shape)
        if image[row, column] <= 128:
            return Detections.none()
        box = np.array([[column - 1, row - 1, column + 2, row + 2]], np.float32)
        return Detections(box, np.array([0.75], np.float32), np.zeros(1, np.int64))


class ListSource(Source):
    """Gives prepared images; an exception in the list is raised in its place."""

    usage = "list"
    live = False

    def __init__(self, items: Iterable[NDArray[np.generic] | BaseException], live: bool = False) -> None:
        super().__init__("list:")
        self.items = list(items)
        self.live = live
        self.next = 0
        self.opened = 0
        self.closed = 0

    def open(self) -> None:
        self.opened += 1
        self.next = 0

    def read(self) -> Frame | None:
        if self.next == len(self.items):
            return None
        item = self.items[self.next]
        self.next += 1
        if isinstance(item, BaseException):
            raise item
        return Frame(item, self.next - 1, 1_000_000 * self.next, self.uri, pixel_format_of(item))

    def close(self) -> None:
        self.closed += 1


def spot_image(index: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """Dark with one bright pixel at column 5 + index, row 7, and the index readable at (0, 0)."""
    image = np.full((height, width), 20, np.uint8)
    image[7, 5 + index % (width - 10)] = 250
    image[0, 0] = index % 100
    return image


Step = NDArray[np.generic] | BaseException | Callable[[], None]


class ScriptedSource(Source):
    """A FAKE camera: each opening plays the next session of a script; after the last one it has ended.

    A session is a list of images, exceptions to raise, and functions to call before the next step (to hang,
    or to count a fault); a session that is itself an exception fails to open, one that is a function runs it
    while opening.
    """

    usage = "scripted"
    live = True

    def __init__(self, sessions: Iterable[list[Step] | BaseException | Callable[[], None]]) -> None:
        super().__init__("scripted:")
        self.sessions = iter(list(sessions))
        self.opened = 0
        self.closed = threading.Event()
        self.family = [self]
        """This source and those that took its place."""
        self._steps: list[Step] | None = []
        self._sequence = 0

    def renewed(self) -> ScriptedSource:
        other = ScriptedSource([])
        other.sessions, other.family = self.sessions, self.family
        self.family.append(other)
        return other

    def open(self) -> None:
        self.opened += 1
        self.missed = 0
        session = next(self.sessions, None)
        if isinstance(session, BaseException):
            raise session
        if callable(session):
            session()
            session = []
        self._steps = session if session is None else list(session)
        self._sequence = 0

    def read(self) -> Frame | None:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, BaseException):
                raise step
            if callable(step):
                step()
                continue
            frame = Frame(step, self._sequence, time.monotonic_ns(), self.uri, pixel_format_of(step))
            self._sequence += 1
            return frame
        if self._steps is None:
            return None
        raise SourceLostError("the script's session is over", "play the next one")

    def close(self) -> None:
        self.closed.set()


class PacedSource(SyntheticSource):
    """A SYNTHETIC scene that comes in real time like a camera, can hold its frames back, and can be lost."""

    live = True

    def __init__(self, uri: str, config: SceneConfig) -> None:
        super().__init__(uri, config)
        self.giving = threading.Event()
        self.giving.set()
        self.lost: SourceLostError | None = None
        self._due = 0.0

    def renewed(self) -> PacedSource:
        return PacedSource(self.uri, self.config)

    def open(self) -> None:
        if self.lost is not None:
            raise self.lost
        super().open()

    def read(self) -> Frame | None:
        self.giving.wait(60)
        self._due = max(time.monotonic() - 0.1, self._due + 1 / self.config.rate)
        time.sleep(max(0.0, self._due - time.monotonic()))
        if self.lost is not None:
            raise self.lost
        return super().read()


class KeepingSink(Sink):
    """Keeps every record, and each frame's first pixel, which is its number in spot_image; can fail once."""

    usage = "keeping"

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__("keeping")
        self.fail_at = fail_at
        self.events: list[str] = []
        self.records: list[Record] = []
        self.first_pixels: list[int] = []

    def open(self, info: StreamInfo) -> None:
        self.events.append("open")

    def write(self, frame: Frame, record: Record) -> None:
        if record.sequence == self.fail_at:
            raise OutputFailedError("full", "free space")
        self.records.append(record)
        self.first_pixels.append(int(frame.image[0, 0]))

    def close(self) -> None:
        self.events.append("close")

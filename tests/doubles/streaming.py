"""Stand-ins for stream tests, each labelled as what it is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.sources.source import Source


class BrightSpotDetector:
    """A FAKE detector for stream tests: a 3 px box around the brightest pixel, where it is above 128."""

    classes = ("target",)

    def channel(self) -> BrightSpotDetector:
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

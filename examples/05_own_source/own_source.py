"""Frames that your own program makes or receives, as a source."""

import time

import numpy as np

from edge_irdet import Detector, Frame, Pipeline, Source, open_sink
from edge_irdet.stream.frame import PixelFormat


class MovingSpot(Source):
    """A warm spot of 3 px that crosses a noisy sky: stands for your camera's SDK."""

    usage = "moving spot"
    live = False  # True: frames come in real time, and the newest one wins

    def open(self) -> None:
        """Connect to the camera here."""
        self._noise = np.random.default_rng(0)
        self._next = 0

    def read(self) -> Frame | None:
        """The next frame, or None at the end."""
        if self._next == 50:
            return None
        image = self._noise.normal(90, 2, (256, 320))
        image[100:103, 40 + 4 * self._next : 43 + 4 * self._next] += 120
        self._next += 1
        return Frame(
            image=image.astype(np.uint8),  # a new array per frame: nobody else may write into it
            sequence=self._next - 1,
            capture_ns=time.monotonic_ns(),
            source=self.uri,
            pixel_format=PixelFormat.GREY,
        )

    def close(self) -> None:
        """Disconnect here."""


with Detector() as detector:
    Pipeline(MovingSpot("spot"), detector, [open_sink("spot.jsonl")]).run()

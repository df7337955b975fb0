"""Frames that your own program makes or receives, as a source."""

import time

import numpy as np

from edge_irdet import Detector, Frame, Pipeline, PixelFormat, Source, open_sink


class MovingSpot(Source):
    """A warm spot of 3 px that crosses a noisy sky; put your camera's SDK here."""

    usage = "moving spot"
    live = False  # True: frames come in real time, and the newest one wins

    def open(self) -> None:
        """Connect to the camera."""
        self._noise = np.random.default_rng(0)
        self._next = 0

    def read(self) -> Frame | None:
        """The next frame, or None at the end."""
        number, self._next = self._next, self._next + 1
        if number == 50:
            return None
        image = self._noise.normal(90, 2, (256, 320))
        image[100:103, 40 + 4 * number : 43 + 4 * number] += 120
        # The image is a new array per frame: nobody may change it later.
        return Frame(image.astype(np.uint8), number, time.monotonic_ns(), self.uri, PixelFormat.GREY)

    def close(self) -> None:
        """Disconnect."""


with Detector() as detector:
    pipeline = Pipeline(MovingSpot("spot"), detector, [open_sink("spot.jsonl")])
    pipeline.run()
print(f"{pipeline.summary().frames} frames, {pipeline.summary().detections} detections")

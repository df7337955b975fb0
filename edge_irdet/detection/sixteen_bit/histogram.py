"""How often each count occurs in a 16-bit frame, and the percentiles of it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

LEVELS = 1 << 16
"""Counts that 16 bits can hold."""

EXACT_IN_FLOAT = 1 << 24
"""OpenCV counts into float32, which holds every whole number up to this one."""

BLOCK = 512
"""Counts that are summed together before the running sum."""


class CountHistogram:
    """The histogram of one frame over the counts that occur in it.

    Args:
        image: [H, W] uint16, not empty.
    """

    def __init__(self, image: NDArray[np.uint16]) -> None:
        lowest, highest, _, _ = cv2.minMaxLoc(image)
        self.lowest = int(lowest)
        """Smallest count that occurs."""

        self.highest = int(highest)
        """Largest count that occurs."""

        self.pixels: NDArray[np.generic]
        """[highest - lowest + 1] pixels of each count, whole numbers."""

        bins = self.highest - self.lowest + 1
        if image.size <= EXACT_IN_FLOAT:
            # Some three times faster than numpy.bincount, which copies the frame to 64 bits first.
            counted = cv2.calcHist([image], [0], None, [bins], [self.lowest, self.highest + 1])
            self.pixels = counted.reshape(-1)
        else:
            self.pixels = np.bincount(image.reshape(-1), minlength=LEVELS)[self.lowest : self.highest + 1]
        self.size = image.size
        """Pixels of the frame."""

        # A running sum over all 65536 counts would take as long as the histogram: sums of blocks first.
        blocks = np.add.reduceat(self.pixels, np.arange(0, bins, BLOCK), dtype=np.float64)
        self._before = np.cumsum(blocks)

    def percentile(self, percentile: float) -> int:
        """Smallest count that at least ``percentile`` % of the pixels do not exceed.

        Args:
            percentile: 0..100; 0 gives the smallest count that occurs.
        """
        wanted = max(1, math.ceil(percentile / 100.0 * self.size))
        block = int(np.searchsorted(self._before, wanted))
        before = float(self._before[block - 1]) if block else 0.0
        inside = np.cumsum(self.pixels[block * BLOCK : (block + 1) * BLOCK], dtype=np.float64)
        return self.lowest + block * BLOCK + int(np.searchsorted(inside, wanted - before))

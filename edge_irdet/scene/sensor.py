"""What an uncooled camera adds to the radiance: noise, a left-over fixed pattern, replaced pixels, counts."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

COUNT_OFFSET = 6000.0
COUNTS_A_LEVEL = 16.0
FIXED_PATTERN = 1 / 3
"""Fixed pattern left after the camera's own correction, relative to the temporal noise."""

DEAD_SHARE = 2e-4
"""Share of pixels that give nothing and are replaced by the mean of their row neighbours."""

BANK_MARGIN = 61
"""How far the noise bank may be rolled."""

NOISE_STREAM = 2
"""Keeps the noise's random numbers apart from those of the background and the tracks."""


class Sensor:
    """Turns radiance in grey levels into a frame.

    The temporal noise of a frame is the sum of two views into one bank of Gaussian noise, at places that the
    frame's number chooses: fresh numbers for every pixel would take longer than all the rest. With 61^4
    combinations a repetition is not to be met with, but the noise of two frames is not strictly independent.

    Args:
        seed: of the scene.
        height: pixels.
        width: pixels.
        noise: standard deviation of the temporal noise, grey levels.
        bits: 8 or 16.
    """

    def __init__(self, seed: int, height: int, width: int, noise: float, bits: int) -> None:
        generator = np.random.default_rng((seed, NOISE_STREAM))
        self._seed, self._bits = seed, bits
        self._dtype = np.uint16 if bits == 16 else np.uint8
        shape = (height + BANK_MARGIN, width + BANK_MARGIN)
        bank = generator.standard_normal(shape, dtype=np.float32)
        # Read-out adds a little to whole rows.
        bank += 0.25 * generator.standard_normal((shape[0], 1), dtype=np.float32)
        self._bank = bank * np.float32(noise / np.sqrt(1 + 0.25**2))
        columns = generator.standard_normal((1, width), dtype=np.float32)
        pixels = generator.standard_normal((height, width), dtype=np.float32)
        self._fixed = np.asarray(noise * FIXED_PATTERN * (0.5 * columns + 0.85 * pixels), np.float32)
        self._noise = np.empty((height, width), np.float32)
        dead = generator.choice(height * width, max(1, int(DEAD_SHARE * height * width)), replace=False)
        rows, columns_dead = np.divmod(dead, width)
        inner = (columns_dead > 0) & (columns_dead < width - 1)
        self._dead = rows[inner], columns_dead[inner]

    def expose(
        self, radiance: NDArray[np.float32], index: int, out: NDArray[Any] | None
    ) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Add the noise of frame ``index`` and quantise.

        Args:
            radiance: [H, W] grey levels; changed.
            index: of the frame.
            out: [H, W] of the sensor's dtype to write into, or None for a new array.
        """
        height, width = radiance.shape
        if out is None:
            out = np.empty((height, width), self._dtype)
        generator = np.random.default_rng((self._seed, NOISE_STREAM, index))
        y1, x1, y2, x2 = generator.integers(0, BANK_MARGIN, 4).tolist()
        first = self._bank[y1 : y1 + height, x1 : x1 + width]
        second = self._bank[y2 : y2 + height, x2 : x2 + width]
        cv2.addWeighted(first, 0.8, second, 0.6, 0.0, dst=self._noise)
        cv2.add(radiance, self._fixed, dst=radiance)
        if self._bits == 16:
            scale, offset, depth = COUNTS_A_LEVEL, COUNT_OFFSET, cv2.CV_16U
        else:
            scale, offset, depth = 1.0, 0.0, cv2.CV_8U
        cv2.addWeighted(radiance, scale, self._noise, scale, offset, dst=out, dtype=depth)
        rows, columns = self._dead
        left, right = out[rows, columns - 1].astype(np.uint32), out[rows, columns + 1].astype(np.uint32)
        out[rows, columns] = (left + right + 1) // 2
        return out

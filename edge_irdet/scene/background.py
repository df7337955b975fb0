"""What every background is, and the sky they share."""

from __future__ import annotations

import math
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.scene.camera import SWAY
from edge_irdet.scene.fields import fractal_field, smooth_step, warped

BORDER = math.ceil(SWAY) + 3
"""Pixels that a background reaches beyond the frame on each side: the sway, and the interpolation's taps."""

LOCAL_WINDOW = 21
"""Side of the square in which clutter around a target is measured, pixels."""

BACKGROUND_STREAM = 1
"""Keeps the background's random numbers apart from those of the noise and the tracks."""


class Background(Protocol):
    """Radiance behind the targets, in grey levels, as the camera's optics deliver it."""

    lowest_flight: float
    """Share of the frame's height above which targets enter and leave."""

    overhead: bool
    """Targets enter and leave at the upper border too, not only at the sides."""

    clutter: NDArray[np.float32]
    """[H + 2 BORDER, W + 2 BORDER] local standard deviation at every place, grey levels."""

    def view(self, top: int, left: int, seconds: float, into: NDArray[np.float32]) -> None:
        """Write the part whose upper left corner is (top, left) of the background into an array."""


class StillBackground:
    """A background that does not change.

    Args:
        picture: [H + 2 BORDER, W + 2 BORDER] grey levels, sharp.
        lowest_flight: as :attr:`Background.lowest_flight`.
        overhead: as :attr:`Background.overhead`.
    """

    def __init__(self, picture: NDArray[np.float32], lowest_flight: float, overhead: bool = True) -> None:
        self.lowest_flight = lowest_flight
        self.overhead = overhead
        self._picture = through_optics(picture)
        self.clutter = local_deviation(self._picture)

    def view(self, top: int, left: int, seconds: float, into: NDArray[np.float32]) -> None:
        """Write the part whose upper left corner is (top, left) of the background into an array."""
        height, width = into.shape
        np.copyto(into, self._picture[top : top + height, left : left + width])


def through_optics(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture as the point-spread function leaves it."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.75), np.float32)


def local_deviation(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard deviation in the square around every pixel."""
    centred = picture - np.float32(picture.mean())
    mean = cv2.blur(centred, (LOCAL_WINDOW, LOCAL_WINDOW))
    square = cv2.blur(centred * centred, (LOCAL_WINDOW, LOCAL_WINDOW))
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0.0)), np.float32)


def clear_sky(
    generator: np.random.Generator, height: int, width: int, top: float, bottom: float
) -> NDArray[np.float32]:
    """Sky whose radiance rises towards the horizon, where the path through the warm air is longer."""
    down = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    across = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    haze = fractal_field(generator, height, width, 3.6, 0.8 * width, stretch=2.5)
    tilt = np.float32(generator.uniform(-6, 6))
    return np.asarray(top + (bottom - top) * down**1.6 + tilt * across + 2.0 * haze, np.float32)


def clouds(
    generator: np.random.Generator, height: int, width: int, cover: float, stretch: float, size: float
) -> NDArray[np.float32]:
    """Opacity of clouds with soft and ragged edges.

    Args:
        generator: of the random phases.
        height: pixels.
        width: pixels.
        cover: share of the sky under them, 0..1.
        stretch: length over height of the structures.
        size: of the largest, pixels.

    Returns:
        [height, width] 0 (clear) .. 1 (dense).
    """
    base = fractal_field(generator, height, width, 3.5, size, stretch)
    by_x = fractal_field(generator, height, width, 3.6, size / 2)
    by_y = fractal_field(generator, height, width, 3.6, size / 2)
    billows = warped(base, by_x, by_y, 0.06 * size)
    edge = float(np.quantile(billows, 1.0 - cover))
    softness = float(generator.uniform(0.8, 2.2))
    opacity = smooth_step(billows, edge - 0.3 * softness, edge + softness)
    texture = fractal_field(generator, height, width, 3.0, size / 3, stretch)
    return np.asarray(opacity * (0.8 + 0.15 * np.tanh(texture)), np.float32)

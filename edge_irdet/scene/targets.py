"""How a small target looks through the optics, to a fraction of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PSF_SIGMA = 0.7
"""Standard deviation of the optics' Gaussian point-spread function, pixels: about what an f/1.0 long-wave
lens leaves on 12 um pixels. The pixel's own area blurs on top of it."""

ROUNDING = 0.13
"""Blur of a target's own edges relative to its extent: bodies are round and cool towards their rims. It moves
the place of half the peak by less than a tenth of a pixel."""

_ROOT_HALF = math.sqrt(0.5)
_NORMAL = 1.0 / math.sqrt(2.0 * math.pi)
_REACH = 4.0
_GRID = 0.1


@dataclass(frozen=True, slots=True)
class Lobe:
    """A uniform rectangle of the target, blurred on both axes."""

    x: float
    """Centre, pixels from the target's centroid."""

    y: float
    """Centre, pixels from the target's centroid."""

    width: float
    """Pixels before blurring."""

    height: float
    """Pixels before blurring."""

    strength: float
    """Radiance relative to the other lobes."""


class TargetShape:
    """A body with a hotter part in it, as engines and motors make one.

    Args:
        length: of the body along x, pixels.
        height: of the body, pixels.
        core: place of the hot part, -1 (left end) .. 1 (right end).
        core_strength: radiance that it adds, relative to the body.
    """

    def __init__(self, length: float, height: float, core: float, core_strength: float) -> None:
        body_flux, core_size = length * height, (length * 0.35, height * 0.6)
        core_flux = core_strength * core_size[0] * core_size[1]
        core_x = core * (length - core_size[0]) / 2
        centroid_x = core_flux * core_x / (body_flux + core_flux)
        self.lobes = (
            Lobe(-centroid_x, 0.0, length, height, 1.0),
            Lobe(core_x - centroid_x, 0.0, *core_size, core_strength),
        )
        largest = max(length, height)
        self.reach = math.ceil(largest / 2 + abs(centroid_x) + _REACH * _blur(largest)) + 1
        self._measure()

    def _measure(self) -> None:
        steps = int(2 * self.reach / _GRID) + 1
        places = (np.arange(steps) - steps // 2) * _GRID
        total = np.zeros((steps, steps))
        for lobe in self.lobes:
            # A pixel centred at p takes in p - 1/2 .. p + 1/2.
            across = [_pixel_share(p - 0.5 - lobe.x, lobe.width) for p in places.tolist()]
            down = [_pixel_share(p - 0.5 - lobe.y, lobe.height) for p in places.tolist()]
            total += lobe.strength * np.outer(down, across)
        self.peak = float(total.max())
        bright = total >= 0.5 * self.peak
        columns, rows = places[bright.any(0)], places[bright.any(1)]
        half = _GRID / 2
        self.extent = (
            float(columns[0]) - half,
            float(rows[0]) - half,
            float(columns[-1]) + half,
            float(rows[-1]) + half,
        )
        """Left, top, right, bottom from the centroid, where the blurred target is at least half its peak."""

    def box(self, x: float, y: float) -> tuple[float, float, float, float]:
        """Left, top, right, bottom with the centroid at (x, y)."""
        left, top, right, bottom = self.extent
        return x + left, y + top, x + right, y + bottom

    def add_to(self, image: NDArray[np.float32], x: float, y: float, amplitude: float) -> None:
        """Add the target to an image.

        Each pixel takes the light that falls on its own area, so the flux is the same at every sub-pixel
        place (away from the border).

        Args:
            image: [H, W], changed.
            x: centroid, continuous pixels.
            y: centroid, continuous pixels.
            amplitude: what a pixel centred on the brightest place takes.
        """
        height, width = image.shape
        first_x, last_x = max(0, math.floor(x) - self.reach), min(width, math.floor(x) + self.reach + 1)
        first_y, last_y = max(0, math.floor(y) - self.reach), min(height, math.floor(y) + self.reach + 1)
        if first_x >= last_x or first_y >= last_y:
            return
        part = image[first_y:last_y, first_x:last_x]
        for lobe in self.lobes:
            across = [_pixel_share(i - x - lobe.x, lobe.width) for i in range(first_x, last_x)]
            down = [_pixel_share(i - y - lobe.y, lobe.height) for i in range(first_y, last_y)]
            scale = amplitude * lobe.strength / self.peak
            part += np.outer(np.asarray(down, np.float32) * np.float32(scale), np.asarray(across, np.float32))


def _blur(extent: float) -> float:
    """Standard deviation of optics and rounding together, pixels."""
    return math.hypot(PSF_SIGMA, ROUNDING * extent)


def _pixel_share(left: float, extent: float) -> float:
    """Integral over ``left .. left + 1`` of a unit-high box of width ``extent`` at 0, blurred."""
    half, sigma = extent / 2, _blur(extent)
    return sigma * (
        _integral((left + 1 + half) / sigma)
        - _integral((left + half) / sigma)
        - _integral((left + 1 - half) / sigma)
        + _integral((left - half) / sigma)
    )


def _integral(z: float) -> float:
    """Antiderivative of the standard normal distribution function."""
    return z * 0.5 * (1.0 + math.erf(z * _ROOT_HALF)) + _NORMAL * math.exp(-0.5 * z * z)

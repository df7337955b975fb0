"""Backgrounds: fractal clouds, a sea in perspective, a skyline. All in grey levels, float32."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.scene.config import Clutter

Plane = NDArray[np.float32]

HORIZON = 0.4
"""Height of the sea's horizon as a share of the frame, from the top."""

OPTICS_BLUR = 0.7
"""Standard deviation of the optics' point spread function, pixels."""


def make_background(clutter: Clutter, width: int, height: int, generator: np.random.Generator) -> Plane:
    """The still part of a background, [height, width]."""
    makers = {Clutter.CLOUD: _clouds, Clutter.SEA: _sea_and_sky, Clutter.URBAN: _skyline}
    return cv2.GaussianBlur(makers[clutter](width, height, generator), (0, 0), OPTICS_BLUR).astype(np.float32)


def make_waves(
    clutter: Clutter, width: int, height: int, generator: np.random.Generator
) -> tuple[Plane, Plane] | None:
    """Two independent wave patterns of the sea; ``cos(a) * first + sin(a) * second`` rolls with the angle a.

    None where the clutter has no waves.
    """
    if clutter is not Clutter.SEA:
        return None
    first, second = (_waves(width, height, generator) for _ in range(2))
    return first, second


def fractal(width: int, height: int, slope: float, generator: np.random.Generator) -> Plane:
    """Noise whose amplitude spectrum falls as ``frequency ** -slope``: zero mean, unit deviation.

    Natural clutter has slopes from 1 (rough) to 2 (smooth clouds).
    """
    white = generator.standard_normal((height, width), dtype=np.float32)
    rows = np.fft.fftfreq(height)[:, None]
    columns = np.fft.rfftfreq(width)[None]
    frequency = np.sqrt(rows * rows + columns * columns)
    frequency[0, 0] = np.inf
    shaped = np.fft.irfft2(np.fft.rfft2(white) * frequency**-slope, s=(height, width))
    shaped -= shaped.mean()
    return np.asarray(shaped / (shaped.std() + 1e-12), np.float32)


def _sky(width: int, height: int, generator: np.random.Generator, top: float, bottom: float) -> Plane:
    # Air near the horizon is warmer along the longer path.
    rise = np.linspace(0, 1, height, dtype=np.float32)[:, None] ** 1.5
    return np.asarray(top + (bottom - top) * rise + 1.5 * fractal(width, height, 1.6, generator), np.float32)


def _clouds(width: int, height: int, generator: np.random.Generator) -> Plane:
    sky = _sky(width, height, generator, 55.0, 80.0)
    shape = fractal(width, height, 1.7, generator)
    cover = np.clip((shape + 0.1) / 1.6, 0, 1)
    cover = cover * cover * (3 - 2 * cover)
    inside = 78.0 + 16.0 * fractal(width, height, 1.35, generator)
    return np.asarray(sky + cover * np.clip(inside, 30, 130), np.float32)


def _sea_and_sky(width: int, height: int, generator: np.random.Generator) -> Plane:
    horizon = round(HORIZON * height)
    plane = _sky(width, height, generator, 60.0, 95.0)
    thin = np.clip(fractal(width, height, 1.8, generator), 0, 3) * 7.0
    plane[:horizon] += thin[:horizon]
    depth = np.linspace(0, 1, height - horizon, dtype=np.float32)[:, None]
    plane[horizon:] = 82.0 - 14.0 * depth + 2.0 * fractal(width, height - horizon, 1.4, generator)
    return plane


def _waves(width: int, height: int, generator: np.random.Generator) -> Plane:
    # A flat sea seen at a grazing angle: rows below the horizon lie ever closer, so waves grow towards us.
    horizon = round(HORIZON * height)
    ground = fractal(512, 512, 1.0, generator)
    below = np.arange(1, height - horizon + 1, dtype=np.float32)[:, None]
    nearness = below / below[-1]
    across = (np.arange(width, dtype=np.float32)[None] - width / 2) * (0.9 / (nearness + 0.12))
    along = 260.0 / (nearness + 0.08) + 0.0 * across
    seen = cv2.remap(
        ground,
        np.asarray(across % 511, np.float32),
        np.asarray(along % 511, np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    waves = np.zeros((height, width), np.float32)
    waves[horizon:] = seen * (2.0 + 7.0 * nearness)
    return cv2.GaussianBlur(waves, (0, 0), OPTICS_BLUR).astype(np.float32)


def _skyline(width: int, height: int, generator: np.random.Generator) -> Plane:
    plane = _sky(width, height, generator, 50.0, 85.0)
    left = 0
    while left < width:
        building = int(generator.integers(18, 60))
        if generator.random() < 0.7:
            top = int(height * generator.uniform(0.45, 0.72))
            _building(plane, left, min(width, left + building), top, generator)
        left += building + int(generator.integers(0, 25))
    profile = fractal(width, 4, 1.2, generator)[0]
    tops = (height * 0.76 + height * 0.035 * profile).astype(int)
    leaves = 92.0 + 17.0 * fractal(width, height, 0.9, generator)
    trees = np.arange(height)[:, None] >= tops[None]
    plane[trees] = leaves[trees]
    return plane


def _building(plane: Plane, left: int, right: int, top: int, generator: np.random.Generator) -> None:
    wall = generator.uniform(85, 125)
    plane[top:, left:right] = wall
    plane[top : top + 2, left:right] = wall + generator.uniform(10, 35)
    step_x, step_y = int(generator.integers(6, 10)), int(generator.integers(7, 11))
    for row in range(top + 6, plane.shape[0] - 4, step_y):
        for column in range(left + 3, right - 4, step_x):
            warmth = 30.0 if generator.random() < 0.25 else -8.0
            plane[row : row + 3, column : column + 3] = wall + warmth

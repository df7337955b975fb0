"""A sea that moves, under a sky."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.scene.background import BORDER, clear_sky, clouds, local_deviation, through_optics
from edge_irdet.scene.fields import wave_field

TILE = 512
EYE_HEIGHT = 6.0
"""Of the camera above the water in units of a tile pixel: sets how many waves lie between here and the
horizon."""


class SeaBackground:
    """Waves in perspective with glint, from two seamless wave fields that run across each other.

    Each field moves as a whole, which leaves out dispersion (long waves being faster); the sum of two that
    cross changes shape all the time, as a sea does.

    Args:
        generator: of the random choices.
        height: of the frame, pixels.
        width: of the frame, pixels.
    """

    lowest_flight = 0.8
    overhead = True

    def __init__(self, generator: np.random.Generator, height: int, width: int) -> None:
        rows, columns = height + 2 * BORDER, width + 2 * BORDER
        self._horizon = int(rows * float(generator.uniform(0.36, 0.5)))
        level = float(generator.uniform(70, 95))
        sky = clear_sky(generator, rows, columns, level - 25, level + 45)
        sky += 22 * clouds(generator, rows, columns, float(generator.uniform(0.2, 0.5)), 4.0, 0.6 * width)
        # Towards the horizon the water mirrors warm low sky, near by it shows its own, colder, surface.
        depth = np.clip((np.arange(rows) - self._horizon) / (rows - self._horizon), 0, 1)
        water = (level + 22 - 30 * depth**0.35)[:, None].astype(np.float32)
        still = np.where(np.arange(rows)[:, None] < self._horizon, sky, water)
        self._still = through_optics(np.asarray(still, np.float32))
        wind = float(generator.uniform(0, math.pi))
        self._tiles = (
            wave_field(generator, TILE, 40.0, wind),
            wave_field(generator, TILE, 17.0, wind + float(generator.uniform(0.5, 1.1))),
        )
        speeds = generator.uniform(14.0, 24.0, 2)
        self._velocities = (
            (float(speeds[0]) * math.cos(wind), float(speeds[0]) * math.sin(wind)),
            (-float(speeds[1]) * math.cos(wind + 0.8), float(speeds[1]) * math.sin(wind + 0.8)),
        )
        self._maps(rows, columns, generator)
        sample = np.empty((rows, columns), np.float32)
        self.view(0, 0, 0.0, sample)
        self.clutter = local_deviation(sample)

    def view(self, top: int, left: int, seconds: float, into: NDArray[np.float32]) -> None:
        """Write the part whose upper left corner is (top, left) of the background into an array."""
        height, width = into.shape
        np.copyto(into, self._still[top : top + height, left : left + width])
        first = max(top, self._horizon)
        rows = slice(first - self._horizon, top + height - self._horizon)
        columns = slice(left, left + width)
        water = into[first - top :]
        waves = self._waves[: water.shape[0], :width]
        other = self._other[: water.shape[0], :width]
        self._look_up(0, rows, columns, seconds, waves)
        self._look_up(1, rows, columns, seconds, other)
        cv2.addWeighted(waves, 0.75, other, 0.65, 0.0, dst=waves)
        # Slopes that face the glitter path's source mirror it: the tail of the waves' distribution.
        np.subtract(waves, np.float32(1.25), out=other)
        np.maximum(other, np.float32(0.0), out=other)
        cv2.multiply(other, self._glitter[rows, columns], dst=other)
        cv2.multiply(waves, self._contrast[rows, columns], dst=waves)
        cv2.add(water, waves, dst=water)
        cv2.add(water, other, dst=water)

    def _maps(self, rows: int, columns: int, generator: np.random.Generator) -> None:
        below = np.arange(1, rows - self._horizon + 1, dtype=np.float32)[:, None]
        distance = EYE_HEIGHT * rows / (below + 3.0)
        across = np.arange(columns, dtype=np.float32)[None, :] - columns / 2
        self._rows_map = np.ascontiguousarray(np.broadcast_to(distance * 9.0, (len(below), columns)))
        self._columns_map = np.asarray(across * distance / (0.16 * rows), np.float32)
        # Far waves are smaller than a pixel and average out.
        fade = (below / (below + 0.10 * rows)) ** 1.2
        self._contrast = np.ascontiguousarray(
            np.broadcast_to(float(generator.uniform(7, 12)) * fade, (len(below), columns)), np.float32
        )
        centre = float(generator.uniform(-0.3, 0.3)) * columns
        spread = (0.06 + 0.16 * below / rows) * columns
        path = np.exp(-0.5 * ((across - centre) / spread) ** 2)
        strength = float(generator.uniform(45, 90))
        self._glitter = np.asarray(strength * (0.06 + path) * (0.15 + fade), np.float32)
        shape = (len(below), columns)
        self._waves, self._other = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self._map_x, self._map_y = np.empty(shape, np.float32), np.empty(shape, np.float32)

    def _look_up(
        self, layer: int, rows: slice, columns: slice, seconds: float, into: NDArray[np.float32]
    ) -> None:
        height, width = into.shape
        map_x, map_y = self._map_x[:height, :width], self._map_y[:height, :width]
        speed_x, speed_y = self._velocities[layer]
        # The modulo keeps the places small however long the scene runs.
        np.add(self._columns_map[rows, columns], np.float32(math.fmod(speed_x * seconds, TILE)), out=map_x)
        np.add(self._rows_map[rows, columns], np.float32(math.fmod(speed_y * seconds, TILE)), out=map_y)
        cv2.remap(self._tiles[layer], map_x, map_y, cv2.INTER_LINEAR, dst=into, borderMode=cv2.BORDER_WRAP)

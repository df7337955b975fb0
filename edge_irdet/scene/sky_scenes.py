"""Backgrounds of sky: clouds alone, and clouds over a town."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.scene.background import BORDER, StillBackground, clear_sky, clouds
from edge_irdet.scene.fields import fractal_field


def cloud_background(generator: np.random.Generator, height: int, width: int) -> StillBackground:
    """Sky with two layers of clouds."""
    rows, columns = height + 2 * BORDER, width + 2 * BORDER
    top = float(generator.uniform(35, 70))
    picture = clear_sky(generator, rows, columns, top, top + float(generator.uniform(15, 40)))
    size = float(generator.uniform(0.5, 0.9)) * max(height, width)
    high = clouds(generator, rows, columns, float(generator.uniform(0.3, 0.6)), 3.0, size)
    low = clouds(generator, rows, columns, float(generator.uniform(0.2, 0.5)), 1.5, 0.7 * size)
    picture += float(generator.uniform(8, 22)) * high
    # A dense cloud hides what is behind it and radiates at its base's temperature.
    warm = top + float(generator.uniform(45, 100))
    picture += low * (warm - picture)
    return StillBackground(picture, 1.0)


def urban_background(generator: np.random.Generator, height: int, width: int) -> StillBackground:
    """A tree line and buildings under the sky, with the dark halo that a camera's local contrast
    enhancement puts along a bright skyline."""
    rows, columns = height + 2 * BORDER, width + 2 * BORDER
    sky_level = float(generator.uniform(55, 80))
    picture = clear_sky(generator, rows, columns, sky_level, sky_level + 12)
    picture += 11 * clouds(generator, rows, columns, float(generator.uniform(0.2, 0.5)), 2.5, 0.6 * width)
    ground = np.zeros((rows, columns), np.float32)
    covered = np.zeros((rows, columns), np.uint8)
    skyline = int(rows * float(generator.uniform(0.72, 0.8)))
    _hills(generator, ground, covered, skyline - 0.02 * rows)
    _trees(generator, ground, covered, skyline)
    _buildings(generator, ground, covered, skyline)
    _foreground(generator, ground, covered, int(rows * 0.92))
    _masts(generator, ground, covered, skyline)
    mask = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), 0.6)
    wide = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), 0.05 * height)
    picture -= 0.6 * sky_level * wide * (1 - mask)
    return StillBackground(np.asarray(picture + mask * (ground - picture), np.float32), 0.62)


def _hills(
    generator: np.random.Generator,
    ground: NDArray[np.float32],
    covered: NDArray[np.uint8],
    ridge: float,
) -> None:
    rows, columns = ground.shape
    line = fractal_field(generator, 1, columns, 2.6, 0.7 * columns)[0]
    surface = 120 + 8 * fractal_field(generator, rows, columns, 2.4, 60, stretch=3)
    _fill_below(ground, covered, ridge - 0.015 * rows * (1 + line), surface)


def _trees(
    generator: np.random.Generator,
    ground: NDArray[np.float32],
    covered: NDArray[np.uint8],
    foot: int,
) -> None:
    rows, columns = ground.shape
    tops = np.zeros(columns)
    place, across = 0.0, np.arange(columns)
    while place < columns:
        half = float(generator.uniform(0.015, 0.04)) * rows
        tall = float(generator.uniform(0.05, 0.11)) * rows if generator.random() < 0.85 else 0.0
        crown = np.sqrt(np.clip(1 - ((across - place) / half) ** 2, 0, None))
        tops = np.maximum(tops, tall * crown**0.7)
        place += half * float(generator.uniform(0.8, 1.7))
    ragged = 0.012 * rows * fractal_field(generator, 1, columns, 1.2, 20)[0] * (tops > 1)
    leaves = fractal_field(generator, rows, columns, 2.1, 0.06 * rows, stretch=0.5)
    stems = fractal_field(generator, 1, columns, 1.0, 12)
    surface = 170 + 20 * leaves + 12 * stems
    _fill_below(ground, covered, foot - tops - ragged, np.asarray(surface, np.float32))


def _buildings(
    generator: np.random.Generator,
    ground: NDArray[np.float32],
    covered: NDArray[np.uint8],
    foot: int,
) -> None:
    rows, columns = ground.shape
    place = int(generator.uniform(0, 0.2) * columns)
    while place < columns:
        wide = int(generator.uniform(0.09, 0.22) * columns)
        tall = int(generator.uniform(0.06, 0.2) * rows)
        _building(generator, ground, covered, (place, foot - tall, wide, rows - foot + tall))
        place += wide + int(generator.uniform(0.02, 0.3) * columns)


def _building(
    generator: np.random.Generator,
    ground: NDArray[np.float32],
    covered: NDArray[np.uint8],
    place: tuple[int, int, int, int],
) -> None:
    left, top, wide, tall = place
    columns = ground.shape[1]
    right, bottom = min(left + wide, columns), top + tall
    wall = float(generator.uniform(95, 150))
    part = ground[top:bottom, left:right]
    part[...] = wall + 2.5 * fractal_field(generator, part.shape[0], part.shape[1], 2.0, 30)
    part += np.linspace(8, -6, part.shape[0], dtype=np.float32)[:, None]
    covered[top:bottom, left:right] = 1
    roof = max(2, wide // 40)
    if generator.random() < 0.5:
        # A pitched roof; a metal one mirrors the cold sky, a tiled one is warm.
        rise = int(wide * float(generator.uniform(0.12, 0.28)))
        corners = np.array(
            [[left - 2, top], [left + wide // 2, top - rise], [left + wide + 1, top]], np.int32
        )
        level = wall - 45 if generator.random() < 0.4 else wall + 25
        cv2.fillPoly(ground, [corners], level)
        cv2.fillPoly(covered, [corners], 1)
    else:
        cv2.rectangle(ground, (left, top), (right - 1, top + roof - 1), wall + 35, -1)
        for _ in range(int(generator.integers(0, 4))):
            _roof_outlet(generator, ground, covered, left, right, top)
    _windows(generator, part, wall, roof)


def _roof_outlet(
    generator: np.random.Generator,
    ground: NDArray[np.float32],
    covered: NDArray[np.uint8],
    left: int,
    right: int,
    top: int,
) -> None:
    size = int(generator.integers(1, 5))
    x = int(generator.integers(left, max(left + 1, right - size)))
    box = (slice(max(0, top - size), top), slice(x, x + size + 1))
    ground[box] = float(generator.uniform(170, 245))
    covered[box] = 1


def _windows(generator: np.random.Generator, part: NDArray[np.float32], wall: float, roof: int) -> None:
    size = max(3, part.shape[1] // int(generator.integers(8, 16)))
    gap = max(2, size // 2)
    for y in range(roof + gap, part.shape[0] - size, size + gap):
        for x in range(gap, part.shape[1] - size, size + gap):
            # Glass mirrors the sky; a room behind an open or single pane is warm.
            level = wall + 40 if generator.random() < 0.15 else wall - float(generator.uniform(10, 30))
            part[y : y + size, x : x + max(2, 2 * size // 3)] = level


def _foreground(
    generator: np.random.Generator,
    ground: NDArray[np.float32],
    covered: NDArray[np.uint8],
    top: int,
) -> None:
    rows, columns = ground.shape
    line = fractal_field(generator, 1, columns, 2.8, columns)[0]
    surface = 105 + 14 * fractal_field(generator, rows, columns, 2.0, 40, stretch=4)
    _fill_below(ground, covered, top - 0.01 * rows * line, np.asarray(surface, np.float32))


def _masts(
    generator: np.random.Generator,
    ground: NDArray[np.float32],
    covered: NDArray[np.uint8],
    foot: int,
) -> None:
    rows, columns = ground.shape
    heads = []
    for _ in range(int(generator.integers(1, 4))):
        x = int(generator.uniform(0.05, 0.95) * columns)
        head = foot - int(generator.uniform(0.1, 0.24) * rows)
        cv2.line(ground, (x, head), (x, foot), float(generator.uniform(140, 185)), 1)
        cv2.line(covered, (x, head), (x, foot), 1, 1)
        if generator.random() < 0.5:
            cv2.circle(ground, (x, head), 1, float(generator.uniform(200, 250)), -1)
            cv2.circle(covered, (x, head), 1, 1, -1)
        heads.append((x, head))
    heads.sort()
    for (x1, y1), (x2, y2) in pairwise(heads):
        # The wires between the masts hang through.
        steps = np.linspace(0, 1, 24)
        sag = 0.06 * (x2 - x1) * 4 * steps * (1 - steps)
        points = np.stack((x1 + (x2 - x1) * steps, y1 + (y2 - y1) * steps + sag), -1).astype(np.int32)
        cv2.polylines(ground, [points], False, 120.0, 1)
        cv2.polylines(covered, [points], False, 1, 1)


def _fill_below(
    ground: NDArray[np.float32],
    covered: NDArray[np.uint8],
    line: NDArray[np.floating],
    surface: NDArray[np.float32],
) -> None:
    below = np.arange(ground.shape[0])[:, None] >= line[None, :]
    ground[below] = surface[below]
    covered[below] = 1

"""Which target is where, at any moment, without the moments before it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge_irdet.scene.config import SceneConfig
from edge_irdet.scene.targets import TargetShape

CROSSING_SECONDS = (5.0, 14.0)
"""Shortest and longest time in view."""

OUTSIDE = 6.0
"""Pixels beyond the border where a path begins and ends."""

TRACK_STREAM = 3
"""Keeps the tracks' random numbers apart from those of the background and the noise."""

CONTRAST_STREAM = 4
"""Keeps the random numbers of the contrasts apart from those."""


@dataclass(frozen=True, slots=True)
class Track:
    """One target on its way from border to border, in constant acceleration."""

    number: int
    """Its identity; no other target of the scene has it."""

    shape: TargetShape
    """How it looks."""

    dark: bool
    """Colder than its surroundings."""

    scr: float
    """Wanted ratio of its peak to the clutter's median standard deviation along the path."""

    contrast: float | None
    """Wanted peak over the surroundings, grey levels; None where :attr:`scr` decides."""

    entry: tuple[float, float]
    """x, y of the beginning, outside the frame."""

    exit: tuple[float, float]
    """x, y of the end, outside the frame."""

    hurry: float
    """Change of speed on the way, relative to the mean speed: -1..1."""

    bow: tuple[float, float]
    """Sideways displacement at half-time, x and y."""

    def at(self, progress: float) -> tuple[float, float]:
        """Centroid (x, y) at 0 (entry) .. 1 (exit), continuous pixels of the frame."""
        along = progress + 0.5 * self.hurry * progress * (progress - 1.0)
        side = 4.0 * progress * (1.0 - progress)
        return (
            self.entry[0] + (self.exit[0] - self.entry[0]) * along + self.bow[0] * side,
            self.entry[1] + (self.exit[1] - self.entry[1]) * along + self.bow[1] * side,
        )


class TrackSlot:
    """A place in the scene's target count: each track in it follows the one before.

    Args:
        config: of the scene.
        slot: 0 .. config.targets - 1.
        lowest: share of the frame's height above which paths begin and end.
        overhead: paths begin and end at the upper border too.
    """

    def __init__(self, config: SceneConfig, slot: int, lowest: float, overhead: bool = True) -> None:
        self._config = config
        self._slot = slot
        self._lowest = lowest
        self._sides: tuple[str, ...] = ("left", "right") if not overhead else ("top", "left", "right")
        if lowest >= 1.0:
            self._sides += ("bottom",)
        generator = np.random.default_rng((config.seed, TRACK_STREAM, slot))
        self._seconds = float(generator.uniform(*CROSSING_SECONDS))
        # At the start every target is well inside, so that the first frames show something.
        self._phase = float(generator.uniform(0.15, 0.7))
        self._current: tuple[int, Track] | None = None

    def at(self, seconds: float) -> tuple[Track, float]:
        """The track of a moment and its progress 0..1."""
        place = seconds / self._seconds + self._phase
        segment = math.floor(place)
        if self._current is None or self._current[0] != segment:
            self._current = segment, self._make(segment)
        return self._current[1], place - segment

    def _make(self, segment: int) -> Track:
        config = self._config
        generator = np.random.default_rng((config.seed, TRACK_STREAM, self._slot, segment))
        # Small targets are the point: the logarithm of the length is uniform.
        low, high = np.log(config.target_size)
        length = float(np.exp(generator.uniform(low, high)))
        height = max(min(length, 1.0), length * float(generator.uniform(0.35, 0.9)))
        shape = TargetShape(
            length, height, float(generator.uniform(-1, 1)), float(generator.uniform(0.1, 0.7))
        )
        start, end = self._ends(generator)
        across = (-(end[1] - start[1]), end[0] - start[0])
        bow = float(generator.uniform(-0.07, 0.07))
        # From a stream of its own, so that scenes without it stay as they are.
        contrast = None
        if config.contrast is not None:
            own = np.random.default_rng((config.seed, CONTRAST_STREAM, self._slot, segment))
            contrast = float(own.uniform(*config.contrast))
        return Track(
            number=segment * config.targets + self._slot,
            shape=shape,
            dark=bool(generator.random() < config.dark_share),
            scr=float(generator.uniform(*config.scr)),
            contrast=contrast,
            entry=start,
            exit=end,
            hurry=float(generator.uniform(-0.5, 0.5)),
            bow=(across[0] * bow, across[1] * bow),
        )

    def _ends(self, generator: np.random.Generator) -> tuple[tuple[float, float], tuple[float, float]]:
        width, height = self._config.width, self._config.height
        sides = self._sides
        shortest = 0.7 * min(width, height * self._lowest)
        while True:
            first, second = generator.choice(len(sides), 2, replace=False).tolist()
            start, end = self._border(generator, sides[first]), self._border(generator, sides[second])
            if math.dist(start, end) >= shortest:
                return start, end

    def _border(self, generator: np.random.Generator, side: str) -> tuple[float, float]:
        width, height = self._config.width, self._config.height
        if side in ("top", "bottom"):
            y = -OUTSIDE if side == "top" else height + OUTSIDE
            return float(generator.uniform(0.1, 0.9)) * width, y
        x = -OUTSIDE if side == "left" else width + OUTSIDE
        return x, float(generator.uniform(0.05, 0.95)) * height * self._lowest

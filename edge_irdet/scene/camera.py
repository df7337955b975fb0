"""Where the camera looks."""

from __future__ import annotations

import math

import numpy as np

SWAY = 14.0
"""Largest displacement of the view on each axis, pixels."""


class CameraSway:
    """A slow bounded wander: two sines an axis, so that any moment is known without those before it.

    Args:
        generator: of periods and phases.
        speed: root mean square speed, pixels a second; 0 holds still.
    """

    def __init__(self, generator: np.random.Generator, speed: float) -> None:
        shares = generator.uniform(0.35, 0.65, 2)
        ratios = generator.uniform(1.6, 2.9, 2)
        phases = generator.uniform(0.0, 2 * math.pi, 4)
        self._waves: list[list[tuple[float, float, float]]] = []
        for axis in range(2):
            large, small = SWAY * (1 - shares[axis]), SWAY * shares[axis]
            # The sum's rms speed on one axis is base * sqrt((large^2 + (ratio small)^2) / 2).
            base = speed / math.sqrt(large**2 + (ratios[axis] * small) ** 2)
            self._waves.append(
                [
                    (large, base, float(phases[2 * axis])),
                    (small, base * float(ratios[axis]), float(phases[2 * axis + 1])),
                ]
            )

    def at(self, seconds: float) -> tuple[float, float]:
        """Displacement (x, y) in pixels, each within ``SWAY`` of 0."""
        x, y = (
            sum(size * math.sin(rate * seconds + phase) for size, rate, phase in waves)
            for waves in self._waves
        )
        return x, y

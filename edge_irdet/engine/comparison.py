"""How far two runners' outputs are apart, where it matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIVE_SCORE = 0.01
"""Boxes that both runners score below this never become detections; their place is noise."""


@dataclass(frozen=True)
class Comparison:
    """Largest absolute differences between two runs."""

    box_pixels: float
    """Over boxes that either run scores at least :data:`LIVE_SCORE`, network pixels; 0 without any."""

    score: float
    """Over all scores."""

    saliency: float
    """Over the saliency map; 0 where the graph has none."""

    live_boxes: int
    """How many boxes ``box_pixels`` was taken over."""

    def worst_with(self, other: Comparison) -> Comparison:
        """The worse of two comparisons, difference by difference."""
        return Comparison(
            max(self.box_pixels, other.box_pixels),
            max(self.score, other.score),
            max(self.saliency, other.saliency),
            self.live_boxes + other.live_boxes,
        )


NO_DIFFERENCE = Comparison(0.0, 0.0, 0.0, 0)


def compare(
    first: Mapping[str, NDArray[np.float32]], second: Mapping[str, NDArray[np.float32]]
) -> Comparison:
    """Compare the outputs of two runners of the same graph for the same frame.

    A value that is not finite counts as an infinite difference.
    """
    scores = (first["scores"], second["scores"])
    live = np.maximum(*scores).max(-1) >= LIVE_SCORE
    live |= ~np.isfinite(scores[0]).all(-1) | ~np.isfinite(scores[1]).all(-1)
    saliency = _largest(first["saliency"], second["saliency"]) if "saliency" in first else 0.0
    return Comparison(
        box_pixels=_largest(first["boxes"][live], second["boxes"][live]),
        score=_largest(*scores),
        saliency=saliency,
        live_boxes=int(live.sum()),
    )


def _largest(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    if not first.size:
        return 0.0
    difference = np.abs(first.astype(np.float64) - second)
    return float("inf") if not np.isfinite(difference).all() else float(difference.max())

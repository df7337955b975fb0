"""Probability of detection and false-alarm rate of boxes, gathered frame by frame.

Needs NumPy and lap only, so that a stream over synthetic scenes can keep the score as it runs. The same
figures of a saliency map are in :mod:`edge_irdet.evaluation.mask_detection_probability`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import OptionError
from edge_irdet.evaluation.matching import MATCH_DISTANCE, Match, match_points


@dataclass(slots=True)
class DetectionCounts:
    """Sums over all images so far, and the rates they give."""

    images: int = 0
    """Images counted."""

    targets: int = 0
    """True targets in them."""

    detected: int = 0
    """Targets with a prediction of their own."""

    false_alarms: int = 0
    """Predictions without a target."""

    false_pixels: int = 0
    """Pixels of these predictions."""

    pixels: int = 0
    """Pixels of all images."""

    @property
    def pd(self) -> float | None:
        """Probability of detection, 0..1: detected / targets; ``None`` without any target."""
        return self.detected / self.targets if self.targets else None

    @property
    def fa(self) -> float | None:
        """False-alarm rate, 0..1: false pixels / all pixels; ``None`` before the first image."""
        return self.false_pixels / self.pixels if self.pixels else None

    @property
    def false_alarms_per_image(self) -> float | None:
        """False alarms / images; ``None`` before the first image."""
        return self.false_alarms / self.images if self.images else None

    def count(self, match: Match, false_pixels: int, pixels: int) -> None:
        """Add one image."""
        self.images += 1
        self.targets += len(match.pairs) + len(match.missed)
        self.detected += len(match.pairs)
        self.false_alarms += len(match.false_alarms)
        self.false_pixels += false_pixels
        self.pixels += pixels


class DetectionProbability:
    """Pd and Fa of detected boxes, whatever their class.

    A box detects a target when its centre lies within ``distance`` of the target's centre; matching is one to
    one and optimal (:func:`match_points`). The false pixels of an image are those covered by at least one box
    without a target: a pixel under two such boxes counts once, and one that a matched box covers as well
    still counts, because a second box on a target is a false alarm to whoever reads the detections. A box
    covers the pixels whose centre lies in it, and at least the one under its own centre; what lies outside
    the image counts nothing.

    Args:
        distance: greatest distance of the centres in pixels, inclusive.

    Raises:
        OptionError: ``distance`` is not positive and finite.
    """

    def __init__(self, distance: float = MATCH_DISTANCE) -> None:
        self._distance = checked_distance(distance)
        self._counts = DetectionCounts()
        self._covered: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)

    @property
    def counts(self) -> DetectionCounts:
        """Sums and rates over the images added so far."""
        return self._counts

    def add(
        self,
        boxes: NDArray[np.floating],
        target_centres: NDArray[np.floating],
        width: int,
        height: int,
    ) -> Match:
        """Count one image.

        Args:
            boxes: [n, 4] left, top, right, bottom of the detections that passed the score threshold, in
                continuous pixels.
            target_centres: [m, 2] x, y in the same coordinates.
            width: of the image.
            height: of the image.

        Returns:
            which detection is which target.
        """
        centres = (boxes[:, :2] + boxes[:, 2:]) * 0.5
        match = match_points(centres, target_centres, self._distance)
        false_pixels = self._covered_pixels(boxes[match.false_alarms], width, height)
        self._counts.count(match, false_pixels, width * height)
        return match

    def _covered_pixels(self, boxes: NDArray[np.floating], width: int, height: int) -> int:
        if self._covered.shape != (height, width):
            self._covered = np.zeros((height, width), np.bool_)
        rectangles = []
        for left, top, right, bottom in boxes.tolist():
            columns = _covered_range(left, right, width)
            rows = _covered_range(top, bottom, height)
            rectangles.append((slice(*rows), slice(*columns)))
        total = 0
        for rectangle in rectangles:
            part = self._covered[rectangle]
            total += part.size - int(np.count_nonzero(part))
            part[...] = True
        for rectangle in rectangles:
            self._covered[rectangle] = False
        return total


def checked_distance(distance: float) -> float:
    """Return ``distance``.

    Raises:
        OptionError: it is not positive and finite.
    """
    if not (math.isfinite(distance) and distance > 0):
        raise OptionError(
            f"the matching distance is {distance}", "choose a positive number of pixels, such as 3"
        )
    return distance


def _covered_range(low: float, high: float, size: int) -> tuple[int, int]:
    """First and one-past-last index of the pixels in ``0..size`` that the span ``low..high`` covers."""
    first, last = math.ceil(low - 0.5), math.ceil(high - 0.5)
    if first >= last:
        first = math.floor((low + high) / 2)
        last = first + 1
    first, last = max(first, 0), min(last, size)
    return first, max(first, last)

"""Choosing a score threshold by a stated rule: the highest Pd whose Fa stays within a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OptionError
from edge_irdet.evaluation.detection_probability import DetectionProbability
from edge_irdet.evaluation.matching import MATCH_DISTANCE
from edge_irdet.evaluation.truth import Truth

THRESHOLDS = tuple(round(float(step), 2) for step in np.arange(0.05, 0.96, 0.01))
"""Thresholds that are tried; finer ones would promise more than a few dozen images can say."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a detector does at one score threshold."""

    score_threshold: float
    """Detections with at least this score count."""

    pd: float
    """Probability of detection."""

    fa: float
    """Pixels of unmatched boxes / all pixels."""

    false_alarms: int
    """Unmatched boxes in all images."""


def operating_curve(
    predictions: Sequence[Detections],
    truths: Sequence[Truth],
    sizes: Sequence[tuple[int, int]],
    distance: float = MATCH_DISTANCE,
) -> list[OperatingPoint]:
    """Pd and Fa at every threshold of :data:`THRESHOLDS`, rising.

    Args:
        predictions: detections of each image down to a score below the smallest threshold.
        truths: the images' targets.
        sizes: the images' (width, height).
        distance: matching distance, pixels.

    Raises:
        OptionError: there is no target at all, so nothing can be chosen by Pd.
    """
    targets = [truth.targets()[1] for truth in truths]
    if not sum(len(centres) for centres in targets):
        raise OptionError("the images have no target, so Pd is not defined", "name images with targets")
    curve = []
    for threshold in THRESHOLDS:
        rated = DetectionProbability(distance)
        for found, centres, (width, height) in zip(predictions, targets, sizes, strict=True):
            rated.add(found.boxes[found.scores >= threshold], centres, width, height)
        counts = rated.counts
        assert counts.pd is not None
        assert counts.fa is not None
        curve.append(OperatingPoint(threshold, counts.pd, counts.fa, counts.false_alarms))
    return curve


def choose_point(curve: Sequence[OperatingPoint], max_fa: float) -> OperatingPoint:
    """The point of highest Pd with ``fa <= max_fa``; among equals the one with the highest threshold.

    Raises:
        OptionError: no threshold keeps the limit.
    """
    allowed = [point for point in curve if point.fa <= max_fa]
    if not allowed:
        least = min(curve, key=lambda point: point.fa)
        raise OptionError(
            f"no score threshold keeps Fa within {max_fa:g}; the least is {least.fa:.2e} at "
            f"{least.score_threshold}",
            f"allow more, for example --max-fa {10 * least.fa:.0e}, or train on",
        )
    return max(allowed, key=lambda point: (point.pd, point.score_threshold))

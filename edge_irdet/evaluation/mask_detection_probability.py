"""Probability of detection and false-alarm rate of saliency maps, as the segmentation papers define them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import MaskSizeError
from edge_irdet.evaluation.components import find_components
from edge_irdet.evaluation.detection_probability import DetectionCounts, checked_distance
from edge_irdet.evaluation.matching import MATCH_DISTANCE, Match, match_points


class MaskDetectionProbability:
    """Pd and Fa of predicted masks.

    Prediction and truth are divided into 8-connected components. A predicted component detects a true one
    when their centroids lie within ``distance``; matching is one to one and optimal (:func:`match_points`).
    The false pixels are all pixels of the predicted components without a target. Components are told apart by
    their identity, never by their area: code in circulation drops a false alarm that is as large as a matched
    component.

    Args:
        distance: greatest distance of the centroids in pixels, inclusive.

    Raises:
        OptionError: ``distance`` is not positive and finite.
    """

    def __init__(self, distance: float = MATCH_DISTANCE) -> None:
        self._distance = checked_distance(distance)
        self._counts = DetectionCounts()

    @property
    def counts(self) -> DetectionCounts:
        """Sums and rates over the images added so far."""
        return self._counts

    def add(
        self, predicted: NDArray[np.bool_] | NDArray[np.uint8], true: NDArray[np.bool_] | NDArray[np.uint8]
    ) -> Match:
        """Count one image.

        Args:
            predicted: [H, W], non-zero where a target is predicted.
            true: [H, W], non-zero on targets.

        Returns:
            which predicted component is which target, both in the order of :func:`find_components`.

        Raises:
            MaskSizeError: the two differ in size.
        """
        check_same_size(predicted, true)
        found = find_components(predicted)
        match = match_points(found.centroids, find_components(true).centroids, self._distance)
        self._counts.count(match, int(found.areas[match.false_alarms].sum()), true.size)
        return match


def check_same_size(
    predicted: NDArray[np.bool_] | NDArray[np.uint8], true: NDArray[np.bool_] | NDArray[np.uint8]
) -> None:
    """Check that a predicted and a true mask can be compared pixel by pixel.

    Raises:
        MaskSizeError: they differ in shape.
    """
    if predicted.shape != true.shape:
        raise MaskSizeError(
            f"the predicted mask has the shape {predicted.shape}, the true one {true.shape}",
            "bring the saliency map to the image's size before it is thresholded",
        )

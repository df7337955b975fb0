"""IoU and nIoU of predicted masks (paper, eq. 20 and 21)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_irdet.evaluation.mask_detection_probability import check_same_size


class SaliencyOverlap:
    """Overlap of predicted and true masks, gathered image by image.

    ``iou`` is one quotient over the whole data set: the sum of all intersections / the sum of all unions
    (eq. 20). ``niou`` is the mean of the quotients of the single images (eq. 21, with N the number of images
    as elsewhere in the field; the paper's text says target pixels).

    An image in which nothing is predicted and nothing is true agrees perfectly and counts 1 in ``niou``; it
    adds nothing to ``iou``. Common code adds an epsilon to the union instead and so scores such an image 0.
    """

    def __init__(self) -> None:
        self._images = 0
        self._intersection = 0
        self._union = 0
        self._sum_of_quotients = 0.0

    def add(
        self, predicted: NDArray[np.bool_] | NDArray[np.uint8], true: NDArray[np.bool_] | NDArray[np.uint8]
    ) -> float:
        """Count one image and return its IoU.

        Args:
            predicted: [H, W], non-zero where a target is predicted.
            true: [H, W], non-zero on targets.

        Raises:
            MaskSizeError: the two differ in size.
        """
        check_same_size(predicted, true)
        predicted_pixels, true_pixels = predicted != 0, true != 0
        intersection = int(np.count_nonzero(predicted_pixels & true_pixels))
        union = int(np.count_nonzero(predicted_pixels | true_pixels))
        quotient = intersection / union if union else 1.0
        self._images += 1
        self._intersection += intersection
        self._union += union
        self._sum_of_quotients += quotient
        return quotient

    @property
    def iou(self) -> float | None:
        """IoU over the data set, 0..1; 1 when all masks were empty, ``None`` before the first image."""
        if not self._images:
            return None
        return self._intersection / self._union if self._union else 1.0

    @property
    def niou(self) -> float | None:
        """Mean IoU of the images, 0..1; ``None`` before the first image."""
        return self._sum_of_quotients / self._images if self._images else None

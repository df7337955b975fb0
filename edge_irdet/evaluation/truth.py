"""What is really in an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.evaluation.components import find_components


@dataclass(frozen=True, slots=True)
class Truth:
    """The targets of one image, in continuous pixels."""

    boxes: NDArray[np.float32]
    """[n, 4] left, top, right, bottom."""

    classes: NDArray[np.int64]
    """[n] index into the data set's classes."""

    mask: NDArray[np.uint8] | None = None
    """[H, W] annotated mask, non-zero on targets; ``None`` where there are only boxes."""

    @staticmethod
    def of(sample: Sample) -> Truth:
        """The truth of a labelled image; a mask that was made from the boxes is left out."""
        annotated = sample.mask_source is MaskSource.ANNOTATED
        return Truth(sample.boxes, sample.classes, sample.mask if annotated else None)

    def targets(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Boxes [k, 4] and centres [k, 2] of the targets as Pd counts them.

        With an annotated mask these are the extents and centroids of its components, else the boxes and their
        centres.
        """
        if self.mask is not None:
            components = find_components(self.mask)
            return components.boxes, components.centroids
        centres = (self.boxes[:, :2].astype(np.float64) + self.boxes[:, 2:]) * 0.5
        return self.boxes, centres

"""Which targets can still be seen after everything that was done to a sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RING = 4
"""Pixels around a box that its target is compared with."""

LEAST_SIGNAL = 1.5
"""Least ratio of a target's mean contrast to the standard error of its surroundings."""

MEDIAN_TO_DEVIATION = 1.4826
"""Standard deviation of normally distributed values per median absolute deviation."""


def visible(
    image: NDArray[np.uint8], mask: NDArray[np.float32], boxes: NDArray[np.float32], least: float
) -> NDArray[np.bool_]:
    """Whether each target differs from its surroundings.

    Saturation and noise can hide a target; a label on nothing teaches a network to invent.

    Args:
        image: [H, W].
        mask: [H, W] saliency truth, 0..1.
        boxes: [n, 4] xyxy within the image.
        least: grey levels by which the mean of the target's pixels differs at least.

    Returns:
        [n].
    """
    height, width = image.shape
    seen = np.ones(len(boxes), np.bool_)
    for index, (left, top, right, bottom) in enumerate(boxes.tolist()):
        x, y = max(0, int(left) - RING), max(0, int(top) - RING)
        window = (
            slice(y, min(height, int(np.ceil(bottom)) + RING)),
            slice(x, min(width, int(np.ceil(right)) + RING)),
        )
        peak = float(mask[window].max())  # below 1 where a target was scaled to less than a pixel
        own, around = mask[window] > 0.5 * peak, mask[window] < 0.05
        if not own.any() or not around.any():
            continue  # nothing to compare
        grey = image[window].astype(np.float32)
        level = float(np.median(grey[around]))
        contrast = abs(float(grey[own].mean()) - level)
        deviation = MEDIAN_TO_DEVIATION * float(np.median(np.abs(grey[around] - level)))
        seen[index] = contrast >= max(least, LEAST_SIGNAL * deviation / np.sqrt(own.sum()))
    return seen


def without(
    mask: NDArray[np.float32], hidden: NDArray[np.float32], kept: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The mask less the pixels of hidden targets.

    Args:
        mask: [H, W].
        hidden: [n, 4] boxes whose pixels are cleared.
        kept: [m, 4] boxes whose pixels stay, also where both lie.
    """
    cleared = mask.copy()
    for box in hidden:
        cleared[_pixels(box)] = 0
    for box in kept:
        cleared[_pixels(box)] = mask[_pixels(box)]
    return cleared


def _pixels(box: NDArray[np.float32]) -> tuple[slice, slice]:
    # One pixel more than the box: scaling spreads a mask beyond it.
    left, top = max(0, int(box[0]) - 1), max(0, int(box[1]) - 1)
    return slice(top, int(np.ceil(box[3])) + 1), slice(left, int(np.ceil(box[2])) + 1)
